"""The repository that an engine carries, as a team would get it: for its own tests, and to show a whole life."""

import importlib
import json
from pathlib import Path

from planrun.answers import Given
from planrun.files import write_text
from planrun.rigor import ENGINES
from planrun.trouble import Trouble

EXAMPLE = "example.json"  # in the package of a kind: path → text; one file, so that no tool takes it for a project


def unpack(kind: str, folder: Path, answers: Given | None = None) -> Path:
    """Write the example of a kind into `folder`, with other answers where some are given; that folder.

    Raises `Trouble` where the engine is run from its source: only a released engine carries its example.
    """
    package = importlib.import_module(ENGINES[kind])
    path = Path(str(package.__file__)).with_name(EXAMPLE)
    if not path.is_file():
        raise Trouble(
            f"This engine carries no {EXAMPLE}: it is run from its source, or its folder is not whole.",
            "git checkout engine, or install it anew.",
        )
    for name, text in json.loads(path.read_text("utf-8")).items():
        write_text(folder / name, text)
    project = folder / "plan/project.yaml"
    lines = project.read_text("utf-8").splitlines()
    for key, value in (answers or {}).items():
        lines = [f"{key}: {json.dumps(value)}" if line.startswith(f"{key}:") else line for line in lines]
    write_text(project, "\n".join(lines) + "\n")
    return folder
