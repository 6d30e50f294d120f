"""The same twenty changes through mlscaffold, copier, cruft and agents-cli: who lost what. Run by hand.

    python tests/updates_compared.py --copier ENV/bin/copier --cruft ENV/bin/cruft --agents ENV/bin/python

writes tests/updates_compared.json and the table of docs/updates.md; without arguments only the table, from that file.
Each tool gets the same two trees, before and after a release, and the same edits of a team's, in one update with all
defaults and nobody to answer. copier and cruft render them from a template in git. mlscaffold and agents-cli bring
templates of their own, so what renders them is replaced by a copy of the tree; the rest is theirs.
"""

import argparse
import contextlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "generator"))
SAVED = ROOT / "tests/updates_compared.json"
PAGE = ROOT / "docs/updates.md"
TOOLS = ("mlscaffold", "copier", "cruft", "agents-cli")
OURS, THEIRS = b"the team wrote this", b"the release wrote this"
BINARY = b"\x89PNG\r\n\x1a\n\0\0\0"
Tree = dict[str, bytes]


@dataclass(frozen=True)
class Change:
    """One of the twenty: what a release and a team do, on pages of their own below `folder`.

    `present` says where the team's part and the release's are looked for afterwards; the release's may also be said.
    """

    name: str
    folder: str
    release: Callable[[Tree, str], None]
    team: Callable[[Path, str], None]
    present: Callable[[Path, str], tuple[bool, bool]]
    alone: str = ""  # in an update of its own: "uncommitted", or "bare" of git
    note: Callable[[Path, str], str] = lambda root, folder: ""  # what else became of it


@dataclass(frozen=True)
class Outcome:
    """What an update made of one change."""

    team: bool
    release: bool
    said: bool
    marked: bool
    code: int
    refused: bool
    note: str = ""

    def cell(self) -> str:
        """The outcome in a few words."""
        if self.refused:
            return "refused, nothing changed"
        lost = [name for name, there in (("the team's", self.team), ("the release's", self.release)) if not there]
        if lost:
            return f"**lost: {' and '.join(lost)}**{', said' if self.said else ', unsaid'}"
        marked = f", marked{', exit 0' if self.code == 0 else ''}" if self.marked else ""
        return f"both{marked}{f', {self.note}' if self.note else ''}"


def page(folder: str, name: str = "page.md") -> bytes:
    """Thirty lines that no other page has."""
    return b"".join(b"%s %s: line %d of thirty\n" % (folder.encode(), name.encode(), line) for line in range(30))


def line(number: int, text: bytes) -> Callable[[bytes], bytes]:
    """Another text in one line."""
    return lambda content: b"\n".join([*content.split(b"\n")[:number], text, *content.split(b"\n")[number + 1 :]])


def released(name: str, change: Callable[[bytes], bytes]) -> Callable[[Tree, str], None]:
    """A release that changes a page."""

    def release(tree: Tree, folder: str) -> None:
        tree[f"{folder}/{name}"] = change(tree[f"{folder}/{name}"])

    return release


def edited(name: str, change: Callable[[bytes], bytes]) -> Callable[[Path, str], None]:
    """A team that changes a page."""

    def team(root: Path, folder: str) -> None:
        path = root / folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(change(path.read_bytes() if path.is_file() else b""))

    return team


def holds(root: Path, folder: str, *names: str) -> tuple[bool, bool]:
    """Whether the team's text and the release's are in these files (all below the folder where none is named)."""
    paths = [root / folder / name for name in names] or [path for path in (root / folder).rglob("*") if path.is_file()]
    texts = [path.read_bytes() for path in paths if path.is_file()]
    return any(OURS in text for text in texts), any(THEIRS in text for text in texts)


def both(*names: str) -> Callable[[Path, str], tuple[bool, bool]]:
    """Both texts have to be there."""
    return lambda root, folder: holds(root, folder, *names)


def nothing(root: Path, folder: str) -> None:
    """The team has not been there."""


def moved(old: str, new: str) -> Callable[[Path, str], None]:
    """A team that gives something another name, and writes a line into one of its pages."""

    def team(root: Path, folder: str) -> None:
        (root / folder / new).parent.mkdir(parents=True, exist_ok=True)
        (root / folder / old).rename(root / folder / new)
        first = next(path for path in [root / folder / new, *sorted((root / folder / new).glob("*"))] if path.is_file())
        first.write_bytes(line(20, OURS)(first.read_bytes()))

    return team


def deleted(root: Path, folder: str) -> None:
    """The team needs the page no more."""
    (root / folder / "page.md").unlink()


def gone(tree: Tree, folder: str) -> None:
    """The release has the page no more."""
    del tree[f"{folder}/page.md"]


def renamed(tree: Tree, folder: str) -> None:
    """The release gives the page another name, and a line."""
    tree[f"{folder}/renamed.md"] = line(5, THEIRS)(tree.pop(f"{folder}/page.md"))


def ignored(root: Path, folder: str) -> None:
    """A file of the team's that git is told to overlook."""
    edited("added.md", lambda _: OURS + b"\n")(root, folder)
    with (root / ".gitignore").open("a") as file:
        file.write(f"/{folder}/added.md\n")


def windows(content: bytes) -> bytes:
    """Line ends of Windows, and a line of the team's."""
    return line(20, OURS)(content).replace(b"\n", b"\r\n")


def other_ends(root: Path, folder: str) -> str:
    """Whether the line ends of Windows are gone."""
    return "" if b"\r\n" in (root / folder / "page.md").read_bytes() else "line ends changed"


def may_be_run(root: Path, folder: str) -> None:
    (root / folder / "page.md").chmod(0o755)


def new_page(tree: Tree, folder: str) -> None:
    """The release has a page more."""
    tree[f"{folder}/added.md"] = THEIRS + b"\n"


FIVE, TWENTY = line(5, THEIRS), line(20, OURS)
CHANGES = (
    Change("the release edits a page", "a", released("page.md", FIVE), nothing, lambda r, f: (True, holds(r, f)[1])),
    Change("both edit a page, in different places", "b", released("page.md", FIVE), edited("page.md", TWENTY), both()),
    Change("both edit the same line", "c", released("page.md", FIVE), edited("page.md", line(5, OURS)), both()),
    Change("both edit lines next to each other", "d", released("page.md", FIVE), edited("page.md", line(6, OURS)),
           both()),
    Change("the team renames a page", "e", released("page.md", FIVE), moved("page.md", "ours.md"), both("ours.md")),
    Change("the team renames a folder, the release adds a page to it", "f",
           lambda tree, f: tree.update({f"{f}/shelf/added.md": THEIRS}), moved("shelf", "cupboard"), both()),
    Change("the team deletes a page that the release edits", "g", released("page.md", FIVE), deleted,
           lambda r, f: (not (r / f / "page.md").exists(), (r / f / "page.md").exists())),
    Change("the team deletes a page that the release leaves alone", "h", lambda tree, f: None, deleted,
           lambda r, f: (not (r / f / "page.md").exists(), True)),
    Change("the release drops a page that the team edited", "i", gone, edited("page.md", TWENTY),
           lambda r, f: (holds(r, f)[0], not (r / f / "page.md").exists())),
    Change("the release drops a page that nobody touched", "j", gone, nothing,
           lambda r, f: (True, not (r / f / "page.md").exists())),
    Change("the release renames a page that the team edited", "k", renamed, edited("page.md", TWENTY),
           both("renamed.md")),
    Change("the release adds a page where the team has one", "l", new_page, edited("added.md", lambda _: OURS + b"\n"),
           both()),
    Change("the same, and git ignores the team's", "m", new_page, ignored, both()),
    Change("both replace a picture", "n", released("page.png", lambda old: BINARY + THEIRS),
           edited("page.png", lambda old: BINARY + OURS), both()),
    Change("the team replaces a picture", "o", lambda tree, f: None, edited("page.png", lambda old: BINARY + OURS),
           lambda r, f: (holds(r, f)[0], True)),
    Change("the release replaces a picture", "p", released("page.png", lambda old: BINARY + THEIRS), nothing,
           lambda r, f: (True, holds(r, f)[1])),
    Change("the team's page has line ends of Windows", "q", released("page.md", FIVE), edited("page.md", windows),
           both(), note=other_ends),
    Change("the team makes a page executable", "r", released("page.md", FIVE), may_be_run,
           lambda r, f: (os.access(r / f / "page.md", os.X_OK), holds(r, f)[1])),
    Change("the team's edit is not committed", "s", released("page.md", line(20, THEIRS)),
           edited("page.md", TWENTY), both(), "uncommitted"),
    Change("the folder is no git repository", "t", released("page.md", FIVE), edited("page.md", TWENTY), both(),
           "bare"),
)  # fmt: skip


def trees(changes: Sequence[Change], base: Tree) -> tuple[Tree, Tree]:
    """What is rendered before and after the release."""
    old = dict(base)
    for change in CHANGES:
        old[f"{change.folder}/page.md"] = page(change.folder)
        old[f"{change.folder}/shelf/one.md"] = page(change.folder, "one.md")
        old[f"{change.folder}/page.png"] = BINARY + change.folder.encode() * 40
    new = dict(old)
    for change in changes:
        change.release(new, change.folder)
    return old, new


# ---------------------------------------------------------------------------------------------------------- the tools


@dataclass(frozen=True)
class Tool:
    """How a tool makes a project and updates it; `made` and `update` return what was typed, to be run."""

    name: str
    program: str
    scratch: Path

    def make(self, old: Tree, new: Tree) -> Path:
        """The project before the release, in no repository yet."""
        project = self.scratch / "project"
        if self.name == "copier":
            self._template(old, new, "", {"copier.yml": b"{}\n", "{{ _copier_conf.answers_file }}.jinja": ANSWERS})
            self.run("copy", "--defaults", "--vcs-ref", "v1", str(self.scratch / "template"), str(project))
        elif self.name == "cruft":
            settings = {"slug": "project", "_copy_without_render": ["*"]}
            self._template(old, new, "{{cookiecutter.slug}}/", {"cookiecutter.json": json.dumps(settings).encode()})
            where = ("--output-dir", str(self.scratch), "--checkout", "v1")
            self.run("create", "--no-input", *where, str(self.scratch / "template"))
        else:
            write(project, old)
            write(self.scratch / "old", old)
            write(self.scratch / "new", new)
            if self.name == "mlscaffold":
                self.run("--made", str(project))
            else:
                (project / "agents-cli-manifest.yaml").write_text(MANIFEST)
        return project

    def update(self, project: Path, *more: str) -> subprocess.CompletedProcess[str]:
        """The update, with nobody to answer."""
        if self.name == "copier":
            return self.run("update", "--defaults", "--vcs-ref", "v2", *more, folder=project)
        if self.name == "cruft":
            return self.run("update", "--skip-apply-ask", "--checkout", "v2", *more, folder=project)
        if self.name == "mlscaffold":
            return self.run("--updated", str(project), str(self.scratch / "new"), *more)
        return self.run("-c", AGENTS, str(project), str(self.scratch / "old"), str(self.scratch / "new"), *more)

    def run(self, *words: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
        """One command of the tool's, in a home of its own and without anybody's settings."""
        home = self.scratch / "home"
        home.mkdir(exist_ok=True)
        surroundings = {"PATH": os.environ["PATH"], "HOME": str(home), "LANG": "C.UTF-8", **IDENTITY}
        surroundings["PATH"] = f"{Path(self.program).parent}{os.pathsep}{surroundings['PATH']}"
        start = [self.program, __file__] if self.name == "mlscaffold" else [self.program]
        return subprocess.run(
            [*start, *words], cwd=folder or self.scratch, env=surroundings, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, check=False,
        )  # fmt: skip

    def _template(self, old: Tree, new: Tree, below: str, more: Tree) -> None:
        folder = self.scratch / "template"
        for tag, tree in (("v1", old), ("v2", new)):
            for path in list(folder.glob("*")):
                if path.name != ".git":
                    shutil.rmtree(path) if path.is_dir() else path.unlink()
            write(folder, {f"{below}{path}": content for path, content in tree.items()} | more)
            keep(folder, tag)
            git(folder, "tag", tag)


IDENTITY = {f"GIT_{who}_{what}": "ana@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
ANSWERS = b"{{ _copier_answers|to_nice_yaml }}\n"
MANIFEST = "name: project\nagent_directory: app\nlanguage: python\nacli_version: 1.0.0\nversion: 1.0.0\n"
# agents-cli's own command; its two templates are given to it, as no other ones can be.
AGENTS = """
import pathlib, shutil, sys
from google.agents.cli import _tools
from google.agents.cli.scaffold.commands import upgrade
from google.agents.cli.scaffold.utils import merge
project, old, new = sys.argv[1:4]
def copied(args, output_dir, project_name, version=None):
    shutil.copytree(old if version else new, pathlib.Path(output_dir) / project_name, symlinks=True)
    return True
merge.run_create_command = copied
upgrade.is_fetchable_version = lambda version: True
_tools.require_tool = lambda name: None
upgrade.upgrade.main([project, "--yes", *sys.argv[4:]])
"""


def write(folder: Path, tree: Tree) -> None:
    """A tree of files."""
    for path, content in tree.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)


def contents(folder: Path) -> Tree:
    """Every file but git's."""
    paths = (path for path in folder.rglob("*") if path.is_file() and ".git" not in path.relative_to(folder).parts)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def git(folder: Path, *words: str) -> None:
    """A command that has to succeed."""
    off = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    subprocess.run(["git", *words], cwd=folder, env=os.environ | IDENTITY | off, check=True, capture_output=True)


def keep(folder: Path, message: str) -> None:
    """Commit everything."""
    git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", message)


def compared(tool: str, program: str, base: Tree) -> dict[str, Outcome]:
    """The outcome of every change by its name."""
    found = {}
    for alone in ("", "uncommitted", "bare"):
        changes = [change for change in CHANGES if change.alone == alone]
        with tempfile.TemporaryDirectory() as scratch:
            found |= played(Tool(tool, program, Path(scratch)), changes, base, alone)
    return {change.name: found[change.name] for change in CHANGES}


def played(tool: Tool, changes: Sequence[Change], base: Tree, alone: str) -> dict[str, Outcome]:
    """One update that brings these changes."""
    project = tool.make(*trees(changes, base))
    if alone != "bare":
        keep(project, "Start")
    for change in changes:
        change.team(project, change.folder)
    if not alone:
        keep(project, "Ours")
    before = contents(project)
    done = tool.update(project)
    told = re.sub(r"\x1b\[[0-9;]*m", "", done.stdout + done.stderr)
    print(f"--- {tool.name}{f', {alone}' if alone else ''}: exit {done.returncode}\n{told[-2500:]}", file=sys.stderr)
    after = contents(project)
    refused = done.returncode != 0 and after == before
    found = {}
    for change in changes:
        below = [text for path, text in after.items() if path.startswith(f"{change.folder}/")]
        left = any(path.startswith(f"{change.folder}/") and path.endswith((".rej", ".orig")) for path in after)
        marked = left or any(re.search(rb"^<{7} ", text, re.MULTILINE) for text in below)
        marked = marked or any(path.startswith(f"{change.folder}/") and ".new-plan" in path for path in after)
        said = re.search(rf"\b{change.folder}/[\w./-]+", told) is not None
        team, release = (False, False) if refused else change.present(project, change.folder)
        lost_but_said = change.folder in "gi" and said  # it cannot come: the team's wish stands
        found[change.name] = Outcome(
            team, release or lost_but_said, said, marked, done.returncode, refused, change.note(project, change.folder)
        )
    return found


# ------------------------------------------------------------------------------------- mlscaffold, without its own


def ours(words: Sequence[str]) -> int:
    """`--made PROJECT` records its base; `--updated PROJECT TREE` is the command with a renderer that copies TREE."""
    from mlscaffold import answers, cli, render, update
    from mlscaffold.repository import record

    project = Path(words[1])
    if words[0] == "--made":
        render.write_record(project, project, answers.complete(answers.read(project / "plan/project.yaml")))
        return 0
    for module in (render, record, update, cli):
        module.__version__ = "99.0.0"
    render.generate = lambda complete, output: Path(shutil.copytree(words[2], output / "tree"))
    return cli.run(["update", str(project), *words[3:]])


def rendered() -> Tree:
    """A software repository of this version, without its engine: what all four begin with."""
    from mlscaffold import answers, render

    with tempfile.TemporaryDirectory() as scratch, contextlib.redirect_stdout(io.StringIO()):
        given = answers.complete({"kind": "software", "start_date": "2026-03-02"})
        tree = render.generate(given, Path(scratch))
        return {path: text for path, text in contents(tree).items() if not path.startswith("engine/")}


# ------------------------------------------------------------------------------------------------------------ the page


def table(saved: dict[str, object]) -> str:
    """The table of docs/updates.md."""
    outcomes = {
        tool: {name: Outcome(**facts) for name, facts in found.items()} for tool, found in saved["outcomes"].items()
    }  # type: ignore[attr-defined]
    rows = [f"| {' | '.join(('', *outcomes))} |", f"|{'---|' * (len(outcomes) + 1)}"]
    for change in CHANGES:
        rows.append(f"| {' | '.join((change.name, *(found[change.name].cell() for found in outcomes.values())))} |")
    lost = [sum("lost" in one.cell() for one in found.values()) for found in outcomes.values()]
    silent = [sum("unsaid" in one.cell() for one in found.values()) for found in outcomes.values()]
    rows.append(f"| *lost, of {len(CHANGES)}* | {' | '.join(map(str, lost))} |")
    rows.append(f"| *of these unsaid* | {' | '.join(map(str, silent))} |")
    return "\n".join(rows)


def versions(programs: dict[str, str]) -> dict[str, str]:
    """What each tool says of itself, and git."""
    from mlscaffold import __version__

    said = {"mlscaffold": __version__}
    for name, distribution in (("copier", "copier"), ("cruft", "cruft"), ("agents-cli", "google-agents-cli")):
        code = f"from importlib.metadata import version; print(version('{distribution}'))"
        python = Path(programs[name]).with_name("python")
        said[name] = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    told = subprocess.run(["git", "--version"], capture_output=True, text=True, check=True).stdout
    said["git"] = told.split()[-1]
    return said


def put(text: str, name: str, part: str) -> str:
    """A page with another text between the marks of a name."""
    begin, end = f"<!-- {name}: written by tests/updates_compared.py -->", f"<!-- end of {name} -->"
    head, _, rest = text.partition(begin)
    assert end in rest, f"{PAGE} has no place for {name}"
    return f"{head}{begin}\n{part}\n{end}{rest.partition(end)[2]}"


def written(text: str, saved: dict[str, object]) -> str:
    """The page as what was saved makes it."""
    named = ", ".join(f"{name} {number}" for name, number in saved["versions"].items())  # type: ignore[attr-defined]
    return put(put(text, "table", table(saved)), "versions", f"Run on {saved['on']} with {named}.")


def main() -> int:
    """Compare where programs are named; write the page either way."""
    if sys.argv[1:2] in (["--made"], ["--updated"]):
        return ours(sys.argv[1:])
    parser = argparse.ArgumentParser(description="Compare what updates lose.")
    for name in ("copier", "cruft", "agents"):
        parser.add_argument(f"--{name}", help="the program, or for agents the Python that has it")
    given = parser.parse_args()
    programs = {"mlscaffold": sys.executable, "copier": given.copier, "cruft": given.cruft, "agents-cli": given.agents}
    if all(programs.values()):
        base = rendered()
        outcomes = {tool: compared(tool, programs[tool], base) for tool in TOOLS}
        facts = {tool: {name: asdict(one) for name, one in found.items()} for tool, found in outcomes.items()}
        kept = {"on": time.strftime("%Y-%m-%d"), "versions": versions(programs), "outcomes": facts}
        SAVED.write_text(json.dumps(kept, indent=1) + "\n", "utf-8")
    PAGE.write_text(written(PAGE.read_text("utf-8"), json.loads(SAVED.read_text("utf-8"))), "utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
