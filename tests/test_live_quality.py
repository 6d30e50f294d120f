"""Live quality: one test that may be looked at every day, its false alarms, and the delay it really has."""

from datetime import datetime
from typing import Any

import decaying
import numpy as np
import pytest
from decaying import LIMIT, WORLDS, first_alarm, held_to, shares
from material import mostly_slow
from planrun_ml.measuring.case import Case
from planrun_ml.measuring.intervals import interval
from planrun_ml.measuring.metrics import Metric, named
from planrun_ml.watching import late_labels, quality


@pytest.mark.parametrize("name", WORLDS)
def test_the_printed_delay_is_the_simulated_one(name: str) -> None:
    """From a fall to the floor to the alarm: the mean lies within a fifth of what the plan prints."""
    printed = held_to(name).falls / WORLDS[name][4]

    assert decaying.delay(name, 100) == pytest.approx(printed, rel=0.2)


@pytest.mark.parametrize("name", mostly_slow(list(WORLDS), "recall .7 over .6"))
def test_a_year_has_at_most_one_false_alarm(name: str) -> None:
    """At the worst that is no alarm, half the way to the floor: on average at most one in 365 days."""
    # 365 days to the first alarm on average: at most 1 - 1/e of the years have one
    assert decaying.years_with_an_alarm(name, 0.5, 25) <= 0.65
    assert decaying.years_with_an_alarm(name, 0.0, 25) == 0


@pytest.mark.parametrize("unequal", [0.1, 0.3])
def test_days_that_differ_count_for_less(unequal: float) -> None:
    """Losses of a day move together by a tenth or three tenths: as accepted, hardly a year in ten has an alarm."""
    draws = np.random.default_rng(6)
    alarms = [first_alarm("exponential losses", 9.0, 365, draws, unequal) > 0 for _ in range(20)]

    assert sum(alarms) <= 2


def test_what_one_version_showed_goes_on_in_the_next() -> None:
    """Retrained before its labels suffice: neither half alone is an alarm, both together are."""
    held = held_to("recall .7 over .6")
    metric, rows = named("recall"), round(0.3 * held.falls)

    def lived(seed: int, before: tuple[float, ...] = (0.0, 0.0)) -> quality.Seen:
        said = 1 - shares(np.random.default_rng(seed), 0.39, rows)
        case = Case(np.ones(rows), said, 0.5)
        return quality.verdict(metric, case, np.arange(rows) // -(-rows // 14), held, before)

    first = lived(1)
    second = lived(2, first.sums)

    assert first.verdict.state != "decayed"
    assert lived(2).verdict.state != "decayed"
    assert second.verdict.state == "decayed"


@pytest.mark.parametrize(("level", "state"), [(0.3, "healthy"), (0.395, "open"), (0.4, "open")])
def test_labels_far_from_the_floor_are_not_waited_for(level: float, state: str) -> None:
    """Accepted so close to the floor that telling the two takes 60,000 labels: a thousand much better ones say so."""
    held = quality.Bounds(0.398, 0.4, 0.49, LIMIT, 60_000, 60_000, share=True)
    lost = np.tile(np.repeat([1.0, 0.0], [round(200 * level), 200 - round(200 * level)]), 5)
    seen = quality.verdict(named("recall"), Case(np.ones(1000), 1 - lost, 0.5), np.arange(1000) // 200, held)

    assert seen.verdict.state == state, seen.verdict.reason


def found_in_the_top(case: Case) -> float:
    """A team's share that is one number for all rows: of the positives, those among the first tenth."""
    order = np.argsort(-case.scores, kind="stable")
    return float(case.y[order[: len(order) // 10]].sum() / case.y.sum()) if case.y.any() else float("nan")


@pytest.mark.parametrize(("noise", "state"), [(0.5, "healthy"), (1e9, "decayed")])
def test_a_share_of_all_rows_together_is_watched_like_any_other(noise: float, state: str) -> None:
    """Its blocks are judged by their own spread: as accepted they are healthy, and scores that follow nothing alarm."""
    metric = Metric(name="own:found", value=found_in_the_top, better="higher", share=True, counted_on="positives")
    draws, rows = np.random.default_rng(4), 6000

    def a_case(noise: float) -> Case:
        truth = draws.normal(size=rows)
        return Case((truth > 1.645).astype(int), truth + noise * draws.normal(size=rows), 0.5)

    known = interval(metric, a_case(0.5), 0.05)
    held = quality.bounds(metric, {"value": known.value, "spread": known.spread}, known.value - 0.2, LIMIT, 0.05, 0.8)
    with np.errstate(invalid="raise"):
        seen = quality.verdict(metric, a_case(noise), np.arange(rows) // 300, held)

    assert seen.verdict.state == state, seen.verdict.reason
    assert np.isfinite(seen.sums).all()


def test_labels_of_a_perfect_day_are_no_trouble_to_count() -> None:
    """Thousands of labels without a loss: the evidence lies so far below 0 that its exponential is none."""
    assert quality.together((-5000.0, -9000.0)) == pytest.approx(-5000 + np.log(quality.WEIGHTS[0]))


def test_a_version_that_recovered_is_seen_to() -> None:
    """After a long decay the evidence is capped, so that good days end the alarm."""
    draws, held = np.random.default_rng(9), held_to("recall .7 over .6")
    sums = (0.0, 0.0)
    for level, days in ((0.6, 60), (0.3, 30)):
        for _ in range(days):
            sums = quality.after(sums, shares(draws, level, 48), 1, held, "share", 1.0)
        assert (quality.together(sums) >= LIMIT) == (level == 0.6)


def test_the_versions_before_are_those_of_the_year_before() -> None:
    """Each from its promotion to the next one's, a rollback among them; none that is older, and not the present one."""

    def event(version: str, what: str, at: str) -> dict[str, Any]:
        return {"version": version, "what": what, "at": f"{at}T00:00:00+00:00"}

    book = {
        "events": [
            event("0.9.0", "promoted", "2024-01-01"),
            event("1.0.0", "promoted", "2025-11-01"),
            event("1.1.0", "registered", "2025-12-01"),
            event("1.1.0", "promoted", "2025-12-10"),
            event("1.0.0", "rolled back", "2025-12-20"),
            event("1.2.0", "promoted", "2026-01-15"),
        ]
    }
    found = late_labels.spans(book, datetime(2026, 1, 15))

    assert [(version, since.day, end.day) for version, since, end in found] == [
        ("0.9.0", 1, 1),
        ("1.0.0", 1, 10),
        ("1.1.0", 10, 20),
        ("1.0.0", 20, 15),
    ]
