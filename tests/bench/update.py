"""`mlscaffold update --dry-run` beside `copier update` and `cruft update`, on 60 files and the same change.

A release edits one page of a software repository. mlscaffold is a newer copy of this checkout and renders its own
template, plan included. cruft gets this very template from git, which is a cookiecutter template too; and copier and
cruft get the same 60 files as a template that holds no expression. Each runs as its command, in turn; counted is the
CPU of the command and of every process that it starts.

    python tests/bench/update.py --copier ENV/bin/copier --cruft ENV/bin/cruft [--rounds 5]

Fails when the dry run takes more CPU than any of them.
"""

import argparse
import os
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from updates_compared import Tool, Tree, contents, git, keep, rendered  # noqa: E402

PAGE = "docs/00-charter.md"


def newer(folder: Path) -> Path:
    """A checkout of a version that is newer, and says something else in one page."""
    for name in ("generator", "templates"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    place = folder / "generator/mlscaffold/__init__.py"
    place.write_text(re.sub(r'__version__ = ".+"', '__version__ = "99.0.0"', place.read_text("utf-8")), "utf-8")
    (page,) = folder.glob(f"templates/software/{{{{*/{PAGE}")
    page.write_text(page.read_text("utf-8").replace("# Charter", "# The charter", 1), "utf-8")
    return folder


def of_ours(scratch: Path) -> Callable[[], subprocess.CompletedProcess[str]]:
    """The dry run on a repository of this version."""
    checkout = newer(scratch / "newer")

    def typed(code: Path, *words: str) -> subprocess.CompletedProcess[str]:
        surroundings = os.environ | {"PYTHONPATH": str(code / "generator")}
        return subprocess.run(
            [sys.executable, "-m", "mlscaffold", *words], cwd=scratch, env=surroundings, capture_output=True, text=True,
            check=False,
        )  # fmt: skip

    given = ("--kind", "software", "--set", "start_date=2026-03-02", "--defaults", "--no-git")
    typed(ROOT, "new", "My project", *given)
    keep(scratch / "my-project", "Start")
    return lambda: typed(checkout, "update", "--dry-run", "my-project")


def of_another(name: str, program: str, scratch: Path, base: Tree) -> Callable[[], subprocess.CompletedProcess[str]]:
    """The update of another tool, on a copy of its own each time."""
    scratch.mkdir()
    tool = Tool(name, program, scratch)
    project = tool.make(base, base | {PAGE: base[PAGE].replace(b"# Charter", b"# The charter", 1)})
    keep(project, "Start")
    return repeated(tool, project)


def repeated(tool: Tool, project: Path) -> Callable[[], subprocess.CompletedProcess[str]]:
    """A tool's update of a project, on a copy of its own each time."""
    count = iter(range(1000))

    def update() -> subprocess.CompletedProcess[str]:
        copy = Path(shutil.copytree(project, project.with_name(f"copy-{next(count)}"), symlinks=True))
        before = contents(copy)
        done = tool.update(copy)
        assert contents(copy) != before, done.stdout + done.stderr
        return done

    return update


def of_cruft_and_our_template(
    program: str, scratch: Path, checkout: Path
) -> Callable[[], subprocess.CompletedProcess[str]]:
    """cruft's update with this template, by its door for plain cookiecutter."""
    scratch.mkdir()
    tool, template = Tool("cruft", program, scratch), scratch / "template"
    template.mkdir()
    for tag, source in (("v1", ROOT), ("v2", checkout)):
        for name in ("generator", "templates"):
            shutil.rmtree(template / name, ignore_errors=True)
            left_out = shutil.ignore_patterns("__pycache__")
            shutil.copytree(source / name, template / name, ignore=left_out)
        keep(template, tag)
        git(template, "tag", tag)
    where = ("--output-dir", str(scratch), "--checkout", "v1", "--directory", "templates/software")
    made = tool.run("create", "--no-input", *where, str(template))
    project = scratch / "my-project"
    assert project.is_dir(), made.stdout + made.stderr
    keep(project, "Start")
    return repeated(tool, project)


def cpu(command: Callable[[], subprocess.CompletedProcess[str]]) -> float:
    """Seconds of CPU of a command and its processes."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = command()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.returncode == 0, done.stdout + done.stderr
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> int:
    """Print the ratios."""
    parser = argparse.ArgumentParser(description="CPU of an update.")
    parser.add_argument("--copier", required=True)
    parser.add_argument("--cruft", required=True)
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args()
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # an installation has its bytecode, whoever made it
    base = rendered()
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        commands = {"mlscaffold update --dry-run": of_ours(scratch)}
        for tool, program in (("copier", given.copier), ("cruft", given.cruft)):
            commands[f"{tool} update"] = of_another(tool, program, scratch / tool, base)
        same = "cruft update of the same template"
        commands[same] = of_cruft_and_our_template(given.cruft, scratch / "same", scratch / "newer")
        for command in commands.values():
            cpu(command)  # bytecode is there from now on
        rounds = [{what: cpu(command) for what, command in commands.items()} for _ in range(given.rounds)]
    ours = "mlscaffold update --dry-run"
    print(f"{len(base)} files, {given.rounds} rounds")
    slower = False
    for what in commands:
        seconds = statistics.median(one[what] for one in rounds)
        ratio = statistics.median(one[ours] / one[what] for one in rounds)
        print(f"{what}: {seconds:.2f} s of CPU{'' if what == ours else f'; the dry run takes {ratio:.2f} of it'}")
        slower |= what != ours and ratio > 1
    return int(slower)


if __name__ == "__main__":
    sys.exit(main())
