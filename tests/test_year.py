"""A year of a team's life with mlscaffold: two releases, and every edit of the team's and of the templates' is there.

Whatever a release says that is in no file afterwards, a run has named on the way; what nobody touched is, byte for
byte, what the newest version renders.
"""

import json
import re
import shlex
import shutil
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from mlscaffold import render
from releases import (
    ADDED,
    FIRST,
    GONE,
    RENAMED,
    RENAMED_TO,
    SCRIPT,
    SECOND,
    THIRD,
    Releases,
    make,
    said_by,
)
from standing import commit, contents, git

pytestmark = pytest.mark.slow

KINDS = pytest.mark.parametrize("kind", ["ml", "software"])
RISKS, OURS = "docs/05-risks.md", "docs/our risks – Übung.md"
DELETED = "docs/glossary.md"
GATES = "engine/planrun/gates.py"
MARKS = re.compile(rb"^(?:<{7}|={7}|>{7}|\|{7}).*\r?\n", re.MULTILINE)
LEFT = re.compile(r"left as you left them: deleted or replaced:\n (\S.*(?:\n \S.*)*)")
RECORD = (".mlscaffold/base.tar.gz", ".mlscaffold/state.json")
COMPUTED = ("plan/plan.json", "plan/project.yaml", "plan/assumptions.yaml")


@pytest.fixture(scope="module")
def releases(tmp_path_factory: pytest.TempPathFactory) -> Releases:
    """This version, and two that were released after it."""
    return make(tmp_path_factory.mktemp("releases"))


@dataclass
class Desk:
    """One person's copy of the repository, all words that the team wrote, and all that the program has said."""

    folder: Path
    releases: Releases
    words: list[bytes] = field(default_factory=list)
    touched: set[str] = field(default_factory=set)
    told: list[str] = field(default_factory=list)

    def types(self, version: str, *words: object, code: int = 0) -> str:
        """One command, its exit code, and what was said, in one."""
        done = self.releases.typed(version, *words)
        said = re.sub(r"[ \t]+", " ", done.stdout + done.stderr)
        assert done.returncode == code, said
        self.told.append(said)
        return said

    def elsewhere(self, folder: Path) -> "Desk":
        """A teammate's desk: what is written there is the team's too."""
        return Desk(folder, self.releases, self.words, self.touched, self.told)

    def writes(self, path: str, at: str) -> None:
        """A line of the team's own at the head, in the middle or at the end of a file, with the file's line ends."""
        place = self.folder / path
        word = f"team-wrote-{len(self.words):03}".encode()
        lines = place.read_bytes().splitlines(keepends=True) if place.is_file() else []
        end = b"\r\n" if lines and lines[0].endswith(b"\r\n") else b"\n"
        number = {"head": 0, "middle": len(lines) // 2, "end": len(lines)}[at]
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(b"".join([*lines[:number], b"# " + word + end, *lines[number:]]))
        self.words.append(word)
        self.touched.add(path)

    def takes_both(self) -> set[str]:
        """Take both versions of every conflict and commit, as a person might; the files that had one."""
        marked = {name for name, text in contents(self.folder).items() if re.search(rb"^<{7} ", text, re.MULTILINE)}
        for name in marked:
            path = self.folder / name
            path.write_bytes(MARKS.sub(b"", path.read_bytes()))
        commit(self.folder, "Both versions")
        self.touched |= marked
        return marked


def begins(folder: Path, kind: str, releases: Releases, *words: str) -> Desk:
    """A repository of the first version."""
    given = ("--kind", kind, "--set", "start_date=2026-03-02", "--set", "ci=github", "--defaults")
    desk = Desk(folder / "my-project", releases)
    desk.types(FIRST, "new", "My project", *given, "--output", folder, *words)
    return desk


def pages_of(desk: Desk) -> list[str]:
    """What the team may write in: all pages but those that the program computes, the engine and what is no text."""
    names = (path.relative_to(desk.folder).as_posix() for path in render.files_of(desk.folder))
    left_out = ("engine/", ".mlscaffold/", "plan/", ".git")
    return [name for name in names if not name.startswith(left_out) and name.endswith((".md", ".py", ".yaml", ".toml"))]


def edits_everywhere(desk: Desk, turn: int) -> None:
    """A line in two of three pages: at the head, in the middle or at the end, where a release says something too."""
    for number, name in enumerate(pages_of(desk)):
        if (number + turn) % 3:
            desk.writes(name, ("head", "middle", "end")[(number + turn // 3) % 3])


def newest(desk: Desk, folder: Path, version: str = THIRD) -> dict[str, bytes]:
    """What a version renders for the answers that a repository has."""
    facts = folder / "facts.yaml"
    facts.write_bytes((desk.folder / "plan/project.yaml").read_bytes())
    apart = Desk(folder, desk.releases)
    apart.types(version, "new", "--answers", facts, "--defaults", "--no-git", "--output", folder / "newest")
    return contents(next((folder / "newest").iterdir()))


def plain(text: bytes) -> bytes:
    return text.replace(b"\r\n", b"\n")


def assert_nothing_is_missing(
    desk: Desk, fresh: dict[str, bytes], away: Iterable[str] = (), top: Path | None = None
) -> None:
    """Every word of the team's; every word of a release's, or its page named; what nobody touched as it is rendered.

    `away` are paths of the render that lie elsewhere by now; `top` is of the host whose folder the repository is.
    """
    here = contents(desk.folder)
    everything = b"\n".join(contents(top or desk.folder).values())
    lost = [word for word in desk.words if word not in everything]
    assert not lost, f"the team wrote {lost}, and it is nowhere"
    reported = {name for said in desk.told for part in LEFT.findall(said) for name in part.split("\n ")}
    for name, text in fresh.items():
        words = [word for version in (SECOND, THIRD) for word in said_by(version).findall(text)]
        missing = [word for word in words if word not in everything]
        assert not missing or name in reported, f"{missing} of {name} is nowhere and was not said"
    record, touched = set(RECORD), desk.touched | set(away)
    for name in fresh.keys() - touched - record:
        assert name in here, f"{name} did not come"
        assert plain(here[name]) == plain(fresh[name]), f"{name} is not what {THIRD} renders, and nobody touched it"
    assert here[RECORD[0]] == fresh[RECORD[0]], "the record is not the newest render"
    states = [json.loads(side[RECORD[1]]) for side in (here, fresh)]
    assert states[0] == states[1]
    assert not [name for name, text in here.items() if re.search(rb"^<{7} ", text, re.MULTILINE)]


def assert_settled(desk: Desk) -> None:
    """Nothing is due, nothing changes any more, and nothing lies about."""
    before = contents(desk.folder)
    assert "Nothing is newer" in desk.types(THIRD, "update", "--check", desk.folder)
    assert "No number changes" in desk.types(THIRD, "replan", desk.folder)
    assert contents(desk.folder) == before


@KINDS
def test_a_year_of_two_people(kind: str, releases: Releases, tmp_path: Path) -> None:
    """Edits everywhere, renames, deletions; a squashed branch; a clone of depth 1 with CRLF; both update at once."""
    ana = begins(tmp_path / "ana", kind, releases)
    origin = tmp_path / "origin.git"
    git(tmp_path, "init", "--quiet", "--bare", "--initial-branch=main", str(origin))
    git(ana.folder, "remote", "add", "origin", str(origin))

    # The first months.
    edits_everywhere(ana, 0)
    (ana.folder / RISKS).rename(ana.folder / OURS)
    (ana.folder / DELETED).unlink()
    (ana.folder / "ops").rename(ana.folder / "operations")
    ana.writes(GATES, "end")
    ana.writes("src/ours/added.py", "end")
    ana.writes(GONE, "middle")
    ana.writes(RENAMED, "middle")
    (ana.folder / "AGENTS.md").chmod(0o755)
    ana.words = [word for word in ana.words if any(word in text for text in contents(ana.folder).values())]
    commit(ana.folder)
    git(ana.folder, "push", "--quiet", "origin", "main")
    ben = ana.elsewhere(tmp_path / "ben")
    git(tmp_path, "clone", "--quiet", "--no-checkout", "--depth", "1", origin.as_uri(), str(ben.folder))
    (ben.folder / ".git/info").mkdir(exist_ok=True)
    (ben.folder / ".git/info/attributes").write_text("* text=auto eol=crlf\n")
    git(ben.folder, "checkout", "--quiet", "main")
    assert b"\r\n" in (ben.folder / "README.md").read_bytes()

    # The second version comes by a branch that is squashed.
    git(ana.folder, "switch", "--quiet", "--create", "take-the-update")
    check = ana.types(SECOND, "update", "--check", ana.folder, code=1)
    assert f"Do what {SECOND} asks for" in check
    said = ana.types(SECOND, "update", ana.folder, code=1)
    assert DELETED in said.partition("left as you left them")[2]
    assert GONE in said.partition("kept because you changed them")[2]
    assert "engine-edits" in said
    assert (ana.folder / "operations" / Path(SCRIPT).name).stat().st_mode & 0o100, "a script of ops/ went with it"
    assert (ana.folder / "AGENTS.md").stat().st_mode & 0o100
    assert not (ana.folder / RENAMED).exists()
    assert ana.takes_both()
    git(ana.folder, "switch", "--quiet", "main")
    git(ana.folder, "merge", "--quiet", "--squash", "take-the-update")
    commit(ana.folder, "Take the update")
    git(ana.folder, "branch", "--quiet", "-D", "take-the-update")
    git(ana.folder, "push", "--quiet", "origin", "main")

    # Ben has gone on, with the first version; the second one's repository is not for it.
    ben.writes("docs/00-charter.md", "middle")
    ben.writes("docs/notes of our own.md", "end")
    commit(ben.folder)
    git(ben.folder, "pull", "--quiet", "--no-rebase", "--no-edit", "origin", "main")
    for words in (("update",), ("update", "--check"), ("replan", "--set", "daily_volume=3000")):
        assert SECOND in ben.types(FIRST, *words, ben.folder, code=1)
    assert git(ben.folder, "status", "--porcelain") == ""
    git(ben.folder, "push", "--quiet", "origin", "HEAD:main")
    git(ana.folder, "pull", "--quiet", "--no-rebase", "--no-edit", "origin", "main")

    # Another quarter, and new facts; then both take the third version, each by hand.
    edits_everywhere(ana, 3)
    commit(ana.folder)
    ana.types(SECOND, "replan", ana.folder, "--set", "daily_volume=2500", code=1)
    assert ana.takes_both()
    git(ana.folder, "push", "--quiet", "origin", "main")
    git(ben.folder, "pull", "--quiet", "--no-rebase", "--no-edit", "origin", "main")
    ben.writes(ADDED, "end")
    ben.writes("docs/02-more.md", "end")
    commit(ben.folder)
    for one in (ana, ben):
        shown = one.types(THIRD, "update", "--dry-run", one.folder, code=1)
        assert "+" in shown
        assert git(one.folder, "status", "--porcelain") == ""
        one.types(THIRD, "update", one.folder, code=1)
        assert one.takes_both()
    git(ana.folder, "push", "--quiet", "origin", "main")
    git(ben.folder, "pull", "--quiet", "--no-rebase", "--no-edit", "origin", "main", check=False)
    ben.takes_both()

    away = {RISKS, DELETED, RENAMED, *(name for name in newest(ben, tmp_path) if name.startswith("ops/"))}
    assert_nothing_is_missing(ben, contents(tmp_path / "newest/my-project"), away)
    assert b"\r\n" in (ben.folder / RENAMED_TO).read_bytes()
    assert_settled(ben)


@KINDS
def test_two_who_took_different_versions(kind: str, releases: Releases, tmp_path: Path) -> None:
    """One branch has the second version, the other the third: their merge says what to type, and ends in the third."""
    ana = begins(tmp_path / "ana", kind, releases)
    edits_everywhere(ana, 0)
    commit(ana.folder)
    ben = ana.elsewhere(Path(shutil.copytree(ana.folder, tmp_path / "ben")))
    for one, version, page in ((ana, THIRD, "docs/00-charter.md"), (ben, SECOND, "docs/03-acceptance.md")):
        one.writes(page, "middle")
        commit(one.folder)
        one.types(version, "update", one.folder, code=1)
        one.takes_both()
    git(ben.folder, "pull", "--quiet", "--no-rebase", str(ana.folder), "HEAD", check=False)
    before = contents(ben.folder)
    said = ben.types(THIRD, "update", ben.folder, code=1)
    assert contents(ben.folder) == before, "refused, and nothing changed"
    assert f"by mlscaffold {SECOND} and {THIRD}" in said
    for line in re.findall(r"^ (git .*)$", said, re.MULTILINE)[:1]:
        git(ben.folder, *shlex.split(line)[1:])
    ben.takes_both()
    again = ben.releases.typed(THIRD, "update", ben.folder)  # a page of a line or two can conflict once more
    assert again.returncode == int(bool(ben.takes_both())), again.stdout + again.stderr

    assert_nothing_is_missing(ben, newest(ben, tmp_path), {RENAMED})
    assert not list(ben.folder.glob(".mlscaffold/*.patch")), "nobody had edited the engine"
    assert_settled(ben)


@KINDS
def test_a_folder_of_a_larger_repository(kind: str, releases: Releases, tmp_path: Path) -> None:
    """Its pipelines lie at the top; it is updated in a work tree of its own, in a host that is somebody's submodule."""
    host = tmp_path / "host"
    host.mkdir()
    git(host, "init", "--quiet", "--initial-branch=main")
    (host / "theirs.txt").write_text("theirs\n")
    commit(host)
    desk = begins(host / "services", kind, releases, "--host-files")
    commit(host, "Start")
    top = host / ".github/workflows"
    pipeline = next(path for path in sorted(top.iterdir()) if path.stem.endswith("ci"))
    desk.elsewhere(host).writes(f".github/workflows/{pipeline.name}", "head")
    commit(host)
    whole = tmp_path / "whole"
    whole.mkdir()
    git(whole, "init", "--quiet", "--initial-branch=main")
    git(whole, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(host), "host")
    git(whole / "host", "worktree", "add", "--quiet", "-b", "take-the-update", str(tmp_path / "beside"))
    for number, version in enumerate((SECOND, THIRD)):
        place = (tmp_path / "beside", whole / "host")[number]
        if number:
            git(place, "merge", "--quiet", "take-the-update")
        one = desk.elsewhere(place / "services/my-project")
        edits_everywhere(one, number)
        commit(place)
        one.types(version, "update", one.folder, code=1)
        assert git(place, "status", "--porcelain", "theirs.txt") == ""
        one.elsewhere(place).takes_both()
        one.touched |= {path.removeprefix("services/my-project/") for path in one.touched}

    hosted = json.loads((one.folder / RECORD[1]).read_text("utf-8"))["hosted"]
    assert f".github/workflows/{pipeline.name}" in hosted.values()
    fresh = {path: text for path, text in newest(one, tmp_path).items() if path not in hosted}
    states = json.loads(fresh[RECORD[1]]) | {"hosted": hosted}
    fresh[RECORD[1]] = json.dumps(states).encode()
    assert_nothing_is_missing(one, fresh, {RENAMED}, top=place)
    at_the_top = (place / ".github/workflows" / pipeline.name).read_bytes()
    assert said_by(SECOND).search(at_the_top)
    assert said_by(THIRD).search(at_the_top)
    assert_settled(one)


@KINDS
def test_a_folder_without_history(kind: str, releases: Releases, tmp_path: Path) -> None:
    """From the first version to the third in one step: what two people's merges bring is brought without git's too."""
    desk = begins(tmp_path / "bare", kind, releases, "--no-git")
    edits_everywhere(desk, 0)
    (desk.folder / RISKS).rename(desk.folder / OURS)
    (desk.folder / DELETED).unlink()
    desk.writes(GATES, "end")
    desk.writes(ADDED, "end")
    desk.words = [word for word in desk.words if any(word in text for text in contents(desk.folder).values())]
    said = desk.types(THIRD, "update", desk.folder, code=1)
    assert said.index(f"To do since {SECOND}") < said.index(f"To do since {THIRD}")
    assert "against the new one" in re.sub(r"\s+", " ", said)
    for name, text in contents(desk.folder).items():
        if re.search(rb"^<{7} ", text, re.MULTILINE):
            desk.touched.add(name)
            (desk.folder / name).write_bytes(MARKS.sub(b"", text))

    assert_nothing_is_missing(desk, newest(desk, tmp_path), {RISKS, DELETED, RENAMED})
    assert_settled(desk)
