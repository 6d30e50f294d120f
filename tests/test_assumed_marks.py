"""Whatever a page says that rests on an answer nobody gave carries the mark, and what nobody knows is no fact."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from material import SAMPLES, mostly_slow, sample_answers
from mlscaffold import answers as answers_module
from mlscaffold import figures, render, wording
from mlscaffold.answers import Answers
from mlscaffold.context import plan_of
from mlscaffold.planning.number import entries
from mlscaffold.rendering.schedule import Schedule

Rendered = Callable[[str], Path]
MARKED = re.compile(r"[^\s*|(]\*(?!\*)|\*{3}")  # a mark, also one at the end of bold
FENCE = re.compile(r"```.*?```", re.DOTALL)
FOLD = re.compile(r"<details>.*?</details>", re.DOTALL)
ASSUMED = re.compile(r"^\|[^\n]*\| (?:Assumed|Taken as) \|[^\n]*\n(?:\|.*\n)+", re.MULTILINE)  # tables of nothing else
EMPHASIS = re.compile(r"\*(?:blocks|advises|act|review|Gain|gain|not yet shown|quality|cost|latency)\*")


def pages(folder: Path) -> dict[str, str]:
    """The pages that people read, without drawings and commands, and without emphasis that looks like a mark."""
    found = (*folder.rglob("docs/*.md"), *folder.rglob("docs/decisions/*.md"), folder / "README.md")
    return {page.name: EMPHASIS.sub("", FENCE.sub("", page.read_text("utf-8"))) for page in found}


def shown(value: Any, entry: dict[str, Any]) -> set[str]:
    """The ways in which a page prints a number, those of three signs or more: shorter ones may be any other."""
    texts = {figures.number(value, entry["unit"], entry["provenance"]), figures.number(value)}
    texts |= {wording.percent(entry).removesuffix(" %")} if isinstance(value, float) and value < 1 else set()
    return {text for text in texts if len(re.sub(r"[.,]", "", text).strip("0")) >= 3 or re.fullmatch(r"\d+,\d+", text)}


def unmarked(page: str, text: str) -> Iterator[str]:
    """The cells and lines that print a number and carry no mark from there on."""
    for line in ASSUMED.sub("", page).splitlines():
        for cell in [line] if line.startswith("- ") else re.split(r"(?<!\\)\|", line):
            at = re.search(rf"(?<![\w.,-]){re.escape(text)}(?![\w-]|[.,]\d)", cell)
            if at and not MARKED.search(cell, at.end() - 1):
                yield cell.strip()


@pytest.mark.parametrize("name", mostly_slow(SAMPLES, "awkward-ml", "sw-default"))
def test_a_number_that_rests_on_an_assumption_is_marked_wherever_it_stands(name: str, rendered: Rendered) -> None:
    """By its key in plan.json, on every page: also where a sentence, a finding, a risk or a fold tells it."""
    given = sample_answers(name)
    plan, found = plan_of(given), pages(rendered(name))
    numbers = {key: entry for key, entry in entries(plan) if isinstance(entry["value"], (int, float))}
    sure = set(_typed(given))
    for entry in numbers.values():
        sure |= set() if entry.get("rests_on") else shown(entry["value"], entry)
        sure |= {figures.number(value) for value in entry["inputs"].values() if isinstance(value, (int, float))} - {
            figures.number(value)
            for input, value in entry["inputs"].items()
            if input in entry.get("assumed_inputs", ()) and isinstance(value, (int, float))
        }
    missed = [
        f"{page}: {key} {text}: {cell}"
        for key, entry in numbers.items()
        if entry.get("rests_on") and not isinstance(entry["value"], bool)
        for text in shown(entry["value"], entry) - sure
        for page, whole in found.items()
        for cell in unmarked(whole, text)
    ]

    assert missed == []


@pytest.mark.parametrize("name", mostly_slow(SAMPLES, "awkward-ml", "sw-default"))
def test_a_day_that_the_schedule_works_out_is_marked_wherever_it_stands(name: str, rendered: Rendered) -> None:
    """In tables of tasks, risks and sessions and in sentences; a drawing has no room for it, and folds show inputs."""
    schedule = plan_of(sample_answers(name))["schedule"]
    assert schedule["p50"].get("rests_on"), "the samples leave something open"
    days = {task[end] for task in schedule["tasks"] for end in ("start", "end")} - {schedule["start"]["value"]}
    days |= {row["date"] for row in (*schedule["sessions"], *schedule["reviews"])}
    found = {page: FOLD.sub("", whole) for page, whole in pages(rendered(name)).items()}
    seen = [
        (page, cell)
        for page, whole in found.items()
        for day in sorted(days)
        for cell in whole.splitlines()
        if day in cell
    ]
    missed = [
        f"{page}: {cell}" for page, whole in found.items() for day in sorted(days) for cell in unmarked(whole, day)
    ]

    assert len(seen) > 20
    assert missed == []


@pytest.mark.parametrize("kind", ["ml", "software"])
def test_days_of_work_are_marked_where_they_grow_with_an_answer_nobody_gave(kind: str) -> None:
    """By the row of the catalogue: a task that grows with nothing open carries no mark."""
    given = answers_module.complete({"kind": kind, "kind_reason": "a test", "project_name": "Bare"})
    plan = plan_of(given)
    open_keys = {row["key"] for row in plan["assumptions"]}
    rows = {row["id"]: row["work"] for row in Schedule(given, plan).dates}
    growing = {task["id"] for task in plan["schedule"]["tasks"] if open_keys & set(task["answers"])}

    assert growing
    assert {id for id, work in rows.items() if work.endswith("*")} == growing - {
        task["id"] for task in plan["schedule"]["tasks"] if task["waiting"]
    }


def _typed(given: Answers) -> Iterator[str]:
    """Numbers that somebody gave, as pages print them."""
    for key in given.recorded:
        value = given.get(key)
        if given.provenance(key) != "default" and isinstance(value, (int, float)):
            yield figures.number(value)


def test_an_unmarked_number_would_be_seen() -> None:
    """The same look at lines that were planted."""
    assert list(unmarked("Built for about 16,600 EUR: 28* person-days", "16,600")) == []
    assert list(unmarked("| Economic | 16,600 EUR | *x*", "16,600")) == ["16,600 EUR"]
    assert list(unmarked("| Economic | 16,600 EUR* | x |", "16,600")) == []
    assert list(unmarked("It costs 16,600 EUR.", "16,600")) == ["It costs 16,600 EUR."]
    assert list(unmarked("| Question | Assumed | If true |\n|---|---|---|\n| x | 16,600 | y |\n", "16,600")) == []
    assert list(unmarked("| Question | Known | If true |\n|---|---|---|\n| x | 16,600 | y |\n", "16,600")) == ["16,600"]


# ------------------------------------------------------------------------------------------- what nobody has said


@pytest.fixture(scope="module", params=["ml", "software"])
def bare(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, dict[str, str]]:
    """The pages of a project of which nothing is known but its name."""
    kind = str(request.param)
    given = answers_module.complete({"kind": kind, "kind_reason": "a test", "project_name": "Bare"})
    return kind, pages(render.render(given, tmp_path_factory.mktemp(kind)))


FACTS = (  # sentences about the world that only an answer can make true
    r"No cases are labelled",
    r"With these few labelled",
    r"there are 0 (past )?cases",
    r"\b0\*? (past cases|labelled)",
    r"^\|[^|]*(Validation|labelled|past cases)[^|]*\| 0\*? \|",
    r"^Nothing does this job today",
    r"^Nobody and nothing does this job",
    r"The answers say that the data describe no people",
    r"^A careful person can",
    r"nothing outside itself",
    r"\b0 dependencies",
    r"no dependency is named",
    r"dependencies allow \| 100 %",
    r"as far as the answers say",
    r"\| (dependencies|target_value) \| none \|",
    r"(?i)no protected group",
    r"(?i)no group(s)? (is|are) protected",
)


def test_what_nobody_has_said_is_never_told_as_a_fact(bare: tuple[str, dict[str, str]]) -> None:
    """Counts, today's practice, people in the data, other systems, groups: each is said to be unknown, or assumed."""
    _, found = bare
    told = [
        f"{name}: {line}"
        for name, page in found.items()
        for line in page.splitlines()
        for pattern in FACTS
        if re.search(pattern, line)
    ]

    assert told == []


def test_what_an_answer_takes_on_trust_is_marked(bare: tuple[str, dict[str, str]]) -> None:
    """The default of a choice decides what a page says: there the page has the mark, and its last line the key."""
    kind, found = bare
    keys = {
        "ml": {
            "00-charter.md": ("consequence", "current_practice", "daily_volume"),
            "01-data-audit.md": ("label_source", "personal_data", "labelled_cases"),
            "04-operations.md": ("change_rate",),
            "0001-ml-or-not.md": ("rules_expressible", "consequence"),
        },
        "software": {
            "00-charter.md": ("deliverable", "capabilities", "current_practice", "slo_percent", "day_rate"),
            "01-requirements.md": ("data_class",),
            "03-acceptance.md": ("slo_percent",),
            "04-operations.md": ("slo_percent", "consequence"),
            "0001-approach.md": ("rules_expressible", "current_practice", "data_class"),
        },
    }[kind]
    for page, named in keys.items():
        note = found[page].rpartition("rests on defaults that nobody has confirmed:")[2]
        assert {key for key in named if f"`{key}`" not in note} == set(), page


def test_a_count_that_somebody_made_is_a_fact_again(tmp_path: Path) -> None:
    """None labelled is then said, and what follows from it."""
    given = answers_module.complete(
        {"kind": "ml", "kind_reason": "a test", "project_name": "Bare", "labelled_cases": "0", "past_cases": "900",
         "confirmed": "labelled_cases"}
    )  # fmt: skip
    found = pages(render.render(given, tmp_path))

    assert "No cases are labelled yet." in found["02-iteration-plan.md"]
    assert re.search(r"^\| Validation rows \| 0 \|$", found["02-iteration-plan.md"], re.MULTILINE)


UNSEGMENTED = [name for name in SAMPLES if not sample_answers(name).get("segments")]


@pytest.mark.parametrize("name", mostly_slow(UNSEGMENTED, "ml-default", "sw-default"))
def test_a_plan_without_protected_groups_never_speaks_of_them_as_settled(name: str, rendered: Rendered) -> None:
    """Where nobody has answered, no page says that there are none; where rights are touched, it is asked."""
    for page, text in pages(rendered(name)).items():
        assert not re.search(r"(?i)\bno protected groups?\b|\bprotected groups?\b[^\n]*\bnone (is|are|exist)", text), (
            page
        )
        for line in text.splitlines():
            assert "Protected groups" not in line or "[NEEDS ANSWER" in line, page
