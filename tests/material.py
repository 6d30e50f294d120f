"""Where the project is, and its named samples of answers."""

import functools
from pathlib import Path

from mlscaffold import answers
from mlscaffold.answers import Answers

ROOT = Path(__file__).resolve().parent.parent
SAMPLES = sorted(path.stem for path in (ROOT / "tests" / "samples").glob("*.yaml"))


def newborn(name: str) -> Answers:
    """A sample's answers with the work starting next Monday: gates that read the calendar see a repository of today."""
    return answers.complete(sample_answers(name).raw | {"start_date": ""})


@functools.cache
def sample_answers(name: str) -> Answers:
    """A sample's complete answers."""
    return answers.complete(answers.read(ROOT / "tests" / "samples" / f"{name}.yaml"))
