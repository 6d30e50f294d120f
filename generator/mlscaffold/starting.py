"""The new repository's own first two commands, run in it when the person says yes at the end of `new`."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

COMMANDS = ("setup", "test")


@dataclass(frozen=True)
class Outcome:
    """How far the commands came: the last one that ran, and its exit code (0 where all of them passed)."""

    command: str
    code: int


def is_possible(folder: Path) -> bool:
    """Whether there is a `make` here and a Makefile there."""
    return shutil.which("make") is not None and folder.joinpath("Makefile").is_file()


def run(folder: Path) -> Outcome:
    """Run `make setup` and `make test` in `folder`, their output live on this terminal; stop at the first failure."""
    outer = ("MAKEFLAGS", "MFLAGS", "MAKELEVEL", "MAKEOVERRIDES")  # of a `make new` around us: not meant for this one
    surroundings = {name: value for name, value in os.environ.items() if name not in outer}
    for command in COMMANDS:
        code = subprocess.run(["make", command], cwd=folder, env=surroundings, check=False).returncode
        if code:
            return Outcome(f"make {command}", code)
    return Outcome(f"make {COMMANDS[-1]}", 0)
