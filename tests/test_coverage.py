"""Each idea behind the templates is embodied somewhere: the places in coverage.csv exist in rendered repositories.

A target is one of
  SAMPLE PATH            a file of that rendered sample (`*` in a path as in a shell)
  SAMPLE PATH#HEADING    a heading of that file holds these words
  SAMPLE PATH~TEXT       the file holds this text
  absent SAMPLE PATH     the file is not rendered, because nothing asked for it
  gate ID                a registered check of a rendered repository
  question KEY           a question of questions.yaml
  plan SAMPLE KEY        an entry of that sample's plan
  task SAMPLE ID         a task of that sample's schedule
  raci SAMPLE ROLE ROW   the role has a letter in that row
  advice SAMPLE RULE     the advisor decides that sample by this rule
"""

import csv
import functools
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from material import ROOT, sample_answers
from mlscaffold import context, questions

Rendered = Callable[[str], Path]

with (ROOT / "tests" / "coverage.csv").open(encoding="utf-8", newline="") as file:
    ROWS = list(csv.DictReader(file))
IDS = [
    f"{letter}{n:02d}" for letter, count in (("A", 39), ("B", 29), ("C", 21), ("D", 17)) for n in range(1, count + 1)
]


def test_no_idea_is_dropped() -> None:
    """106 ideas, each once, each with a claim and at least one place."""
    assert [row["id"] for row in ROWS] == IDS
    assert all(row["claim"] and row["targets"] for row in ROWS)


@pytest.mark.parametrize("row", ROWS, ids=IDS)
def test_every_idea_is_embodied_where_the_table_says(row: dict[str, str], rendered: Rendered) -> None:
    """Every place named for an idea exists."""
    missing = [target for target in row["targets"].split(" | ") if not exists(target, rendered)]

    assert missing == []


@pytest.mark.parametrize(
    "target",
    [
        "sw-orders docs/07-nothing.md",
        "sw-orders docs/glossary.md#No such heading",
        "sw-orders docs/glossary.md~no such words anywhere",
        "absent sw-orders docs/glossary.md",
        "gate G9.9",
        "question favourite_colour",
        "plan sw-orders slo.favourite",
        "task sw-orders p99",
        "raci sw-orders PO no such deliverable",
        "advice sw-orders 7",
    ],
)
def test_a_place_that_does_not_exist_is_noticed(target: str, rendered: Rendered) -> None:
    """The check itself can fail, for every kind of target."""
    assert not exists(target, rendered)


def exists(target: str, rendered: Rendered) -> bool:
    """Whether the place a target names exists."""
    kind, _, rest = target.partition(" ")
    if kind in KINDS:
        return KINDS[kind](rest, rendered)
    path, mark, words = re.fullmatch(r"([^#~]+)([#~]?)(.*)", rest).groups()  # type: ignore[union-attr]
    texts = [found.read_text("utf-8") for found in rendered(kind).glob(path) if found.is_file()]
    if mark == "#":
        texts = ["\n".join(line for line in text.splitlines() if line.startswith("#")) for text in texts]
    return any(words.lower() in text.lower() for text in texts)


def _absent(rest: str, rendered: Rendered) -> bool:
    name, path = rest.split(" ", 1)
    return not (rendered(name) / path).exists()


def _gate(rest: str, rendered: Rendered) -> bool:
    samples = ("sw-orders",) if rest.startswith("T") else ("ml-invoices", "ml-regression")  # the latter has a service
    return any(rest in _gates(rendered(name)) for name in samples)


@functools.cache
def _gates(folder: Path) -> frozenset[str]:
    """The ids of all checks that the repository's engine registers."""
    code = "\n".join(path.read_text("utf-8") for path in folder.glob("engine/*/gates/*.py"))
    return frozenset(re.findall(r'@gate\(\s*"([GT]\d\.\w+)"', code))


def _question(rest: str, rendered: Rendered) -> bool:
    return rest in questions.load()


def _plan(rest: str, rendered: Rendered) -> bool:
    name, key = rest.split(" ", 1)
    node: Any = _planned(name)
    for part in key.split("."):
        if part not in node:
            return False
        node = node[part]
    return True


def _task(rest: str, rendered: Rendered) -> bool:
    name, task = rest.split(" ", 1)
    return task in [row["id"] for row in _planned(name)["schedule"]["tasks"]]


def _raci(rest: str, rendered: Rendered) -> bool:
    name, role, deliverable = rest.split(" ", 2)
    cells = [
        row["cells"].get(role, "") for row in _planned(name)["people"]["raci"] if row["deliverable"] == deliverable
    ]
    return any(letter.strip() not in ("", "-", "–") for letter in cells)


def _advice(rest: str, rendered: Rendered) -> bool:
    name, rule = rest.split(" ", 1)
    return str(_planned(name)["advice"]["rule"]) == rule


def _planned(name: str) -> dict[str, Any]:
    return context.plan_of(sample_answers(name))


KINDS: dict[str, Callable[[str, Rendered], bool]] = {
    "absent": _absent,
    "gate": _gate,
    "question": _question,
    "plan": _plan,
    "task": _task,
    "raci": _raci,
    "advice": _advice,
}
