"""The plan on a page: what a lead reads first, and by what each part of it is decided."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mlscaffold import answers as answers_module
from mlscaffold import context, render
from mlscaffold.answers import Answers
from mlscaffold.rendering.one_page import OnePage
from test_planning_work import GIVEN, KNOWN, SOFTWARE

MOST_WORDS = 600


def page(**texts: str) -> tuple[Answers, dict[str, Any], OnePage]:
    """Answers, plan and page."""
    given = answers_module.complete(GIVEN | texts)
    plan = context.plan_of(given)
    return given, plan, OnePage(given, plan)


@pytest.mark.parametrize("texts", [{}, KNOWN, SOFTWARE, SOFTWARE | {"deliverable": "library"}])
def test_the_picture_has_phases_gates_and_chances(texts: dict[str, str]) -> None:
    """A bar for each phase there is, both gates, and the ends at even odds and four in five, on the plan's days."""
    _, plan, found = page(**texts)
    lines = found.bars.splitlines()
    days = {name: plan["schedule"][name]["value"] for name in ("p50", "p80", "deadline")}
    drawn = dict(re.findall(r":milestone, (\w+), ([\d-]+), 0d", found.bars))
    phases = {task["phase"] for task in plan["schedule"]["tasks"]} - {"g1", "g5"}

    assert {name: drawn[name] for name in days} == days
    assert drawn["g1"] < drawn["g5"]
    assert {re.findall(r":(p\d), ", line)[0] for line in lines if re.search(r":p\d, ", line)} == phases
    assert [line.strip() for line in lines if "section" in line] == [
        "section Before the gate",
        "section Work",
        "section Release",
    ]


def test_what_is_open_has_an_owner_and_a_day() -> None:
    """Each finding is there, the first ones first, and nothing is left out without being counted."""
    _, plan, found = page()
    severe = [risk for risk in plan["risks"] if risk["active"] and risk["score"] >= 12]

    assert len(found.open) + found.open_more == len(plan["findings"]) + len(severe)
    assert found.open[0]["what"].startswith(plan["findings"][0]["sentence"])
    for row in found.open:
        assert row["owner"]
        assert re.fullmatch(r"\d{4}-\d\d-\d\d", row["due"])


def test_what_is_assumed_is_what_most_rests_on() -> None:
    """By how many numbers each default drives; confirmed ones are gone, and where all are, nothing is assumed."""
    _, plan, found = page()
    keys = [row["key"] for row in plan["assumptions"]]
    _, _, none = page(confirmed="; ".join(keys))

    assert [row["moves"] for row in found.assumed] == sorted((row["moves"] for row in found.assumed), reverse=True)
    assert len(found.assumed) + found.assumed_more == len(keys)
    assert all(row["value"] for row in found.assumed)
    assert none.assumed == []


@pytest.mark.parametrize(
    ("texts", "reason"),
    [
        (KNOWN | {"label_source": "none"}, "source of right answers"),
        (KNOWN | {"personal_data": "special"}, "special data is not allowed"),
        (KNOWN | {"monthly_run_budget": "900000"}, "never pays back"),
        (KNOWN | {"rules_expressible": "full"}, "follows the advice after all"),
        (SOFTWARE | {"dependencies": "ledger=90", "slo_percent": "99.9"}, "above what the dependencies allow"),
    ],
)
def test_what_would_stop_it_follows_the_answers(texts: dict[str, str], reason: str) -> None:
    """A reason is there where the answers give it, and not elsewhere."""
    plain = SOFTWARE if texts.get("kind") == "software" else KNOWN

    assert any(reason in line for line in page(**texts)[2].stops)
    assert not any(reason in line for line in page(**plain)[2].stops)


@pytest.mark.parametrize("texts", [{}, SOFTWARE])
def test_a_lead_reads_no_more_than_a_page(texts: dict[str, str], tmp_path: Path) -> None:
    """At most 600 words, the picture and the footnote included; the README's first screen leads there."""
    tree = render.render(answers_module.complete(GIVEN | texts), tmp_path)
    text = tree.joinpath("docs", "plan-on-a-page.md").read_text("utf-8")
    screen = tree.joinpath("README.md").read_text("utf-8").splitlines()[:30]

    assert len(re.findall(r"\w[\w'.:-]*", text)) <= MOST_WORDS
    assert any("(docs/plan-on-a-page.md)" in line for line in screen)
    assert GIVEN["decision"] in text


@pytest.mark.parametrize("name", ["ml-default", "ml-alert", "sw-default", "sw-orders"])
def test_nobody_is_told_of_tenths_of_a_day(name: str, rendered: Callable[[str], Path]) -> None:
    """What moves the end, and the slack of each task, in whole days."""
    for file in ("plan-on-a-page", "05-risks"):
        for table in re.findall(r"(?:^\|.*\n)+", (rendered(name) / f"docs/{file}.md").read_text("utf-8"), re.M):
            days = re.split(r"\s*\|\s*", table.splitlines()[0])
            for at in (at for at, title in enumerate(days) if title.startswith(("Days", "Slack"))):
                cells = [re.split(r"\s*\|\s*", row)[at] for row in table.splitlines()[2:]]
                assert cells
                assert not [cell for cell in cells if re.search(r"\d\.\d", cell)], (file, days[at])


def test_a_model_against_the_advice_says_what_following_it_leaves_unspent() -> None:
    """Where rules can be written, the experiments stay in the plan and their days are named; else nothing is said."""
    rules = {"rules_expressible": "full", "kind_reason": "mail that nobody has seen yet"}
    _, plan, against = page(**rules)
    _, _, software = page(**SOFTWARE, rules_expressible="no", past_cases="50000", labelled_cases="20000")
    days = f"{plan['schedule']['iteration_days']['value']:g}"

    assert plan["advice"]["recommendation"] == "software"
    assert "follows the advice after all: software, saving " in against.stops[0]
    assert days[:2] in against.stops[0]
    assert not any("of experiments" in line for line in software.stops)
