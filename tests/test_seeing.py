"""What the wizard shows of a data file before the first question: agreed to, changed, answered, gone back over."""

import io
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from data_files import column, complaints, text, write
from mlscaffold import answers, looking, wizard
from mlscaffold.wizard.seeing import Seeing, Stopped
from prompt_toolkit.application import create_app_session
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.output import create_output

ENTER, SPACE, DOWN = "\r", " ", "\x1b[B"
CTRL_C = "\x03"


@pytest.fixture
def see(monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[dict[str, str], str]]:
    """`see(sight, keys)`: the answers after these keys, and everything that stood on the screen."""

    def run(sight: looking.Sight, *keys: str) -> tuple[dict[str, str], str]:
        screen = io.StringIO()
        monkeypatch.setattr(sys, "stderr", screen)
        with create_pipe_input() as pipe:
            pipe.send_text("".join(keys) + CTRL_C)
            with create_app_session(input=pipe, output=create_output(stdout=screen)):
                return Seeing(sight).run(), screen.getvalue()

    return run


def sight(path: Path, table: list[list[str]], **said: str) -> looking.Sight:
    return looking.sight(write(path / "cases.csv", text(table)), {}, said)


def test_one_yes_takes_all_that_the_file_shows(tmp_path: Path, see: Callable) -> None:
    """The table with values, figures and reasons; nothing else is asked where nothing is open."""
    texts, shown = see(sight(tmp_path, complaints()), ENTER)

    assert "cases.csv shows (600 rows, 6 columns; CSV with commas):" in shown
    assert "Take all of it" in shown
    assert texts["target_column"] == "churned"
    assert answers.complete(texts).provenance("past_cases") == "measured"
    assert "metric" not in texts  # no file tells it, so that it is asked later


def test_what_the_file_leaves_open_is_asked_with_its_own_values(tmp_path: Path, see: Callable) -> None:
    """First which column, then which value of it; the share follows at once."""
    table = column(complaints(yes="malignant", no="benign"), "fraud", lambda at, _: "01"[at % 9 == 0])
    texts, shown = see(sight(tmp_path, table), ENTER, DOWN, ENTER, DOWN, ENTER)

    assert (texts["target_column"], texts["positive_value"]) == ("churned", "malignant")
    assert "positive_share" in shown
    assert answers.complete(texts).provenance("positive_share") == "measured"
    assert answers.complete(texts).provenance("target_column") == "answered"


def test_back_asks_the_question_before_again(tmp_path: Path, see: Callable) -> None:
    """`<` at the second question returns to the first, and at the first to the table."""
    table = column(complaints(yes="malignant", no="benign"), "fraud", lambda at, _: "01"[at % 9 == 0])
    texts, _ = see(sight(tmp_path, table), ENTER, "<", ENTER, DOWN, ENTER, "<", ENTER)

    assert texts["target_column"] == "fraud"
    assert "positive_value" not in texts


def test_people_are_asked_about_and_none_is_confirmed(tmp_path: Path, see: Callable) -> None:
    """A default that a person chose is no assumption any more; `?` leaves it one."""
    table = column(complaints(), "email", lambda at, _: f"a{at}@example.org")
    sure, _ = see(sight(tmp_path, table), ENTER, DOWN, DOWN, ENTER)
    unsure, _ = see(sight(tmp_path, table), ENTER, "?")

    assert answers.complete(sure).provenance("personal_data") == "answered"
    assert answers.complete(unsure).provenance("personal_data") == "default"


def test_a_part_can_be_changed_among_the_columns_that_there_are(tmp_path: Path, see: Callable) -> None:
    """Another group, or none; what was said is shown and no longer measured."""
    texts, shown = see(sight(tmp_path, complaints()), DOWN, ENTER, "group", ENTER, DOWN * 6, ENTER, ENTER)

    assert texts["group_column"] == ""
    assert "group_column = none (you said so)" in shown
    assert "group_column" not in answers.complete(texts)["measured"]


def test_a_change_that_does_not_fit_is_refused_and_nothing_lost(tmp_path: Path, see: Callable) -> None:
    """A moment that is none is complained about; the table comes again."""
    texts, shown = see(sight(tmp_path, complaints()), DOWN, ENTER, "time_col", ENTER, ENTER, ENTER)

    assert "holds no moments in case_id" in " ".join(shown.split())
    assert texts["time_column"] == "opened"


def test_stopping_keeps_what_was_said(tmp_path: Path, see: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the menu and by Ctrl-C; the wizard hands the answers on to be kept."""
    with pytest.raises(Stopped):
        see(sight(tmp_path, complaints()), DOWN, DOWN, ENTER)
    table = column(complaints(yes="malignant", no="benign"), "fraud", lambda at, _: "01"[at % 9 == 0])
    with create_pipe_input() as pipe:
        pipe.send_text(ENTER + DOWN + ENTER + CTRL_C)
        with create_app_session(input=pipe), pytest.raises(wizard.Interrupted) as interrupt:
            wizard.ask({}, sight=sight(tmp_path, table))

    assert interrupt.value.answers["target_column"] == "churned"
    assert interrupt.value.answers["past_cases"] == "600"
