"""Looks at the test rows: each is logged, and history is held against the log."""

import json
import re

from planrun import agents, git
from planrun.command import COMMAND
from planrun.files import canonical, now
from planrun.repository import Repo
from planrun.signing import people
from planrun.trouble import Trouble

TEST_LOG = "evidence/test_access.log"
ACCEPTANCE = "evidence/acceptance.json"


# ---------------------------------------------------------------------------------------------------- looks
def looks(repo: Repo) -> list[dict[str, str]]:
    """Every look at the test split, oldest first. Raises `Trouble` when one was ever removed or rewritten."""
    path = repo.root / TEST_LOG
    lines = path.read_text("utf-8").splitlines() if path.is_file() else []
    found, before = [], ""
    for line in lines:
        try:
            entry = dict(json.loads(line))
        except (TypeError, ValueError):
            entry = {}  # torn, or no line of ours
        if entry.pop("chain", None) != canonical({"before": before, **entry}):
            raise Trouble(f"{TEST_LOG} was rewritten.", f"git log -p {TEST_LOG} shows what it was.")
        before = canonical({"before": before, **entry})
        found.append(entry)
    _nothing_lost(repo, lines, {str(entry.get("model")) for entry in found})
    return found


def _nothing_lost(repo: Repo, lines: list[str], models: set[str]) -> None:
    """Raises `Trouble` when git's history holds a look, or an acceptance a model, that the log does not."""
    told = ("log", "-p", "-U0", "--format=", "--full-history", "--no-renames", "--no-color", "--no-ext-diff", "--")
    past, path = git.git(repo.root, *told, TEST_LOG, ACCEPTANCE) or "", repo.root / ACCEPTANCE
    now_there = path.read_text("utf-8") if path.is_file() else ""
    lost = sum(line[1:] not in lines for line in past.splitlines() if line.startswith('+{"'))
    accepted = re.findall(r'(?m)^\+?  "model": "(\w+)"', f"{past}\n{now_there}")
    if lost or not models.issuperset(accepted):
        what = f"{TEST_LOG} lost {lost} look(s)" if lost else f"{ACCEPTANCE} tells of a look that {TEST_LOG} lacks"
        raise Trouble(f"{what}.", f"Put every line back: git log -p {TEST_LOG} shows them; or take a new test set")


def log_look(repo: Repo, purpose: dict[str, str]) -> None:
    """Append one line before the test rows are read, so that a crash cannot hide a look. `Blocked` for agents."""
    typed = f"{COMMAND} {purpose.get('command', 'accept')}"
    agents.refuse("A person decides when a look at the test rows is spent", typed)
    entry = {"at": now(), "by": people.person(repo), "test_set": repo.fresh("splits", "make audit")["keys"]["test"]}
    entry |= purpose
    before = ""
    for known in looks(repo):
        before = canonical({"before": before, **known})
    line = json.dumps(entry | {"chain": canonical({"before": before, **entry})}, ensure_ascii=False)
    (repo.root / TEST_LOG).parent.mkdir(exist_ok=True)
    with (repo.root / TEST_LOG).open("a", encoding="utf-8", newline="\n") as file:
        file.write(line + "\n")


def looks_used(repo: Repo, test_set: str) -> int:
    """Different models that were measured on this test set; the same model again is the same look."""
    return len({entry.get("model", entry["at"]) for entry in looks(repo) if entry["test_set"] == test_set})
