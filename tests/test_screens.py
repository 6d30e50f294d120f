"""Five persons go through the wizard in a real terminal, and see what is kept in tests/screens/."""

import os
import re
from itertools import pairwise
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
    """Lines that fill the terminal to its last column, but for what is typed and the command to go on with."""
    full, typing, asking = [], False, True
    for before, line in pairwise(["", *lines]):
        asking = line.startswith("$ ") or (asking and line != " › Yes, write them")  # after it the report speaks
        typing = line.startswith(" ›") or (typing and len(line) == columns)
        command = before.endswith("go on with:")  # whole, to be copied
        if asking and len(line) >= columns and not typing and not command and not line.startswith("⌨"):
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
    assert wrapped_by_the_terminal(["go on with:", "x" * columns, "x" * columns], columns) == ["x" * columns]


def test_no_screen_states_what_nobody_said() -> None:
    """Who answers ? to everything is told of no cases, no rate and no measurement as a fact."""
    for columns in WIDTHS:
        shown = " ".join(KEPT.joinpath(f"knows-nothing-{columns}.txt").read_text("utf-8").split())
        assert "there are 0 past cases" not in shown
        assert "The advisor recommends: software" in shown


def test_an_empty_answer_has_one_name_on_a_screen() -> None:
    """What was left open at the question stands in the tables and at the end under the same word."""
    shown = KEPT.joinpath("knows-nothing-120.txt").read_text("utf-8")
    said = re.search(r"Which systems does it depend on.*?left open: (.*?)\n", shown, re.DOTALL)

    assert said
    assert re.findall(r"\* (\S+) +Which systems", shown) == [said[1]]
    assert re.findall(r"dependencies = ([^,]+)", " ".join(shown.split())) == [said[1]]


def drawn(*written: str | bytes, columns: int = 20) -> list[str]:
    """The lines of a screen two lines high after that was written to it, piece by piece."""
    screen = Drawn(columns, 2, reply=1)
    for piece in written:
        screen.feed(piece if isinstance(piece, bytes) else piece.encode())
    return screen.lines_so_far()


def test_the_drawn_screen_keeps_what_has_scrolled_away() -> None:
    """The drawing itself: three lines on a screen of two."""
    assert drawn("one\r\n", "two\r\n", "three\r\n") == ["one", "two", "three"]


def test_the_drawn_screen_shows_what_was_written_last() -> None:
    """Moving up, erasing, and writing over; letters of two cells fill a line in half as many."""
    assert drawn("one\r\ntwo", "\x1b[1A\rnew\x1b[K") == ["new", "two"]
    assert drawn("one\r\ntwo\x1b[1A\r\x1b[J") == []
    assert drawn("名名名", columns=4) == ["名名", "名"]


def test_the_drawn_screen_puts_together_what_was_cut() -> None:
    """A pipe cuts where it likes: within a control sequence, within a letter."""
    assert drawn("one", "\x1b", "[", "3", "D", "new") == ["new"]
    assert drawn("é".encode()[:1], "é".encode()[1:]) == ["é"]


def test_the_drawn_screen_answers_where_its_cursor_is() -> None:
    """A program that asks is answered in the form in which terminals answer."""
    answer, reply = os.pipe()
    Drawn(20, 2, reply).feed(b"one\x1b[6n")

    assert os.read(answer, 99) == b"\x1b[1;4R"
    os.close(answer)
    os.close(reply)
