"""What the story needs of the program that tells it; all else of it is the same in a rendered repository's engine."""

from collections.abc import Mapping
from pathlib import Path

from mlscaffold import vcs
from mlscaffold.catalogue.keys import AnswerKey, NumberKey
from mlscaffold.errors import DemoEnvironment, DemoFailed, DemoNotKept, DemoPython, GitFailed

__all__ = ["AnswerKey", "DemoEnvironment", "DemoFailed", "DemoNotKept", "DemoPython", "NumberKey", "commit"]


def commit(folder: Path, message: str, surroundings: Mapping[str, str]) -> None:
    """Commit everything in `folder` with git as `surroundings` have it. Raises `DemoFailed`."""
    try:
        vcs.commit_as(folder, message, dict(surroundings))
    except GitFailed as error:
        raise DemoFailed(str(error)) from error
