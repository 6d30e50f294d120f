"""`demo`: a whole project's life on one screen, told of the example that the engine carries.

The story, its driver and its environment are those of `mlscaffold demo`: sync.py copies them. Only where the example
comes from differs: it is unpacked here, with the engine that tells it, into a scratch folder that is removed.
"""

import importlib
import os
import shutil
import sys
import tempfile
from pathlib import Path

import planrun
from planrun.demo import environment
from planrun.demo.door import DemoFailed, DemoPython
from planrun.demo.project import Project
from planrun.demo.telling import Telling
from planrun.example import unpack
from planrun.repository import Repo
from planrun.rigor import ENGINES
from planrun.trouble import Outcome, Trouble

WIDTH = 100  # letters; longer lines are hard to read


def run(repo: Repo, keep: str = "") -> Outcome:
    """Tell the story of this kind of repository, from its first commit to its last drill; nothing of it is left.

    Raises `DemoFailed` where a command does not end as the story says, `DemoEnvironment` where what it needs cannot be
    installed, `DemoNotKept` for a folder that cannot take it, and `Trouble` without git.
    """
    place = Path(keep) if keep else None
    if place is not None:
        Project.refuse(place)
    if shutil.which("git") is None:
        raise Trouble("git was not found, and the example's history is kept with it.", "Install git.")
    try:
        _told(repo.answers["kind"], _telling(), place)
    except OSError as error:  # no room or no right in the folder for temporary files, say
        raise DemoFailed(str(error)) from error
    return Outcome("")


def _told(kind: str, telling: Telling, keep: Path | None) -> None:
    story = importlib.import_module(f"{ENGINES[kind]}.demo.story")

    def make(scratch: Path) -> Project:
        folder = unpack(kind, scratch / "example")
        for package in (planrun, importlib.import_module(ENGINES[kind])):
            held = Path(str(package.__file__)).parent
            shutil.copytree(held, folder / "engine" / held.name, ignore=shutil.ignore_patterns("__pycache__"))
        return Project(scratch, folder, Repo(folder).rooms.package)

    with tempfile.TemporaryDirectory(prefix="planrun-demo-") as scratch:
        telling.opens(story.OPENING)
        with Project.born(Path(scratch), make, telling) as project:
            project.starts(_python(project.folder, story.NEEDS, telling), story.SETTINGS)
            telling.closes(story.tell(project, telling))
            if keep is not None:
                project.kept(keep)
    left = f"The repository is in {keep}." if keep else "Nothing is left of it; --keep DIR keeps the repository."
    telling.points(project.cpu, left, "Your own goes the same way: the README's first ten minutes.")


def _python(folder: Path, extent: environment.Extent, telling: Telling) -> Path:
    """This environment where it has what the example needs, else one in the cache folder, made once."""
    needs = environment.needs_of(folder, extent)
    try:
        return environment.python(needs, telling, Path(sys.executable))
    except DemoPython:
        return environment.python(needs, telling, None)


def _telling() -> Telling:
    """Lines on standard output: with a moving clock on a terminal, painted unless NO_COLOR is set, plain elsewhere."""
    seen = sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
    width = min(shutil.get_terminal_size((WIDTH, 24)).columns, WIDTH) - 1

    def write(text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()

    return Telling(write, live=seen, colour=seen and not os.environ.get("NO_COLOR"), width=width)
