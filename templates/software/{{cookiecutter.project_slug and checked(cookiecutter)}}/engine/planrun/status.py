"""`status`: every gate's state, and the next step."""

import json
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from planrun import git, governance, identity, junit, remark, scorecard, standing
from planrun.command import COMMAND
from planrun.files import now, read_json
from planrun.gates import OPEN, Row, evaluate
from planrun.repository import Repo
from planrun.rigor import STAGES
from planrun.steps import TEAM, told
from planrun.trouble import Outcome, Trouble, counted

# The phases by their letter and number, and those that come before each. The papers of G0, T0 and T1 hold up
# a signature and a release, not the work.
PHASES = {
    "G0": "Worth doing", "G1": "Data ready", "G2": "Experiments", "G3": "Accepted", "G4": "Released",
    "G5": "In operation", "G6": "Retrained", "T0": "Worth doing", "T1": "Requirements signed", "T2": "Iterations",
    "T3": "Accepted", "T4": "Released", "T5": "In operation",
}  # fmt: skip
AFTER = {"G2": ("G1",), "G3": ("G2",), "G4": ("G0", "G3"), "G5": ("G0", "G3"), "G6": ("G0", "G3"), "T5": ("T4",)}


def status(
    repo: Repo,
    check: bool = False,
    all: bool = False,
    as_json: bool = False,
    as_markdown: bool = False,
    as_facts: bool = False,
    as_junit: bool = False,
) -> Outcome:
    """One line a phase, then what is shut in the phase the project is in, led by the command that opens most.

    `all` shows one row a gate, `as_json` the same as data, `as_markdown` as a code host shows it beside a change,
    `as_facts` what the scorecards of a platform ask, `as_junit` the gates as the test report that hosts read;
    with `check` the exit code is the worst blocking state, and a stale page of duties counts as blocked.
    The last line says which engine tells all this, and whether it is as it was released. Nothing is written.
    """
    rows = evaluate(repo)
    states = {row.state for row in rows if row.blocking}
    duties = governance.standing(repo, rows)
    behind = duties is not None and duties["state"] != "current"
    code = 1 if "fail" in states else 2 if "blocked" in states or behind else 0
    if as_json:
        text = json.dumps(_facts(repo, rows, duties), indent=2, ensure_ascii=False)
    elif as_facts:
        text = json.dumps(scorecard.scorecard(_facts(repo, rows, duties)), indent=2, ensure_ascii=False)
    elif as_junit:
        text = junit.junit(_facts(repo, rows, duties))
    elif as_markdown:
        text = remark.markdown(_facts(repo, rows, duties))
    else:
        lines = [_table(rows) if all else _by_phase(repo, rows)]
        lines += [f"Duties: {duties['sentence']}"] if duties else []
        text = "\n".join([*lines, f"Engine: {identity.told(repo.answers['kind'])}."])
    return Outcome(text, code if check else 0)


def shut(rows: Sequence[Row], phase: str = "") -> list[Row]:
    """The blocking gates that are not open, of a phase or of all."""
    return [row for row in rows if row.blocking and row.state not in OPEN and row.id.startswith(phase)]


def phases(repo: Repo, rows: Sequence[Row]) -> dict[str, str]:
    """Each phase with its state: done, open, or not yet, while one that comes before it is not done."""
    found: dict[str, str] = {}
    for phase in STAGES[repo.answers["kind"]]:
        waits = any(found[before] != "done" for before in AFTER.get(phase, ()))
        found[phase] = "done" if not shut(rows, phase) else "not yet" if waits else "open"
    return found


def present(repo: Repo, rows: Sequence[Row]) -> str:
    """The phase the project is in: the first open one with something to type; else to wait for; else to write.

    A step that comes before every other (`first`) decides it.
    """
    opened = [phase for phase, state in phases(repo, rows).items() if state == "open"]
    for phase in opened:
        if any(told(row.next_step).get("first") for row in shut(rows, phase)):
            return phase
    for wanted in (("command",), ("who", "rows", "until"), ("text",)):
        for phase in opened:
            if any(set(wanted) & told(row.next_step).keys() for row in shut(rows, phase)):
                return phase
    return ""


def lead(rows: Sequence[Row], phase: str) -> tuple[dict[str, Any], int]:
    """The next step of a phase, and how many of its gates wait for it.

    It is the command that opens most; one that a red gate names goes before: what stands on a fault may fall with it.
    """
    waiting = shut(rows, phase)
    first = [found for row in waiting if (found := told(row.next_step)).get("first")]
    if first:
        return first[0], len(first)
    steps = [(row.state, found) for row in waiting if (found := told(row.next_step)).get("command")]
    if steps:
        red = [found for state, found in steps if state == "fail"] or [found for _, found in steps]
        command = Counter(found["command"] for found in red).most_common(1)[0][0]
        same = [found for _, found in steps if found["command"] == command]
        return same[0], len(same)
    return told(next((row.next_step for row in waiting if row.next_step), "")), 1


def next_step(repo: Repo, rows: Sequence[Row], here: str) -> tuple[dict[str, Any] | None, int]:
    """The one next step, and how many gates of the phase `here` wait for it; None where every blocking gate is open.

    A merge that is not finished goes before all: until then no command signs or measures.
    """
    if merge := repo.unresolved():
        return merge.facts, 0
    return lead(rows, here) if here else (None, 0)


def _by_phase(repo: Repo, rows: Sequence[Row]) -> str:
    """What a person reads first: at most a line a phase, the next step, and what is shut where the project is."""
    lines = []
    for phase, state in phases(repo, rows).items():
        said = f"shut {len(shut(rows, phase))}" if state == "open" else state  # a gate that passes is open, never shut
        lines.append(said.ljust(9) + f"{phase} {PHASES[phase]}")
    here = present(repo, rows)
    step, count = next_step(repo, rows, here)
    if step is None:
        return "\n".join(
            [*lines, "", f"All {sum(row.blocking for row in rows)} blocking gates are open.", *_waived(rows)]
        )
    waiting = shut(rows, here) if here else []
    wait = f"   ({count} of the {len(waiting)} shut gates of {here} wait for it)"
    opens = wait if count and len(waiting) > 1 else ""
    lines += ["", f"Next: {step['text']}{opens}", ""]
    for row in waiting:
        lines.append(f"{row.state:<8} {row.id:<7} {row.title}: {row.reason}")
        if row.next_step != step["text"]:
            lines.append(f"{'':<16} next: {row.next_step}")
    return "\n".join([*lines, *_waived(rows), "", f"Every gate, with those that advise: {COMMAND} status --all"])


def _waived(rows: Sequence[Row]) -> list[str]:
    """What is walked past, by whom and why: it is open in no other sense."""
    past = [row for row in rows if row.blocking and row.state == "waived"]
    return [f"{row.state:<8} {row.id:<7} {row.title}: {row.reason}" for row in past]


def _table(rows: Sequence[Row]) -> str:
    """One row a gate, with the next step where it is shut."""
    lines = []
    for row in rows:
        advises = "" if row.blocking else " (does not block)"
        lines.append(f"{row.state:<8} {row.id:<7} {row.title}{advises}: {row.reason}")
        if row.state not in OPEN and row.next_step:
            lines.append(f"{'':<16} next: {row.next_step}")
    blocking = [row for row in rows if row.blocking]
    lines += ["", f"{len(blocking) - len(shut(rows))} of {counted(len(blocking), 'blocking gate')} are open."]
    return "\n".join(lines)


def _facts(repo: Repo, rows: Sequence[Row], duties: dict[str, Any] | None) -> dict[str, Any]:
    """The same for a program, with how the project stands; `docs/status.md` of mlscaffold describes it field by field.

    Fields may be added under the same `schema`; one that goes or changes its meaning raises it.
    """
    here = present(repo, rows)
    today = datetime.now(UTC).date()
    facts = standing.standing(standing.Folder(repo.root), today, _week_ago(repo))
    step, _ = next_step(repo, rows, here)
    return {
        "schema": standing.SCHEMA,
        "at": now(),
        "commit": _commit(repo),
        "phases": [
            {"id": phase, "title": PHASES[phase], "state": state, "open": len(shut(rows, phase))}
            for phase, state in phases(repo, rows).items()
        ],
        "present": here,
        "next": None if step is None else step | {"owner": _owner(step, facts["owners"].get(here, ""))},
        "gates": [
            {
                "id": row.id,
                "title": row.title,
                "state": row.state,
                "reason": row.reason,
                "blocking": row.blocking,
                "next": told(row.next_step) if row.next_step else None,
            }
            for row in rows
        ],
        "engine": identity.facts(repo.answers["kind"]),
        **_template(repo),
        **({"governance": duties} if duties else {}),
        **facts,
    }


def _owner(step: dict[str, Any], of_the_phase: str) -> str:
    """Whom a next step waits for: who it names, or else whoever does most in its phase."""
    who = [name for name in step.get("who", ()) if name != TEAM]
    return ", ".join(who) or of_the_phase


def _template(repo: Repo) -> dict[str, Any]:
    """Which templates the pages are of, as mlscaffold recorded it; nothing where it recorded nothing that can be read.

    `commit` is "" where mlscaffold did not know it.
    """
    path = repo.root / ".mlscaffold" / "state.json"
    try:
        record = read_json(path) if path.is_file() else {}
    except Trouble:
        return {}
    keys = {"version": "version", "commit": "template_commit", "sha256": "template_sha256"}
    found = {name: str(record.get(key, "")) for name, key in keys.items()}
    return {"template": found} if found["version"] else {}


def _commit(repo: Repo) -> dict[str, str]:
    """The commit that is checked out, its moment and its branch; empty where there is no history."""
    sha, _, at = (git.git(repo.root, "log", "-1", "--format=%H %cI") or "").partition(" ")
    branch = git.git(repo.root, "symbolic-ref", "--quiet", "--short", "HEAD") or ""
    return {"sha": sha, "at": at, "branch": branch}


def _week_ago(repo: Repo) -> standing.Stored | None:
    """The plan as it was committed a week ago; None where history does not reach so far."""
    moment = f"{datetime.now(UTC) - standing.WEEK:%Y-%m-%dT%H:%M:%SZ}"
    commit = git.git(repo.root, "rev-list", "-1", f"--before={moment}", "HEAD")
    plan = git.git(repo.root, "show", f"{commit}:./plan/plan.json") if commit else None
    return None if plan is None else standing.Stored({"plan/plan.json": plan.encode()})
