"""F12, its arithmetic: the decision threshold, the smallest gain that pays back, and the months until it has."""

MONTH = 30  # days; a month of the plan


def threshold(false_alarm_cost: float, miss_cost: float) -> float:
    """The probability above which acting is cheaper, with calibrated scores: C_FP / (C_FP + C_FN), Elkan (2001).

    Both costs are counted over the right decision in the same case, so right decisions cost nothing here. Raises
    `ValueError` where a cost is not above 0.
    """
    if false_alarm_cost <= 0 or miss_cost <= 0:
        raise ValueError("both kinds of error must cost more than the right decision")
    return false_alarm_cost / (false_alarm_cost + miss_cost)


def break_even_gain(build: float, limit_months: float, run: float, decisions: float, worth: float) -> float:
    """The gain that earns the build cost within the limit and the running cost every month.

    (build / limit + run) / decisions a month / worth of one unit. Raises `ValueError` where limit, decisions or worth
    are not above 0.
    """
    if limit_months <= 0 or decisions <= 0 or worth <= 0:
        raise ValueError("payback limit, monthly decisions and the worth of a unit must be above 0")
    return (build / limit_months + run) / decisions / worth


def payback_months(build: float, value_month: float, run: float) -> float | None:
    """Months until the value, less the running cost, has earned the build cost; None where it never does."""
    net = value_month - run
    if net > 0:
        return build / net
    return 0.0 if build == 0 and net == 0 else None
