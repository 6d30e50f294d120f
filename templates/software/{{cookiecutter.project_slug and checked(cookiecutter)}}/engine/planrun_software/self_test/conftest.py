"""A small repository in which all is well, for tests to break things in.

Its requirements, pages, scenario and people are its own: whatever a team writes, the gates' own tests stay what they
are. From the sample come the plan's shape and the answers.
"""

import json
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from planrun import self_test
from planrun.gates import Row, state_of
from planrun.repository import Repo, seal
from planrun.signing import signatures

from planrun_software.drills import restore, rollback
from planrun_software.measuring.load import MEASURED
from planrun_software.traceability import marked_tests, runs
from planrun_software.traceability import requirements as requirements_module
from planrun_software.traceability.offered import SAMPLES

SAMPLE = self_test.sample()
TODAY = date.today().isoformat()
DRILL = {
    "from": "b",
    "to": "a",
    "seconds": 2,
    "same_code": False,
    "worked_before": True,
    "worked_after": True,
    "on": TODAY,
}
RESTORE = {"records": 9, "restored": 9, "differing": [], "equal": True, "works": True, "seconds": 1, "on": TODAY}
LOAD = {"p95_ms": 5, "limit_p95_ms": 300, "failures": 0, "requests": 900, "needed": 900, "verdict": "pass"}
LOAD |= {"error_rate": 0.0, "per_second": 1e9, "workers": 1}
AUDIT = {"secrets": [], "advisories": [], "unknown": [], "files": 50, "packages": 20, "on": TODAY}
BUDGET = {"total": 1000, "failed": 1, "left": 0.8, "on": TODAY}
BURN = {"multiplier": 14.4, "window_hours": 1, "short_minutes": 5, "guard": 14}
ALERT = {"burn_rate": 14.4, "long_window_hours": 1, "short_window_minutes": 5, "min_requests": 14, "owner": "Ana"}
RECORD = "docs/decisions/0001-approach.md"
RUNBOOK = "docs/04-operations.md#7-troubleshooting"
SCENARIOS = "tests/acceptance/test_scenarios.py"
REPORT = f"{SAMPLES}/report_status.py"
REQUIREMENT = {
    "id": "R-01",
    "kind": "capability",
    "capability": "Report status",
    "text": "When somebody asks, the product shall report its status.",
    "fit": "Yes or no: each question gets an answer.",
    "verification": "test",
    "priority": "must",
    "owner": "Ana",
    "function": "report_status",
    "scenario": {"given": "a product that runs", "when": "somebody asks", "then": "it reports its status"},
}
QUALITY = REQUIREMENT | {
    "id": "R-02",
    "kind": "quality",
    "verification": "demonstration",
    "evidence": "evidence/load.json",
}
REACH = REQUIREMENT | {
    "id": "R-03",
    "kind": "security",
    "verification": "inspection",
    "evidence": "docs/inspections/reach.md",
}
FILES = {
    "src/product.py": "STATUS = 'well'\n",
    SCENARIOS: 'import pytest\n\n\n@pytest.mark.req("R-01")\ndef test_status():\n    assert list("well")\n',
    REPORT: "def report_status(number):\n    return {'subject': f'A-{number}'}\n",
    requirements_module.REQUIREMENTS: json.dumps([REQUIREMENT, QUALITY, REACH]),
    "docs/00-charter.md": "# Charter\n",
    "docs/01-requirements.md": "# Requirements\n\n### Privacy and rights\n\nConsent, two years.\n\n## 6 Faults\n",
    "docs/02-iterations.md": "# Iterations\n",
    "docs/03-acceptance.md": "# Acceptance\n",
    "docs/04-operations.md": "# Operations\n\n## 7 Troubleshooting\n",
    "docs/inspections/reach.md": f"R-03: no port answers from outside.\n\nby: Ana\non: {TODAY}\nresult: pass\n",
    RECORD: (
        "---\nstatus: accepted\nadvisor: software\nrung: rules\n---\n## 5 When would ML be reconsidered?\n\n- Never.\n"
    ),
    ".github/CODEOWNERS": "* @ana\n",
    "ops/alerts.yaml": json.dumps({"alerts": [ALERT | {"runbook": RUNBOOK}]}),
    "ops/oncall.yaml": "severities: [{level: 1, first: Ana, then: Bo, channel: phone}]\n",
    "plan/assumptions.yaml": "[]\n",
    "plan/backlog.json": json.dumps([{"id": "B-1", "state": "started", "due": TODAY, "estimate_days": 0.1}]),
}
ANSWERS = {"capabilities": "Report status", "dependencies": "", "team": "po=Ana:1; swe=Ana:1; ops=Ana:1"}
ANSWERS |= {"worker_limit": "8", "start_date": TODAY, "consequence": "rights"}


class Box:
    """A repository to break things in."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, path: str, text: str) -> None:
        """A file with this text, and the folders above it."""
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text, "utf-8")

    def append(self, path: str, text: str) -> None:
        """More text at the end of a file."""
        self.write(path, (self.root / path).read_text("utf-8") + text)

    def remove(self, path: str) -> None:
        """Take a file or a whole folder away."""
        place = self.root / path
        shutil.rmtree(place) if place.is_dir() else place.unlink()

    def edit(self, path: str, pattern: str, new: str) -> None:
        """Replace every match of a pattern in a file, which has to hold one; `^` and `$` are ends of lines."""
        text, found = re.subn(pattern, lambda _: new, (self.root / path).read_text("utf-8"), flags=re.MULTILINE)
        assert found, f"{path} holds no {pattern}"
        self.write(path, text)

    def requirement(self, name: str = "R-01", /, **changes: Any) -> None:
        """Other fields for one requirement."""
        rows = requirements_module.requirements(Repo(self.root))
        self.write(
            requirements_module.REQUIREMENTS, json.dumps([row | changes if row["id"] == name else row for row in rows])
        )

    def plan(self, **changes: Any) -> None:
        """Set numbers of the plan, group__name=value, and seal the plan for its answers again."""
        plan = json.loads((self.root / "plan/plan.json").read_text("utf-8"))
        for key, value in changes.items():
            *groups, name = key.split("__")
            node = plan
            for group in groups:
                node = node.setdefault(group, {})
            whole = isinstance(value, list)
            node[name] = value if whole else {**node.get(name, {}), "value": value, "note": "It does not fit."}
        plan |= {"answers_sha256": Repo(self.root).answers_sha256}
        self.write("plan/plan.json", json.dumps(plan | {"seal": seal(plan)}))

    def answer(self, key: str, value: str) -> None:
        """Another answer to one question, with the plan sealed for it."""
        lines = (self.root / "plan/project.yaml").read_text("utf-8").splitlines()
        kept = [line for line in lines if not line.startswith(f"{key}:")]
        self.write("plan/project.yaml", "\n".join([*kept, f'{key}: "{value}"', ""]))
        self.plan()

    def evidence(self, name: str, facts: dict[str, Any], *measured: str) -> None:
        """Evidence as a command leaves it: what was found, and what files were measured."""
        Repo(self.root).write_evidence(name, facts, measured)

    def ended(self, name: str, end: str = "passed") -> None:
        """A test run in which every marked test ended so."""
        results = {test.key: end for test in marked_tests.marked_tests(self.root)}
        self.evidence(name, {"exit_code": 0, "results": results}, *runs.MEASURED)

    def git(self, *words: str) -> None:
        """Run git here. Raises `CalledProcessError` where it refuses."""
        subprocess.run(["git", *words], cwd=self.root, check=True, capture_output=True)

    def state(self, gate: str) -> Row:
        """What a gate says now."""
        return state_of(Repo(self.root), gate)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Let the self-test say how it ended, after all other plugins."""
    self_test.finish(session)


@pytest.fixture(scope="session", autouse=True)
def _git(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """git as nobody has set it up, under a name that is nobody's: no hooks, keys, templates or other places."""
    settings = tmp_path_factory.mktemp("git") / "config"
    settings.write_text("[user]\n\tname = Test Person\n\temail = test@example.org\n")
    with pytest.MonkeyPatch.context() as surroundings:
        for name in [name for name in os.environ if name.startswith("GIT_") and name != "GIT_EXEC_PATH"]:
            surroundings.delenv(name)
        surroundings.setenv("GIT_CONFIG_GLOBAL", str(settings))
        surroundings.setenv("GIT_CONFIG_NOSYSTEM", "1")
        yield


@pytest.fixture
def box(healthy: Path, tmp_path: Path) -> Box:
    """A fresh copy of the healthy repository."""
    return Box(Path(shutil.copytree(healthy, tmp_path / "repository")))


@pytest.fixture
def serve_text() -> Iterator[Callable[[str], str]]:
    """`serve_text(page)`: a URL that answers with this page, for as long as the test runs."""
    servers = []

    def serve(page: str) -> str:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.end_headers()
                self.wfile.write(page.encode())

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}/metrics"

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository in which everything has been answered, shown, rehearsed and signed."""
    box = Box(tmp_path_factory.mktemp("healthy") / "repository")
    for name in ("gates.yaml", "plan.json", "project.yaml"):
        box.write(f"plan/{name}", (SAMPLE / "plan" / name).read_text("utf-8"))
    for path, text in FILES.items():
        box.write(path, text)
    for key, value in ANSWERS.items():
        box.answer(key, value)
    box.plan(slo__objective=0.99, slo__ceiling=0.999, slo__ceiling_soft=0.999, slo__soft="", slo__burn=[BURN])
    box.plan(schedule__fits=True, people__problems=[], capacity__workers=2, capacity__load_per_second=1)
    box.plan(risks=[], assumptions=[])
    box.git("init", "-q")
    box.git("config", "user.name", "Ana")
    box.git("config", "user.email", "ana@example.org")
    box.git("add", "-A")
    box.git("commit", "-q", "-m", "All is well")
    _show_everything(box)
    signatures.sign(Repo(box.root), "T1")
    signatures.sign(Repo(box.root), "T3")
    return box.root


def _show_everything(box: Box) -> None:
    box.ended("tests")
    box.ended("acceptance")
    box.evidence("build", {"results": {"lint": "green"}}, *runs.MEASURED)
    box.evidence("load", LOAD, *MEASURED)
    box.evidence("audit", AUDIT)
    box.evidence("rollback_drill", DRILL, *rollback.MEASURED)
    box.evidence("restore", RESTORE, *restore.MEASURED)
    box.evidence("alert_test", {"status": 200, "on": TODAY}, "ops/alerts.yaml")
    box.evidence("error_budget", BUDGET)
