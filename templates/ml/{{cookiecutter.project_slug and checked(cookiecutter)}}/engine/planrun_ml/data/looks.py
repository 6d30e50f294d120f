"""Looks at the test rows: each is logged and committed, and history is held against the log.

The history is that of this branch, of what its branch was before somebody rewrote it here, and of the remotes' main
and equally named branches, as far as they were ever fetched.
"""

import json
import re
from functools import lru_cache

from planrun import agents, git
from planrun.command import COMMAND
from planrun.files import canonical, now
from planrun.gates import blocking
from planrun.repository import Repo
from planrun.signing import people
from planrun.trouble import Blocked, Trouble

TEST_LOG = "evidence/test_access.log"
ACCEPTANCE = "evidence/acceptance.json"
HISTORY, BEFORE = "this history", "what this branch was before"
CHAIN = "_chain"  # in a look as it is read: the hash that tells its line
MAIN = ("main", "master", "trunk")  # branches of a remote whose looks count here, beside the one of this name


# ---------------------------------------------------------------------------------------------------- looks
def looks(repo: Repo) -> list[dict[str, str]]:
    """Every look at the test split, oldest first. Raises `Trouble` when one was ever removed or rewritten.

    Raises `Blocked` in a clone whose history is cut off.
    """
    path = repo.root / TEST_LOG
    lines = path.read_text("utf-8").splitlines() if path.is_file() else []
    found, before = [], {""}  # two branches that both looked: each line stands on one that is above it
    for line in lines:
        try:
            entry = dict(json.loads(line))
        except (TypeError, ValueError):
            entry = {}  # torn, or no line of ours
        chain = entry.pop("chain", None)
        if not any(chain == canonical({"before": one, **entry}) for one in before):
            raise Trouble(f"{TEST_LOG} was rewritten.", f"git log -p {TEST_LOG} shows what it was.")
        before.add(str(chain))
        found.append(entry | {CHAIN: str(chain)})
    _nothing_lost(repo, lines, {str(entry.get("model")) for entry in found})
    return found


def _nothing_lost(repo: Repo, lines: list[str], models: set[str]) -> None:
    """Raises `Trouble` when a history holds a look, or an acceptance a model, that the log does not."""
    if git.is_shallow(repo.root):
        told = "The history here is cut off, so nobody can say how often the test rows were read."
        raise Blocked(told, "git fetch --unshallow")
    path = repo.root / ACCEPTANCE
    now_there = path.read_text("utf-8") if path.is_file() else ""
    for where, past in _pasts(repo).items():
        lost = sum(line[1:] not in lines for line in past.splitlines() if line.startswith('+{"'))
        accepted = re.findall(r'(?m)^\+?  "model": "(\w+)"', f"{past}\n{now_there}")
        if lost or not models.issuperset(accepted):
            here = {HISTORY: "", BEFORE: ", which this branch once had"}.get(where, f", which {where} has")
            what = (
                f"{TEST_LOG} lost {lost} look(s){here}"
                if lost
                else f"{ACCEPTANCE} tells of a look that {TEST_LOG} lacks"
            )
            raise Trouble(f"{what}.", _putting_back(repo, where))


def _putting_back(repo: Repo, where: str) -> str:
    """How lines come back that a history holds."""
    if where == HISTORY:
        told = f"git log -p {TEST_LOG}"
    elif where == BEFORE:
        told = f"git log -p --walk-reflogs {TEST_LOG}"
    else:
        told = f"git merge {where}, or git log -p {where} -- {TEST_LOG}"
    return f"Put every line back: {told} shows them; or take a new test set"


@lru_cache(maxsize=1)  # several gates of one look at the repository ask for it
def _pasts(repo: Repo) -> dict[str, str]:
    """Whose history is held against the log, and the lines that it ever added."""
    return {where: _past(repo, commits) for where, commits in {HISTORY: ["HEAD"], **_other_histories(repo)}.items()}


def _past(repo: Repo, commits: list[str]) -> str:
    """Every line that these commits, and those before them, ever added to the log and to the acceptance.

    Attributes and settings that make git call a text binary, or show it otherwise, do not count.
    """
    told = ("log", "-p", "-U0", "--format=", "--full-history", "--no-renames", "--no-color", "--no-ext-diff", "--text")
    return git.git(repo.root, *told, "--no-textconv", *commits, "--", TEST_LOG, ACCEPTANCE) or ""


def _other_histories(repo: Repo) -> dict[str, list[str]]:
    """Whose history is held against the log beside this one: its name, and the commits to begin at.

    A branch's own past is in its reflog: what was reset or amended away here, or forced away at a remote.
    """
    branch = git.git(repo.root, "symbolic-ref", "--quiet", "--short", "HEAD") or ""
    listed = (git.git(repo.root, "for-each-ref", "--format=%(refname)", "refs/remotes/") or "").splitlines()
    wanted = {*MAIN, branch} - {""}
    remote = [name for name in listed if name.split("/", 3)[-1] in wanted]
    found = {}
    for name in [*([f"refs/heads/{branch}"] if branch else []), *remote]:
        past = (git.git(repo.root, "log", "--walk-reflogs", "--format=%H", name, "--") or "").split()
        told = BEFORE if name.startswith("refs/heads/") else name.removeprefix("refs/remotes/")
        if commits := list(dict.fromkeys([*([name] if name in remote else []), *past])):
            found[told] = commits
    return found


def looked_in(repo: Repo, look: dict[str, str]) -> str:
    """The oldest commit whose log holds a look; "" where none does."""
    ask = ("log", "--reverse", "--topo-order", "--format=%H", "--text", f"-S{look[CHAIN]}", "--", TEST_LOG)
    return (git.git(repo.root, *ask) or "").partition("\n")[0]


def log_look(repo: Repo, purpose: dict[str, str]) -> str:
    """Append one line before answers are compared, and commit it, so that neither a crash nor an edit hides a look.

    The line says which gates blocked: no fewer may be asked for afterwards. Returns what git said about the commit.
    Raises `Blocked` where an agent is about to spend one.
    """
    typed = f"{COMMAND} {purpose.get('command', 'accept')}"
    agents.refuse("A person decides when a look at the test rows is spent", typed)
    known = looks(repo)
    entry = {"at": now(), "by": people.person(repo), "test_set": repo.fresh("splits", "make audit")["keys"]["test"]}
    entry |= {"rigor": repo.answers["rigor"], "gates": " ".join(blocking(repo))} | purpose
    before = known[-1][CHAIN] if known else ""
    line = json.dumps(entry | {"chain": canonical({"before": before, **entry})}, ensure_ascii=False)
    (repo.root / TEST_LOG).parent.mkdir(exist_ok=True)
    with (repo.root / TEST_LOG).open("a", encoding="utf-8", newline="\n") as file:
        file.write(line + "\n")
    try:
        return git.commit(repo.root, [TEST_LOG], f"Look at the test rows: {purpose.get('experiment', 'a model')}")
    except Trouble as refused:  # the look is logged and staged all the same
        return f"{refused.sentence} {refused.remedy}"


def looks_used(repo: Repo, test_set: str) -> int:
    """Different models that were measured on this test set; the same model again is the same look."""
    return len({entry.get("model", entry["at"]) for entry in looks(repo) if entry["test_set"] == test_set})
