"""Worlds for live quality: what a unit loses as accepted and at the floor, and the running test over its days."""

import math
from collections.abc import Callable

import numpy as np
from planrun_ml.watching import quality

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


def delay(name: str, runs: int, seed: int = 3) -> float:
    """Days from a fall to the floor to the alarm, on average; every fall is seen."""
    return float(np.mean(delays(name, runs, seed)))


def delays(name: str, runs: int, seed: int = 3) -> list[int]:
    """Days from a fall to the floor to the alarm, of so many falls; every one is seen."""
    draws, level = np.random.default_rng(seed), WORLDS[name][2]
    days = [first_alarm(name, level, 400, draws) for _ in range(runs)]
    assert min(days) > 0
    return days


def years_with_an_alarm(name: str, way: float, years: int, seed: int = 5) -> float:
    """The share of years with a false alarm; `way` is how far the model is from accepted (0) to the floor (1)."""
    draws, (_, good, bad, _, _) = np.random.default_rng(seed), WORLDS[name]
    return sum(first_alarm(name, good + way * (bad - good), 365, draws) > 0 for _ in range(years)) / years
