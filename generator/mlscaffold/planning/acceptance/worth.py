"""F12: the decision threshold, what a decision costs, what a gain is worth, and the smallest gain that pays back."""

from dataclasses import dataclass

from mlscaffold.answers import Answers
from mlscaffold.catalogue.keys import AnswerKey
from mlscaffold.planning.acceptance.metrics import Metric


@dataclass(frozen=True)
class Worth:
    """Money for one unit of the metric per decision, how it was found, and whether it is only a stand-in."""

    amount: float
    how: str
    stand_in: bool = False


def unit_worth(answers: Answers, metric: Metric) -> Worth:
    """What one unit of the metric is worth in one decision, on average (currency per decision)."""
    if metric.own and (found := _own_worth(answers, metric)):
        return found
    if answers.task == "multiclass":
        how = "each wrong class costs miss_cost"
        return Worth(answers.miss_cost, how, stand_in=metric.known != "accuracy")
    if answers.task != "binary":
        unasked = metric.own and answers.provenance("unit_error_cost") == "default"
        return Worth(answers.unit_error_cost, "each unit costs unit_error_cost", stand_in=unasked)
    both = answers.false_alarm_cost + answers.miss_cost
    if metric.known == "precision":
        return Worth(flag_rate(answers) * both, "a flagged row that becomes right saves an alarm and a miss")
    if metric.is_any("accuracy", "brier"):
        return Worth(both / 2, "wrong decisions are false alarms and misses in equal number")
    caught = answers.positive_share * answers.miss_cost
    return Worth(caught, "a positive caught saves miss_cost", stand_in=metric.known != "recall")


def price_keys(answers: Answers, metric: Metric) -> tuple[AnswerKey, ...]:
    """The answers that say what an error of this metric costs; the first is the one a payback is turned round for."""
    if answers.task == "multiclass":
        return ("miss_cost",)
    if answers.task != "binary":
        return ("unit_error_cost",)
    return ("miss_cost", "false_alarm_cost") if metric.is_any("precision", "accuracy", "brier") else ("miss_cost",)


def is_priced(answers: Answers, metric: Metric) -> bool:
    """Whether somebody has said what an error costs, so that money can say which gain is worth having."""
    if metric.own and _own_worth(answers, metric):
        return True
    if metric.own and metric.method == "mean" and unit_worth(answers, metric).stand_in:
        return False
    return any(answers.provenance(key) != "default" for key in price_keys(answers, metric))


def _own_worth(answers: Answers, metric: Metric) -> Worth | None:
    """What a metric of the team's own says of its worth: the answer, or its unit where that is money a decision."""
    if answers.metric_worth is not None:
        return Worth(answers.metric_worth, "each unit is worth metric_worth")
    if metric.unit.startswith(answers.currency):
        return Worth(1.0, f"a unit of it is one {answers.currency} in each decision")
    return None


def flag_rate(answers: Answers) -> float:
    """The share of rows that raise an alarm: what people can look at, or else the share of positives."""
    return float(answers.review_rate if answers.review_rate is not None else answers.positive_share)


def false_alarms(answers: Answers, recall: float, precision: float | None) -> float | None:
    """False alarms per decision at this recall: from the precision, or from the review rate; None if neither is known.

    Negative where people cannot look at as many cases as the recall needs.
    """
    caught = answers.positive_share * recall
    if precision is not None:
        return float(caught * (1 - precision) / precision)
    return None if answers.review_rate is None else float(answers.review_rate - caught)


def decision_cost(answers: Answers, metric: Metric, value: float, alarms: float | None = None) -> float | None:
    """Expected cost of one decision at this value of the metric; None where the metric alone does not tell."""
    if metric.own:
        return value * unit_worth(answers, metric).amount if metric.better == "lower" else None
    if answers.task == "multiclass":
        return float((1 - value) * answers.miss_cost) if metric.known == "accuracy" else None
    if answers.task != "binary":
        left = 1 - value if metric.better == "higher" else value
        return float(left * answers.unit_error_cost)
    share, alarm, miss = answers.positive_share, answers.false_alarm_cost, answers.miss_cost
    if metric.known == "recall":
        return float(share * (1 - value) * miss + (alarms or 0.0) * alarm)
    if metric.known == "precision":
        flagged = flag_rate(answers)
        return float(max(0.0, share - flagged * value) * miss + flagged * (1 - value) * alarm)
    if metric.known == "accuracy":
        return float((1 - value) * (alarm + miss) / 2)
    return float(value * (alarm + miss) / 2) if metric.known == "brier" else None
