"""From columns to answers: each with the figure it rests on and the reason; and what the file leaves open.

What two readers could read differently is a question, never a guess: which column is the target, which value is
positive, whether 03/04 is in March or in April, whether the rows describe people.
"""

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from mlscaffold import catalogue, questions
from mlscaffold.errors import OpenQuestion, UnreadableData
from mlscaffold.looking import names, reading
from mlscaffold.looking.columns import DATE, EMPTY, LEVELS, NUMBER, TEXT, Column
from mlscaffold.looking.reading import Table

COUNTED, ESTIMATED = "data file", "a sample of the data file"
NAMED = 6  # choices that are written out as what to type
COPY_MOST = 1 << 30  # bytes; a larger file is read where it lies
FEW_GRADES = 10  # whole numbers with at most so many different values may be classes or amounts
TELLING = 4_000  # sampled rows in which a column may tell the answer by itself
ENOUGH = 20  # rows that a reason must rest on
PERFECT, PERFECT_FIT = 0.995, 0.99  # as the rendered audit's own screen: share of pairs in order; correlation
SMOOTH = 0.9  # correlation of an answer with that of the next row in time, from which it is a smooth series
LONGEST_NAME = 120
Z95 = 1.959964  # two-sided 95 % of the normal distribution


@dataclass(frozen=True)
class Proposal:
    """One answer that the file gives, the figure it rests on, and why."""

    key: str
    value: str
    figure: str
    why: str
    measured: str = COUNTED  # where it was measured; "" for what rests on a name alone


@dataclass(frozen=True)
class Open:
    """A question that the file raises and only a person can answer, with the answers the file allows."""

    key: str
    question: str
    choices: tuple[tuple[str, str], ...]  # answer, what speaks for it
    needed: bool = True  # nothing can be planned before it is answered
    assumable: bool = True  # where nobody is there to ask, a default may stand in for the answer

    @property
    def sentence(self) -> str:
        """The question as a sentence of its own, with a capital at its head."""
        return self.question[:1].upper() + self.question[1:]

    @property
    def in_flags(self) -> str:
        """How it is answered on the command line."""
        named = [f"--set {self.key}={_for_shell(value)}" for value, _ in self.choices[:NAMED]]
        others = ", ".join(_for_shell(value) for value, _ in self.choices[NAMED:])
        return f"Say which: {' or '.join(named)}{f'; or one of {others}' if others else ''}."


@dataclass(frozen=True)
class Seen:
    """What a look at a file gave."""

    table: Table
    proposals: tuple[Proposal, ...]
    open: tuple[Open, ...]
    notes: tuple[str, ...]

    @property
    def texts(self) -> dict[str, str]:
        """The proposals as answers, with the origin of each; the metric stays a default that a person confirms."""
        given = {proposal.key: proposal.value for proposal in self.proposals if proposal.key != "metric"}
        origins = [f"{proposal.key}={proposal.measured}" for proposal in self.proposals if proposal.measured]
        return given | {"measured": "; ".join(origins)}

    @property
    def copied_as(self) -> str:
        """The path in the repository that the file is copied to; "" where it is read where it lies."""
        return copied_as(self.table)


def copied_as(table: Table) -> str:
    """Where a repository keeps its own copy of a file that is not too large for one."""
    name = re.sub(r"[^\w.-]+", "-", table.path.name).strip("-.") or "data.csv"
    return f"data/raw/{name}" if table.size <= COPY_MOST else ""


def address_of(table: Table) -> str:
    """What `data_source` is for a file: its place in the repository, or where it lies."""
    place = copied_as(table) or str(table.path.resolve())
    return f"sqlite:///{place}" if table.form.kind == "sqlite" else place


def propose(table: Table, chosen: Mapping[str, str]) -> Seen:
    """What a table says about the project. `chosen` are answers already given: they are not asked again.

    Raises `UnreadableData` where a chosen column is not there, or nothing can be learned from it.
    """
    return _Look(table, chosen).seen()


def refuse_open(seen: Seen) -> None:
    """Raises `OpenQuestion` for the first question that must be answered, or not assumed, with nobody there to ask."""
    needed = [entry for entry in seen.open if entry.needed or not entry.assumable]
    if needed:
        first, more = needed[0], needed[1:]
        also = f" Then also: {', '.join(entry.key for entry in more)}." if more else ""
        raise OpenQuestion(f"{seen.table.path.name}: {first.question}", f"{first.in_flags}{also}")


def _for_shell(value: str) -> str:
    return value if re.fullmatch(r"[\w.%/:+-]+", value) else "'" + value.replace("'", "'\\''") + "'"


class _Look:
    """One look at one table: each step adds what it found, and later steps leave out what is taken."""

    def __init__(self, table: Table, chosen: Mapping[str, str]) -> None:
        self.table = table
        self.chosen = {key: text for key, text in chosen.items() if text}
        self.declined = {key for key, text in chosen.items() if not text}  # somebody said that there is none
        self.columns = {name: Column(name, tuple(table.column(name)), table.form.decimal) for name in table.names}
        self.proposals: list[Proposal] = []
        self.open: list[Open] = []
        self.notes: list[str] = list(table.notes)
        self.taken: set[str] = set()
        for key in ("target_column", "time_column", "group_column", "id_column"):
            name = self.chosen.get(key, "")
            if name and name not in self.columns:
                raise UnreadableData(
                    table.path.name,
                    f'has no column "{name}" ({key})',
                    f"Its columns are {_listed(table.names)}.",
                )

    def seen(self) -> Seen:
        self._source()
        target = self._target()
        time = self._time(target)
        counts: Counter[str] = reading.count_values(self.table, target) if target else Counter()
        self._rows(target, counts)
        group = self._group(target, time)
        self._task(target, time, group, counts)
        self._id(target, group)
        self._later(target, time)
        self._inputs()
        self._personal()
        self._remarks()
        settled = self.chosen.keys() | self.declined
        proposals = tuple(entry for entry in self.proposals if entry.key not in settled)
        opened = tuple(entry for entry in self.open if entry.key not in settled)
        return Seen(self.table, proposals, opened, tuple(self.notes))

    def _add(self, key: str, value: str, figure: str, why: str, measured: str = COUNTED) -> None:
        self.proposals.append(Proposal(key, value, figure, why, measured))

    @property
    def _in_sample(self) -> str:
        """How a figure of the sample is introduced."""
        rows = len(self.table.sample)
        return f"all {rows:,} rows" if self.table.whole else f"{rows:,} sampled rows"

    @property
    def _of_sample(self) -> str:
        return COUNTED if self.table.whole else ESTIMATED

    def _free(self) -> list[Column]:
        """Columns that have no part yet."""
        return [column for name, column in self.columns.items() if name not in self.taken]

    # ------------------------------------------------------------------------------------------------- file and rows

    def _source(self) -> None:
        table, form = self.table, self.table.form
        place, address = copied_as(table), address_of(table)
        if form.kind == "sqlite":
            self._add("data_query", form.query, f"1 of {len(form.tables)} tables", "the rows that are read")
        why = "a copy is put there; git ignores it" if place else "larger than 1 GiB, so it is read where it lies"
        self._add("data_source", address, reading.human(table.size), f"{form.said}; {why}")
        if form.encoding in reading.GUESSED:
            self.notes.append(
                f"{table.path.name} is no UTF-8 and was read as {reading.ENCODINGS[form.encoding]}: look at the names "
                "with accents. The copy is UTF-8, which is what the repository reads."
            )
        if len(address) > questions.named("data_source").max_length:
            raise UnreadableData(table.path.name, "lies under too long a path", "Move it nearer.")

    def _rows(self, target: str, counts: Counter[str]) -> None:
        table = self.table
        self._add("past_cases", str(table.rows), f"{table.rows:,} rows", "every row is a past case")
        if target:
            labelled = table.rows - counts[""]
            if not labelled:
                raise UnreadableData(table.path.name, f"has no row with a {target}", "Name another target_column.")
            why = f"rows whose {target} is filled in"
            self._add("labelled_cases", str(labelled), f"{labelled:,} of {table.rows:,} rows", why)

    # ------------------------------------------------------------------------------------------------------- target

    def _target(self) -> str:
        """The column with the right answers; "" while it is open."""
        if "target_column" in self.chosen:
            self.taken.add(self.chosen["target_column"])
            return self.chosen["target_column"]
        usable = [column for column in self.columns.values() if _could_be_target(column)]
        called = [column for column in usable if names.may_be_target(column.name)]
        if len(called) == 1:
            column = called[0]
            self._add("target_column", column.name, _values_said(column), "called as right answers are")
            self.taken.add(column.name)
            return column.name
        offered = called or sorted(usable, key=lambda column: -_likeness(column))
        choices = tuple((column.name, _values_said(column)) for column in offered[:12])
        if not choices:
            raise UnreadableData(
                self.table.path.name,
                "has no column that could be predicted: each is empty, constant, free text or different in every row",
                "Name one with --set target_column=…, or another file.",
            )
        shown = _listed([name for name, _ in choices])
        what = (
            "more than one column could be the right answer" if called else "no column is called as right answers are"
        )
        self.open.append(Open("target_column", f"{what} ({shown}).", choices))
        return ""

    def _task(self, target: str, time: str, group: str, counts: Counter[str]) -> None:
        if not target:
            return
        column = self.columns[target]
        values = frozenset(value for value in counts if value)
        if len(values) < 2:
            what = f'has one value only in {target} ("{next(iter(values))}")'
            raise UnreadableData(self.table.path.name, what, "Add rows that differ, or name another target_column.")
        task = self.chosen.get("task", "") or self._task_of(column, values, time, group)
        if task == "binary":
            self._positive(column, counts)
        if task == "multiclass" and self.chosen.get("metric") == "macro_f1":
            self._classes(column, counts)
        if task:
            metric = questions.default(questions.named("metric"), {"task": task})
            self._add("metric", metric, f"usual for {task}", "no file tells which one matters: it stays assumed", "")
        if task in catalogue.tasks_of("amount") and column.kind != NUMBER:
            how = column.odd_numbers or f"that are no numbers ({column.example})"
            what = f"has values in {target} {how}, and a {task} needs numbers"
            raise UnreadableData(
                self.table.path.name, what, "Write them with digits and one point, or change the task."
            )

    def _task_of(self, column: Column, values: frozenset[str], time: str, group: str) -> str:
        """The kind of result, proposed or asked."""
        many = "…" in values
        figure = f"more than {reading.MOST_VALUES} values" if many else f"{len(values)} different values"
        graded = column.is_whole and not many and len(values) <= FEW_GRADES and _smallest(column) >= 0
        query = group if group and names.is_query(group) else ""
        if query and graded and (names.is_grade(column.name) or len(values) > 2):
            return self._say_task("ranking", figure, f"whole grades, in groups called {query}")
        if len(values) == 2:
            return self._say_task("binary", figure, f"two values: {' and '.join(sorted(values))}")
        if column.kind == TEXT:
            if many or len(values) > LEVELS:
                what = f"has {figure} in {column.name}, too many to be classes"
                raise UnreadableData(self.table.path.name, what, "Name another target_column.")
            return self._say_task("multiclass", figure, "a few words, none of them a number")
        if column.kind == DATE:
            what = f"holds moments in {column.name}, which nothing here predicts"
            raise UnreadableData(self.table.path.name, what, "Name another target_column.")
        if graded:
            choices = (("multiclass", "each number is a class of its own"), ("regression", "more is more"))
            few = ", ".join(sorted(values, key=lambda value: float(value.replace(",", ".")))[:8])
            self.open.append(Open("task", f"{column.name} holds few whole numbers ({few}).", choices))
            return ""
        if time and group and self._is_panel(time, group):
            return self._say_task("forecast", figure, f"numbers, one a moment ({time}) and {group}")
        return self._say_task("regression", figure, "numbers of many sizes")

    def _say_task(self, task: str, figure: str, why: str) -> str:
        self._add("task", task, figure, why)
        return task

    def _is_panel(self, time: str, group: str) -> bool:
        """Nearly every group has nearly every moment, once."""
        moments, groups = self.columns[time], self.columns[group]
        pairs = Counter(zip(moments.values, groups.values, strict=True))
        cells = moments.distinct * groups.distinct
        return len(pairs) >= 0.99 * len(moments.values) and self.table.rows >= 0.5 * cells and groups.distinct > 1

    def _classes(self, column: Column, counts: Counter[str]) -> None:
        """How many classes there are, and how rare the rarest is: both decide how many rows show a macro F1."""
        sizes = {value: count for value, count in counts.items() if value and value != "…"}
        rarest, labelled = min(sizes, key=lambda value: (sizes[value], value)), sum(sizes.values())
        self._add("class_count", str(len(sizes)), f"{len(sizes)} different values", f"of {column.name}")
        share = math.floor(1e6 * sizes[rarest] / labelled) / 1e6  # down, so that no class is rarer than the rarest
        if share > 0:
            figure = f"{sizes[rarest]:,} of {labelled:,} labelled rows"
            self._add("rarest_share", f"{share:.6f}".rstrip("0"), figure, f'rows whose {column.name} is "{rarest}"')

    def _positive(self, column: Column, counts: Counter[str]) -> None:
        """The share of positives, counted; which value is positive is asked where no word tells."""
        values = frozenset(value for value in counts if value)
        given = self.chosen.get("positive_value", "")
        if given and given not in values:
            what = f'has no {column.name} that is "{given}" (positive_value)'
            raise UnreadableData(self.table.path.name, what, f"It holds {_listed(sorted(values))}.")
        positive = given or names.yes_of(values)
        if positive is None:
            choices = tuple((value, f"{counts[value]:,} rows") for value in sorted(values)[:12])
            shown = _listed([value for value, _ in choices])
            self.open.append(Open("positive_value", f"which {column.name} is positive ({shown})?", choices))
            return
        labelled = sum(count for value, count in counts.items() if value)
        figure = f"{counts[positive]:,} of {labelled:,} labelled rows"
        if positive.lower() not in names.READ_AS_YES:
            self._add("positive_value", positive, figure, f"of {' and '.join(sorted(values))}, the one that says yes")
        share = float(f"{counts[positive] / labelled:.4g}")
        if 0 < share < 1:
            self._add(
                "positive_share", f"{share:.12f}".rstrip("0"), figure, f'rows whose {column.name} is "{positive}"'
            )

    # ------------------------------------------------------------------------------------------------- time and groups

    def _time(self, target: str) -> str:
        """The moment of prediction; "" without one or while it is open."""
        given = self.chosen.get("time_column", "")
        if given:
            self._time_format(self.columns[given])
            self.taken.add(given)
            return given
        if "time_column" in self.declined:
            return ""
        dates = [
            column
            for column in self._free()
            if column.kind == DATE and column.distinct > 1 and not names.is_personal(column.name)
        ]
        early = [column for column in dates if not names.comes_later(column.name)] or dates
        if not early:
            return ""
        first = early[0] if len(early) == 1 else self._earliest(early)
        if first is None:
            choices = tuple((column.name, f"such as {column.example}") for column in early)
            shown = _listed([column.name for column in early])
            question = f"more than one column could be the moment of prediction ({shown})."
            self.open.append(Open("time_column", question, choices, needed=False))
            return ""
        known = [moment for moment in first.times if moment]
        if first.is_ambiguous:
            figure = f"such as {first.example}"
        else:
            figure = f"{min(known):%Y-%m-%d} to {max(known):%Y-%m-%d}, in {self._in_sample}" if known else ""
        others = "the others are called like what comes later" if len(early) == 1 else "the earliest moment of a row"
        why = "the only column of moments" if len(dates) == 1 else others
        self._add("time_column", first.name, figure, why)
        self._time_format(first)
        self.taken.add(first.name)
        return first.name

    def _time_format(self, column: Column) -> None:
        """How the moment is written; asked where day and month could change places."""
        if column.moments is None:
            what = f'holds no moments in {column.name} (such as "{column.example}")'
            raise UnreadableData(self.table.path.name, what, "Name another time_column, or write 2026-03-31.")
        if column.is_ambiguous:
            choices = tuple((form, _spoken(column, form)) for form in column.moments)
            question = f"{column.name} could be day first or month first ({column.example})."
            self.open.append(Open("time_format", question, choices))
        elif column.moments[0] and self.table.form.kind == "text":
            order = (
                "days above 12 come first" if column.moments[0].startswith("%d") else "as all its values are written"
            )
            self._add("time_format", column.moments[0], f"such as {column.example}", order)

    def _earliest(self, dates: Sequence[Column]) -> Column | None:
        """The date column that no other one comes before, in the sampled rows that have both."""
        if any(column.is_ambiguous for column in dates):
            return None
        for first in dates:
            others = [column for column in dates if column is not first]
            if all(_after(first, other)[0] >= 0.99 for other in others):
                return first
        return None

    def _group(self, target: str, time: str) -> str:
        """What rows that belong together share; "" without one or while it is open."""
        given = self.chosen.get("group_column", "")
        if given:
            self.taken.add(given)
            return given
        if "group_column" in self.declined:
            return ""
        repeated = [
            column
            for column in self._free()
            if column.kind in (TEXT, NUMBER)
            and names.is_group(column.name)
            and not names.is_personal(column.name)
            and (column.kind == TEXT or column.is_whole)
            and 1 < column.distinct < len(column.filled)
            and column.missing < 0.5
        ]
        if not repeated:
            return ""
        queries = [column for column in repeated if names.is_query(column.name)]
        one = queries if len(queries) == 1 else repeated
        if len(one) > 1:
            choices = tuple((column.name, self._repeats(column)) for column in one)
            shown = _listed([column.name for column in one])
            question = f"more than one column could hold rows together ({shown})."
            self.open.append(Open("group_column", question, choices, needed=False))
            return ""
        column = one[0]
        self._add(
            "group_column", column.name, self._repeats(column), "rows of one value belong together", self._of_sample
        )
        self.taken.add(column.name)
        return column.name

    def _repeats(self, column: Column) -> str:
        return f"{column.distinct:,} values in {self._in_sample}"

    def _id(self, target: str, group: str) -> None:
        given = self.chosen.get("id_column", "")
        if given:
            self.taken.add(given)
        if given or "id_column" in self.declined:
            return
        alone = [
            column
            for column in self._free()
            if column.is_unique
            and (column.is_whole or (column.kind == TEXT and all(_is_code(value) for value in column.filled)))
            and not names.is_personal(column.name)
        ]
        called = [column for column in alone if names.is_id(column.name)]
        first = [column for column in alone if column.name == self.table.names[0]]
        for column in (called or first)[:1]:
            figure = f"different in {self._in_sample}"
            self._add("id_column", column.name, figure, "no two of them share it", self._of_sample)
            self.taken.add(column.name)

    # ------------------------------------------------------------------------------------------- known only afterwards

    def _later(self, target: str, time: str) -> None:
        """Columns that look as if they were filled in after the prediction, each with why."""
        given = questions.split(self.chosen.get("known_after", ""))
        self.taken.update(name for name in given if name in self.columns)
        found: list[tuple[str, str]] = []
        for column in self._free():
            if why := self._why_later(column, target, time):
                found.append((column.name, why))
        listable = [(name, why) for name, why in found if ";" not in name and len(name) <= LONGEST_NAME]
        if listable and "known_after" not in self.chosen.keys() | self.declined:
            value = "; ".join(name for name, _ in listable)
            why = "; ".join(f"{name}: {why}" for name, why in listable)
            figure = f"{len(listable)} of {len(self.columns)} columns"
            self._add("known_after", value, figure, f"look known only afterwards ({why})", "")
            self.taken.update(name for name, _ in listable)

    def _why_later(self, column: Column, target: str, time: str) -> str:
        if word := names.comes_later(column.name):
            return f'its name says "{word}"'
        if time and column.kind == DATE and not column.is_ambiguous and not self.columns[time].is_ambiguous:
            share, both = _after(self.columns[time], column)
            if both >= ENOUGH and share >= 0.95:
                return f"later than {time} in {share:.0%} of {both:,} rows"
        if not target:
            return ""
        answer = self.columns[target]
        if why := _filled_with(column, answer, self._positive_value(answer)):
            return why
        why = _tells(column, answer)
        if why and time and answer.kind == NUMBER and self._may_be_earlier(column, answer, self.columns[time]):
            self.notes.append(
                f"{column.name}: {why}, and so would be an earlier {answer.name}, which changes little from row to "
                f"row: it is taken for an input. If it is known only afterwards: --set "
                f"known_after={_for_shell(column.name)}."
            )
            return ""
        return why

    def _may_be_earlier(self, column: Column, answer: Column, time: Column) -> bool:
        """Whether a column may be an earlier value of a smooth answer: such a one is no leak.

        A smooth series is told by its own past, so an honest lag of it fits as well as a leak does. A leak changes with
        the answer from one row to the next, too; with sampled rows, the next of which are not there, nobody can tell.
        """
        known = sorted(
            (moment, before, after)
            for moment, cell, value in zip(time.times, column.values, answer.values, strict=True)
            if moment and (before := column.number(cell)) is not None and (after := answer.number(value)) is not None
        )
        cells, values = [row[1] for row in known], [row[2] for row in known]
        if _correlation(list(pairwise(values))) < SMOOTH:
            return False
        if not self.table.whole:
            return True
        changes = [(c - a, d - b) for (a, c), (b, d) in zip(pairwise(cells), pairwise(values), strict=True)]
        return _correlation(changes) < PERFECT_FIT

    def _positive_value(self, answer: Column) -> str:
        given = self.chosen.get("positive_value", "")
        return given or names.yes_of(frozenset(answer.counts)) or ""

    # ----------------------------------------------------------------------------------------------- inputs and people

    def _inputs(self) -> None:
        free = [column.name for column in self._free() if column.kind == TEXT and column.distinct > LEVELS]
        left = [column for column in self._free() if column.name not in free]
        figure = f"{len(left)} of {len(self.columns)} columns"
        parts = [f"without {len(self.taken)} with a part of their own"] if self.taken else []
        parts += [f"{len(free)} of free text"] if free else []
        if left:
            self._add("input_columns", str(len(left)), figure, " and ".join(parts) or "every column")
        if free:
            self.notes.append(f"No inputs, being texts with more than {LEVELS} different values: {_listed(free)}.")

    def _personal(self) -> None:
        found = [(column.name, why) for column in self.columns.values() if (why := _why_personal(column))]
        if found:
            special = any(names.is_special(name) for name, _ in found)
            told = ", ".join(f"{name} ({why})" for name, why in found[:8])
            choices = [("personal", "they describe people"), ("none", "they do not")]
            choices.insert(0 if special else 1, ("special", "they tell of health, belief or origin"))
            question = f"columns look as if they described people: {told}."
            self.open.append(Open("personal_data", question, tuple(choices), needed=False, assumable=False))

    def _missing_said(self, column: Column) -> str:
        return f"{_share_said(column.missing, len(column.values), self.table.whole)} missing"

    def _remarks(self) -> None:
        """What is no answer, and good to know."""
        free = self._free()
        constant = [column.name for column in free if column.kind != EMPTY and column.distinct == 1]
        empty = [column.name for column in free if column.kind == EMPTY]
        rare = [column for column in free if column.kind != EMPTY and column.missing >= 0.95]
        if constant:
            self.notes.append(f"One value only, so that they say nothing: {_listed(constant)}.")
        if empty:
            self.notes.append(f"No value in {self._in_sample}: {_listed(empty)}.")
        if rare:
            said = [f"{column.name} ({self._missing_said(column)})" for column in rare]
            self.notes.append(f"Nearly empty: {_listed(said)}.")
        for column in self._free():
            if how := column.odd_numbers:
                self.notes.append(f"{column.name} holds numbers {how}: the repository reads them as texts.")
            unit = "" if names.is_personal(column.name) or names.is_id(column.name) else column.counted_since_1970
            if unit:
                self.notes.append(
                    f"{column.name} looks like moments, in {unit} since 1970: it is taken for an input, and for no "
                    "time_column until the file has 2026-03-31 10:00 and the like."
                )
            if column.kind == DATE and column.is_ambiguous:
                self.notes.append(
                    f"{column.name} could be day first or month first ({column.example}): write 2026-03-31 in the file."
                )
        if self.table.form.decimal == ",":
            odd = [c for c in self._free() if c.kind == NUMBER and _only_thousandths(c)]
            for column in odd:
                value = next(value for value in column.filled if "," in value)
                read_as = value.replace(",", ".")
                self.notes.append(
                    f"{column.name} holds {value}, read as {read_as}; where it is a thousand, write it plainly."
                )


def _could_be_target(column: Column) -> bool:
    """Neither empty, constant, free text, a date nor different in every row as a name is."""
    if column.kind in (EMPTY, DATE) or column.distinct < 2:
        return False
    if column.kind == TEXT:
        return column.distinct <= LEVELS and column.distinct < len(column.filled)
    return not (column.is_unique and column.is_whole)


def _likeness(column: Column) -> float:
    """How much a column without a telling name is like right answers: few values, and some of them missing."""
    return (3.0 if column.distinct == 2 else 1.0 if column.distinct <= LEVELS else 0.5) + (0 < column.missing < 0.9)


def _values_said(column: Column) -> str:
    if column.distinct <= 4:
        return " / ".join(f"{value} ({count:,})" for value, count in sorted(column.counts.items()))
    return f"{column.distinct:,} different values, such as {column.example[:30]}"


def _smallest(column: Column) -> float:
    return min(number for number in column.numbers if number is not None)


def _spoken(column: Column, form: str) -> str:
    moment = column.moment(column.example, form)
    return f"{column.example} is {moment:%-d %B %Y}" if moment else form


def _after(first: Column, other: Column) -> tuple[float, int]:
    """In which share of the rows that have both `other` is not before `first`, and how many rows those are."""
    both = [(a, b) for a, b in zip(first.times, other.times, strict=True) if a and b]
    later = sum(b >= a for a, b in both)
    return (later / len(both) if both else 0.0), len(both)


def _filled_with(column: Column, answer: Column, positive: str) -> str:
    """Why a column that is filled in only where the answer is known, or positive, knows the answer; "" otherwise."""
    if column.missing < 0.05 or len(column.filled) < ENOUGH:
        return ""
    pairs = list(zip(column.values, answer.values, strict=True))
    labelled = sum(bool(value) for _, value in pairs)
    unlabelled = len(pairs) - labelled
    beside = sum(bool(cell) for cell, value in pairs if not value)
    with_answer = sum(bool(cell) for cell, value in pairs if value)
    if unlabelled >= ENOUGH and labelled and beside <= 0.01 * unlabelled and with_answer >= 0.5 * labelled:
        return f"filled in only where {answer.name} is ({beside:,} of {unlabelled:,} other rows)"
    if positive:
        right = sum(value == positive for cell, value in pairs if cell)
        share = sum(value == positive for _, value in pairs) / max(1, labelled)
        if right >= 0.99 * len(column.filled) and share <= 0.8:
            return f'filled in only where {answer.name} is "{positive}" ({right:,} of {len(column.filled):,})'
    return ""


def _tells(column: Column, answer: Column) -> str:
    """Why a column that tells the answer nearly by itself is suspect; "" where it does not."""
    both = [(cell, value) for cell, value in zip(column.values, answer.values, strict=True) if cell and value]
    pairs = both[:: len(both) // TELLING + 1]
    if len(pairs) < 2 * ENOUGH:
        return ""
    if answer.kind == NUMBER and answer.distinct > FEW_GRADES:
        fit = _correlation([(column.number(a), answer.number(b)) for a, b in pairs]) if column.kind == NUMBER else 0.0
        return f"its correlation with {answer.name} is {fit:.3f}" if fit >= PERFECT_FIT else ""
    usual = Counter(value for _, value in pairs).most_common(1)[0][1] / len(pairs)
    if answer.distinct > LEVELS or usual > 0.98:
        return ""
    if column.distinct <= LEVELS:
        by_value: dict[str, Counter[str]] = {}
        for cell, value in pairs:
            by_value.setdefault(cell, Counter())[value] += 1
        right = sum(counter.most_common(1)[0][1] for counter in by_value.values()) / len(pairs)
        if right >= PERFECT:
            return f"by itself it tells {answer.name} in {right:.1%} of {len(pairs):,} rows"
    elif column.kind == NUMBER and answer.distinct == 2:
        order = _in_order([(number, value) for a, value in pairs if (number := column.number(a)) is not None])
        if order >= PERFECT:
            return f"by itself it puts {order:.1%} of pairs of rows in the order of {answer.name}"
    return ""


def _correlation(pairs: Sequence[tuple[float | None, float | None]]) -> float:
    """The size of Pearson's correlation; 0 where one side does not vary."""
    known = [(a, b) for a, b in pairs if a is not None and b is not None and abs(a) < 1e100 and abs(b) < 1e100]
    if len(known) < 2 * ENOUGH:
        return 0.0
    mean_a, mean_b = (math.fsum(side) / len(known) for side in zip(*known, strict=True))
    over = math.fsum((a - mean_a) * (b - mean_b) for a, b in known)
    spread = math.fsum((a - mean_a) ** 2 for a, _ in known) * math.fsum((b - mean_b) ** 2 for _, b in known)
    return abs(over) / math.sqrt(spread) if spread > 0 else 0.0


def _in_order(pairs: Sequence[tuple[float, str]]) -> float:
    """The share of pairs of rows with different answers that a number orders alike (the area under the ROC curve)."""
    marks = sorted({value for _, value in pairs})
    if len(marks) != 2:
        return 0.0
    ranked = sorted(pairs, key=lambda pair: pair[0])
    total, at = 0.0, 0
    while at < len(ranked):
        end = at
        while end < len(ranked) and ranked[end][0] == ranked[at][0]:
            end += 1
        rank = (at + end + 1) / 2  # equal numbers share their middle rank
        total += rank * sum(value == marks[1] for _, value in ranked[at:end])
        at = end
    high = sum(value == marks[1] for _, value in ranked)
    area = (total - high * (high + 1) / 2) / (high * (len(ranked) - high))
    return max(area, 1 - area)


_MAIL = re.compile(r"[^@\s]+@[^@\s]+\.[A-Za-z]{2,}")
_IBAN = re.compile(r"[A-Z]{2}\d{2}[ ]?([A-Z0-9]{4}[ ]?){2,7}[A-Z0-9]{1,4}")
_IP = re.compile(r"(\d{1,3}\.){3}\d{1,3}")
_PHONE = re.compile(r"(\+|00)\d[\d ()/-]{7,18}")


def _why_personal(column: Column) -> str:
    """Why a column looks as if it described people; "" where it does not."""
    if column.kind == TEXT and column.filled:
        some = column.filled[:500]
        for pattern, what in (
            (_MAIL, "mail addresses"),
            (_IBAN, "IBANs"),
            (_IP, "IP addresses"),
            (_PHONE, "phone numbers"),
        ):
            if sum(pattern.fullmatch(value) is not None for value in some) >= 0.5 * len(some):
                return what
    if names.is_personal(column.name) or names.is_special(column.name):
        return "by its name"
    return ""


def _is_code(value: str) -> bool:
    """A name such as C-00412: no spaces, not long."""
    return len(value) <= 64 and not any(character.isspace() for character in value)


def _only_thousandths(column: Column) -> bool:
    """Every comma is followed by exactly three digits, as the mark between thousands is."""
    marked = [value for value in column.counts if "," in value]
    return bool(marked) and all(re.fullmatch(r"[+-]?[1-9]\d{0,2},\d{3}", value) for value in marked)


def _share_said(share: float, of: int, whole: bool) -> str:
    """A share with its uncertainty where it comes from a sample (95 %, normal approximation, at least one row)."""
    if whole:
        return f"{share:.1%}"
    around = Z95 * math.sqrt(max(share * (1 - share), 1 / of) / of)
    return f"about {share:.1%} ± {around:.1%}"


def _listed(items: Sequence[str], most: int = 8) -> str:
    return ", ".join(items[:most]) + (f" and {len(items) - most} more" if len(items) > most else "")
