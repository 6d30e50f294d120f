"""Each idea behind the templates is embodied somewhere: the places in coverage.csv exist in rendered repositories.

A target is one of
  SAMPLE PATH            a file of that rendered sample (`*` in a path as in a shell)
  SAMPLE PATH#HEADING    a heading of that file holds these words
  SAMPLE PATH~TEXT       the file holds this text
  absent SAMPLE PATH     the file is not rendered, because nothing asked for it
  gate ID                a registered check of a rendered repository
  question KEY           a question of questions.yaml
  plan SAMPLE KEY        an entry of that sample's plan, which has a value
  moves SAMPLE KEY Q=V   that number of the plan is another one where question Q is answered V
  risk SAMPLE ID         a risk that follows from that sample's answers
  task SAMPLE ID         a task of that sample's schedule
  raci SAMPLE ROLE ROW   the role has a letter in that row
  advice SAMPLE RULE     the advisor decides that sample by this rule
  command SAMPLE NAME    a command that the sample's engine offers under its answers
  reads SAMPLE PAGE WHO  that reader is sent to the page, and the page says so
  asks SAMPLE PATH ROLE  a question on that page waits for that role

Words on a page do nothing by themselves: each row names at least one place of the kinds that somebody acts on, and
these are exercised here. What shuts a gate is tried by the repositories' own tests; tests/test_catalogue.py sees that.
"""

import csv
import functools
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from material import ROOT, sample_answers
from mlscaffold import answers, context, questions
from mlscaffold.rendering.reading import READERS
from rendered_repository import run

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
def test_every_idea_is_something_that_somebody_acts_on(row: dict[str, str]) -> None:
    """A gate, a command, a number, a risk, a letter, advice, or a page that a reader is sent to or a role answers."""
    kinds = {target.partition(" ")[0] for target in row["targets"].split(" | ")}

    assert kinds & ACTED_ON


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
        "plan ml-default curve.a",
        "moves sw-orders slo.favourite slo_percent=99",
        "moves sw-orders capacity.workers license=mit",
        "risk sw-orders R1",
        "command sw-orders favourite",
        "command ml-invoices serve",
        "reads sw-orders 06-architecture PO",
        "reads sw-orders 07-nothing SWE",
        "asks sw-orders docs/glossary.md po",
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
    return _value(_planned(name), key) is not None


def _value(plan: dict[str, Any], key: str) -> Any:
    """What stands under a key of a plan, of a number its value; None where there is nothing."""
    node: Any = plan
    for part in key.split("."):
        node = node.get(part) if isinstance(node, dict) else None
    return node["value"] if isinstance(node, dict) and "value" in node else node


def _moves(rest: str, rendered: Rendered) -> bool:
    name, key, change = rest.split(" ", 2)
    question, _, answer = change.partition("=")
    changed = context.plan_of(answers.complete(sample_answers(name).recorded | {question: answer}))
    before, after = _value(_planned(name), key), _value(changed, key)
    return before is not None and after is not None and before != after


def _risk(rest: str, rendered: Rendered) -> bool:
    name, id = rest.split(" ", 1)
    return id in [risk["id"] for risk in _planned(name)["risks"] if risk["active"]]


def _command(rest: str, rendered: Rendered) -> bool:
    name, command = rest.split(" ", 1)
    return command in _offered(rendered(name))


@functools.cache
def _offered(folder: Path) -> frozenset[str]:
    """The commands that the repository's own program lists."""
    said = run(folder, "--help").stdout
    return frozenset(re.findall(r"^ {4}([a-z][a-z-]*)(?: |$)", said, re.MULTILINE))


def _reads(rest: str, rendered: Rendered) -> bool:
    name, page, who = rest.split(" ", 2)
    path = rendered(name) / f"docs/{page}.md"
    sent = [reader.who for reader in READERS[sample_answers(name).kind] if page in reader.must]
    return who in sent and path.is_file() and who in path.read_text("utf-8").split("\n")[2]


def _asks(rest: str, rendered: Rendered) -> bool:
    name, path, role = rest.split(" ", 2)
    return f"[NEEDS ANSWER owner: {role}]" in (rendered(name) / path).read_text("utf-8")


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
    "moves": _moves,
    "risk": _risk,
    "command": _command,
    "reads": _reads,
    "asks": _asks,
}
ACTED_ON = KINDS.keys() - {"absent", "question"}
