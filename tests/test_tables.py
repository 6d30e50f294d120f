"""A text of a person stays inside its cell: in the pages of a plan and in those that the engine writes."""

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from mlscaffold import wording
from planrun_ml.experiments import log
from planrun_ml.gates import g3_acceptance
from planrun_ml.pages import tables

HOSTILE = "a | b\nnext \\| c"


def cells(line: str) -> list[str]:
    """What a renderer of Markdown makes of a table's line."""
    return [part.strip() for part in re.split(r"(?<!\\)(?:\\\\)*\|", line.strip().strip("|"))]


def test_a_bar_or_a_new_line_opens_nothing() -> None:
    """Bars, backslashes before bars and new lines; both escapes are one."""
    line = tables.row("one", HOSTILE, 3)

    assert "\n" not in line
    assert len(cells(line)) == 3
    assert wording.cell(HOSTILE) == tables.cell(HOSTILE) == "a \\| b next \\\\\\| c"


def test_a_persons_words_stay_inside_the_table_of_experiments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was changed and what was learned are free text."""
    value = {"name": "recall", "value": 0.5, "low": 0.4, "high": 0.6}
    record: dict[str, Any] = {
        "id": "0001-linear", "change": [HOSTILE], "learned": HOSTILE, "metric": value, "vs_baseline": value,
        "vs_champion": None, "lock_sha": "x",
    }  # fmt: skip
    monkeypatch.setattr(log, "all_records", lambda repo: [record])
    for name in ("lock_sha", "champion", "stop_rule"):
        monkeypatch.setattr(log, name, lambda *given: "x" if len(given) == 1 else None)
    repo: Any = SimpleNamespace(root=tmp_path, number=lambda key: 10, answers={"success_rate": 0.3})
    (tmp_path / "evidence").mkdir()
    log.write_log(repo)
    row = next(line for line in (tmp_path / log.LOG).read_text("utf-8").splitlines() if line.startswith("| 0001"))

    assert len(cells(row)) == 5


@pytest.mark.parametrize(("used", "state"), [(2, "pass"), (3, "fail")])
def test_one_look_too_many_shuts_its_gate(used: int, state: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """G3.2: the planned number of looks is allowed, one more is not."""
    monkeypatch.setattr(g3_acceptance.looks_module, "looks_used", lambda repo, rows: used)
    planned = {"test.looks": 2, "test.alpha_per_look": 0.025}
    repo: Any = SimpleNamespace(
        needed=planned.__getitem__, fresh=lambda *asked: {"keys": {"test": "rows"}}, team={}, answers={}
    )

    assert g3_acceptance.looks(repo).state == state
