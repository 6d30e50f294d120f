"""A name counts in a commit of its person; where keys are listed, in a signed one. A cache counts where it was made."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from planrun import git as engine_git
from planrun import remembered
from planrun.authors import SIGNERS, by_hand, unvouched
from planrun.repository import Repo

WAIVERS = "gates/waivers.yaml"
ROW = {"gate": "G1.3", "approver": "Ana", "reason": "it is urgent", "until": "2027-01-01"}


class Box:
    """A repository with a team, and a file of rows in it."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def git(self, *words: str, name: str = "Test Person") -> None:
        who = ("-c", f"user.name={name}", "-c", "user.email=somebody@example.org")
        # what the surroundings say of an author would go before
        unset = ("env", "-u", "GIT_AUTHOR_NAME", "-u", "GIT_COMMITTER_NAME")
        subprocess.run([*unset, "git", *who, *words], cwd=self.root, check=True, capture_output=True)

    def write(self, *rows: dict[str, str]) -> None:
        (self.root / WAIVERS).write_text(json.dumps(rows), "utf-8")

    def commits(self, name: str, *words: str) -> None:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "-m", "as it is", *words, name=name)

    def doubt(self, row: dict[str, str]) -> str:
        return unvouched(Repo(self.root), WAIVERS, row, "Ana")

    def key(self, name: str) -> Path:
        """A new key of somebody; its public half ends with the name."""
        path = self.root.parent / f"key-{name}"
        words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(path)]
        subprocess.run(words, check=True)
        return path

    def signs(self, key: Path) -> None:
        """Commit everything as Ana, with a key."""
        self.git("add", "--all")
        with_key = ("-c", "gpg.format=ssh", "-c", f"user.signingkey={key}")
        self.git(*with_key, "commit", "--quiet", "-S", "--allow-empty", "-m", "signed", name="Ana")


@pytest.fixture
def box(tmp_path: Path) -> Box:
    root = tmp_path / "repository"
    (root / "plan").mkdir(parents=True)
    (root / "gates").mkdir()
    (root / "plan/project.yaml").write_text('kind: "ml"\nteam: "po=Ana:1; ds=Bo:1"\n', "utf-8")
    made = Box(root)
    made.git("init", "--quiet", "--initial-branch=main")
    made.write(ROW)
    return made


def test_a_row_counts_in_a_commit_of_its_person(box: Box) -> None:
    """In no commit, and in another's, it does not."""
    assert box.doubt(ROW) == "it is in no commit"
    box.commits("Mallory")
    assert "Mallory committed it in" in box.doubt(ROW)

    mine = ROW | {"reason": "another one"}
    box.write(ROW, mine)
    box.commits("Ana")

    assert box.doubt(mine) == ""
    assert "Mallory committed it in" in box.doubt(ROW), "standing beside it vouches for nothing"


def test_a_row_that_was_taken_back_is_not_brought_again_by_somebody_else(box: Box) -> None:
    """The newest commit that brought it decides."""
    box.commits("Ana")
    assert box.doubt(ROW) == ""
    box.write()
    box.commits("Ana")
    assert box.doubt(ROW) == "it is in no commit"

    box.write(ROW)
    box.commits("Mallory")

    assert "Mallory committed it in" in box.doubt(ROW)


def test_a_merge_brings_what_its_branch_brought(box: Box) -> None:
    """Whoever merges signs nothing."""
    box.write()
    box.commits("Mallory")
    box.git("checkout", "--quiet", "-b", "side")
    box.write(ROW)
    box.commits("Ana")
    box.git("checkout", "--quiet", "main")
    box.git("merge", "--quiet", "--no-ff", "-m", "together", "side", name="Mallory")

    assert box.doubt(ROW) == ""


def test_who_made_the_commit_of_another_is_named(box: Box) -> None:
    """An author that was put on counts, and is told."""
    box.commits("Mallory", "--author", "Ana <ana@example.org>")

    assert box.doubt(ROW) == ""
    assert by_hand(Repo(box.root), WAIVERS, ROW) == " (in a commit that Mallory made)"


def test_a_history_that_is_cut_off_vouches_for_nobody(box: Box, tmp_path: Path) -> None:
    """The oldest commit of a shallow clone looks as if it had brought everything."""
    box.commits("Mallory")
    (box.root / "page").write_text("more\n", "utf-8")
    box.commits("Ana")
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", "--depth", "1", box.root.as_uri(), str(clone)], check=True)

    assert "git fetch --unshallow" in unvouched(Repo(clone), WAIVERS, ROW, "Ana")


@pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="git signs with keys that ssh-keygen makes")
def test_where_keys_are_listed_a_name_alone_counts_for_nothing(box: Box) -> None:
    """A key counts for the person whose name ends its line, and a list for those that it named before."""
    keys = {name: box.key(name) for name in ("Ana", "Bo", "Mallory")}

    def listed(*names: str) -> str:
        return "".join(f"{name}@example.org {keys[name].with_suffix('.pub').read_text('utf-8')}" for name in names)

    def row(reason: str) -> dict[str, str]:
        made = ROW | {"reason": reason}
        box.write(made)
        return made

    (box.root / SIGNERS).write_text(listed("Ana", "Bo"), "utf-8")
    box.commits("Ana")
    assert "is not signed with a key" in box.doubt(ROW)

    his, hers = row("his key"), None
    box.signs(keys["Bo"])
    assert "is signed with the key of Bo" in box.doubt(his)
    hers = row("her key")
    box.signs(keys["Ana"])
    assert box.doubt(hers) == ""

    (box.root / SIGNERS).write_text(listed("Mallory").replace(" Mallory", " Ana"), "utf-8")
    box.commits("Mallory")
    stolen = row("a key that nobody listed")
    box.signs(keys["Mallory"])
    assert "is not signed with a key" in box.doubt(stolen)

    (box.root / SIGNERS).write_text(listed("Ana"), "utf-8")
    box.signs(keys["Ana"])
    later = row("after a list that one of them signed")
    box.signs(keys["Ana"])
    assert box.doubt(later) == ""


def test_an_entry_of_the_cache_counts_in_the_copy_that_made_it(box: Box, tmp_path: Path) -> None:
    """Typed, or brought from elsewhere, it is not there."""
    box.commits("Ana")
    remembered.remember(box.root, {"state": "same"}, "a question", 1)
    remembered._here.clear()
    assert remembered.recall(box.root, "a question", 1) == {"state": "same"}
    assert remembered.recall(box.root, "a question", 2) is None
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "--quiet", str(box.root), str(clone)], check=True)
    shutil.copytree(box.root / ".cache", clone / ".cache")
    assert remembered.recall(clone, "a question", 1) is None

    cache = box.root / remembered.CACHE
    cache.write_text(cache.read_text("utf-8").replace("same", "other"), "utf-8")

    assert remembered.recall(box.root, "a question", 1) is None


def test_without_git_nothing_outlives_the_process(tmp_path: Path) -> None:
    """There is no place for a key that no copy takes along."""
    remembered.remember(tmp_path, "yes", "a question")
    assert remembered.recall(tmp_path, "a question") == "yes"
    remembered._here.clear()

    assert remembered.recall(tmp_path, "a question") is None
    assert not (tmp_path / remembered.CACHE).exists()


def test_what_git_was_told_not_to_look_at_is_changed_all_the_same(box: Box) -> None:
    """An index that is told to assume so hides no edit."""
    box.commits("Ana")
    assert engine_git.changed(box.root, ["gates"]) == []
    box.git("update-index", "--assume-unchanged", WAIVERS)
    assert engine_git.changed(box.root, ["gates"]) == []

    box.write()

    assert engine_git.changed(box.root, ["gates"]) == [WAIVERS]
