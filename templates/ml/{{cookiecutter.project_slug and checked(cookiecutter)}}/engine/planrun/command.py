"""Commands as rows of a table, and how they are typed in the repository's folder, where nothing has been activated."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from planrun.answers import Applies, always

Argument = tuple[tuple[str, ...], dict[str, Any]]
COMMAND = Path(".venv", "Scripts" if os.name == "nt" else "bin", "planrun").as_posix()


def argument(*names: str, **settings: Any) -> Argument:
    """One argument, as argparse wants it."""
    return names, settings


@dataclass(frozen=True)
class Command:
    """One command: the function behind it ("package.module:function"), its help, its arguments, and when it applies.

    The module is imported only when the command is called, so that `status` never loads a web server.
    """

    name: str
    function: str
    help: str
    arguments: tuple[Argument, ...] = ()
    applies: Applies = always
    answered_for: str = ""  # why a person has to type it, as the start of a sentence: an agent is refused
    settled: bool = True  # it signs or measures, on one version of everything: not while a merge waits to be finished
