"""Where the project is, its named samples of answers, and which of many cases are played each time."""

import functools
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
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


def mostly_slow(cases: Iterable[Any], *quick: Any) -> list[Any]:
    """For `pytest.mark.parametrize`: every case, all but the quick ones slow. Each quick one has to be a case."""
    rows = list(cases)
    assert all(case in rows for case in quick), f"{quick} of {rows}"
    return [case if case in quick else pytest.param(case, marks=pytest.mark.slow) for case in rows]
