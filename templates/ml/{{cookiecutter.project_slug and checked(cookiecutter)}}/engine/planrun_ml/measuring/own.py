"""A metric of the team's own: found in its room `metrics.py`, held to its plan, and to giving numbers when asked."""

import difflib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from planrun.repository import Repo
from planrun.rooms import Rooms
from planrun.trouble import Blocked, Trouble

from planrun_ml.measuring.case import Case
from planrun_ml.measuring.metrics import OWN, Metric, counted

ROOM = "metrics"
PAGE = "docs/bring-your-own.md"


def own(repo: Repo, name: str) -> Metric:
    """The metric that the answers call own:NAME.

    Raises `Trouble` where the room has none of that name, or the plan was computed for another kind of metric.
    Raises `Blocked` where the room is not there.
    """
    found = _in_its_room(repo, name)
    held = replace(found, name=name, code=repo.rooms.content(ROOM))
    if name == repo.answers["metric"]:  # another one may be watched still, of which the plan says nothing any more
        planned = repo.plan["metric"]
        _as_planned(found, planned, name, _file(repo))
        held = replace(held, unit=planned["unit"])
    return _Asked(repo.rooms, held, _file(repo)).metric()


def _file(repo: Repo) -> str:
    return f"src/{repo.rooms.package}/{ROOM}.py"


def _in_its_room(repo: Repo, name: str) -> Metric:
    short, file, other = name.removeprefix(OWN), _file(repo), "or let another decide: mlscaffold replan --set metric=…"
    room = repo.rooms.room(ROOM)
    if room is None:
        raise Blocked(f"{name} decides, and {file} is not there.", f"Write {file} ({PAGE}), {other}")
    table = getattr(room, "METRICS", None)
    if not isinstance(table, dict):
        raise Trouble(f"{file} has no METRICS, a dictionary from names to Metric(…).", f"Read {PAGE}")
    if short not in table:
        near = difflib.get_close_matches(short, [str(key) for key in table], n=1)
        has = f"; it has {', '.join(map(str, table))}" if table else ""
        meant = f"If {near[0]} is meant: mlscaffold replan --set metric={OWN}{near[0]}" if near else f"Add it, {other}"
        raise Trouble(f"{file} has no metric {short}{has}.", meant)
    found = table[short]
    if not isinstance(found, Metric):
        raise Trouble(f"{file}: {short} is a {type(found).__name__}, not a Metric(…).", f"Read {PAGE}")
    return found


def _as_planned(found: Metric, planned: dict[str, Any], name: str, file: str) -> None:
    """Raises `Trouble` where the room and the plan speak of two different things."""
    form = "share" if found.share else "mean"
    on = {"flagged rows": "alarms"}.get(planned["counted_on"], planned["counted_on"])
    for key, said, plan, what in (
        ("metric_direction", found.better, planned["better"], "{} is better, and the plan counts with {}"),
        ("metric_form", form, planned["method"], "it is a {}, and the plan counts with a {}"),
        ("metric_counted_on", found.counted_on, on, "it is counted on {}, and the plan counts {}"),
    ):
        if said != plan:
            told = f"{file} says of {name} that {what.format(said, plan)}."
            raise Trouble(told, f"mlscaffold replan --set {key}={said}, or correct {ROOM}.py")


@dataclass(frozen=True)
class _Asked:
    """The team's functions, each call checked: an error is told with their line, what is no number with its row."""

    rooms: Rooms
    own: Metric
    file: str

    def metric(self) -> Metric:
        if self.own.each:
            return replace(self.own, each=self.each)
        if self.own.value:
            return replace(self.own, value=self.value)
        return replace(self.own, sums=self.sums, combine=self.combine)

    def each(self, case: Case) -> np.ndarray:
        assert self.own.each is not None
        if self.own.counted_on == "queries" and case.queries is not None:
            values = self._numbers(self.own.each, case, len(np.unique(case.queries)), "queries")
            self._fitting(values, [f"query {name}" for name in np.unique(case.queries)])
            return values
        values = self._numbers(self.own.each, case, len(case.y), "rows")
        mask = counted(self.own, case)
        self._fitting(values[mask], [f"a row whose right answer is {answer}" for answer in case.y[mask]])
        return values

    def value(self, case: Case) -> float:
        assert self.own.value is not None
        found = self._called(self.own.value, case)
        if not isinstance(found, (int, float, np.number)):
            raise self._trouble(f"gives a {type(found).__name__}", "one number for all rows")
        if np.isfinite(found):  # where a redraw or a segment holds nothing that counts, it may be no number
            self._fitting(np.array([found], dtype=float), ["all rows"])
        return float(found)

    def sums(self, case: Case) -> np.ndarray:
        assert self.own.sums is not None
        found = self._numbers(self.own.sums, case, len(case.y), "rows", dimensions=2)
        if not np.isfinite(found).all():
            raise self._trouble("has sums that are not numbers", "every row needs finite ones")
        return found

    def combine(self, sets: np.ndarray) -> np.ndarray:
        assert self.own.combine is not None
        return self._numbers(self.own.combine, sets, len(sets), "sets of sums")

    def _called(self, way: Callable[[Any], Any], given: Any) -> Any:
        try:
            return way(given)
        except Exception as error:  # whatever a team's function does
            raise self.rooms.trouble(ROOM, error) from error

    def _numbers(self, way: Callable[[Any], Any], given: Any, count: int, of: str, dimensions: int = 1) -> np.ndarray:
        try:
            found = np.asarray(self._called(way, given), dtype=float)
        except Trouble:
            raise
        except Exception as error:  # what is no array may raise anything, such as a tensor that keeps its gradient
            raise self._trouble("gives something else than numbers", "one number for each") from error
        if found.ndim != dimensions or len(found) != count:
            shape = f"{' × '.join(map(str, found.shape))} numbers" if found.shape else "one number"
            raise self._trouble(f"gives {shape} for {count:,} {of}", "one number for each")
        return found

    def _fitting(self, values: np.ndarray, places: list[str]) -> None:
        """Raises `Trouble` with the first place where a value is none that the metric may have."""
        loss, share = self.own.sign < 0, self.own.share
        for wrong, told, how in (
            (~np.isfinite(values), "is not a number", "everything that counts needs a finite number"),
            (loss & (values < 0), "is below 0", 'a loss never is; of a gain write better="higher"'),
            (share & ((values < 0) | (values > 1)), "is no share", "a share lies between 0 and 1"),
        ):
            if wrong.any():
                first, many = int(np.flatnonzero(wrong)[0]), int(wrong.sum())
                more = f" and {many - 1:,} more" if many > 1 else ""
                raise self._trouble(f"{told} for {places[first]}{more}", how)

    def _trouble(self, told: str, how: str) -> Trouble:
        return Trouble(f"{self.file}: {self.own.name} {told}.", f"Correct {self.file}: {how}")
