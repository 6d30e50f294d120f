"""Gates G0 and G2: is it worth starting, with whom and by when; and do the experiments run on the locked data, say what
they changed, and give the same numbers when they are worked out again?
"""

from typing import Any

import yaml

from . import dataset, experiment, files
from .accept import wrong
from .evaluate import lock_sha
from .files import Blocked, read_json
from .gates import Repo, Result, asked_of, blocked, failed, gate, passed
from .signing import COMMAND, unconfirmed

CHARTER = "docs/00-charter.md"
DECISION = "docs/decisions/0001-ml-or-not.md"
OPEN = "[NEEDS ANSWER"
HEADINGS = (
    "Decision and users", "Today's practice", "Success at three levels", "Scope and appetite", "What you are buying",
    "People", "Milestones",
)  # fmt: skip
COSTS = ("false_alarm_cost", "miss_cost", "unit_error_cost")
ALLOWED = ("accept", "retrain", "promote")  # the commands that may read the test split
CODE_LINES = 40


def open_questions(text: str) -> int:
    """How many answers a document still waits for."""
    return text.count(OPEN)


@gate("G0.1", "Charter")
def charter(repo: Repo) -> Result:
    text = repo.text(CHARTER)
    headings = [line.lstrip("# ").partition(" ")[2] for line in text.splitlines() if line.startswith("## ")]
    missing = [heading for heading in HEADINGS if not any(found.startswith(heading) for found in headings)]
    if missing:
        return blocked(f'{CHARTER} has no section "{missing[0]}".', f"Restore it: git checkout {CHARTER}")
    if open_questions(text):
        return blocked(f"{open_questions(text)} questions are open.", f"Answer each {OPEN} …] in {CHARTER}")
    return passed("Every section is there and answered.")


@gate("G0.2", "ML or not")
def ml_or_not(repo: Repo) -> Result:
    facts = front_matter(repo.text(DECISION))
    if facts.get("choice") != facts.get("advisor"):
        reason = facts.get("override_reason", "").strip()
        if reason == "chosen on the command line":
            return blocked("Nobody has said why the advice is overruled.", f"Write override_reason in {DECISION}")
        if not reason:
            return failed(
                f'The advice was "{facts.get("advisor")}", the choice is "{facts.get("choice")}", without a reason.',
                f"Write override_reason in {DECISION}",
            )
    if not facts.get("baseline", "").strip():
        return blocked("The record names no baseline.", f"Write baseline in {DECISION}")
    if facts.get("status") != "accepted":
        return blocked(f"The decision is {facts.get('status') or 'not taken'}.", f"Set status: accepted in {DECISION}")
    return passed(f"Decided: {facts['choice']}.")


def front_matter(text: str) -> dict[str, str]:
    """The lines between the two rules that open a decision record."""
    try:
        found = yaml.load("".join(text.split("---\n", 2)[1:2]), Loader=yaml.BaseLoader)  # noqa: S506  (texts and lists)
    except yaml.YAMLError:
        return {}
    return {key: value for key, value in (found or {}).items() if isinstance(value, str)}


@gate("G0.3", "Baseline known or dated")
def baseline_known(repo: Repo) -> Result:
    entry, ends = repo.entry("acceptance.baseline"), {task["id"]: task["end"] for task in tasks(repo)}
    if entry["provenance"] in ("answered", "measured") and entry["value"] is not None:
        return passed(f"Today's practice reaches {entry['value']:.4g}.")
    if repo.evidence("baseline"):
        return passed("A rule has been measured (evidence/baseline.json).")
    if "p0b" in ends and ends["p0b"] <= ends.get("g1", ""):
        title = next(task["title"] for task in tasks(repo) if task["id"] == "p0b")
        return passed(f'"{title}" measures it by {ends["p0b"]}.')
    return blocked("Today's value is unknown, and no dated task measures it before G1.", "mlscaffold replan")


@gate("G0.4", "Roles")
def roles(repo: Repo) -> Result:
    people = repo.plan.get("people", {})
    if people.get("problems"):
        return failed(f"{people['problems'][0]}", "mlscaffold replan --set team=…")
    nameless = [role for role, names in repo.team.items() if not names]
    if "po" not in repo.team:
        return blocked("Nobody is accountable: the team has no po.", "mlscaffold replan --set team=…")
    if nameless:
        return blocked(f"Nobody is named as {', '.join(nameless)}.", "mlscaffold replan --set team=…")
    return passed("Every deliverable has one accountable person.")


@gate("G0.5", "Costs of errors")
def costs(repo: Repo) -> Result:
    assumed = [row["key"] for row in unconfirmed(repo) if row["key"] in COSTS]
    if assumed:
        return blocked(f"{', '.join(assumed)} are assumed.", f"{COMMAND} confirm {' '.join(assumed)}")
    return passed("The costs of errors are a person's word.")


@gate("G0.6", "Schedule")
def schedule(repo: Repo) -> Result:
    deadline, likely = repo.number("schedule.deadline"), repo.number("schedule.p80")
    available, floor = repo.number("schedule.available_days"), repo.number("schedule.floor_total_days")
    if available is not None and floor is not None and available < floor:
        return failed(
            "Even the optimistic path is longer than the time given.", "mlscaffold replan --set appetite_weeks=…"
        )
    if not repo.number("schedule.fits"):
        return blocked(
            f"It ends by {likely} with 80 % probability, and the deadline is {deadline}.",
            asked_of(
                ["po"],
                "Choose: less scope, a later date (appetite_weeks), or more people (team); then mlscaffold replan",
            ),
        )
    return passed(f"It ends by {likely} with 80 % probability; the deadline is {deadline}.")


def tasks(repo: Repo) -> list[dict[str, str]]:
    return list(repo.plan.get("schedule", {}).get("tasks", []))


# ---------------------------------------------------------------------------------------------------- experiments
def counted(repo: Repo) -> list[dict[str, Any]]:
    """The experiments on today's locked data. Raises `Blocked` when there is none."""
    found = experiment.counted(repo, lock_sha(repo))
    if not found:
        others = len(experiment.all_records(repo))
        said = f" ({others} are of other data and are not counted)" if others else ""
        raise Blocked(f"No experiment on the locked data{said}.", "make experiment")
    return found


@gate("G2.1", "Experiments on the locked data")
def on_locked_data(repo: Repo) -> Result:
    fitting = len(counted(repo))
    others = len(experiment.all_records(repo)) - fitting
    said = f"; {others} of other data are not counted" if others else ""
    return passed(f"{fitting} on lock {lock_sha(repo)[:12]}{said}.")


@gate("G2.2", "Complete records")
def complete(repo: Repo) -> Result:
    for record in (found := counted(repo)):
        empty = [name for name in experiment.FIELDS if name[:4] != "git_" and record.get(name) in (None, "", [], {})]
        if empty:
            return blocked(f"{record['folder']} has no {empty[0]}.", f"git checkout experiments/{record['folder']}")
        if len(record["change"]) > 1 and not record.get("ablation"):
            return failed(
                f"{record['folder']} changed {len(record['change'])} things at once: {'; '.join(record['change'])}.",
                "Run each change alone, or add `ablation` with what each one gave",
            )
    return passed(f"{len(found)} complete, one change each.")


@gate("G2.3", "Clean commits")
def clean(repo: Repo) -> Result:
    if not files.is_repository(repo.root):
        return blocked("This folder has no history.", "git init")
    for record in counted(repo):
        if not record.get("git_sha"):
            return blocked(f"{record['folder']} names no commit.", "Commit, then run it again")
        if not files.exists(repo.root, record["git_sha"]):
            return blocked(f"{record['folder']} names a commit that is not here.", "git fetch --unshallow")
        if not record.get("git_clean"):
            places = ", ".join(experiment.WATCHED)
            return failed(f"{record['folder']} ran with uncommitted changes in {places}.", "Commit, then run it again")
    return passed("Every experiment names a commit, and ran from it.")


@gate("G2.4", "Test split untouched")
def untouched(repo: Repo) -> Result:
    looks = dataset.looks(repo)  # raises where a line was rewritten, or is gone
    odd = [look for look in looks if look.get("command") not in ALLOWED]
    if odd:
        return failed(
            f"The test split was read by {odd[0].get('command') or 'nobody knows what'}.", "Take a new test set"
        )
    said = max((record.get("test_looks") or 0 for record in experiment.all_records(repo)), default=0)
    if said > len(looks):
        return failed(f"{dataset.TEST_LOG} lost lines.", f"git checkout {dataset.TEST_LOG}")
    return passed(f"{len(looks)} look(s), all by {' or '.join(ALLOWED[:2])}." if looks else "Nobody has looked.")


@gate("G2.5", "Results recompute")
def recomputes(repo: Repo) -> Result:
    found = counted(repo)
    before, baseline = None, repo.fresh("baseline", "make baseline")["predictions"]
    for record in found:
        problem = wrong(repo, record, baseline, before)
        if problem:
            return failed(f"{record['folder']}: {problem}.", "Run it again; never type a score")
        before = record if record["decision"] == "keep" else before
    return passed(f"{len(found)} recomputed from their predictions.")


@gate("G2.6", "Budget and stop rules")
def budget(repo: Repo) -> Result:
    found, most = len(experiment.all_records(repo)), repo.number("iterations.max")
    if not found:
        return blocked("No experiment yet.", "make experiment")
    rule = experiment.stop_rule(repo)
    left = (
        f"{found} experiment(s), {max(0.0, most - found):.0f} of {most:.0f} left."
        if most
        else f"{found} experiment(s)."
    )
    if rule.startswith("success") or (rule and found == most):  # the last one planned was run: accept, or decide
        return passed(f"{left} Stop rule {rule}")
    return blocked(f"Stop rule {rule}", experiment.DECIDE) if rule else passed(left)


@gate("G2.7", "Records kept")
def kept(repo: Repo) -> Result:
    if not files.is_repository(repo.root):
        return blocked("This folder has no history.", "git init")
    log = files.git(repo.root, "log", "--relative", "--diff-filter=DM", "--name-only", "--format=", "--", "experiments/[0-9]*")
    touched = [line for line in (log or "").splitlines() if line.endswith("record.yaml") and "0000-" not in line]
    if touched:
        return failed(f"{touched[0]} was rewritten or deleted after it was committed.", "Restore it from git's history")
    return passed("No record was rewritten or deleted.")


@gate("G2.8", "Notebooks explore only")
def notebooks(repo: Repo) -> Result:
    package = repo.answers["project_slug"].replace("-", "_")
    for path in sorted((repo.root / "notebooks").glob("*.ipynb")):
        cells = [cell for cell in read_json(path)["cells"] if cell["cell_type"] == "code"]
        if any(cell.get("outputs") for cell in cells):
            return failed(f"{path.name} holds outputs, and with them perhaps data.", "Clear all outputs, then commit")
        lines = [line for cell in cells for line in "".join(cell["source"]).splitlines() if line.strip()]
        if any(line.startswith(("def ", "class ")) for line in lines):
            return failed(f"{path.name} defines functions.", "Move them to src/, with a test")
        logic = [line for line in lines if not line.lstrip().startswith(("import ", "from ", "#"))]
        if len(logic) > CODE_LINES:
            return failed(f"{path.name} has {len(logic)} lines of code, {CODE_LINES} may be.", "Move logic to src/")
        if lines and not any(package in line for line in lines if "import" in line):
            return failed(f"{path.name} does not import {package}.", "Use the package's functions")
    return passed("They import the package and hold no outputs.")
