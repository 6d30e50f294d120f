"""Critical answers that are defaults and that nobody has confirmed, and which numbers rest on them."""

from collections.abc import Container, Iterable, Mapping
from typing import Any, Literal, cast

from mlscaffold import catalogue, questions
from mlscaffold.answers import Answers
from mlscaffold.catalogue.keys import AnswerKey, NumberKey, PlanKey
from mlscaffold.planning import absence
from mlscaffold.planning.acceptance import metrics
from mlscaffold.planning.acceptance.worth import price_keys
from mlscaffold.planning.number import Numbers, numbers_of

Plan = Mapping[PlanKey, Any]
Entry = Mapping[str, Any]
# What a walk comes to: an answer, a number, or a name here that stands for several of them.
Behind = AnswerKey | NumberKey | Literal["units_a_row", "cost_of_a_wrong_result"]
# What a number rests on beyond the answers and the numbers that its inputs name.
ALSO: Mapping[str, tuple[Behind, ...]] = {
    "decisions_a_month": ("daily_volume",),
    "labels_day": ("daily_volume",),
    "units_a_row": ("positive_share", "review_rate", "group_size", "metric_counted_on"),
    "test.units_available": ("units_a_row",),
    "label_source": ("labels.weeks",),
    "acceptance.baseline": ("positive_share", "error_spread"),
    "acceptance.target": ("acceptance.min_gain", "metric_direction"),
    # Its inputs `baseline` and `target` are what a decision costs there.
    "acceptance.value_month": ("acceptance.cost_per_decision.baseline", "acceptance.cost_per_decision.target"),
    "upkeep_year": ("upkeep.total",),
    "upkeep.retraining": ("retrain.every_days", "retrain.cost"),
    "upkeep.checking": ("feedback.audit_hours_week",),
    "upkeep.labelling": ("promotion.stream_labels", "retrain.every_days"),
    "headroom": ("monitor.floor", "acceptance.target"),
    "delay_days": ("monitor.delay_days",),
    "monitor.floor": ("acceptance.baseline", "acceptance.min_gain"),
    "monitor.delay_days": ("monitor.fall_rows", "monitor.labels_day"),
    "decay_per_month": ("change_rate",),
    "good_error": ("acceptance.target",),
    "bad_error": ("monitor.floor",),
    "reference_rows": ("monitor.reference_rows",),
    "monitor.reference_rows": ("labelled_cases", "past_cases", "daily_volume"),
    "monitor.psi_threshold": ("monitor.window_rows",),
    "monitor.psi_rule_misfires": ("monitor.window_rows",),
    "monitor.ks_threshold": ("monitor.window_rows",),
    "monitor.drift_window": ("monitor.window_rows",),
    "promotion_margin": ("promotion.margin",),
    "promotion.margin": ("acceptance.min_gain",),  # never larger than it
    "acceptance.value_month_pass": (
        "acceptance.cost_per_decision.baseline",
        "acceptance.min_gain",
        "acceptance.target",
    ),
    "promotion.rows": ("acceptance.target", "class_count"),
    "promotion.labels": ("acceptance.target", "class_count"),
    "promotion.stream_rows": ("promotion.rows", "units_a_row"),
    "promotion.stream_labels": ("promotion.labels", "units_a_row"),
    "rollout.canary_days": ("daily_volume", "metric_spread", "task"),
    "rollout.verdict_days": ("daily_volume",),
    "feedback.audit_margin": ("acceptance.target", "monitor.floor"),
    "monitor.labels_day": ("units_a_row",),
    "checks": ("daily_volume",),
    "retrain.unit_value": ("cost_of_a_wrong_result", "positive_share"),
    "retrain.cost_rate": ("retrain.unit_value",),
    "retrain.interval_days": ("retrain.cost_rate", "retrain.cost"),
    "retrain.every_days": ("retrain.interval_days",),
    "retrain.cost": ("day_rate",),
    "labels.double_rows": ("units_a_row", "acceptance.target"),
    "week": ("daily_volume",),
    "feedback.audit_positives_week": ("acceptance.target", "units_a_row", "daily_volume"),
    "feedback.audit_rows_week": ("acceptance.target", "units_a_row", "daily_volume"),
    "feedback.exempt_share": ("feedback.audit_rows_week", "daily_volume"),
    "feedback.audit_hours_week": ("feedback.audit_rows_week", "label_source"),
    "iterations.validation_units": ("iterations.validation_rows",),
    "iterations.optimism": ("iterations.validation_units", "acceptance.baseline"),
    "schedule.labelling_days": ("label_source", "labels.weeks"),
    # Dates of the work follow from what comes before it.
    "iterations.start": ("schedule.days.p50",),
    "iterations.end": ("schedule.days.p50",),
}
COSTS: tuple[AnswerKey, ...] = ("miss_cost", "false_alarm_cost", "unit_error_cost")
EFFORTS: tuple[NumberKey, ...] = ("schedule.effort_days", "schedule.iteration_days")
# Numbers that tasks of the schedule take their days from.
LABELS: tuple[NumberKey, ...] = ("schedule.labelling_days",)
WAITING: tuple[NumberKey, ...] = ("schedule.wait_days", "rollout.shadow_days", "rollout.canary_days")
CONCLUDED = (absence.NEVER, absence.CANNOT)
UNKNOWN: tuple[AnswerKey, ...] = ("current_value", "error_spread")


def assumptions(answers: Answers, numbers: Numbers) -> list[dict[str, Any]]:
    """Critical answers that are defaults and that nobody has confirmed, with the numbers each one drives."""
    known = questions.load()
    gate = "G1.11" if answers.kind == "ml" else "T1.3"
    return [
        {
            "key": key,
            "question": known[key].text,
            "value": answers.raw[key],
            "why": known[key].why,
            "gate": gate,
            "drives": [name for name, number in numbers.items() if key in number.inputs],
        }
        for key in answers.recorded
        if known[key].critical and answers.origin_of(key) == "default"
    ]


# ------------------------------------------------------------------------------------------------ what rests on them


def mark(answers: Answers, plan: Plan) -> None:
    """Write into the plan which unconfirmed defaults a number, a finding or a risk rests on, and which inputs do.

    That it never pays, or that no sample shows it, is concluded from figures: it rests on them as a number does.
    """
    numbers = numbers_of(plan)
    for key, entry in numbers.items():
        keys = behind(answers, plan, numbers, (key,))
        if keys and (entry["value"] is not None or absence.kind(entry["note"]) in CONCLUDED):
            inputs = [name for name in entry["inputs"] if behind(answers, plan, numbers, (_meant(key, name, numbers),))]
            cast(dict[str, Any], entry).update(rests_on=keys, assumed_inputs=inputs)
    for finding in plan["findings"]:
        finding["rests_on"] = behind(answers, plan, numbers, finding.pop("sources"))
    for risk in plan["risks"]:
        risk["rests_on"] = behind(answers, plan, numbers, risk.pop("sources"))


def marked(answers: Answers, plan: Plan) -> list[str]:
    """The keys of the plan's numbers that rest on an open assumption, by the inputs they are computed from."""
    numbers = numbers_of(plan)
    return [key for key in numbers if behind(answers, plan, numbers, (key,))]


def behind(answers: Answers, plan: Plan, numbers: Mapping[NumberKey, Entry], sources: Iterable[str]) -> list[str]:
    """The open assumptions behind these numbers and answers, in order.

    Today's value and the spread of errors are among them while nobody has measured them.
    """
    reached = _reached(answers, plan["schedule"]["follows"], numbers, sources)
    unknown = [key for key in UNKNOWN if answers.is_asked(key) and answers[key] is None]
    return [key for key in [*(row["key"] for row in plan["assumptions"]), *unknown] if key in reached]


def _reached(
    answers: Answers, follows: Iterable[str], numbers: Mapping[NumberKey, Entry], sources: Iterable[str]
) -> set[str]:
    """Every answer that a walk along the inputs of the plan's numbers comes to; dates and effort come to `follows`."""
    waiting, seen = list(sources), set[str]()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        waiting += [*ALSO.get(name, ()), *_also(answers, name)]
        if catalogue.is_number(name) and name in numbers:
            given = numbers[name]["inputs"]
            waiting += [_meant(name, key, numbers) for key in given]
            # Effort, and a date or a duration that the team takes, follow from all the tasks there are.
            waiting += (*follows, *LABELS) if name in EFFORTS or _takes_the_team(name, given) else []
            waiting += WAITING if _takes_the_team(name, given) else []
    return {name for name in seen if name in answers.raw}


def _takes_the_team(name: str, given: Mapping[str, Any]) -> bool:
    return name.startswith("schedule.") and "team" in given


def _also(answers: Answers, name: str) -> tuple[Behind, ...]:
    """What a name rests on under some answers only."""
    if name == "acceptance.min_gain" and answers.get("min_gain") is None:
        return price_keys(answers, metrics.of(answers))  # whether one is given decides which rule gives the gain
    if name == "cost_of_a_wrong_result":
        return COSTS
    if name == "labels.weeks" and answers.get("label_source") in ("people", "both"):
        return ("test.rows", "labelled_cases")
    if name == "slo_percent" and answers.provenance("slo_percent") == "default":
        return ("consequence",)  # the default follows from it
    return ()


def _meant(entry: str, given: str, numbers: Container[str]) -> str:
    """What an input's name means there: a number of the same group or of an earlier one, or else an answer."""
    if given == "days" and entry.startswith("schedule."):
        ends = entry.rpartition(".")[2]  # the working days that a date lies after the start
        return next((name for name in (f"schedule.days.{ends}", f"{entry}_days") if name in numbers), given)
    own = entry.rpartition(".")[0]
    names = (f"{group}.{given}" for group in (own, "acceptance", "test", "schedule"))
    return next((name for name in names if name in numbers and name != entry), given)
