"""The software story: from the requirements to a drill.

What was written for it only gives back what it is asked, which no gate lets through; then the rules are written, and a
requirement that nobody tests is planted and mended.
"""

import contextlib
import hashlib
import json
import re
import secrets
from collections.abc import Mapping
from typing import Any

from mlscaffold.demo.door import DemoFailed
from mlscaffold.demo.environment import Extent
from mlscaffold.demo.project import NOBODY, Project
from mlscaffold.demo.telling import Telling

OPENING = (
    "Leave desk: an example, from its requirements to a drill",
    "Every line below is a command of the new repository that really ran, in a scratch folder that is removed at the "
    f"end. Signatures belong to “{NOBODY}”.",
)
NEEDS = Extent(("pytest",), 34, 75)
SETTINGS = {"DEPENDENCIES": "stand-in"}  # the directory it depends on is taken as answering
REQUIREMENTS, TEST = "plan/requirements.yaml", "tests/acceptance/test_note.py"
ASKED = 50
CAPABILITIES, SCENARIOS = "src/leave_desk/capabilities", "tests/acceptance"
# What the team writes: the rule of each capability, each a place and what is put there.
IMPORTS = "from ..contract import Outcome, Request, without\n"
GUESS = """\
# A first guess: it takes a subject and a note, until a class made of Request says what else, and its router takes that
# class; it gives what was asked, until a class made of Outcome says what its rule finds out.
"""
FOUND = """

@dataclass(frozen=True, kw_only=True)
class {name}(Outcome):
    \"\"\"{about}\"\"\"

    {field}
"""
KEPT = (
    "from dataclasses import dataclass\n\nfrom sqlalchemy.orm import Session\n\n"
    f"{IMPORTS}from ._asked import subjects\n"
)
RULES = {
    "request_leave": {
        IMPORTS: f"from dataclasses import dataclass\n\n{IMPORTS}",
        GUESS: FOUND.format(name="Requested", about="Where a request stands.", field='state: str = ""'),
        "-> Outcome:": "-> Requested:",
        """    return Outcome.of("request_leave", request, without())
""": """    return Requested.of("request_leave", request, without(), state="waits for a lead")
""",
    },
    "approve_leave": {
        IMPORTS: KEPT,
        GUESS: FOUND.format(name="Approved", about="Whether there was something to approve.", field='state: str = ""'),
        "(request: Request) -> Outcome:": "(request: Request, session: Session) -> Approved:",
        """    return Outcome.of("approve_leave", request, without())
""": """    asked = request.subject.strip() in subjects(session, "request_leave")
    return Approved.of("approve_leave", request, without(), state="approved" if asked else "nobody asked for it")
""",
    },
    "list_open_requests": {
        IMPORTS: KEPT,
        GUESS: FOUND.format(
            name="Open", about="Those that wait for a lead, newest first.", field="waiting: tuple[str, ...] = ()"
        ),
        "(request: Request) -> Outcome:": "(request: Request, session: Session) -> Open:",
        """    return Outcome.of("list_open_requests", request, without())
""": """    approved = set(subjects(session, "approve_leave"))
    waiting = [name for name in subjects(session, "request_leave") if name not in approved]
    return Open.of("list_open_requests", request, without(), waiting=tuple(waiting))
""",
    },
}
ASKED_FOR = '''"""What was asked before: known to the capabilities that look at it."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from ..tables import Record


def subjects(session: Session, capability: str) -> list[str]:
    """Of the last hundred times that a capability did its work: what it was about, newest first."""
    found = select(Record.subject).where(Record.capability == capability).order_by(Record.id.desc()).limit(100)
    return list(session.scalars(found))
'''
WAITS = "    # What its rule finds out is looked at here, once it is written: gate T3.1 waits for that.\n"
REQUESTED = """    for subject in subjects:
        product.perform("request_leave", drive.sample("request_leave", subject=subject))
"""
LOOKS = {  # what each scenario does first, and what it looks at
    "request_leave": ("", '    assert [reply.body["state"] for reply in replies] == ["waits for a lead"] * 4\n'),
    "approve_leave": (REQUESTED, '    assert [reply.body["state"] for reply in replies] == ["approved"] * 4\n'),
    "list_open_requests": (
        '    product.perform("request_leave", drive.sample("request_leave", subject="B-1"))\n',
        '    assert ["B-1" in reply.body["waiting"] for reply in replies] == [True] * 4\n',
    ),
}
PLANTED = """\
- id: "{id}"
  kind: "input"
  capability: "Request leave"
  text: "If a note is longer than 200 characters, then the service shall refuse it with a sentence that names the note."
  fit: "Every such request is refused, and nothing is kept."
  verification: "test"
  priority: "must"
  owner: "swe"
  function: "request_leave"
  scenario:
    given: "the service keeps nothing"
    when: "somebody requests leave with a note of 201 characters"
    then: "it is refused, the sentence names the note, and nothing is kept"
"""
MENDED = '''\
"""The length of a note."""

from pathlib import Path

import pytest

from planrun_software import harness

drive = harness.here(__file__)


@pytest.mark.req("{id}")
def test_an_overlong_note_is_refused(tmp_path: Path) -> None:
    # Given "the service keeps nothing"
    with drive.product(tmp_path) as product:
        # When "somebody requests leave with a note of 201 characters"
        reply = product.perform("request_leave", drive.sample("request_leave", note="a" * 201))
        kept = product.kept()

    # Then "it is refused, the sentence names the note, and nothing is kept"
    assert reply.refused
    assert "note" in str(reply.body)
    assert kept == []
'''


def tell(project: Project, telling: Telling) -> list[tuple[str, str]]:
    """The whole story; its results, a label and a sentence each.

    Raises `DemoFailed` where a command does something else than the story tells.
    """
    results: dict[str, str] = {}
    telling.chapter("Requirements")
    _requirements(project, telling, results)
    telling.chapter("Shown, not promised")
    _service(project, telling, results)
    telling.chapter("Drills")
    _drills(project, telling, results)
    return list(results.items())


def _requirements(project: Project, telling: Telling, results: dict[str, str]) -> None:
    with telling.step("status") as step:
        gates = _blocking(project)
        shut = [gate["id"] for gate in gates if not _is_open(gate)]
        step.says(f"{len(shut)} of {len(gates)} blocking gates are shut on the first day: {', '.join(shut)}")
    with telling.step("confirm --all") as step:
        project.run("confirm", "--all")
        count = len(re.findall(r"^- key:", project.folder.joinpath("plan/assumptions.yaml").read_text("utf-8"), re.M))
        step.says(f"{count} assumptions, each under a name: {NOBODY}")
    with telling.step("accept") as step:
        said = project.run("accept").said
        idle = project.evidence("acceptance")["echoes"]
        waits = _gate(project, "T3.1")
        _must(len(idle) == len(LOOKS) and waits["state"] == "blocked", "status", f"T3.1 is {waits['state']}")
        step.says(
            f"SHUT every scenario passes, and {len(idle)} capabilities only give back what they are asked: T3.1 waits "
            f"for their rules; {_last(said)}",
            "bad",
        )
    path = project.folder / REQUIREMENTS
    numbers = re.findall(r"^- id: \"?R-(\d+)", path.read_text("utf-8"), re.M)
    id = f"R-{max(map(int, numbers)) + 1:02d}"
    with telling.step("accept") as step:
        _write_the_rules(project)
        project.commit(f"Write the rules of {len(LOOKS)} capabilities, and look at what they answer")
        path.write_text(path.read_text("utf-8").rstrip("\n") + "\n" + PLANTED.format(id=id), "utf-8")
        project.commit(f"Require {id}")
        project.run("accept", ends={1})
        red = _gate(project, "T3.1")
        _must(not _is_open(red) and id in red["reason"], "status", f"T3.1 is {red['state']}: {red['reason']}")
        gap = next(row["gap"] for row in project.evidence("traceability")["rows"] if row["requirement"] == id)
        told = f"planted: requirement {id} without a test: {gap}; gate T3.1 turns red"
        step.says(f"FAIL the rules are written, and {told}", "bad")
    with telling.step("accept") as step:
        text = MENDED.format(id=id)
        project.folder.joinpath(TEST).write_text(text, "utf-8")
        project.commit(f"Show {id}")
        project.run("accept")
        green = _gate(project, "T3.1")
        _must(_is_open(green), "status", f"T3.1 is {green['state']}: {green['reason']}")
        step.says(f"PASS mended: a test asks the running service; T3.1: {green['reason']}", "good")
    rows = project.evidence("traceability")["rows"]
    traced = sum(not (row["gap"] or row["waits"]) for row in rows)
    results["requirements"] = (
        f"{len(rows)} that must hold, {traced} traced to a test that passed so far; {id} was caught"
    )


def _write_the_rules(project: Project) -> None:
    """Into the capabilities, and what each scenario looks at beside them."""
    project.folder.joinpath(CAPABILITIES, "_asked.py").write_text(ASKED_FOR, "utf-8")
    for name, (before, look) in LOOKS.items():
        _put(project, f"{CAPABILITIES}/{name}.py", RULES[name])
        _put(project, f"{SCENARIOS}/test_{name}.py", {"\n    # When": f"{before}\n    # When", WAITS: look})


def _put(project: Project, name: str, changes: Mapping[str, str]) -> None:
    """Write each text in the place of another, which has to be there."""
    path = project.folder / name
    text = path.read_text("utf-8")
    for old, new in changes.items():
        _must(old in text, "accept", f"{name} holds no {old!r}")
        text = text.replace(old, new, 1)
    path.write_text(text, "utf-8")


def _service(project: Project, telling: Telling, results: dict[str, str]) -> None:
    with telling.step("load") as step:
        project.run("load")
        found = project.evidence("load")
        step.says(
            f"PASS {found['requests']} requests, {found['per_second']:g} a second: 95 % within {found['p95_ms']:.0f} "
            f"ms, limit {found['limit_p95_ms']:.0f}; {found['failures']} failed, which rules out more than "
            f"{100 * found['failure_bound']:.2g} %",
            "good",
        )
    share, minutes = project.plan("slo.objective"), project.plan("slo.budget_minutes")
    results["objective"] = (
        f"{share:.0%} of the requests, which leaves {minutes:,.0f} minutes in 30 days; the dependencies allow "
        f"{project.plan('slo.ceiling'):.1%}"
    )
    results["load"] = (
        f"{found['planned_per_second']:g} a second were planned and asked: 95 % within {found['p95_ms']:.0f} ms, "
        f"{found['failures']} of {found['requests']} failed"
    )
    with contextlib.ExitStack() as open_:
        with telling.step("run") as step:
            token = secrets.token_hex()
            caller = f"ACCESS_TOKENS=staff={hashlib.sha256(token.encode()).hexdigest()}\n"
            project.folder.joinpath(".env").write_text(
                caller, "utf-8"
            )  # whoever asks is known, so that nobody approves
            service = open_.enter_context(project.serving("run", "--quiet", health="/readyz", module=project.package))
            service.headers["Authorization"] = f"Bearer {token}"
            for number in range(ASKED):
                service.ask("/request-leave", {"subject": f"A-{number}"})
            step.says(f"{ASKED} requests for leave over HTTP, each answered and kept")
        with telling.step("budget") as step:
            said = project.run("budget", "--metrics", f"http://127.0.0.1:{service.port}/metrics").said
            step.says(_last(said))


def _drills(project: Project, telling: Telling, results: dict[str, str]) -> None:
    with telling.step("restore-drill") as step:
        project.run("restore-drill")
        found = project.evidence("restore")
        step.says(
            f"all is lost, then {found['restored']} of {found['records']} records come back equal: "
            f"{found['seconds']:.1f} s"
        )
    results["restore"] = (
        f"{found['restored']} of {found['records']} records in {found['seconds']:.1f} s, each as it was"
    )
    with telling.step("rollback-drill") as step:
        project.run("rollback-drill")
        found = project.evidence("rollback_drill")
        step.says(
            f"back to the commit before, on the same data, and work goes on: {found['seconds']:.1f} s; "
            f"{found['limit_minutes']:g} min are allowed"
        )
    results["rollback"] = f"{found['seconds']:.1f} s; the plan allows {found['limit_minutes']:g} min"
    with telling.step("status") as step:
        gates = _blocking(project)
        shut = [gate for gate in gates if not _is_open(gate)]
        steps = " and ".join(f"{gate['id']} ({gate['next']['text']})" for gate in shut)
        opened = len(gates) - len(shut)
        step.says(f"{opened} of {len(gates)} blocking gates are open; what takes longer opens the rest: {steps}")
    results["gates"] = f"{opened} of {len(gates)} open after a minute; the rest opens by {steps}"
    project.commit("Shown and rehearsed")


# ------------------------------------------------------------------------------------------------ words and gates
def _blocking(project: Project) -> list[dict[str, Any]]:
    """The gates that block, as `status` finds them now."""
    shown = json.loads(project.run("status", "--json").printed)["gates"]
    return [gate for gate in shown if gate["blocking"]]


def _gate(project: Project, id: str) -> dict[str, Any]:
    return next(gate for gate in _blocking(project) if gate["id"] == id)


def _is_open(gate: dict[str, Any]) -> bool:
    return gate["state"] in ("pass", "warn", "waived")


def _last(said: str) -> str:
    return said.strip().splitlines()[-1]


def _must(true: bool, command: str, said: str) -> None:
    """The story goes on only where it is true."""
    if not true:
        raise DemoFailed(f"`{command}` did not do what the story tells: {said}")
