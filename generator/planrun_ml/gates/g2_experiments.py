"""G2: experiments on locked data, with complete records, that recompute."""

from typing import Any

from planrun import git
from planrun.command import COMMAND
from planrun.files import read_json
from planrun.gates import Result, blocked, failed, gate, passed
from planrun.repository import Repo
from planrun.signing.people import decides, waiving
from planrun.trouble import Blocked

from planrun_ml.data import looks as looks_module
from planrun_ml.data.lock import lock_sha
from planrun_ml.experiments import records, stop_rules
from planrun_ml.experiments.recompute import wrong

ALLOWED = "accept"  # the one command that may read the test split
CODE_LINES = 40
NEW_TEST_SET = "take a new test set: add rows, then make audit ARGS=--resplit"


# ---------------------------------------------------------------------------------------------------- experiments
def counted(repo: Repo) -> list[dict[str, Any]]:
    """The experiments on today's locked data. Raises `Blocked` when there is none."""
    found = records.counted(repo, lock_sha(repo))
    if not found:
        others = len(records.standing(records.all_records(repo)))
        said = f" ({others} are of other data and are not counted)" if others else ""
        raise Blocked(f"No experiment on the locked data{said}.", "make experiment")
    return found


@gate("G2.1")
def on_locked_data(repo: Repo) -> Result:
    fitting = len(counted(repo))
    others = len(records.standing(records.all_records(repo))) - fitting
    said = f"; {others} of other data are not counted" if others else ""
    return passed(f"{fitting} on lock {lock_sha(repo)[:12]}{said}.")


@gate("G2.2")
def complete(repo: Repo) -> Result:
    for record in (found := counted(repo)):
        empty = [name for name in records.FIELDS if name[:4] != "git_" and record.get(name) in (None, "", [], {})]
        if empty:
            return blocked(f"{record['folder']} has no {empty[0]}.", f"git checkout experiments/{record['folder']}")
        if len(record["change"]) > 1 and not record.get("ablation"):
            return failed(
                f"{record['folder']} changed {len(record['change'])} things at once: {'; '.join(record['change'])}.",
                f"Run each alone, or add `ablation`, what each gave, to experiments/{record['folder']}/record.yaml",
            )
    return passed(f"{len(found)} complete, one change each.")


@gate("G2.3")
def clean(repo: Repo) -> Result:
    if not git.is_repository(repo.root):
        return blocked("This folder has no history.", "git init")
    for record in counted(repo):
        if not record.get("git_sha"):
            return blocked(f"{record['folder']} names no commit.", _from_a_commit(repo, record))
        if not git.exists(repo.root, record["git_sha"]):
            shallow = git.git(repo.root, "rev-parse", "--is-shallow-repository") == "true"
            step = "git fetch --unshallow" if shallow else _from_a_commit(repo, record)
            return blocked(f"{record['folder']} names a commit that is not here.", step)
        if not record.get("git_clean"):
            places = ", ".join(records.WATCHED)
            told = f"{record['folder']} ran with uncommitted changes in {places}."
            return failed(told, _from_a_commit(repo, record))
    return passed("Every experiment names a commit, and ran from it.")


def _again(record: dict[str, Any]) -> str:
    """What measures a record anew."""
    return f"{COMMAND} experiment --again {record['id']}"


def _from_a_commit(repo: Repo, record: dict[str, Any]) -> str:
    """What comes next on the way to a record that names its code: the commit, then the same configuration again."""
    if records.uncommitted(repo):
        here = [name for name in records.WATCHED if (repo.root / name).exists()]
        return f'git add {" ".join(here)} && git commit -m "What the experiments ran with"'
    return _again(record)


@gate("G2.4")
def untouched(repo: Repo) -> Result:
    looks = looks_module.looks(repo)  # raises where a line was rewritten, or is gone
    odd = [look for look in looks if look.get("command") != ALLOWED]
    if odd:
        return failed(
            f"The test split was read by {odd[0].get('command') or 'nobody knows what'}.",
            decides(repo, "po", NEW_TEST_SET),
        )
    said = max((record.get("test_looks") or 0 for record in records.all_records(repo)), default=0)
    if said > len(looks):
        return failed(f"{looks_module.TEST_LOG} lost lines.", f"git checkout {looks_module.TEST_LOG}")
    return passed(f"{len(looks)} look(s), all by {ALLOWED}." if looks else "Nobody has looked.")


@gate("G2.5")
def recomputes(repo: Repo) -> Result:
    found = counted(repo)
    before, baseline = None, repo.fresh("baseline", "make baseline")["predictions"]
    for record in found:
        problem = wrong(repo, record, baseline, before)
        if problem:
            return failed(f"{record['folder']}: {problem}.", _again(record))
        before = record if record["decision"] == "keep" else before
    return passed(f"{len(found)} recomputed from their predictions.")


@gate("G2.6")
def budget(repo: Repo) -> Result:
    found, most = len(records.standing(records.all_records(repo))), repo.number("iterations.max")
    if not found:
        counted(repo)  # before data are locked, what locks them comes first
        return blocked("No experiment yet.", "make experiment")
    rule = stop_rules.stop_rule(repo)
    left = (
        f"{found} experiment(s), {max(0.0, most - found):.0f} of {most:.0f} left."
        if most
        else f"{found} experiment(s)."
    )
    # the last one planned was run, or none after the phase: accept, or decide
    if rule.startswith("success") or (rule and (found == most or stop_rules.in_time(repo, rule))):
        return passed(f"{left} Stop rule {rule}")
    return blocked(f"Stop rule {rule}", stop_rules.DECIDE) if rule else passed(left)


@gate("G2.7")
def kept(repo: Repo) -> Result:
    if not git.is_repository(repo.root):
        return blocked("This folder has no history.", "git init")
    log = git.git(
        repo.root, "log", "--relative", "--diff-filter=DM", "--name-only", "--format=", "--", "experiments/[0-9]*"
    )
    touched = [line for line in (log or "").splitlines() if line.endswith("record.yaml") and "0000-" not in line]
    if touched:
        return failed(
            f"{touched[0]} was rewritten or deleted after it was committed.",
            decides(
                repo, "ds", f"bring {touched[0]} back from history: git log -p -- {touched[0]}; or {waiving('G2.7')}"
            ),
        )
    return passed("No record was rewritten or deleted.")


@gate("G2.8")
def notebooks(repo: Repo) -> Result:
    packages = (repo.rooms.package, "planrun_ml")
    for path in sorted((repo.root / "notebooks").glob("*.ipynb")):
        cells = [cell for cell in read_json(path)["cells"] if cell["cell_type"] == "code"]
        if any(cell.get("outputs") for cell in cells):
            return failed(
                f"{path.name} holds outputs, and with them perhaps data.",
                f"Clear all outputs of notebooks/{path.name}, then commit",
            )
        lines = [line for cell in cells for line in "".join(cell["source"]).splitlines() if line.strip()]
        if any(line.startswith(("def ", "class ")) for line in lines):
            return failed(
                f"{path.name} defines functions.", f"Move them from notebooks/{path.name} to src/, with a test"
            )
        logic = [line for line in lines if not line.lstrip().startswith(("import ", "from ", "#"))]
        if len(logic) > CODE_LINES:
            return failed(
                f"{path.name} has {len(logic)} lines of code, {CODE_LINES} may be.",
                f"Move logic from notebooks/{path.name} to src/",
            )
        imports = [line for line in lines if "import" in line]
        if lines and not any(name in line for line in imports for name in packages):
            return failed(
                f"{path.name} does not import {' or '.join(packages)}.",
                f"Use the functions that are there, in notebooks/{path.name}",
            )
    return passed("They import what is used elsewhere and hold no outputs.")
