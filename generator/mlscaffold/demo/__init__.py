"""An example project's whole life on one screen, honestly run in a scratch folder that is removed afterwards.

Each line of the story comes from a command of the rendered repository that ran; what was planted is said. The folder's
signatures belong to "nobody (demo)", nothing touches the person's home or git, and what remains is an environment in
the cache folder, which is named before anything is installed.
"""

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from mlscaffold import answers, render
from mlscaffold.demo import environment, ml, software
from mlscaffold.demo.project import Project
from mlscaffold.demo.telling import Telling
from mlscaffold.errors import CannotWrite, DemoFailed, DemoWithoutGit
from mlscaffold.invocation import command

STORIES = {"ml": ml, "software": software}


def run(kind: str, telling: Telling, keep: Path | None = None, python: Path | None = None) -> None:
    """Tell the story of a kind from its first commit to its last drill; with `keep` the repository stays there.

    Raises `DemoFailed` where a command of the repository does not end as the story says, `DemoEnvironment` where what
    it needs cannot be installed, `DemoPython` where `python` lacks it; and before all that, `DemoNotKept` for a folder
    that cannot take it, and `DemoWithoutGit`.
    """
    if keep is not None:
        Project.refuse(keep)
    if shutil.which("git") is None:
        raise DemoWithoutGit()
    try:
        _told(kind, telling, keep, python)
    except OSError as error:  # no room or no right in the folder for temporary files, say
        raise DemoFailed(str(error)) from error


def _told(kind: str, telling: Telling, keep: Path | None, python: Path | None) -> None:
    story = STORIES[kind]
    with tempfile.TemporaryDirectory(prefix="mlscaffold-demo-") as scratch:
        telling.opens(story.OPENING)
        with Project.born(Path(scratch), _rendered(Path(__file__).with_name(f"{kind}.yaml")), telling) as project:
            needs = environment.needs_of(project.folder, story.NEEDS)
            project.starts(environment.python(needs, telling, python), story.SETTINGS)
            telling.closes(story.tell(project, telling))
            if keep is not None:
                project.kept(keep)
    left = f"The repository is in {keep}." if keep else "Nothing is left of it; --keep DIR keeps the repository."
    telling.points(
        project.cpu, left, f"Your own: `{command()} new` asks some fifteen questions; the README says the rest."
    )


def _rendered(file: Path) -> Callable[[Path], Project]:
    """How the example comes to be: rendered from the answers of a file."""

    def make(scratch: Path) -> Project:
        complete = answers.complete(answers.read(file))
        try:
            return Project(scratch, render.render(complete, scratch), complete.package_name)
        except CannotWrite as error:
            raise DemoFailed(str(error)) from error

    return make
