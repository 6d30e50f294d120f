"""From random states, what a repository prints as next leads somewhere: see tests/walks.py, and walk_states.py."""

import random
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import walk_states
from walks import ENDS, MOST_STEPS, Walk, WentWrong, walk

QUICK = {"ml": 9, "software": 6}  # short walks, and from few repositories: together they take less than a minute
ALL = 240  # of machine learning; those of software are test_walks_software.py
SHORT = 4  # steps


def seeds(count: dict[str, int]) -> list[tuple[str, int]]:
    return [(kind, seed) for kind in walk_states.KINDS for seed in range(count[kind])]


@pytest.fixture(scope="module")
def stock(tmp_path_factory: pytest.TempPathFactory) -> Iterator[walk_states.Stock]:
    """Repositories of both kinds, each rendered once, in a home that nobody has set up."""
    place = tmp_path_factory.mktemp("walks")
    with walk_states.surroundings(place):
        yield walk_states.Stock(place / "stock")


@pytest.mark.parametrize(("kind", "seed"), seeds(QUICK))
def test_a_short_walk_goes_well(kind: str, seed: int, stock: walk_states.Stock, tmp_path: Path) -> None:
    """The first steps from a state that little led to are commands that exist and that move on."""
    ended, _ = walk(kind, seed, stock, tmp_path, SHORT)

    assert ended in (*ENDS, "short")


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(ALL))
def test_a_walk_ends_well(seed: int, stock: walk_states.Stock, tmp_path: Path) -> None:
    """All is green, or a person, a page, a day or rows are waited for, by name."""
    ended, _ = walk("ml", seed, stock, tmp_path, MOST_STEPS)

    assert ended in ENDS


# ------------------------------------------------------------------------------------------- walks can go wrong
@pytest.fixture
def still(stock: walk_states.Stock, tmp_path: Path) -> Walk:
    """A walk that has not begun, in a repository where nothing has happened."""
    _, folder = stock.copy("software", random.Random(1), tmp_path, 0)
    return Walk(folder, random.Random(1))


def test_a_command_that_does_not_exist_is_found(still: Walk) -> None:
    """A target that the Makefile lacks is said before it is typed; words that a command lacks, when it is."""
    assert still.problem({"kind": "command", "text": "make gold", "command": "make gold"})
    assert not still.problem({"kind": "command", "text": "make test", "command": "make test"})
    with pytest.raises(WentWrong, match="not understood"):
        still.types("planrun sign --gold T1")


def test_a_traceback_is_found_where_it_is_printed(still: Walk, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a broken product answered, quoted by the tests that it fails, is no traceback of the command's."""
    quoted = "E  + where Reply(body={'detail': 'Traceback (most recent call last):\\n  File'})\n"
    monkeypatch.setattr(still, "_run", lambda line: subprocess.CompletedProcess(line, 1, quoted, ""))
    still.types("make accept")
    printed = "Traceback (most recent call last):\n"
    monkeypatch.setattr(still, "_run", lambda line: subprocess.CompletedProcess(line, 1, "", printed))
    with pytest.raises(WentWrong, match="ended in a traceback"):
        still.types("make accept")


def test_whoever_may_type_a_command_sits_down(still: Walk) -> None:
    """A refusal that says whose turn it is leads on as soon as that person is at the machine."""
    refusal = "Bo is not of the team.\nNext: Ana or Cy types: .venv/bin/planrun confirm --all\n"

    assert still.takes_the_way_out("planrun confirm --all", refusal) == ".venv/bin/planrun confirm --all"
    assert walk_states.git(still.folder, "config", "user.name").strip() == "Ana"


def test_a_step_that_leaves_all_as_it_was_is_a_loop(still: Walk) -> None:
    """The same step in the same state, twice, goes nowhere."""
    found = {"gates": [{"id": "T1.1", "state": "fail", "reason": "Why."}]}
    still.moved_on(found, "make test")
    with pytest.raises(WentWrong, match="a loop"):
        still.moved_on(found, "make test")


def test_a_refusal_without_a_way_is_found(still: Walk) -> None:
    """What git refuses names none; a refusal of the engine's does."""
    with pytest.raises(WentWrong, match="names no way"):
        still.types_on("git checkout evidence/none.json")
    assert still.types_on("planrun sign T9") in ENDS


@pytest.mark.parametrize(
    "step",
    [
        None,
        {"kind": "edit", "text": "Mend it", "files": []},
        {"kind": "person", "text": "Decide", "who": []},
        {"kind": "wait", "text": "Wait", "until": "2020-01-01"},
        {"kind": "rows", "text": "More rows", "rows": 0},
    ],
)
def test_a_step_that_nobody_can_take_is_found(still: Walk, step: dict[str, object] | None) -> None:
    """No file, nobody, a day that is over, no rows."""
    assert still.problem(step)
