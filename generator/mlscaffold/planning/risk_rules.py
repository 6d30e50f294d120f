"""The rules behind the risk register: ML R1 to R12, software S1 to S8. Likelihood and impact are proposals."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mlscaffold import catalogue, figures
from mlscaffold.answers import Answers
from mlscaffold.catalogue.keys import NumberKey
from mlscaffold.planning import absence, plausibility
from mlscaffold.planning.acceptance.sample_size import is_held_known, test_rows_held
from mlscaffold.planning.number import Numbers, begun, said, value_of
from mlscaffold.planning.schedule.dates import Schedule
from mlscaffold.planning.schedule.people import overloaded

DELAY_LIMIT = 14  # days of label delay beyond which decay is seen late
PAYBACK_LIMIT = 12  # months
PEAK_LIMIT = 20
OUTRUN = ("decay-outruns-labels", "quality-alert-cannot-fire")  # findings that R13 stands for
MUST_LIMIT = 7  # capabilities in one appetite


@dataclass(frozen=True)
class Facts:
    """What the rules look at."""

    answers: Answers
    numbers: Numbers
    schedule: Schedule
    load: Sequence[Mapping[str, Any]]
    told: set[NumberKey] = field(default_factory=set)  # the numbers that what was asked so far speaks of

    def value(self, key: NumberKey) -> Any:
        """A number of the plan; None where it is not known."""
        self.told.add(key)
        return value_of(self.numbers, key)

    def note(self, key: NumberKey) -> str | None:
        """What the plan says beside a number."""
        self.told.add(key)
        return self.numbers[key].note if key in self.numbers else None

    def text(self, key: NumberKey) -> str:
        """A number of the plan inside a sentence, days whole."""
        value, unit = self.value(key), catalogue.numbers()[key].unit
        return figures.number(value, unit) if unit in figures.WHOLE and value is not None else said(value)


@dataclass(frozen=True)
class Rule:
    """One risk: when it is there, how likely and how bad, what shows it, what to do, whose it is, by which task."""

    id: str
    risk: str
    score: tuple[int, int]
    active: Callable[[Facts], bool]
    trigger: Callable[[Facts], str]
    response: Callable[[Facts], str]
    owner: str
    due: str


def _short_of_rows(facts: Facts) -> bool:
    return (facts.value("test.shortfall") or 0) > 0


def _held_rows(facts: Facts) -> str:
    needed = f"{facts.text('test.rows')} needed"
    if not is_held_known(facts.answers):
        return f"Nobody has said how many labelled rows there are; for the test {needed.replace(' ', ' are ')}"
    held, labelled = test_rows_held(facts.answers), facts.answers.labelled_cases or 0
    return f"{held:,} of {labelled:,} labelled rows are for the test, {needed}"


def _rows_to_get(facts: Facts) -> str:
    if not is_held_known(facts.answers):
        rows = facts.text("test.shortfall")
        return f"Count what there is, and label what is missing of the {rows}; until then the verdict is inconclusive."
    smallest = facts.value("test.mde_available")
    agreed = f"agree now that only a gain of {said(smallest)} can be shown" if smallest else "aim for a larger gain"
    more = facts.text("test.shortfall")
    return f"Label {more} more rows, or {agreed}; until then the verdict is inconclusive."


def _low_ceiling(facts: Facts) -> bool:
    ceiling, target = facts.value("labels.ceiling"), facts.value("acceptance.target")
    return ceiling is not None and target is not None and ceiling < target + 0.05


def _curve_misses(facts: Facts) -> bool:
    needed = facts.value("curve.rows_for_target")
    return needed is not None and needed > facts.answers.past_cases


def _modellers(facts: Facts) -> int:
    """People who can model: each name once, and each nameless entry of the team as a person of its own."""
    entries = [person for person in facts.answers.team if person.role in ("ds", "mle")]
    named = {person.name for person in entries if person.name != "?"}
    return len(named) + len([person for person in entries if person.name == "?"])


def _one_modeller(facts: Facts) -> bool:
    return _modellers(facts) <= 1 or bool(overloaded(facts.load))


def _modeller_trigger(facts: Facts) -> str:
    heavy = [
        f"{person['person']} holds {person['share']:.0%} of the A and R letters" for person in overloaded(facts.load)
    ]
    return "; ".join([f"{_modellers(facts)} in the team can model", *heavy])


def _slow_payback(facts: Facts) -> bool:
    months = facts.value("acceptance.payback_months")
    return _never_pays(facts) if months is None else months > PAYBACK_LIMIT


def _never_pays(facts: Facts) -> bool:
    """Whether the plan knows that it does not pay, which is worse than late and no gap in the plan."""
    return absence.kind(facts.note("acceptance.payback_months")) == absence.NEVER


def _payback_trigger(facts: Facts) -> str:
    if _never_pays(facts):
        return str(facts.note("acceptance.payback_months")).rstrip(".")
    return f"Payback takes {begun(facts.value('acceptance.payback_months'))} (a risk above {PAYBACK_LIMIT})"


def _payback_response(facts: Facts) -> str:
    worth, currency = facts.value("acceptance.value_month"), facts.answers.currency
    first = "Build the rule first and stop there"
    if worth is not None:
        first += f" if it earns most of {figures.money(worth)} {currency} a month"
    return f"{first}; cut the scope of the model to the cases that cost most."


def _outrun(facts: Facts) -> bool:
    """Whether decay reaches the floor before labels have shown it."""
    if "retrain.cap_days" not in facts.numbers:
        return False
    return any(row["name"] in OUTRUN for row in plausibility.findings(facts.answers, facts.numbers))


def _late(facts: Facts) -> bool:
    return facts.value("schedule.fits") is False


def _measured(facts: Facts) -> str:
    value = facts.answers.current_value
    return f"current_value is {'empty' if value is None else f'{value:g}'}"


def _measured_on(facts: Facts) -> str:
    """When today's practice is measured: in a task of its own, with the baseline, or with the requirements."""
    return facts.schedule.ends(facts.schedule.there("practice", "baseline", "requirements")).isoformat()


def _late_trigger(facts: Facts) -> str:
    return f"P80 is {facts.value('schedule.p80')}, the appetite ends on {facts.value('schedule.deadline')}"


def _late_response(facts: Facts) -> str:
    return (
        f"Choose before gate {'G0.6' if facts.answers.kind == 'ml' else 'T0.4'}: less scope, more people, or "
        f"{facts.text('schedule.weeks_needed')} weeks instead of {facts.answers.appetite_weeks}."
    )


def _censors(facts: Facts) -> bool:
    """A flagged case that is acted on at once never shows what would have happened."""
    answers = facts.answers
    return answers.task == "binary" and answers.label_source in ("logs", "both") and answers.human_confirms == "no"


ML = (
    Rule(
        "R1",
        "The test set is too small to show the gain",
        (5, 4),
        _short_of_rows,
        _held_rows,
        _rows_to_get,
        "ds",
        "test_set",
    ),
    Rule(
        "R2",
        "Labels are too noisy for the target",
        (4, 4),
        _low_ceiling,
        lambda f: (
            f"A perfect model would measure {f.text('labels.ceiling')}, the target is {f.text('acceptance.target')}"
        ),
        lambda f: (
            f"Raise agreement to {f.text('labels.min_agreement')} (guide, examples, a third opinion), measured on "
            f"{f.text('labels.double_rows')} rows labelled twice; else lower the target."
        ),
        "ds",
        "label_guide",
    ),
    Rule(
        "R3",
        "Decay is seen late",
        (4, 3),
        lambda f: f.answers.label_delay_days > DELAY_LIMIT,
        lambda f: f"Right answers come {f.answers.label_delay_days:g} days later (a risk above {DELAY_LIMIT})",
        lambda f: (
            f"Watch inputs and scores daily; a fall to the floor takes {f.text('monitor.delay_days')} days to see. "
            "Have a random part labelled by people at once."
        ),
        "mle",
        "operation",
    ),
    Rule(
        "R4",
        "Personal data is used without a basis, or kept too long",
        (3, 5),
        lambda f: f.answers.personal_data != "none",
        lambda f: f"personal_data is {f.answers.personal_data}",
        lambda f: (
            "Write down basis, retention, deletion and readers in the data audit, section 10, before any training."
        ),
        "po",
        "access",
    ),
    Rule(
        "R5",
        "Somebody works against the model",
        (4, 4),
        lambda f: f.answers.change_rate == "adversarial",
        lambda f: f"change_rate is {f.answers.change_rate}",
        lambda f: (
            f"Retrain every {f.text('retrain.every_days')} days at first, keep a random share of cases away from "
            "the model, and keep the rules as a second line."
        ),
        "mle",
        "operation",
    ),
    Rule(
        "R6",
        "Nobody knows how good today's practice is",
        (5, 5),
        lambda f: f.answers.current_value is None,
        lambda f: (
            "current_value is " + ("empty" if f.answers.current_value is None else f"{f.answers.current_value:g}")
        ),
        lambda f: (
            f"Measure it first, by {_measured_on(f)}, on the rows the model will be judged on; then replan: "
            "rows, gain and payback all start from it."
        ),
        "ds",
        "baseline",
    ),
    Rule(
        "R7",
        "The work rests on one person",
        (3, 3),
        _one_modeller,
        _modeller_trigger,
        lambda f: "Name a second pair of eyes for every experiment review, and let that person run one training alone.",
        "po",
        "g1",
    ),
    Rule(
        "R8",
        "An upstream system changes without notice",
        (3, 4),
        lambda f: f.answers.upstream_sources > 0,
        lambda f: (
            f"Inputs come from {f.answers.upstream_sources:,} system{'s' if f.answers.upstream_sources > 1 else ''}"
        ),
        lambda f: "Agree on a change notice with each owner, and let the schema check quarantine rows that break it.",
        "de",
        "access",
    ),
    Rule(
        "R9",
        "The data cannot reach the target",
        (4, 4),
        _curve_misses,
        lambda f: (
            f"Rows at which the learning curve reaches the target: {f.text('curve.rows_for_target')}; there are "
            f"{f.answers.past_cases:,}"
        ),
        lambda f: "Buy rows, find a new source of information, or lower the target; decide at gate G1.10.",
        "ds",
        "g1",
    ),
    Rule(
        "R10",
        "It pays back too slowly, or never",
        (3, 4),
        _slow_payback,
        _payback_trigger,
        _payback_response,
        "po",
        "charter",
    ),
    Rule("R11", "The plan ends after the appetite", (4, 3), _late, _late_trigger, _late_response, "po", "charter"),
    Rule(
        "R12",
        "The model hides its own mistakes",
        (4, 4),
        _censors,
        lambda f: f"human_confirms is {f.answers.human_confirms}, label_source is {f.answers.label_source}",
        lambda f: (
            f"Exempt {f.text('feedback.audit_rows_week')} random cases a week from the decision and label them; "
            "without them recall after release is a guess."
        ),
        "mle",
        "operation",
    ),
    Rule(
        "R13",
        "It falls below its floor before anybody sees it",
        (4, 4),
        _outrun,
        lambda f: (
            f"Labels come {f.answers.label_delay_days:g} days late, {f.text('monitor.labels_day')} a day; a fall to "
            f"the floor takes {f.text('monitor.delay_days')} days to see"
        ),
        lambda f: (
            "Have a random part labelled at once, and let a person confirm results until a fall is seen sooner than it "
            "happens; the rule answers where that cannot be had."
        ),
        "mle",
        "p4",
    ),
)

# -------------------------------------------------------------------------------------------------------- software


def _impossible_objective(facts: Facts) -> bool:
    return bool(facts.value("slo.soft"))


def _soften(facts: Facts) -> str:
    soft = facts.value("slo.soft")
    if not soft:
        return "Nothing to do: the dependencies allow the objective."
    allowed = f"{100 * facts.value('slo.ceiling_soft'):.5g} %"
    return f"Let {soft} fail without failing a request, which allows {allowed}; or lower the objective."


def _dependencies(facts: Facts) -> str:
    named = [*facts.answers.dependencies, *["the model service"] * bool(facts.answers.ml_component)]
    return f"It depends on {', '.join(named) or 'nothing'}"


def _too_many(facts: Facts) -> bool:
    return len(facts.answers.capabilities) > MUST_LIMIT


SOFTWARE = (
    Rule(
        "S1",
        "The objective is higher than its dependencies allow",
        (5, 4),
        _impossible_objective,
        lambda f: f"{f.answers.slo_percent:g} % is promised, dependencies allow {100 * f.value('slo.ceiling'):.5g} %",
        _soften,
        "swe",
        "quality",
    ),
    Rule(
        "S2",
        "The work rests on one engineer",
        (3, 3),
        lambda f: sum(person.role in ("swe", "mle") for person in f.answers.team) <= 1,
        lambda f: f"{sum(person.role in ('swe', 'mle') for person in f.answers.team)} of the team build",
        lambda f: (
            "Name a reviewer outside the team for each change, and let that person run one deployment and one rollback."
        ),
        "po",
        "g1",
    ),
    Rule(
        "S3",
        "Regulated data is handled wrongly",
        (3, 5),
        lambda f: f.answers.data_class == "regulated",
        lambda f: f"data_class is {f.answers.data_class}",
        lambda f: "Have whoever answers for the regulation read requirements and architecture before gate T1.",
        "po",
        "g1",
    ),
    Rule(
        "S4",
        "Nobody has measured what hurts today",
        (3, 3),
        lambda f: f.answers.current_value is None,
        lambda f: (
            "current_value is " + ("empty" if f.answers.current_value is None else f"{f.answers.current_value:g}")
        ),
        lambda f: f"Count what today's practice costs, by {_measured_on(f)}; success is judged by that count.",
        "po",
        "practice",
    ),
    Rule(
        "S5",
        "The peak takes it down",
        (3, 4),
        lambda f: f.answers.peak_factor > PEAK_LIMIT,
        lambda f: f"The busiest hour is {f.answers.peak_factor:g} times the average (a risk above {PEAK_LIMIT})",
        lambda f: (
            f"Test with {f.text('capacity.load_per_second')} a second before release; queue where the caller can "
            "wait, and say no early where not."
        ),
        "ops",
        "drills",
    ),
    Rule("S6", "The plan ends after the appetite", (4, 3), _late, _late_trigger, _late_response, "po", "charter"),
    Rule(
        "S7",
        "A dependency fails and nobody decided what happens",
        (4, 4),
        lambda f: bool(f.answers.dependencies or f.answers.ml_component),
        _dependencies,
        lambda f: "Confirm the drafted fault requirement of each one with its owner, and switch it off once in a test.",
        "swe",
        "architecture",
    ),
    Rule(
        "S8",
        "Too much is promised for one appetite",
        (4, 3),
        _too_many,
        lambda f: f"{len(f.answers.capabilities)} must capabilities (a risk above {MUST_LIMIT})",
        lambda f: f"Choose {MUST_LIMIT} for the first release by what hurts most today; the others become should.",
        "po",
        "requirements",
    ),
)
