"""A small software repository in which all is well, for tests to break things in, and what people do to it."""

import json
import shutil
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from planrun.repository import seal
from planrun.tests.toy import Toy

from planrun_software.drills import restore, rollback
from planrun_software.drills.alert import ALERTS
from planrun_software.gates.documents import BACKLOG, RECORD
from planrun_software.measuring import load
from planrun_software.traceability import runs
from planrun_software.traceability.marked_tests import marked_tests
from planrun_software.traceability.offered import SAMPLES
from planrun_software.traceability.requirements import REQUIREMENTS, requirements

TODAY, LONG_AGO = date.today().isoformat(), (date.today() - timedelta(days=400)).isoformat()
PACKAGE = "small_desk"
ANSWERS = {
    "kind": "software",
    "project_name": "Small Desk",
    "project_slug": "small-desk",
    "rigor": "strict",
    "deliverable": "service",
    "data_class": "personal",
    "consequence": "rights",
    "capabilities": "Open file; Show file",
    "dependencies": "payments=99.5",
    "team": "po=Ana:1; swe=Ana:1; ops=Ana:1",
    "start_date": TODAY,
    "iteration_days": "10",
    "worker_limit": "8",
    "slo_percent": "99",
    "p95_ms": "300",
    "rollback_minutes": "15",
    "drill_age_days": "90",
}
BURN = {"multiplier": 14.4, "window_hours": 1, "short_minutes": 5, "guard": 14}
PLAN: dict[str, Any] = {
    "people": {"problems": []},
    "risks": [],
    "assumptions": [],
    "schedule": {"fits": True, "floor_days": 8, "phase1": {"p80_days": 9}, "p80": "2030-01-01"},
    "slo": {"objective": 0.99, "ceiling": 0.995, "ceiling_soft": 0.995, "soft": "", "burn": [BURN]},
    "capacity": {"workers": 2, "load_per_second": 10},
}
PLAN["slo"] |= {"demo_requests": 299, "demo_samples": 100, "demo_samples_p95": 59}
OPEN_FILE: dict[str, Any] = {
    "id": "R-01",
    "kind": "capability",
    "capability": "Open file",
    "text": "When somebody hands in a form, the desk shall open a file.",
    "fit": "Every form has one file.",
    "verification": "test",
    "priority": "must",
    "owner": "Ana",
    "function": "open_file",
    "scenario": {"given": "a desk", "when": "somebody hands in a form", "then": "a file is open"},
}
SHOW_FILE = OPEN_FILE | {"id": "R-02", "capability": "Show file", "function": "show_file"}
QUICK = OPEN_FILE | {
    "id": "R-03",
    "kind": "quality",
    "capability": "every capability",
    "verification": "demonstration",
    "evidence": "evidence/load.json",
}
LOCAL = QUICK | {"id": "R-04", "verification": "inspection", "evidence": "docs/inspections/local.md"}
SCENARIOS = "tests/acceptance/test_scenarios.py"
INSPECTION = f"R-04: the desk sends nothing away.\n\nby: Ana\non: {TODAY}\nresult: pass\n"


OFFERED = f"src/{PACKAGE}/capabilities"


# How a product's capabilities and samples are laid out, which only these lines know.
def offering(*names: str) -> dict[str, str]:
    """A product that offers these capabilities, as files."""
    rows = ", ".join(f"{name!r}: print" for name in names)
    own = {f"{OFFERED}/{name}.py": f"def {name}(request):\n    return request\n" for name in names}
    return {f"{OFFERED}/__init__.py": f"CAPABILITIES = {{{rows}}}\n", **own}


def samples(*names: str, subject: str = "A-") -> dict[str, str]:
    """A request that stands for each of these, as files."""
    body = f"return {{'subject': f'{subject}{{number}}'}}"
    return {f"{SAMPLES}/{name}.py": f"def {name}(number):\n    {body}\n" for name in names}


SAMPLE = next(iter(samples("open_file")))  # the file that stands for one of them
FILES = {
    **offering("open_file", "show_file"),
    **samples("open_file", "show_file"),
    SCENARIOS: (
        "import pytest\n\n\n"
        '@pytest.mark.req("R-01")\ndef test_a_form_opens_a_file(desk):\n    assert desk.opens("A-1")\n\n\n'
        '@pytest.mark.req("R-02")\ndef test_a_file_is_shown(desk):\n    assert desk.shows("A-1")\n'
    ),
    "docs/00-charter.md": "# Charter\n",
    "docs/01-requirements.md": "# Requirements\n\n### Privacy and rights\n\nConsent, two years.\n\n## 6 Faults\n",
    "docs/03-acceptance.md": "# Acceptance\n",
    "docs/04-operations.md": "# Operations\n\n## 7 When it breaks\n",
    "docs/inspections/local.md": INSPECTION,
    RECORD: (
        "---\nstatus: accepted\nadvisor: software\nrung: rules\n---\n# Rules\n\n"
        "## 5 When would ML be reconsidered?\n\n- When forms are photographs.\n\n## 6 Signed\n"
    ),
    ".github/CODEOWNERS": "* @ana\n",
    ALERTS: json.dumps(
        {
            "webhook_variable": "DESK_ALERTS",
            "alerts": [
                {
                    "burn_rate": "14.40",
                    "long_window_hours": 1,
                    "short_window_minutes": 5,
                    "min_requests": 14,
                    "owner": "Ana",
                    "runbook": "docs/04-operations.md#7-when-it-breaks",
                }
            ],
        }
    ),
    "ops/oncall.yaml": "severities: [{level: 1, first: Ana, then: Bo, channel: phone}]\n",
    "plan/gates.yaml": "blocking: []\ntitles: {}\n",
    "plan/assumptions.yaml": "[]\n",
    BACKLOG: json.dumps([{"id": "B-1", "state": "started", "due": TODAY, "estimate_days": 5}]),
    REQUIREMENTS: json.dumps([OPEN_FILE, SHOW_FILE, QUICK, LOCAL]),
}
SHOWN: dict[str, dict[str, Any]] = {
    "build": {"results": {"lint": "green", "tests": "green"}},
    "load": {
        "p95_ms": 5,
        "limit_p95_ms": 300,
        "failures": 0,
        "requests": 299,
        "needed": 299,
        "verdict": "pass",
        "error_rate": 0.0,
        "per_second": 10,
        "workers": 2,
    },
    "audit": {"secrets": [], "advisories": [], "unknown": [], "files": 50, "packages": 20, "on": TODAY},
    "rollback_drill": {
        "from": "b",
        "to": "a",
        "seconds": 2,
        "same_code": False,
        "migrations": [],
        "worked_before": True,
        "worked_after": True,
        "on": TODAY,
    },
    "restore": {
        "records": 9,
        "restored": 9,
        "differing": [],
        "equal": True,
        "works": True,
        "seconds": 1,
        "on": TODAY,
    },
    "alert_test": {"status": 200, "on": TODAY},
    "error_budget": {"total": 1000, "failed": 1, "left": 0.8, "on": TODAY},
}
MEASURED = {
    "build": runs.MEASURED,
    "load": load.MEASURED,
    "restore": restore.MEASURED,
    "rollback_drill": rollback.MEASURED,
    "alert_test": (ALERTS,),
}


class Desk(Toy):
    """The repository in `root`; what is answered or planned stays until it is answered or planned otherwise."""

    def answer(self, **changed: str) -> None:
        """Other answers, and a plan that was computed from them."""
        file = self.root / "plan/project.yaml"
        answers = (dict(self.repo.answers) if file.is_file() else ANSWERS) | changed
        self.write("plan/project.yaml", "".join(f"{key}: {json.dumps(text)}\n" for key, text in answers.items()))
        self.plan()

    def plan(self, **more: Any) -> None:
        """Other numbers of the plan, `group__name=value`, and a plan that holds them, sealed for the answers."""
        file = self.root / "plan/plan.json"
        plan = json.loads(file.read_text("utf-8")) if file.is_file() else _numbers(PLAN)
        for key, value in more.items():
            *groups, name = key.split("__")
            node = plan
            for group in groups:
                node = node[group]
            node[name] = value if isinstance(value, list) else _number(value)
        plan |= {"answers_sha256": self.repo.answers_sha256}
        self.write("plan/plan.json", json.dumps(plan | {"seal": seal(plan)}))

    def start(self) -> None:
        """A history, and all files as they are in a first commit of Ana's."""
        self.git("init", "--quiet", "--template=", "--initial-branch=main")
        self.commit()

    def append(self, path: str, text: str) -> None:
        """More at the end of a file."""
        self.write(path, (self.root / path).read_text("utf-8") + text)

    def edit(self, path: str, old: str, new: str) -> None:
        """Another text in the place of one that is there."""
        text = (self.root / path).read_text("utf-8")
        assert old in text, f"{path} holds no {old}"
        self.write(path, text.replace(old, new))

    def remove(self, path: str) -> None:
        """A file less."""
        (self.root / path).unlink()

    def offers(self, *names: str) -> None:
        """A product that offers these and no other."""
        shutil.rmtree(self.root / OFFERED, ignore_errors=True)
        for path, text in offering(*names).items():
            self.write(path, text)

    def stands_for(self, *names: str, subject: str = "A-") -> None:
        """Samples of these and of no other; none at all without a name."""
        shutil.rmtree(self.root / SAMPLES)
        if names:
            for path, text in samples(*names, subject=subject).items():
                self.write(path, text)

    def requirement(self, id: str, /, **changes: Any) -> None:
        """Other fields for one requirement; a new one where there is none of this id."""
        rows = {row["id"]: row for row in requirements(self.repo)}
        rows[id] = rows.get(id, OPEN_FILE | {"id": id}) | changes
        self.write(REQUIREMENTS, json.dumps(list(rows.values())))

    def shown(self, name: str, **changes: Any) -> None:
        """Evidence as the command would write it on today's files, with other facts where `changes` names them."""
        self.repo.write_evidence(name, SHOWN[name] | changes, MEASURED.get(name, ()))

    def ran(self, name: str, end: str = "passed", **found: Any) -> None:
        """A run of the tests as they are, in which every marked one ended so."""
        results = {test.key: end for test in marked_tests(self.root)}
        self.repo.write_evidence(name, {"exit_code": 0, "results": results} | found, runs.MEASURED)


def _number(value: Any) -> dict[str, Any]:
    return {"value": value, "unit": "", "formula": "", "inputs": {}, "provenance": "computed", "note": "It is not so."}


def _numbers(plan: Any) -> Any:
    if isinstance(plan, dict):
        return {key: _numbers(value) for key, value in plan.items()}
    return plan if isinstance(plan, list) else _number(plan)


def newborn(root: Path) -> Desk:
    """A desk with answers, a plan and pages, and no history; nothing has been run, rehearsed or signed."""
    desk = Desk(root)
    desk.answer()
    for path, text in FILES.items():
        desk.write(path, text)
    return desk
