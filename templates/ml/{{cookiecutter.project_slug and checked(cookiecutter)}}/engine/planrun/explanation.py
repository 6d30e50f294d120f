"""`explain`: what a name means in this repository: a number with its inputs, a formula, a gate, a metric, an answer."""

import difflib
import json
import re
import textwrap
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

from planrun import figures, gates
from planrun.catalogue import GATES, METRICS, Listed
from planrun.command import COMMAND
from planrun.repository import Repo
from planrun.rigor import called_for
from planrun.signing.assumptions import unconfirmed
from planrun.trouble import Outcome, Trouble, counted

FORMULAS = "docs/formulas.md"
WIDTH = 100
MARK = " *"
# Where a number comes from, by its provenance in the plan.
CAME = {
    "answered": "Somebody answered it",
    "measured": "It was measured",
    "default": "Nobody has given it, and a default stands for it",
    "computed": "It was computed",
}

Entry = Mapping[str, Any]


class Told:
    """What a repository says of itself, each part read once and only where it is asked for."""

    def __init__(self, repo: Repo) -> None:
        self.repo = repo
        self.listed = GATES[repo.answers["kind"]]

    @cached_property
    def gates(self) -> dict[str, gates.Gate]:
        """The gates of this repository, the team's own among them."""
        return gates.load(self.repo)

    @cached_property
    def numbers(self) -> dict[str, Entry]:
        """The numbers of the plan by their dotted keys."""
        return dict(_entries(self.repo.plan))

    @cached_property
    def waiting(self) -> frozenset[str]:
        """The defaults that nobody has confirmed yet."""
        return frozenset(row["key"] for row in unconfirmed(self.repo))

    @cached_property
    def formulas(self) -> dict[str, str]:
        """What docs/formulas.md says of each formula, by its id."""
        parts = re.split(r"^## (.+)\n", self.repo.text(FORMULAS), flags=re.MULTILINE)[1:]
        return dict(zip((id.strip() for id in parts[::2]), parts[1::2], strict=True))

    @cached_property
    def metrics(self) -> list[str]:
        """The metrics of the engine and the one that decides here; none where none does."""
        decides = self.repo.plan.get("metric")
        return list(dict.fromkeys([*METRICS, decides["key"]])) if decides else []

    def names(self) -> list[str]:
        """Every name that can be explained."""
        parts = (self.listed, self.gates, self.numbers, self.formulas, self.metrics, self.repo.answers)
        return list(dict.fromkeys(name for part in parts for name in part))

    def open(self, entry: Entry) -> list[str]:
        """The defaults behind a number that nobody has confirmed yet."""
        return [key for key in entry.get("rests_on", ()) if key in self.waiting]


def explain(repo: Repo, name: str) -> Outcome:
    """All that a name may mean, whatever its case. A gate is told also where the plan is behind the answers."""
    told, typed = Told(repo), name.strip()
    found = [*_gate(told, typed)] or [
        *_answer(told, typed), *_number(told, typed), *_formula(told, typed), *_metric(told, typed)
    ]  # fmt: skip
    if not found:
        raise _unknown(told, name)
    return Outcome("\n\n".join(found))


def _unknown(told: Told, name: str) -> Trouble:
    sentence = (
        f"There is no number, formula, gate, metric or answer called {json.dumps(name, ensure_ascii=False)} here."
    )
    near = _alike(name, told.names())
    hint = f"Did you mean {' or '.join(near)}? " if near else ""
    return Trouble(
        sentence,
        f"{hint}{FORMULAS} has the formulas and their numbers, plan/plan.json every number, "
        f"{COMMAND} status --all the gates.",
    )


def _alike(name: str, known: list[str]) -> list[str]:
    """The one or two names that are nearest: a slip, or a part of one."""
    typed = name.strip().casefold()
    by_text = {one.casefold(): one for one in known}
    close = difflib.get_close_matches(typed, by_text, n=2, cutoff=0.6)
    part = [text for text in by_text if len(typed) > 2 and typed in text]
    return [by_text[text] for text in dict.fromkeys([*close, *part])][:2]


def _same(name: str, other: str) -> bool:
    return name.casefold() == other.casefold()


# ------------------------------------------------------------------------------------------------ numbers
def _entries(part: Mapping[Any, Any], prefix: str = "") -> Iterator[tuple[str, Entry]]:
    for key, value in part.items():
        if isinstance(value, dict) and {"value", "formula"} <= value.keys():
            yield f"{prefix}{key}", value
        elif isinstance(value, dict):
            yield from _entries(value, f"{prefix}{key}.")


def _number(told: Told, name: str) -> Iterator[str]:
    """The number, and below it the formula that it was computed by."""
    for key, entry in told.numbers.items():
        if _same(key, name):
            formula = entry["formula"]
            section = told.formulas.get(formula)
            yield "\n".join([_worked_out(told, key, entry), *(["", _read(formula, section)] if section else [])])


def came(told: Told, entry: Entry) -> str:
    """Where a number comes from; a default whose assumptions are all confirmed is somebody's word by now."""
    if entry["provenance"] == "default" and entry.get("rests_on") and not told.open(entry):
        return "A default stands for it, which somebody has confirmed"
    provenance: str = entry["provenance"]
    return CAME.get(provenance, provenance)


def _worked_out(told: Told, key: str, entry: Entry) -> str:
    """Value, meaning, where it comes from, what went into it, and what nobody has confirmed yet."""
    lines = [_valued(told, key, entry), _filled(f"{entry['meaning'].rstrip('.')}.")]
    by = f" by {entry['formula']}" if entry["formula"] else ""
    inputs = dict(entry["inputs"])
    lines.append(_filled(f"{came(told, entry)}{by}{', from:' if inputs else '.'}"))
    wide = max(map(len, inputs), default=0)
    assumed = entry.get("assumed_inputs", ()) if told.open(entry) else ()
    for name, value in inputs.items():
        lines.append(f"        {name:<{wide}}  {_given(told, name, value)}{MARK if name in assumed else ''}")
    if entry["note"]:
        lines.append(_filled(entry["note"]))
    if open_ := told.open(entry):
        lines.append(_filled(f"* rests on defaults that nobody has confirmed: {', '.join(open_)}."))
    return "\n".join(lines)


def _valued(told: Told, key: str, entry: Entry) -> str:
    """The number with its unit and its value, or the word for what is not there."""
    unit = f" ({entry['unit']})" if entry["unit"] else ""
    absent = entry.get("absent", {})
    value = entry.get("words") or absent.get("kind") or _figure(entry)
    by = f" (by {absent['why']})" if absent.get("kind") == "not yet measured" else ""
    return f"{key}{unit}: {value}{by}{MARK if told.open(entry) else ''}"


def _figure(entry: Entry) -> str:
    """The value as the pages show it; a list or a table as the plan holds it."""
    value = entry["value"]
    if isinstance(value, bool) or not isinstance(value, int | float):
        return _said(value)
    return str(figures.number(value, entry["unit"] or "", entry["provenance"]))


def _given(told: Told, name: str, value: Any) -> str:
    """An input as the pages show it."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return str(figures.given(name, value, told.repo.answers)) if number else _said(value)


def _said(value: Any) -> str:
    """An answer, an end of a metric, yes, not known; anything else as the plan holds it."""
    if value is None:
        return "not known"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return value or '""'
    if not isinstance(value, int | float):
        return json.dumps(value, ensure_ascii=False)
    if abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.10f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


# ------------------------------------------------------------------------------------------------ formulas
def _formula(told: Told, name: str) -> Iterator[str]:
    """The formula, and every number of this plan that it gave, with its value."""
    for id, section in told.formulas.items():
        if _same(id, name):
            given = {key: entry for key, entry in told.numbers.items() if entry["formula"] == id}
            gave = [f"    {_valued(told, key, entry)}" for key, entry in given.items()]
            yield "\n".join([_read(id, section), *(["In this plan it gives:", *gave] if gave else [])])


def _read(id: str, section: str) -> str:
    """A section of the page as a terminal shows it: its formula indented, its table left to `explain`."""
    lines, fenced = [], False
    for line in section.strip().splitlines():
        if line.startswith("```"):
            fenced = not fenced
        elif fenced:
            lines.append(f"    {line}")
        elif line and not line.startswith("|"):
            lines.append(_wrapped(line))
    return "\n".join([f"{id}: {lines[0]}" if lines else id, *lines[1:]])


# ------------------------------------------------------------------------------------------------ gates
def _gate(told: Told, name: str) -> Iterator[str]:
    """What a gate is called, where it blocks, and what it says now."""
    listed = {id: row for id, row in told.listed.items() if _same(id, name)}
    if not listed and not name.casefold().startswith("x."):
        return  # nothing is imported for it
    known = {id: gate for id, gate in told.gates.items() if _same(id, name)}
    for id in dict.fromkeys([*listed, *known]):
        title = known[id].title if id in known else listed[id].title
        blocks = _wrapped(f"{id}: {title}. {_where(listed.get(id))}")
        here = id in known and _called_for(told, listed.get(id))
        yield "\n".join([blocks, *(_now(told, id) if here else ["The answers of this repository do not call for it."])])


def _called_for(told: Told, row: Listed | None) -> bool:
    return row is None or called_for(row, told.repo.answers)


def _where(row: Listed | None) -> str:
    """From which rigor on, and under which answers, a gate blocks."""
    if row is None:
        return "A gate of the team's own, in checks.py."
    each, one = (
        [f"{key} is {' or '.join(allowed)}" for key, allowed in part.items()] for part in (row.when, row.either)
    )
    conditions = " and ".join(each) + " or ".join(one)
    where = f", where {conditions}" if conditions else ""
    return f"It blocks at rigor {row.blocks}{' and above' if row.blocks != 'strict' else ''}{where}."


def _now(told: Told, id: str) -> Iterator[str]:
    """Whether it blocks here, its state, and what opens it."""
    row = gates.state_of(told.repo, id)
    yield f"Here, at rigor {told.repo.answers['rigor']}, it {'blocks' if row.blocking else 'does not block'}."
    yield _wrapped(f"Now: {row.state}. {row.reason}")
    if row.state not in gates.OPEN and row.next_step:
        yield _wrapped(f"Next: {row.next_step}")


# ------------------------------------------------------------------------------------------------ metrics, answers
def _metric(told: Told, name: str) -> Iterator[str]:
    """What a metric measures; of the one that decides here how it does, with the numbers that hold it to something."""
    decides = told.repo.plan.get("metric")
    if not decides:
        return
    wanted = decides["key"] if _same(name, "metric") else name
    for key in told.metrics:
        if not _same(key, wanted):
            continue
        if key == decides["key"]:
            yield "\n".join([_wrapped(f"{key}: {_means(key, decides)}. It decides here."), *_decides(told, decides)])
        else:
            yield _wrapped(f"{key}: {_means(key, decides)}. It does not decide here; {decides['key']} does.")


def _means(key: str, decides: Entry) -> str:
    """ROC AUC, chance that a positive scores higher; the meaning alone where the key is the title."""
    if key not in METRICS:
        return f"{decides['title']}, a metric of the team's own"
    title, meaning = METRICS[key]
    return meaning if title == key else f"{title}, {meaning}"


def _decides(told: Told, metric: Entry) -> Iterator[str]:
    low, high = metric["low"], metric["high"]
    ends = f"{'' if low is None else f', from {_said(low)}'}{'' if high is None else f', at most {_said(high)}'}"
    yield _wrapped(
        f"{metric['better'].capitalize()} is better{ends}. "
        f"Labelled rows are planned in {metric['counted_on']}, by {metric['formula']}; "
        f"two systems are compared by {metric['decided_by']}."
    )
    for key in ("acceptance.baseline", "acceptance.min_gain", "acceptance.target", "test.units"):
        if key in told.numbers:
            yield f"    {_valued(told, key, told.numbers[key])}"


def _answer(told: Told, name: str) -> Iterator[str]:
    """An answer: its text, who took it as true, and which numbers rest on it."""
    for key, text in told.repo.answers.items():
        if not _same(key, name):
            continue
        lines = [f"{key}: {_said(text)}, an answer in plan/project.yaml."]
        for row in (row for row in told.repo.assumptions() if row["key"] == key):
            lines += [_filled(row["question"]), _filled(row["why"])]
            who = row.get("confirmed_by")
            waits = f"It is a default that nobody has confirmed: {COMMAND} confirm {key}"
            lines.append(_filled(f"Confirmed by {who} on {row['confirmed_on']}." if who else waits))
        lines += _drives(told, key)
        yield "\n".join(lines)


def _drives(told: Told, answer: str) -> Iterator[str]:
    """Which numbers have the answer among their inputs, and how many rest on it while it is a default."""
    numbers = told.numbers
    into = [key for key, entry in numbers.items() if answer in entry["inputs"]]
    resting = sum(answer in told.open(entry) for entry in numbers.values())
    if into:
        yield _filled(f"It goes into {', '.join(into)}.")
    if resting:
        yield _filled(f"{counted(resting, 'number')} of this plan rest{'s' if resting == 1 else ''} on it.")


# ------------------------------------------------------------------------------------------------ words
def _wrapped(text: str) -> str:
    return textwrap.fill(text, WIDTH, break_on_hyphens=False, break_long_words=False)


def _filled(text: str) -> str:
    """The same, indented below what it speaks of."""
    return textwrap.indent(textwrap.fill(text, WIDTH - 4, break_on_hyphens=False, break_long_words=False), "    ")
