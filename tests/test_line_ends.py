"""A clone whose line ends git has converted is the same repository: the same gates, up to the lock and after it."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from material import newborn
from mlscaffold import answers, cli, render, templates, vcs
from rendered_repository import run, states

# What a team keeps outside git, and fetches by its hash.
FETCHED = ("data/raw", "store")


def git(folder: Path, *words: str) -> str:
    done = subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout


def texts(folder: Path) -> list[Path]:
    """The text files of a work tree, without git's own."""
    paths = [path for path in templates.files_of(folder) if not {"store", "raw"} & set(path.parts)]
    return [path for path in paths if b"\0" not in path.read_bytes()[:8000]]


def plain_clone(source: Path, target: Path) -> None:
    """What git for Windows does unless it is told otherwise; the repository tells it otherwise."""
    git(source.parent, "-c", "core.autocrlf=true", "clone", "--quiet", "--config", "core.autocrlf=true", source, target)
    converted = [path for path in texts(target) if b"\r\n" in path.read_bytes()]
    assert converted == []


def deaf_clone(source: Path, target: Path) -> None:
    """A clone that does not heed .gitattributes, as a code host's or an editor's own git may not."""
    git(source.parent, "clone", "--quiet", "--no-checkout", "--config", "core.autocrlf=true", source, target)
    attributes = target / ".git/info/attributes"
    attributes.parent.mkdir(exist_ok=True)
    attributes.write_text("* text=auto eol=crlf\n")
    git(target, "checkout", "--quiet", "main")
    converted = [path for path in texts(target) if b"\r\n" in path.read_bytes()]
    assert len(converted) > 40


def by_hand(source: Path, target: Path) -> None:
    """Every text converted by an editor or an archive program, under git that converts nothing."""
    git(source.parent, "clone", "--quiet", source, target)
    for path in texts(target):
        path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))


CLONES: list[Callable[[Path, Path], None]] = [plain_clone, deaf_clone, by_hand]


def the_same_gates(source: Path, around: Path) -> None:
    """Whichever way the repository was cloned, each gate is what it was, and git sees nothing to commit."""
    expected = states(source)
    git(source, "checkout", "--quiet", "--", ".")
    for number, clone in enumerate(CLONES):
        target = around / f"clone-{number}"
        clone(source, target)
        for name in FETCHED:
            if source.joinpath(name).is_dir():
                shutil.copytree(source / name, target / name)
        assert git(target, "diff", "--name-only", "HEAD") == "", clone.__doc__
        assert states(target) == expected, clone.__doc__


@pytest.mark.slow
def test_a_converted_clone_of_an_audited_repository_keeps_its_gates(tmp_path: Path) -> None:
    """Machine learning, walked to the lock, with confirmed assumptions and a signed page."""
    folder = render.render(newborn("ml-default"), tmp_path)
    vcs.create(folder, "Start")
    for words in (["audit"], ["confirm", "--all"], ["sign", "G1"], ["baseline"]):
        done = run(folder, *words)
        assert done.returncode in (0, 1, 2), done.stderr
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "-m", "Baseline")
    found = states(folder)
    assert found["G1.4"] == "pass"
    assert sum(state == "pass" for state in found.values()) >= 8

    the_same_gates(folder, tmp_path)


def test_a_converted_clone_of_a_tested_product_keeps_its_gates(tmp_path: Path) -> None:
    """Software, with confirmed assumptions and a remembered run of the tests."""
    folder = render.render(newborn("sw-library"), tmp_path)
    vcs.create(folder, "Start")
    for words in (["confirm", "--all"], ["test"]):
        done = run(folder, *words)
        assert done.returncode in (0, 1, 2), done.stderr
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "-m", "Tests")
    found = states(folder)
    assert found["T1.1"] == "pass"

    the_same_gates(folder, tmp_path)


# A clone in which git converts, one in which it does not heed our settings, one that an editor has converted.
@pytest.mark.slow
@pytest.mark.parametrize("clone", CLONES)
def test_a_converted_clone_is_walked_through_a_conflict(
    clone: Callable[[Path, Path], None], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Audit, lock and an experiment in the clone; new facts meet the team's words there, are resolved and committed."""
    source, folder = render.render(newborn("ml-default"), tmp_path / "source"), tmp_path / "clone"
    vcs.create(source, "Start")
    clone(source, folder)
    for words in (["audit"], ["confirm", "--all"], ["baseline"], ["experiment"]):
        done = run(folder, *words)
        assert done.returncode == 0, (words, done.stdout + done.stderr)
    keep(folder, "What the commands wrote")
    assert folder.joinpath("gates/G1.lock").is_file()
    assert states(folder)["G1.4"] == "pass"
    keep(folder, "What the gates wrote", allow="--allow-empty")

    facts, page = {"positive_share": "0.2", "miss_cost": "20"}, folder / "docs/03-acceptance.md"
    ends = b"\r\n" if b"\r\n" in page.read_bytes() else b"\n"
    words = written_into(folder, page, facts, tmp_path / "other")
    keep(folder, "Our words")
    asked = ["replan", str(folder), *(word for fact in facts.items() for word in ("--set", "=".join(fact)))]
    capsys.readouterr()
    code = cli.run(asked)
    told = capsys.readouterr().err

    assert code == 1, told
    assert git(folder, "diff", "--name-only", "--diff-filter=U").split() == ["docs/03-acceptance.md"]
    found = page.read_bytes()
    assert b"<<<<<<<" in found
    assert b">>>>>>>" in found
    assert found.count(b"\n") == found.count(ends), "a file has one kind of line end, also where it is in conflict"
    assert run(folder, "audit").returncode != 0, "no command works on a page that is in conflict"

    page.write_bytes(words)
    keep(folder, "The new plan, with our words")
    assert git(folder, "status", "--porcelain") == ""
    assert cli.run(["replan", str(folder)]) == 0
    assert git(folder, "status", "--porcelain") == ""
    assert page.read_bytes() == words
    assert states(folder)["G1.4"] == "pass"


def keep(folder: Path, message: str, allow: str = "--quiet") -> None:
    """Commit everything there is."""
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", allow, "-m", message)


def written_into(folder: Path, page: Path, facts: dict[str, str], other: Path) -> bytes:
    """A line of a page that new facts would change becomes the team's own, with the page's line ends: all its bytes."""
    given = answers.complete(answers.read(folder / "plan/project.yaml") | facts)
    coming = set((render.render(given, other) / page.relative_to(folder)).read_bytes().splitlines())
    lines = page.read_bytes().splitlines(keepends=True)
    at = next(number for number, line in enumerate(lines) if line.rstrip(b"\r\n") not in coming)
    lines[at] = b"The team's own words stand here now." + lines[at][len(lines[at].rstrip(b"\r\n")) :]
    page.write_bytes(b"".join(lines))
    return b"".join(lines)
