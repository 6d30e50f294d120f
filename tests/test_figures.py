"""One rule of digits for each kind of quantity, and one reading of a quantity on every page."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from material import SAMPLES, mostly_slow, sample_answers
from mlscaffold import figures
from mlscaffold.answers import Answers
from mlscaffold.context import plan_of
from mlscaffold.planning.number import entries
from mlscaffold.yamltext import load

Rendered = Callable[[str], Path]


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (42346.69949, "EUR", "42,300"),
        (16615.67, "USD", "16,600"),
        (1166.6667, "EUR a year", "1,170"),
        (41.66666667, "EUR", "41.70"),
        (0.5, "EUR per decision", "0.50"),
        (0.1234567, "EUR", "0.123"),
        (0.0, "EUR", "0"),
        (70.57783249, "person-days", "71"),
        (0.028, "days", "less than 1"),
        (2.2, "months", "3"),
        (263.3902954, "rows", "264"),
        (370.0, "labelled rows", "370"),
        (12.7, "requests", "12"),
        (0.4, "runs", "less than 1"),
        (0.05667, "share", "0.0567"),
        (0.9995, "", "0.9995"),
        (0.03229529758, "PSI", "0.0323"),
        (1742, "positives", "1,742"),
    ],
)
def test_each_kind_has_its_digits(value: float, unit: str, text: str) -> None:
    """Money three, time whole, rows whole and rounded up, what may fail rounded down, shares three at most."""
    assert figures.number(value, unit) == text


@pytest.mark.parametrize("provenance", ["answered", "measured"])
def test_an_amount_that_somebody_gave_stays_as_it_was_given(provenance: str) -> None:
    """Whoever typed 42,347 reads 42,347, and cents where there are some."""
    assert figures.number(42347.0, "EUR", provenance) == "42,347"
    assert figures.money(1234.5, provenance) == "1,234.50"
    assert figures.money(0.0125, provenance) == "0.0125"


@pytest.mark.parametrize(
    ("days", "text"), [(0.2, "0.5"), (2.2, "2"), (2.25, "2.5"), (4.3, "4.5"), (9.6, "9.5"), (12.5, "13"), (21.6, "22")]
)
def test_the_days_of_a_task_are_halves_or_whole(days: float, text: str) -> None:
    """Below ten in halves, above whole, and never none."""
    assert figures.half_days(days) == text


def test_an_input_reads_as_its_own_page_shows_it_and_as_typed_where_it_was() -> None:
    """The build cost inside another number is the build cost of the charter."""
    assert figures.given("build_cost", 42346.7, {}) == "42,300"
    assert figures.given("build_cost", 42346.0, {"build_cost": 42346.0}) == "42,346"
    assert figures.given("effort_days", 70.58, {}) == "71"
    assert figures.given("unit_worth", 0.5, {}) == "0.5"


def finer(entry: dict[str, Any]) -> Iterator[str]:
    """The texts with more digits that a page could print for a number, and should not."""
    value, unit = entry["value"], entry["unit"]
    if isinstance(value, bool) or not isinstance(value, float) or entry["provenance"] in figures.GIVEN:
        return
    if not (figures.MONEY.match(unit) or unit in (*figures.WHOLE, *figures.COUNTED)):
        return
    said = figures.number(value, unit)
    texts = {f"{value:,.0f}", f"{value:,.1f}", f"{value:,.2f}", f"{value:.4g}", f"{value:.10g}"}
    yield from (text for text in texts if text.rstrip("0").rstrip(".") != said.rstrip("0").rstrip("."))


@pytest.mark.parametrize("name", mostly_slow(SAMPLES, "awkward-ml", "sw-default"))
def test_a_quantity_reads_the_same_on_every_page(name: str, rendered: Rendered) -> None:
    """No page has more digits of it than another."""
    plan, folder = plan_of(sample_answers(name)), rendered(name)
    known = {figures.number(entry["value"]) for _, entry in entries(plan) if isinstance(entry["value"], (int, float))}
    pages = {page: page.read_text("utf-8") for page in (*folder.rglob("docs/*.md"), folder / "README.md")}
    for key, entry in entries(plan):
        for text in finer(entry):
            if len(re.sub("[.,]", "", text).strip("0")) < 3 or text in known:
                continue  # too short to be told from any other number, or another number of the plan
            for page, whole in pages.items():
                assert not re.search(rf"(?<![\w.,]){re.escape(text)}(?![\d]|[.,]\d)", whole), (
                    f"{page.name}: {key} {text}"
                )


PRECISE = re.compile(r"(?<![\d.,])(\d{1,3}(?:,\d{3})+|\d{4,})(?:\.\d+)? ?([A-Z]{3})\b")


@pytest.mark.parametrize("name", mostly_slow(SAMPLES, "awkward-ml", "sw-default"))
def test_no_amount_on_a_page_has_more_than_three_digits_unless_it_was_typed(name: str, rendered: Rendered) -> None:
    """In findings, risks, reasons and folds as well as in tables."""
    answers, folder = sample_answers(name), rendered(name)
    typed = {f"{number:,.0f}" for number in _amounts(answers)}
    for page in (*folder.rglob("docs/*.md"), folder / "README.md"):
        for amount, currency in PRECISE.findall(page.read_text("utf-8")):
            digits = amount.replace(",", "").rstrip("0")
            assert currency != answers.currency or len(digits) <= 3 or amount in typed, f"{page.name}: {amount}"


def _amounts(answers: Answers) -> Iterator[float]:
    """What somebody typed, for a month and for a year."""
    for key in answers.recorded:
        value = answers.get(key)
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            yield from (value, 12 * value)


def test_files_that_programs_read_keep_every_digit(rendered: Rendered) -> None:
    """What is shown in three digits is compared in all of them."""
    folder = rendered("ml-default")
    plan = plan_of(sample_answers("ml-default"))
    canary = load((folder / "ops/rollout.yaml").read_text("utf-8"))["canary"]
    limits = {row["name"]: row["limit"] for row in load((folder / "ops/monitors.yaml").read_text("utf-8"))["signals"]}

    assert float(canary["days"]) == plan["rollout"]["canary_days"]["value"]
    assert float(limits["drift"]) == plan["monitor"]["alpha"]["value"]
    assert float(limits["age"]) == plan["retrain"]["cap_days"]["value"]
