"""The advisor's rules in order, each a small function: its condition, and what it says when that holds.

The reasons go along the lines on which software and machine learning differ: uncertainty, data dependence,
evaluation, ownership. Every one holds the answers it rests on, and never tells a default as if somebody had said it.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mlscaffold import figures, questions
from mlscaffold.answers import Answers as Complete
from mlscaffold.catalogue.keys import AnswerKey, NumberKey, PlanKey
from mlscaffold.planning.acceptance.metrics import METRICS
from mlscaffold.planning.number import begun
from mlscaffold.planning.plausibility import UNPRICED
from mlscaffold.wording import number

NOTHING, SOFTWARE, ML = "nothing yet", "software", "ml"
RUNGS = ("do nothing yet", "SQL or statistics", "rules", "ML with human decision", "ML automated")

# What the rules look at, most decisive first: an advice names those of them that nobody has answered.
DECISIVE: tuple[AnswerKey, ...] = (
    "rules_expressible",
    "past_cases",
    "labelled_cases",
    "current_value",
    "consequence",
    "human_confirms",
)
MONEY: tuple[AnswerKey, ...] = (
    "false_alarm_cost",
    "miss_cost",
    "unit_error_cost",
    "daily_volume",
    "day_rate",
    "monthly_run_budget",
)

UNPAID = ("no-model-can-pay", "never-pays-back", "pays-back-late")  # findings of the plan that money decides by
KEEP = "run, retrain, check and label"

Answers = Mapping[AnswerKey, Any]
Plan = Mapping[PlanKey, Any]


@dataclass(frozen=True)
class Verdict:
    """What one rule says when its condition holds."""

    recommendation: str
    rung: str
    reasons: tuple[str, ...]
    flips: tuple[str, ...]


# ------------------------------------------------------------------------------------------------ the rules, in order


def _writable(answers: Answers, plan: Plan) -> Verdict | None:
    if answers.get("rules_expressible") != "full":
        return None
    confirmed = answers.get("human_confirms") == "yes"
    who = (
        "a person confirms each result, so a wrong one costs a second look"
        if confirmed
        else "a wrong result is a bug in a line that somebody can read and mend"
    )
    return Verdict(
        SOFTWARE,
        "rules",
        (
            "Uncertainty: a careful person can write the behaviour down in full, so it is a requirement and not a "
            "prediction.",
            "Evaluation: each rule passes or fails its acceptance test, and no share of errors has to be negotiated.",
            f"Ownership: {who}; no model has to be watched or retrained.",
        ),
        (
            "The list of rules outgrows what one reviewer can read and keep right: answer rules_expressible=partial "
            "and count the past cases.",
            "The results must come from patterns in data that nobody can state, such as blocking that learns from "
            "what was blocked before: answer rules_expressible=no.",
        ),
    )


def _target_met(answers: Answers, plan: Plan) -> Verdict | None:
    today, target = (answers.get(key) for key in ("current_value", "target_value"))
    if today is None or target is None or not _meets(answers, today, target):
        return None
    better = direction(answers)
    return Verdict(
        NOTHING,
        "do nothing yet",
        (
            f"Evaluation: {_measured_today(answers)} is {number(today)} today, which already meets the target of "
            f"{number(target)} ({better} is better).",
            "Ownership: a model would have to be paid for, watched and retrained without a gain over today's practice"
            f"{_practice(answers)}.",
        ),
        (
            f"A value {'below' if better == 'lower' else 'above'} {number(today)} is worth money: change target_value.",
            "The real problem is cost or latency, not the metric: say so in `decision` and choose the kind yourself.",
            f"The {number(today)} was not measured on the cases that matter: measure it again and change "
            "current_value.",
        ),
    )


def _no_cases(answers: Answers, plan: Plan) -> Verdict | None:
    past, labelled = answers.get("past_cases") or 0, answers.get("labelled_cases") or 0
    if past or labelled:
        return None
    volume = answers.get("daily_volume") if is_said(answers, "daily_volume") else None
    expected = f" ({number(volume)} results a day)" if volume else ""
    if is_said(answers, "past_cases"):
        held = "there are 0 past cases and 0 known right answers, so there is nothing to learn from"
    else:
        held = "nobody has named past cases or known right answers, so there is nothing yet to learn from"
    return Verdict(
        SOFTWARE,
        "rules",
        (
            f"Data dependence: {held}.",
            "Evaluation: without cases no share of errors can be measured, for a model or for anything else.",
            f"Ownership: start with rules and log every case with its outcome{expected}; the log becomes the data.",
        ),
        (
            "Past cases turn up or have been logged: set past_cases and labelled_cases and ask again.",
            "Labels can be bought for cases you will collect: plan that first, then count them in labelled_cases.",
        ),
    )


def _intolerable(answers: Answers, plan: Plan) -> Verdict | None:
    if answers.get("consequence") != "intolerable" or answers.get("human_confirms") == "yes":
        return None
    if is_said(answers, "human_confirms"):
        looks = "nobody confirms a result before it takes effect (human_confirms = no), so nobody would catch"
    else:
        looks = "unless a person confirms each result before it takes effect (human_confirms), nobody would catch"
    return Verdict(
        SOFTWARE,
        "rules",
        (
            "Uncertainty: a model is wrong on some share of cases whatever is done, and here one wrong result is "
            "intolerable (consequence = intolerable).",
            f"Ownership: {looks} the wrong ones.",
        ),
        (
            "A person confirms each result before it takes effect, a warning instead of a block: human_confirms=yes.",
            "The worst case turns out to be bearable or can be undone: change consequence.",
        ),
    )


def _no_baseline(answers: Answers, plan: Plan) -> Verdict | None:
    if "current_value" not in answers or answers["current_value"] is not None:
        return None  # while it has not been asked, nobody can say that nobody has measured it
    cases = f"the {number(answers['past_cases'])} past cases" if is_said(answers, "past_cases") else "the past cases"
    tried = f"nobody has said how far a query or a simple statistic over {cases} comes"
    if is_said(answers, "current_practice") and answers["current_practice"] == "rules":
        tried = f"the rules in use have not been measured over {cases}"
    return Verdict(
        ML,
        "SQL or statistics",
        (
            f"Evaluation: nobody has measured how well the job is done today{_practice(answers)}, and without that "
            "number there is no threshold and no gain.",
            f"Uncertainty: {tried}, so nothing shows yet that a model is needed.",
            "Ownership: the first task is a baseline with an end date, two weeks from the start; it may be the result.",
        ),
        (
            "The baseline is measured: set current_value, and the thresholds, the rows and the payback are computed.",
            "The baseline turns out to be good enough: then it is the product, and nothing is trained.",
        ),
    )


def _not_worth_it(answers: Answers, plan: Plan) -> Verdict | None:
    limit = answers.get("payback_limit_months")
    months, value = planned(plan, "acceptance.payback_months"), planned(plan, "acceptance.value_month")
    if limit is None or not (_late(months, limit) or _never(months, value) or is_found(plan, *UNPAID)):
        return None
    if is_found(plan, UNPRICED):
        return None  # nobody has said what an error costs: that is no reason yet, and `_pays_back` says what is
    currency, run = answers.get("currency") or "", answers.get("monthly_run_budget")
    paid_back = f"is paid back after {begun(months)}" if months is not None else "is never paid back"
    worth = f": it is worth {figures.money(value)} {currency} a month" if value is not None else ""
    worth += f" and costs {_upkeep(answers, plan)} {currency} a month to {KEEP}" if worth and run else ""
    return Verdict(
        SOFTWARE,
        "rules",
        (
            f"Evaluation: at the target, a model {paid_back}{worth}; the limit is "
            f"{_given(answers, 'payback_limit_months', unit=' months')}.",
            "Ownership: rules cost less to build and need no retraining, so they may pay where a model does not.",
            *_rests_on(answers),
        ),
        (
            f"One wrong result costs more than assumed: change {_cost_keys(answers)}.",
            f"There are more results a day than {_given(answers, 'daily_volume', 'the ')}: change daily_volume.",
            "Building or running it is cheaper than planned: change build_cost, day_rate or monthly_run_budget.",
            f"You accept a payback later than {_given(answers, 'payback_limit_months', unit=' months')}: change "
            "payback_limit_months.",
        ),
    )


def _model(answers: Answers, plan: Plan) -> Verdict:
    outrun = is_found(plan, "decay-outruns-labels", "quality-alert-cannot-fire")
    human = answers.get("consequence") == "rights" or answers.get("human_confirms") == "yes" or outrun
    labelled = "how many of them have a known right answer nobody has said"
    if is_said(answers, "labelled_cases"):
        labelled = f"{number(answers.get('labelled_cases'))} of them with a known right answer"
    extent = "cannot" if answers.get("rules_expressible") == "no" else "can only in part"
    if not is_said(answers, "rules_expressible"):
        extent = "can, as far as has been said, only in part"
    limit = _given(answers, "payback_limit_months", unit=" months")
    flips = [
        "Somebody manages to write the behaviour down in full: then it is software (rules_expressible=full).",
        "The simple baseline turns out to reach the target: then the baseline is the product.",
        f"The gain does not pay back within {limit}: then rules are the product.",
    ]
    if not human:
        flips.append("A person confirms each result: then an alert may do, with rules or a model (human_confirms=yes).")
    return Verdict(
        ML,
        "ML with human decision" if human else "ML automated",
        (
            f"Uncertainty: the behaviour {extent} be written down as rules, so it has to be learned from cases.",
            f"Data dependence: {number(answers.get('past_cases'))} past cases are at hand, {labelled}.",
            *_can_be_shown(answers),
            *_pays_back(answers, plan),
            f"Ownership: {UNSEEN if outrun else _who_decides(answers)}; the baseline stays as fallback, as comparison "
            "and as way out.",
        ),
        tuple(flips),
    )


RULES: tuple[Callable[[Answers, Plan], Verdict | None], ...] = (
    _writable,
    _target_met,
    _no_cases,
    _intolerable,
    _no_baseline,
    _not_worth_it,
    _model,
)
MONEY_RULE = RULES.index(_not_worth_it) + 1  # the only rule that software answers, which hold no money, cannot repeat


# ------------------------------------------------------------------------------------------------------ small facts


def direction(answers: Answers) -> str:
    """Whether "higher" or "lower" is better; scores are meant where no metric was chosen."""
    metric = answers.get("metric")
    if questions.is_own(metric):
        return str(answers.get("metric_direction") or "higher")
    return METRICS[metric].better if metric else "higher"


def _meets(answers: Answers, value: float, target: float) -> bool:
    return value <= target if direction(answers) == "lower" else value >= target


def _late(months: float | None, limit: float) -> bool:
    return months is not None and months > limit


def _never(months: float | None, value: float | None) -> bool:
    """The plan knows what the gain is worth, and finds no month in which it has paid for building and running."""
    return months is None and value is not None


def planned(plan: Plan, key: NumberKey) -> Any:
    """A number of the plan, or None where the plan does not have it."""
    found: Any = plan
    for part in key.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found.get("value") if isinstance(found, Mapping) else None


def is_said(answers: Answers, key: AnswerKey) -> bool:
    """Whether somebody gave this answer, or vouches for its default: only then may it be told as a fact."""
    if isinstance(answers, Complete):
        return key in answers and answers.provenance(key) != "default"
    return answers.get(key) is not None


def _given(answers: Answers, key: AnswerKey, article: str = "", unit: str = "") -> str:
    """A number inside a sentence, with its unit; one that nobody gave is called assumed, under its key."""
    if is_said(answers, key):
        return number(answers.get(key)) + unit
    assumed = answers.get(key)
    if assumed is None:  # while only what was said is at hand
        assumed = float(questions.default(questions.load()[key], {"kind": ML}))
    return f"{article}{number(assumed)}{unit} ({key}, assumed)"


UNSEEN = "a fall below the floor is not seen in time (see the findings), so a person has to confirm results"


def _practice(answers: Answers) -> str:
    """What does the job today, in brackets behind a noun; nothing where nobody has said it."""
    if not is_said(answers, "current_practice"):
        return ""
    does = {"none": "nothing does it", "people": "people do it", "rules": "rules do it", "model": "a model does it"}
    return f" ({does[answers['current_practice']]})"


def is_found(plan: Plan, *names: str) -> bool:
    """Whether the plan has a finding of one of these names."""
    return any(finding["name"] in names for finding in plan.get("findings", ()))


def _upkeep(answers: Answers, plan: Plan) -> str:
    """What a month in use costs: the plan's whole account, or the budget alone where there is no plan of it."""
    total = planned(plan, "upkeep.total")
    return _given(answers, "monthly_run_budget") if total is None else figures.money(total / 12)


def _pays_back(answers: Answers, plan: Plan) -> Iterator[str]:
    if is_found(plan, UNPRICED):
        yield from (
            f"Evaluation: {finding['sentence'][:1].lower()}{finding['sentence'][1:]} {finding['remedy']}"
            for finding in plan["findings"]
            if finding["name"] == UNPRICED
        )
        return
    months, value = planned(plan, "acceptance.payback_months"), planned(plan, "acceptance.value_month")
    if months is not None:
        currency = answers.get("currency") or ""
        worth = f" at {figures.money(value)} {currency} a month" if value is not None else ""
        limit = _given(answers, "payback_limit_months", unit=" months")
        yield f"Evaluation: at the target it is paid back after {begun(months)}{worth}; the limit is {limit}."


def _rests_on(answers: Answers) -> Iterator[str]:
    """Which amounts behind the payback nobody has given: a model should not be dropped for a guess unseen."""
    if not isinstance(answers, Complete):
        return
    keys = [key for key in MONEY if key in answers and answers.is_asked(key)]
    assumed = [key for key in keys if answers.provenance(key) == "default"]
    if assumed:
        yield f"Uncertainty: the payback rests on assumed answers ({', '.join(assumed)}); give those you know first."


def _cost_keys(answers: Answers) -> str:
    by_task = {"binary": "miss_cost or false_alarm_cost", "multiclass": "miss_cost"}
    return by_task.get(answers.get("task", ""), "unit_error_cost")


def _measured_today(answers: Answers) -> str:
    metric = answers.get("metric")
    if metric is None:
        return "the measured value"
    name = str(metric).removeprefix(questions.OWN)
    return name if is_said(answers, "metric") else f"the metric ({metric} is assumed)"


def _can_be_shown(answers: Answers) -> Iterator[str]:
    today = answers.get("current_value")
    if today is not None:
        yield (
            f"Evaluation: {_measured_today(answers)} is {number(today)} today{_room(answers)}, so a gain can be shown "
            "or refuted."
        )


def _room(answers: Answers) -> str:
    target = answers.get("target_value")
    return f" and {number(target)} is wanted" if target is not None else ""


def _who_decides(answers: Answers) -> str:
    if answers.get("human_confirms") == "yes":
        return "a person confirms each result before it takes effect"
    if answers.get("consequence") == "rights":
        return "rights are at stake (consequence = rights), so a person has to decide and the model only proposes"
    if not is_said(answers, "human_confirms") or not is_said(answers, "consequence"):
        return (
            "as far as has been said, results take effect without a person, so somebody owns the errors, the "
            "monitoring and the retraining"
        )
    return "results take effect without a person, so somebody owns the errors, the monitoring and the retraining"
