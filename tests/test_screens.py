"""Five persons go through the wizard in a real terminal, and see what is kept in tests/screens/."""

from pathlib import Path

import pytest
from screens import KEPT, PERSONS, WIDTHS, play
from terminal import Drawn

# One width in every run, and the others where slow tests run.
CASES = [
    pytest.param(person, columns, marks=[] if columns == 80 and person in ("knows-nothing",) else pytest.mark.slow)
    for person in PERSONS
    for columns in WIDTHS
]


@pytest.mark.parametrize(("person", "columns"), CASES)
def test_a_person_sees_what_is_kept(person: str, columns: int, tmp_path: Path) -> None:
    """Every line and every key; `python tests/screens.py` renews what is kept, for a reviewer to read in the diff."""
    home = tmp_path / "home"
    home.mkdir()

    assert play(person, columns, home) == KEPT.joinpath(f"{person}-{columns}.txt").read_text("utf-8")


def wrapped_by_the_terminal(lines: list[str], columns: int) -> list[str]:
    """Lines that fill the terminal to its last column, but for those that a person types on."""
    full, typing, asking = [], False, True
    for line in lines:
        asking = line.startswith("$ ") or (asking and line != " › Yes, write them")  # after it the report speaks
        typing = line.startswith(" ›") or (typing and len(line) == columns)
        if asking and len(line) >= columns and not typing and not line.startswith("⌨"):
            full.append(line)
    return full


@pytest.mark.parametrize("columns", WIDTHS)
def test_no_line_is_as_wide_as_the_terminal(columns: int) -> None:
    """The wizard breaks its lines itself, at spaces, one cell before the edge; the guard sees a line that is not."""
    for person in PERSONS:
        lines = KEPT.joinpath(f"{person}-{columns}.txt").read_text("utf-8").split("\n")
        assert wrapped_by_the_terminal(lines, columns) == [], person
    assert wrapped_by_the_terminal(["x" * columns], columns) == ["x" * columns]
    assert wrapped_by_the_terminal([" › " + "x" * columns], columns) == []


def test_no_screen_states_what_nobody_said() -> None:
    """Who answers ? to everything is told of no cases, no rate and no measurement as a fact."""
    for columns in WIDTHS:
        shown = " ".join(KEPT.joinpath(f"knows-nothing-{columns}.txt").read_text("utf-8").split())
        assert "there are 0 past cases" not in shown
        assert "The advisor recommends: software" in shown


def test_the_drawn_screen_keeps_what_has_scrolled_away() -> None:
    """The drawing itself: three lines on a screen of two."""
    screen = Drawn(20, 2, reply=1)
    for line in ("one", "two", "three"):
        screen.draw(line)
        screen.carriage_return()
        screen.linefeed()

    assert screen.lines_so_far() == ["one", "two", "three"]
