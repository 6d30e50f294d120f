"""What the story needs of the program that tells it; all else of it is the same in `mlscaffold demo`."""

import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path

from planrun.catalogue import AnswerKey, NumberKey
from planrun.trouble import Trouble

__all__ = ["AnswerKey", "DemoEnvironment", "DemoFailed", "DemoNotKept", "DemoPython", "NumberKey", "commit"]

AGAIN = "Nothing was left behind. Run it again; if it stops there again, report this sentence."


class DemoFailed(Trouble):
    """The example did not go as its story tells."""

    def __init__(self, why: str) -> None:
        super().__init__(f"The demo stopped: {why.rstrip('.')}.", AGAIN)


class DemoNotKept(Trouble):
    """The folder that the example should be kept in cannot be used."""

    def __init__(self, folder: Path, why: str) -> None:
        super().__init__(
            f"The example cannot be kept in {folder}: {why}.", "Name a folder that is new or empty: --keep DIR"
        )


class DemoEnvironment(Trouble):
    """What the example runs in could not be installed."""

    def __init__(self, folder: Path, why: str) -> None:
        super().__init__(
            f"The demo's environment could not be installed in {folder}: {why.rstrip('.')}.",
            "It needs the package index, and room in the cache folder (XDG_CACHE_HOME names another one).",
        )


class DemoPython(Trouble):
    """An interpreter lacks what the example needs."""

    def __init__(self, python: Path, why: str) -> None:
        super().__init__(f"{python} cannot run the demo: {why}.", "make setup")


def commit(folder: Path, message: str, surroundings: Mapping[str, str]) -> None:
    """Commit everything in `folder` with git as `surroundings` have it. Raises `DemoFailed`."""
    born = [] if (folder / ".git").exists() else [["init", "--quiet", "--template=", "--initial-branch=main"]]
    for words in (*born, ["add", "--all"], ["commit", "--quiet", "--allow-empty", "-m", message]):
        done = subprocess.run(
            ["git", *words], cwd=folder, env=dict(surroundings), capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise DemoFailed(f"{shlex.join(['git', *words[:1]])} refused: {done.stderr.strip() or done.returncode}")
