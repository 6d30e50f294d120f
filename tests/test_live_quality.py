"""Live quality: one test that may be looked at every day, its false alarms, and the delay it really has."""

import math
from collections.abc import Callable
from datetime import datetime
from typing import Any

import numpy as np
import pytest
from material import mostly_slow
from planrun_ml.measuring.case import Case
from planrun_ml.measuring.metrics import named
from planrun_ml.watching import late_labels, quality

LIMIT = math.log(365)
Draw = Callable[[np.random.Generator, float, int], np.ndarray]


def shares(draws: np.random.Generator, level: float, rows: int) -> np.ndarray:
    return (draws.random(rows) < level).astype(float)


def exponential(draws: np.random.Generator, level: float, rows: int) -> np.ndarray:
    return draws.exponential(level, rows)


def heavy(draws: np.random.Generator, level: float, rows: int) -> np.ndarray:
    """Log-normal losses, whose largest are far above their mean."""
    return level * draws.lognormal(-0.5, 1.0, rows)


# what a unit loses; its mean as accepted, at the floor; its spread at the floor as a share of its mean; labels a day
WORLDS: dict[str, tuple[Draw, float, float, float, int]] = {
    "recall .7 over .6": (shares, 0.3, 0.4, 1.2, 48),
    "accuracy .95 over .9": (shares, 0.05, 0.1, 3.0, 60),
    "exponential losses": (exponential, 9.0, 11.0, 1.0, 40),
    "log-normal losses": (heavy, 9.0, 12.0, math.sqrt(math.e - 1), 40),
}


def held_to(name: str) -> quality.Bounds:
    draw, good, bad, spread, _ = WORLDS[name]
    form = "share" if draw is shares else "loss"
    falls = quality.labels_to_alarm(good, bad, spread * bad, LIMIT, form)
    return quality.Bounds(good, bad, spread * bad, LIMIT, 30, falls, draw is shares)


def first_alarm(name: str, level: float, days: int, draws: np.random.Generator, unequal: float = 0.0) -> int:
    """The day of the first alarm, 0 where there is none; `unequal` is how days differ, in shares of the level."""
    draw, _, _, _, rows = WORLDS[name]
    held, sums, done = held_to(name), (0.0, 0.0), list[np.ndarray]()
    for day in range(1, days + 1):
        done.append(draw(draws, max(0.0, level * (1 + unequal * draws.normal())), rows))
        sums = quality.after(sums, done[-1], 1, held, "share" if held.share else "loss", quality.unequal(done[-29:-1]))
        if quality.together(sums) >= LIMIT:
            return day
    return 0


@pytest.mark.parametrize("name", WORLDS)
def test_the_printed_delay_is_the_simulated_one(name: str) -> None:
    """From a fall to the floor to the alarm: the mean lies within a fifth of what the plan prints."""
    draws, (_, _, bad, _, rows) = np.random.default_rng(3), WORLDS[name]
    days = [first_alarm(name, bad, 400, draws) for _ in range(100)]

    assert min(days) > 0
    assert float(np.mean(days)) == pytest.approx(held_to(name).falls / rows, rel=0.2)


@pytest.mark.parametrize("name", mostly_slow(list(WORLDS), "recall .7 over .6"))
def test_a_year_has_at_most_one_false_alarm(name: str) -> None:
    """At the worst that is no alarm, half the way to the floor: on average at most one in 365 days."""
    draws, (_, good, bad, _, _) = np.random.default_rng(5), WORLDS[name]
    years = 25
    alarms = sum(first_alarm(name, (good + bad) / 2, 365, draws) > 0 for _ in range(years))
    healthy = sum(first_alarm(name, good, 365, draws) > 0 for _ in range(years))

    assert alarms / years <= 0.65  # of 365 days to the first alarm on average, if it were no better than it says
    assert healthy == 0


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
