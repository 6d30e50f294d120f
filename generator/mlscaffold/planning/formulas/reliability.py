"""Formulas of a running service: workers (F27), demonstrations (F28), error budgets (F33), chains (F34)."""

import math
from collections.abc import Iterable, Mapping

from mlscaffold.planning.formulas.counts import whole

MOST_WORKERS = 100_000  # more at once is a mistyped volume, peak or service time
ROUNDING = 1e-12  # a load that is so many workers' up to the last digit needs no further one


def erlang_c(workers: int, load: float) -> float:
    """F27. The share of requests that wait, with `load` = arrival rate × service time; 1 where load reaches workers.

    Poisson arrivals, exponential service times, one queue. Source: Erlang (1917); simulation agrees to 0.001.
    """
    if load >= workers:
        return 1.0
    blocked = 1.0
    for count in range(1, workers + 1):
        blocked = load * blocked / (count + load * blocked)
    return _waiting(workers, load, blocked)


def _waiting(workers: int, load: float, blocked: float) -> float:
    return workers * blocked / (workers - load * (1 - blocked))


def wait_quantile(workers: int, rate: float, service_seconds: float, share: float = 0.95) -> float:
    """F27. Seconds within which this share of requests has begun to be served; inf where the queue only grows."""
    spare = workers / service_seconds - rate
    if spare <= 0:
        return math.inf
    waits = erlang_c(workers, rate * service_seconds)
    return max(0.0, math.log(waits / (1 - share)) / spare) if waits > 0 else 0.0


def workers_needed(rate: float, service_seconds: float, limit_seconds: float, busy: float) -> int | None:
    """F27. The fewest workers, busy at most this share of the time, with which 95 % of answers arrive within the limit.

    The answer's time is the wait plus one service time; None where no number is enough. One pass over Erlang's
    recursion, so large loads are quick.
    """
    if service_seconds > limit_seconds or rate * service_seconds >= MOST_WORKERS:
        return None
    load, blocked, count = rate * service_seconds, 1.0, 0
    while count < 20 * MOST_WORKERS:
        count += 1
        blocked = load * blocked / (count + load * blocked)
        if load > busy * count * (1 + ROUNDING):
            continue
        waits = _waiting(count, load, blocked)
        room = (count / service_seconds - rate) * (limit_seconds - service_seconds)
        if waits == 0 or math.log(waits / 0.05) <= room + ROUNDING:
            return count
    return None


def no_failures(bound: float, confidence: float = 0.95) -> int:
    """F28. Trials without one failure that bound the failure rate: ln(1 - confidence) / ln(1 - bound).

    Independent trials. Also the number of samples whose maximum exceeds the (1 - bound) quantile. Raises `ValueError`
    for a bound that does not lie between 0 and 1.
    """
    if not 0 < bound < 1:
        raise ValueError(f"a failure rate to be bounded must lie strictly between 0 and 1, not {bound}")
    return whole(math.log(1 - confidence) / math.log1p(-bound))


def error_budget(objective: float, amount: float) -> float:
    """F33. What may fail: (1 - objective) times the window's minutes, or its requests."""
    return (1 - objective) * amount


def burn_multiplier(budget_share: float, window_days: float, alert_hours: float) -> float:
    """F33. How many times faster than allowed the budget burns when `budget_share` of it goes in `alert_hours`.

    30 days give the well-known 14.4, 6 and 1; 28 days give 13.44, 5.6 and 0.93. Source: the SRE Workbook, chapter 5.
    """
    return budget_share * window_days * 24 / alert_hours


def in_series(availabilities: Iterable[float]) -> float:
    """F34. Availability of a chain in which every part must work and parts fail independently."""
    return math.prod(availabilities)


def in_parallel(availability: float, copies: int) -> float:
    """F34. Availability where one of several independent copies is enough: 1 - (1 - a)^k."""
    return 1.0 - (1.0 - availability) ** copies


def softened(availabilities: Mapping[str, float], objective: float) -> list[str]:
    """F34. Dependencies that must become soft (their failure degrades, but fails nothing), weakest first."""
    hard, soft = dict(availabilities), list[str]()
    while hard and in_series(hard.values()) < objective - 1e-12:
        soft.append(min(hard, key=hard.__getitem__))
        del hard[soft[-1]]
    return soft
