"""Where the repository is that a person means: the folder named, or one above it."""

from pathlib import Path

from mlscaffold import render
from mlscaffold.errors import NoFolder

PLAN = "plan/project.yaml"


def root_of(folder: Path) -> Path:
    """The nearest folder at or above `folder` that holds a plan or a record, absolute and without links in its name.

    `folder` itself where there is none: whoever reads the plan says what is missing there. Raises `NoFolder`.
    """
    if not folder.is_dir():
        raise NoFolder(folder)
    here = folder.resolve()
    holding = (above for above in (here, *here.parents) if (above / PLAN).is_file() or (above / render.RECORD).is_dir())
    return next(holding, here)
