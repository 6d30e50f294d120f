"""The questions of `questions.yaml` as records, and the check that one answer's text must pass."""

import difflib
import functools
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib import resources
from typing import Any

from mlscaffold import catalogue, house, naming, numerals, patterns, yamltext
from mlscaffold.catalogue.keys import AnswerKey
from mlscaffold.numerals import Reading

KINDS = ("ml", "software")
METRICS = "catalogue/metrics.yaml"  # in the file, where the catalogue says more
TASKS = "catalogue/tasks.yaml"
# A default that is a field of the task's row.
OF_A_TASK: dict[str, Callable[[catalogue.Task], str]] = {
    f"{TASKS}#metric": lambda row: row.metric,
    f"{TASKS}#counted_on": lambda row: row.counted_on[0],
}
OWN = "own:"  # before the name of a metric that the team writes itself
OWN_NAME = f"{OWN}NAME"  # any of them, in a condition
ROLES = ("po", "ds", "mle", "swe", "de", "ops", "expert")


@dataclass(frozen=True)
class Question:
    """One question: what is asked, why, and which texts are answers to it."""

    key: str
    section: str
    text: str
    why: str
    type: str
    stage: str
    default: Any
    kinds: tuple[str, ...] = KINDS
    plain: bool = False
    critical: bool = False
    exclusive: bool = False
    comma_separates: bool = False
    choices: tuple[str, ...] = ()
    meanings: Mapping[str, str] = field(default_factory=dict)
    example: str = ""
    own: str = ""
    when: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    allowed: Mapping[str, Any] = field(default_factory=dict)
    most: Mapping[str, Any] = field(default_factory=dict)
    unit: str = ""
    min: float | None = None
    max: float | None = None
    min_length: int = 0
    max_length: int = 600
    min_items: int = 0
    max_items: int = 100


def load() -> dict[str, Question]:
    """Every question by key, in the order of the file; then those of the presets in force, by which all are limited."""
    return _loaded(house.fingerprint())


def named(key: AnswerKey) -> Question:
    """`load()[key]`, where the key is written in the code, so that a misspelt one fails the type check."""
    return load()[key]


def text_of(texts: Mapping[str, str], key: AnswerKey) -> str:
    """The text under a key that is written in the code, of texts that may hold any; "" where it is not there."""
    return texts.get(key, "")


@functools.lru_cache(maxsize=16)
def _loaded(fingerprint: str) -> dict[str, Question]:
    if not fingerprint:
        text = resources.files("mlscaffold").joinpath("questions.yaml").read_text("utf-8")
        return {entry["key"]: _question(entry) for entry in yamltext.load(text)}
    over = house.in_force()
    asked = [of_entry(entry, over.names[-1]) for entry in over.questions]
    if over.locks:
        asked.append(_exceptions(over.locks))
    every = _loaded("") | {question.key: question for question in asked}
    return {key: _limited(question, over.limits.get(key)) for key, question in every.items()}


def of_entry(entry: Mapping[str, Any], section: str) -> Question:
    """A preset's question, from its entry; it is shown with its default, as long as nobody answers it."""
    return _question({"section": section, "stage": "assumed", "default": "", **entry})


def _exceptions(locks: Mapping[str, house.Lock]) -> Question:
    """Whoever breaks a locked answer says why."""
    return Question(
        house.EXCEPTIONS,
        "House rules",
        "Which locked answers does this project break, and why?",
        f"Locked are {', '.join(locks)}. The reasons are written into decision record 0001.",
        "origins",
        "expert",
        "",
        example=f"{next(iter(locks))}=a pilot of six weeks",
    )


def _limited(question: Question, limit: house.Limit | None) -> Question:
    """The question with the choices that a preset leaves; the first of them, where the default is none of them."""
    if limit is None:
        return question
    left = tuple(choice for choice in question.choices if choice in limit.choices)
    allowed = question.allowed and {
        **question.allowed,
        "values": {
            other: [choice for choice in values if choice in left]
            for other, values in question.allowed["values"].items()
        },
    }
    default = question.default if isinstance(question.default, Mapping) or question.default in left else left[0]
    meanings = {choice: question.meanings[choice] for choice in left if choice in question.meanings}
    why = f"{question.why} {limit.by} leaves {', '.join(left)}: {limit.reason}."
    return replace(question, choices=left, meanings=meanings, allowed=allowed, default=default, own="", why=why)


def of_kind(kind: str) -> dict[str, Question]:
    """The questions whose answers belong to a repository of this kind ("ml" or "software")."""
    return {key: question for key, question in load().items() if kind in question.kinds}


def is_asked(question: Question, answers: Mapping[str, str]) -> bool:
    """Whether the answers given so far (texts, defaults filled in) call for this question."""
    return all(
        answers.get(key) in wanted
        or (OWN_NAME in wanted and is_own(answers.get(key)))
        or _elsewhere(question, key, answers)
        for key, wanted in question.when.items()
    )


def _elsewhere(question: Question, key: str, answers: Mapping[str, str]) -> bool:
    """Whether the question is of this kind and its condition is a question of the other kind alone."""
    kind = answers.get("kind")
    return kind in question.kinds and kind not in load()[key].kinds


def is_own(metric: str | None) -> bool:
    """Whether a metric is one that the team writes itself."""
    return (metric or "").startswith(OWN)


@functools.cache
def in_the_metrics_unit() -> tuple[str, ...]:
    """The answers that mean something else, or nothing, once another metric decides."""
    facts = (key for key in load() if key.startswith("metric_"))
    counted = (key for key, question in load().items() if question.unit == "metric")
    return (*counted, "error_spread", *facts)


def default(question: Question, answers: Mapping[str, str]) -> str:
    """The default's text under the other answers; the empty text where the plan or a person must say."""
    if not isinstance(question.default, Mapping):
        return str(question.default)
    own = question.default.get(text_of(answers, "kind") or "ml")
    if own is None and depends(question):
        return str(question.default["values"].get(answers.get(question.default["by"]), ""))
    return str(own)


def depends(question: Question) -> bool:
    """Whether the default follows from another answer, which must then be known first."""
    return isinstance(question.default, Mapping) and "by" in question.default


def choices(question: Question, answers: Mapping[str, str]) -> tuple[str, ...]:
    """The values that may be chosen under the other answers (a metric must fit the task)."""
    if not question.allowed:
        return question.choices
    return tuple(question.allowed["values"].get(answers.get(question.allowed["by"]), question.choices))


def check(question: Question, text: str, answers: Mapping[str, str] | None = None) -> str | None:
    """What is wrong with `text` as an answer, as half a sentence ("it must be …"), or None when it is fine."""
    if text == "" and may_be_empty(question):
        return None
    if re.search(f"[{patterns.UNSEEN}]", text):
        return "it holds a mark that cannot be seen and turns or hides letters beside it; type it again without"
    if not re.fullmatch(patterns.PRINTABLE, text):
        return "it holds a line break or another control character"
    if question.type in ("integer", "number"):
        return _check_number(question, text, answers or {})
    if question.type in LISTS and len(text) > question.max_length:
        return f"it must have at most {question.max_length} characters (it has {len(text)})"
    complaint = CHECKS[question.type](question, canonical(question, text, answers or {}))
    if complaint or not question.allowed:
        return complaint
    allowed = choices(question, answers or {})
    if text in allowed or (question.own and is_own(text)):
        return None
    by = question.allowed["by"]
    return f"with {by} {(answers or {}).get(by)} {one_of(text, allowed, question.choices)}"


def check_most(question: Question, text: str, answers: Mapping[str, str]) -> str | None:
    """What is wrong with a checked number under the other answers, as half a sentence (a recall is at most 1)."""
    if not question.most or text == "":
        return None
    if is_own(text_of(answers, "metric")):
        return _of_the_teams_metric(float(canonical(question, text, answers)), answers)
    if float(canonical(question, text, answers)) < 0:
        return "it must be at least 0"
    chosen = answers.get(question.most["by"], "")
    most = question.most["values"].get(chosen)
    if most is None or float(canonical(question, text, answers)) <= float(most):
        return None
    return f"with {question.most['by']} {chosen} it is always between {max(question.min or 0, 0):g} and {most}"


def _of_the_teams_metric(value: float, answers: Mapping[str, str]) -> str | None:
    """What is wrong with a value of a metric of the team's own: a share and a loss have ends."""
    metric = text_of(answers, "metric")
    if text_of(answers, "metric_form") == "share" and not 0 <= value <= 1:
        return f"with metric {metric}, a share, it is always between 0 and 1"
    if text_of(answers, "metric_direction") == "lower" and value < 0:
        return f"with metric {metric}, a loss, it is never below 0 (count a gain with metric_direction=higher)"
    return None


def readings(question: Question, text: str, answers: Mapping[str, str], typed: bool = False) -> tuple[Reading, ...]:
    """The numbers that a text can mean as an answer: those in range, or the first of all where none is.

    More than one: a person must say which. Raises `numerals.NotANumber`.
    """
    found = numerals.read(text, whole=question.type == "integer", percent=_percent(question, answers), typed=typed)
    fitting = tuple(
        reading
        for reading in found
        if not _outside(question, reading.text) and not _above(question, reading.text, answers)
    )
    return fitting or found[:1]


def canonical(question: Question, text: str, answers: Mapping[str, str]) -> str:
    """The one text that stands for an answer, however it was typed; a text that is no answer comes back as it is.

    Numbers: 48,000 → 48000, 4% → 0.04 (see `numerals`). Lists: `a=1, b=2` → `a=1; b=2`, with their numbers.
    """
    if question.type in ("integer", "number"):
        try:
            fitting = readings(question, text, answers)
        except numerals.NotANumber:
            return text
        return fitting[0].text if len(fitting) == 1 else text
    if question.type in LISTS:
        text = re.sub(r"\s*([=/])\s*", r"\1", text) if question.type == "efforts" else text
        return "; ".join(
            _canonical_part(question.type, part) for part in split(re.sub(LISTS[question.type], ";", text))
        )
    if question.type == "names":
        return "; ".join(split(text.replace(",", ";") if question.comma_separates and ";" not in text else text))
    return text


def _percent(question: Question, answers: Mapping[str, str]) -> str:
    """What a per cent sign means: of a metric's value a share, unless the metric counts in units of its own."""
    if question.unit != "metric":
        return question.unit
    metric = text_of(answers, "metric")
    if is_own(metric):
        return numerals.SHARE if text_of(answers, "metric_form") == "share" else ""
    return numerals.SHARE if not metric or metric in named("target_value").most["values"] else ""


def _above(question: Question, text: str, answers: Mapping[str, str]) -> bool:
    most = question.most["values"].get(answers.get(question.most["by"], "")) if question.most else None
    return most is not None and float(text) > float(most)


# What stands between two entries of a list, beside semicolons: a comma, where a further `name=` follows it.
LISTS = {
    "team": f",\\s*(?=(?:{'|'.join(ROLES)})\\s*=)",
    "owners": f",\\s*(?=(?:{'|'.join(ROLES)})\\s*=)",
    "shares": r",\s*(?=[A-Za-z][A-Za-z0-9_. -]*=)",
    "ids": r",\s*(?=[a-z][a-z0-9_]*=)",
    "keys": ",",
    "efforts": ",",
}


def _canonical_part(kind: str, part: str) -> str:
    """One entry of a list with its number in canonical form: Ana:20% → Ana:0.2 in `team`, 99,95 % → 99.95 in shares."""
    sign, percent = {"team": (":", numerals.SHARE), "shares": ("=", numerals.PERCENT)}.get(kind, ("", ""))
    before, found, number = part.rpartition(sign) if sign else (part, "", "")
    if not found:
        return part
    most = 1 if kind == "team" else 100
    try:
        fitting = [reading.text for reading in numerals.read(number, percent=percent) if float(reading.text) <= most]
    except numerals.NotANumber:
        return part
    return f"{before.strip()}{sign}{fitting[0]}" if len(fitting) == 1 else part


def holds_secret(text: str) -> bool:
    """Whether a text holds a password, a signature or a key: answers go into files and into git."""
    return re.search(patterns.SECRET, text) is not None


def without_secrets(text: str) -> str:
    """The text with every secret in it cut out, for a message."""
    return re.sub(patterns.SECRET, "(hidden)", text)


def may_be_empty(question: Question) -> bool:
    """An empty answer means "not known", or "work it out"; it is one only where the default is not a fixed value."""
    return depends(question) or question.default == ""


def one_of(text: str, allowed: Sequence[str], known: Sequence[str] = ()) -> str:
    """What is wrong with a value outside a list, as half a sentence, with those of the list that it may have meant.

    Nothing is suggested for a value that is `known` elsewhere: that is no slip.
    """
    meant = [] if text in known else alike(text, allowed)
    suggestion = f"; did you mean {' or '.join(f'`{value}`' for value in meant)}?" if meant else ""
    return f"it must be one of {', '.join(allowed)}{suggestion}"


def alike(text: str, names: Iterable[str]) -> list[str]:
    """The one or two names nearest to a mistyped one, best first: a slip, another case or spacing, a part of one."""
    plain = {name: _letters(name) for name in names}
    typed = _letters(text)
    called = [name for name in OTHERWISE.get(typed, ()) if name in plain]
    if called or not typed:
        return called
    if same := [name for name, letters in plain.items() if letters == typed]:
        return same[:1]
    part = [name for name, letters in plain.items() if len(typed) > 1 and (typed in letters or letters in typed)]
    close = difflib.get_close_matches(typed, list(plain.values()), n=2, cutoff=0.6)
    found = [name for letters in close for name in plain if plain[name] == letters]
    return list(dict.fromkeys([*(name for name in found if name in part), *part, *found]))[:2]


# What other tools and other people call some of the choices, without case, spaces and signs.
OTHERWISE = {
    "true": ("yes",),
    "false": ("no",),
    "y": ("yes",),
    "n": ("no",),
    "classification": ("binary", "multiclass"),
    "timeseries": ("forecast",),
    "auroc": ("roc_auc",),
    "auprc": ("average_precision",),
    "prauc": ("average_precision",),
    "meanabsoluteerror": ("mae",),
    "crossentropy": ("log_loss",),
    "machinelearning": ("ml",),
    "apache": ("apache-2.0",),
    "bsd": ("bsd-3-clause",),
    "website": ("web-app",),
}


def _letters(text: str) -> str:
    """A name without case, spaces and signs."""
    return re.sub(r"[\W_]+", "", text.casefold())


def is_free(question: Question) -> bool:
    """Whether an answer may hold any sign, `<` and `?` too: a text, a name, a path, a list of names."""
    return question.type in ("text", "name", "place", "names", "team", "shares", "owners")


def near(key: str) -> list[str]:
    """Known keys that look like this one."""
    return alike(key, load())


def _question(entry: Mapping[str, Any]) -> Question:
    facts = {**entry} | _of_the_metrics(entry) | _of_the_tasks(entry)
    facts["meanings"] = dict(facts.get("choices", {}))
    for name in ("kinds", "choices"):
        if name in facts:
            facts[name] = tuple(facts[name])
    for name in ("plain", "critical", "exclusive", "comma_separates"):
        facts[name] = facts.get(name) == "true"
    for name in ("min", "max"):
        facts[name] = float(facts[name]) if name in facts else None
    for name in ("min_length", "max_length", "min_items", "max_items"):
        if name in facts:
            facts[name] = int(facts[name])
    facts["when"] = {key: tuple(values) for key, values in facts.get("when", {}).items()}
    return Question(**facts)


def _of_the_metrics(entry: Mapping[str, Any]) -> dict[str, Any]:
    """What an entry leaves to the catalogue: the metrics with their meanings, those of a task, their largest values."""
    rows = catalogue.metrics().values()
    found: dict[str, Any] = {}
    if entry.get("choices") == METRICS:
        found["choices"] = {row.key: row.meaning for row in rows}
    if entry.get("allowed", {}).get("values") == METRICS:
        tasks = dict.fromkeys(task for row in rows for task in row.tasks)
        fitting = {task: [row.key for row in rows if task in row.tasks] for task in tasks}
        found["allowed"] = entry["allowed"] | {"values": fitting}
    if entry.get("most", {}).get("values") == METRICS:
        highest = {row.key: f"{row.high}" for row in rows if row.high is not None}
        found["most"] = entry["most"] | {"values": highest}
    return found


def _of_the_tasks(entry: Mapping[str, Any]) -> dict[str, Any]:
    """What an entry leaves to the catalogue: the tasks with their meanings, what fits each, and those of a form."""
    rows = catalogue.tasks().values()
    found: dict[str, Any] = {}
    if entry.get("choices") == TASKS:
        found["choices"] = {row.key: row.meaning for row in rows}
    if entry.get("allowed", {}).get("values") == TASKS:
        found["allowed"] = entry["allowed"] | {"values": {row.key: list(row.counted_on) for row in rows}}
    default = entry.get("default")
    if isinstance(default, Mapping) and str(default.get("values")) in OF_A_TASK:
        of_row = OF_A_TASK[default["values"]]
        found["default"] = {**default, "values": {row.key: of_row(row) for row in rows}}
    if "task" in entry.get("when", {}):
        named = [task for one in entry["when"]["task"] for task in catalogue.tasks_of(one) or (one,)]
        found["when"] = entry["when"] | {"task": [row.key for row in rows if row.key in named]}
    return found


# ------------------------------------------------------------------------------------------------ one check per type


def _check_text(question: Question, text: str) -> str | None:
    if question.min_length and not text.strip():
        return "it must not be blank"
    if len(text) < question.min_length:
        return f"it must have at least {question.min_length} characters (it has {len(text)})"
    if len(text) > question.max_length:
        return f"it must have at most {question.max_length} characters (it has {len(text)})"
    return None


def _check_slug(question: Question, text: str) -> str | None:
    if not re.fullmatch(patterns.SLUG, text):
        return "it must be 2 to 49 lower-case letters, digits and single dashes, starting with a letter"
    return naming.problem(text)


def _check_choice(question: Question, text: str) -> str | None:
    if text in question.choices:
        return None
    if question.own and is_own(text):
        fine = re.fullmatch(patterns.OWN, text)
        return None if fine else "own: is followed by a name of small letters, digits and underscores, as in own:profit"
    return one_of(text, question.choices)


def _check_number(question: Question, text: str, answers: Mapping[str, str]) -> str | None:
    try:
        fitting = readings(question, text, answers)
    except numerals.NotANumber as complaint:
        return str(complaint)
    if len(fitting) > 1:
        return f"it can be read as {' or as '.join(reading.text for reading in fitting)}: write the one that you mean"
    return _outside(question, fitting[0].text)


def _outside(question: Question, text: str) -> str | None:
    """What is wrong with a canonical number's size."""
    low, high, strict, value = question.min, question.max, question.exclusive, float(text)
    if low is not None and (value < low or (strict and value == low)):
        return f"it must be {'more than' if strict else 'at least'} {low:,.15g}"
    if high is not None and (value > high or (strict and value == high)):
        as_share = f" ({text} % is written {text}%)" if question.unit == numerals.SHARE and 1 < value <= 100 else ""
        return f"it must be {'less than' if strict else 'at most'} {high:,.15g}{as_share}"
    return None


def _check_pattern(pattern: str, complaint: str) -> Callable[[Question, str], str | None]:
    def check_pattern(question: Question, text: str) -> str | None:
        if len(text) > question.max_length:
            return f"it must have at most {question.max_length} characters (it has {len(text)})"
        return None if re.fullmatch(pattern, text) else complaint

    return check_pattern


def _check_names(question: Question, text: str) -> str | None:
    """`text` is canonical: its names stand between semicolons."""
    names = split(text)
    if not question.min_items <= len(names) <= question.max_items:
        return f"it must name {question.min_items} to {question.max_items} of them, separated by semicolons"
    for name in names:
        if not question.min_length <= len(name) <= question.max_length:
            return f"each name must have {question.min_length} to {question.max_length} characters"
    return None


def _check_efforts(question: Question, text: str) -> str | None:
    """`text` is canonical. Each task is one that a schedule knows, once, with days in order."""
    complaint = _efforts_read(question, text)
    if complaint:
        return complaint
    names = [part.partition("=")[0] for part in split(text)]
    if twice := next((name for name in names if names.count(name) > 1), None):
        return f"it names {twice} twice; name each task once"
    for part in split(text):
        name, _, days = part.partition("=")
        if complaint := task_complaint(name):
            return complaint
        low, likely, high = (float(number) for number in days.split("/"))
        if not low <= likely <= high:
            return f"{part} must rise, from the days at best to the likely ones to those at worst"
        if not high:
            return f"{part} leaves no time at all; write at least 0.1 at worst"
    return None


# Of these tasks there is one each capability or dependency, and its number follows the name.
NUMBERED = ("slice", "fault")


def task_names(kinds: Sequence[str] = KINDS) -> list[str]:
    """The names that a task of the schedule can have, as patterns: one of many is `slice_2`."""
    known = dict.fromkeys(id for kind in kinds for id in catalogue.work()[kind])
    return [f"{id}(?:_[1-9][0-9]?)?" if id in NUMBERED else id for id in known]


def task_complaint(name: str, kinds: Sequence[str] = KINDS) -> str | None:
    """What is wrong with the name of a task of the schedule, as half a sentence."""
    if re.fullmatch("|".join(task_names(kinds)), name):
        return None
    known = dict.fromkeys(id for kind in kinds for id in catalogue.work()[kind])
    near = " or ".join(f"`{id}`" for id in alike(name, known))
    return f'there is no task called "{name}"; ' + (
        f"did you mean {near}?" if near else f"choose of {', '.join(known)}"
    )


def nothing(question: Question) -> str:
    """What an empty answer to this question is called: a fact that nobody knows, or a list with nothing in it."""
    return "not known" if question.type in ("number", "integer", "text") else "none"


def split(text: str) -> list[str]:
    """The parts of a list answer: separated by semicolons, outer spaces dropped, empty parts ignored."""
    return [part.strip() for part in text.split(";") if part.strip()]


_ROLES = f"(roles {', '.join(ROLES)})"
PATTERNS = {
    "folder": (
        patterns.FOLDER,
        "it must be a path such as services/desk: names of letters, digits, dots, dashes and underscores",
    ),
    "email": (patterns.EMAIL, "it must be an address such as team@example.org"),
    "address": (patterns.ADDRESS, "it must be the address of a page, such as https://github.com/org/desk"),
    "entity": (patterns.ENTITY, "it must be a name of the catalogue, such as group:payments or user:default/ana"),
    "currency": (patterns.CURRENCY, "it must be three capital letters, such as EUR"),
    "team": (patterns.TEAM, f"it must read like po=Ana:0.2; ds=Bo:1 {_ROLES}"),
    "shares": (patterns.SHARES, "it must read like payments=99.95; inventory=99.5, in percent up to 100"),
    "owners": (patterns.OWNERS, f"it must read like po=@org/product {_ROLES}"),
    "keys": (patterns.KEYS, "it must be keys separated by semicolons"),
    "ids": (patterns.IDS, "it must read like submit_an_order=1; bad_input=4"),
    "efforts": (patterns.EFFORTS, "it must read like labelling=5/8/15; access=2/4/9, days of each task"),
    "origins": (
        patterns.several(f"[a-z][a-z0-9_]*={patterns.ORIGIN}"),
        "it must read like positive_share=data file; current_value=evidence/baseline.json",
    ),
    "date": (patterns.DATE, "it must be a day of the calendar from 2000 to 2099, such as 2026-03-02"),
}
_efforts_read = _check_pattern(*PATTERNS["efforts"])
CHECKS: dict[str, Callable[[Question, str], str | None]] = {
    "text": _check_text,
    "place": _check_text,
    "name": _check_text,
    "slug": _check_slug,
    "choice": _check_choice,
    "names": _check_names,
    **{name: _check_pattern(pattern, complaint) for name, (pattern, complaint) in PATTERNS.items()},
    "efforts": _check_efforts,
}
