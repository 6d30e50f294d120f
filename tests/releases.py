"""Two more releases of mlscaffold itself, made by its own script, and a person who types one of the three versions.

Each release says something of its own in every page of both templates, brings a page and a script, gives one page
another name, drops one, and has another engine. What it says is a word that nobody else writes, so that a test can
look for it. Nothing that is typed reaches a network: whoever tries fails.
"""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from copied_tree import copy_to
from mlscaffold import __version__
from standing import git

FIRST = __version__
SECOND, THIRD = (re.sub(r"\.(\d+)\.\d+$", lambda part, up=up: f".{int(part[1]) + up}.0", FIRST) for up in (1, 2))
KINDS = ("ml", "software")
# Pages of both kinds that every sample has.
RENAMED, RENAMED_TO = ".agents/skills/triage/SKILL.md", ".agents/skills/sort-out/SKILL.md"
GONE, ADDED, SCRIPT = "docs/limits.md", "docs/added.md", "ops/hand-over.sh"
OFFLINE = """
import socket, sys
def refused(*words):
    raise AssertionError("an update needs no network")
socket.socket.connect = socket.create_connection = refused
from mlscaffold.cli import main
main(sys.argv[1:])
"""


@dataclass(frozen=True)
class Releases:
    """The checkouts of the three versions by their numbers."""

    checkouts: dict[str, Path]

    def typed(self, version: str, *words: object) -> subprocess.CompletedProcess[str]:
        """`mlscaffold WORDS` of one version, without a network."""
        dead = {"http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9", "GIT_ALLOW_PROTOCOL": "file"}
        paths = {"PYTHONPATH": str(self.checkouts[version] / "generator"), "PYTHONDONTWRITEBYTECODE": "1"}
        command = [sys.executable, "-c", OFFLINE, *map(str, words)]
        return subprocess.run(command, env=os.environ | dead | paths, capture_output=True, text=True, check=False)


def make(folder: Path) -> Releases:
    """Release two versions on a copy of this tree, and check each of the three out."""
    tree = copy_to(folder / "tree")
    for words in (["init", "--quiet", "--initial-branch=main"], ["add", "--all"], ["commit", "--quiet", "-m", "Start"]):
        git(tree, *words)
    git(tree, "tag", f"v{FIRST}")
    for version, change in ((SECOND, _second), (THIRD, _third)):
        for kind in KINDS:
            (pages,) = (tree / "templates" / kind).glob("{{*")
            change(pages)
        engine = tree / "generator/planrun/gates.py"
        engine.write_text(f"# {_word(version)}\n{engine.read_text('utf-8')}", "utf-8", newline="\n")
        to_do = f"### To do\n\n- Do what {version} asks for.\n\n### Changed\n\n- Everything, in {version}.\n"
        _edit(tree / "CHANGELOG.md", "## [Unreleased]\n", f"## [Unreleased]\n\n{to_do}")
        git(tree, "add", "--all")
        git(tree, "commit", "--quiet", "--message", f"What {version} changes")
        surroundings = {key: text for key, text in os.environ.items() if key != "PYTHONPATH"}
        made = [sys.executable, "generator/release.py", version, "--on", "2027-01-04"]
        done = subprocess.run(made, cwd=tree, env=surroundings, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    checkouts = {}
    for version in (FIRST, SECOND, THIRD):
        checkouts[version] = folder / version
        git(tree, "worktree", "add", "--quiet", "--detach", str(folder / version), f"v{version}")
    return Releases(checkouts)


def said_by(version: str) -> re.Pattern[bytes]:
    """What a release says in its pages, each with the name of the page."""
    return re.compile(rb"released-%s-in-[\w-]+" % re.escape(version.encode()))


def _word(version: str, page: str = "") -> str:
    return f"released-{version}-in-{re.sub(r'[^a-z0-9]+', '-', page.lower()).strip('-') or 'it'}"


def _second(pages: Path) -> None:
    """At the end of every page."""
    for path in _told(pages):
        path.write_text(f"{path.read_text('utf-8').rstrip()}\n{_line(path, SECOND)}\n", "utf-8")
    (pages / RENAMED_TO).parent.mkdir()
    (pages / RENAMED).rename(pages / RENAMED_TO)
    (pages / GONE).unlink()
    (pages / ADDED).write_text(f"# Added\n\n{_word(SECOND, ADDED)}\n", "utf-8")
    (pages / SCRIPT).write_text(f"#!/bin/sh\necho {_word(SECOND, SCRIPT)}\n", "utf-8")


def _third(pages: Path) -> None:
    """At the head of every page."""
    for path in [*_told(pages), pages / SCRIPT]:
        head, _, rest = path.read_text("utf-8").partition("\n")
        starts = ("#!", "---", '"""')  # what has to stay the first line
        lines = (head, _line(path, THIRD), rest) if head.startswith(starts[0]) else (_line(path, THIRD), head, rest)
        if not head.startswith(starts[1]):
            path.write_text("\n".join(lines), "utf-8")


def _told(pages: Path) -> list[Path]:
    """The pages that every sample has and a line can be added to."""
    found = []
    for path in sorted(pages.rglob("*")):
        name = path.relative_to(pages).as_posix()
        plain = "{%" not in name and not name.startswith(("engine/", "plan/"))
        told = path.suffix in (".md", ".py", ".yaml", ".toml") or path.name == "Makefile"
        if path.is_file() and ((plain and told) or name.startswith(".github/workflows/")):
            found.append(path)
    return found


def _line(path: Path, version: str) -> str:
    word = _word(version, path.name)
    return f"<!-- {word} -->" if path.suffix == ".md" else f"# {word}"


def _edit(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert old in text, (path, old)
    path.write_text(text.replace(old, new, 1), "utf-8", newline="\n")
