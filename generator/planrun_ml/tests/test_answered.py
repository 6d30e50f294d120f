"""Today's value as answered and as measured: where they are two practices, somebody is asked which one it is."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from planrun.repository import Repo

from planrun_ml.baseline import answered

RESULT: dict[str, Any] = {"value": 0.9312, "low": 0.88, "high": 0.98}
RECALL: Any = SimpleNamespace(name="recall")


def repo(root: Path, today: str, source: str = "data/raw/rows.csv") -> Repo:
    """A repository that answers so."""
    (root / "plan").mkdir()
    (root / "data").mkdir()
    answers = {"kind": "ml", "task": "binary", "current_value": today}
    (root / "plan/project.yaml").write_text("".join(f"{key}: {json.dumps(text)}\n" for key, text in answers.items()))
    (root / "data/source.yaml").write_text(f"source: {source}\ntarget: late\n")
    return Repo(root)


@pytest.mark.parametrize("today", ["0.5", "0.8799", "0.99", "-3"])
def test_an_answer_beyond_the_measured_bounds_is_told(today: str, tmp_path: Path) -> None:
    """Both figures, the bounds, and what makes them one."""
    told = answered.unlike(repo(tmp_path, today), RECALL, RESULT)

    assert told == (
        f"The plan starts from recall {float(today):.4g}, as answered (current_value), and acceptance from the 0.9312 "
        "of the measured rule (0.88 to 0.98): they are not the same practice."
    )
    assert "--set current_value=0.9312" in answered.settled_by(RESULT)


@pytest.mark.parametrize(
    ("today", "source", "result"),
    [
        ("0.88", "data/raw/rows.csv", RESULT),
        ("0.95", "data/raw/rows.csv", RESULT),
        ("", "data/raw/rows.csv", RESULT),
        ("0.5", "sample", RESULT),
        ("0.5", "data/raw/rows.csv", RESULT | {"low": None}),
    ],
)
def test_what_may_be_the_same_is_not(today: str, source: str, result: dict[str, Any], tmp_path: Path) -> None:
    """Within the bounds, unanswered, on rows that are not the team's, or without bounds."""
    assert answered.unlike(repo(tmp_path, today, source), RECALL, result) == ""
