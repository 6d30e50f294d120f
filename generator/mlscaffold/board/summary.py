"""What the overview says of a repository: one state that orders the board, and the reasons for it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from mlscaffold.board import scorecard
from mlscaffold.board.sources import Seen
from mlscaffold.board.standing import WEEK, day_of

# The most urgent first; the words that the board's filter offers.
STATES = {
    "alarm": "a monitor is in alarm or silent, a blocking gate is red, or a budget is overspent",
    "late": "release is planned after the appetite, or 4 in 5 should have been over",
    "unread": "it could not be read",
    "stale": "nothing has changed for four weeks",
    "open": "work goes on",
    "done": "every blocking gate is open",
}
QUIET = timedelta(weeks=4)


@dataclass(frozen=True)
class Summary:
    """One repository: its facts, its state with the reasons, what is behind it, and what last week changed."""

    seen: Seen
    name: str
    state: str
    reasons: tuple[str, ...]
    phase: str
    step: str
    owner: str
    week: tuple[str, ...]

    @property
    def facts(self) -> Mapping[str, Any]:
        """What is known of it, as `docs/status.schema.json` has it."""
        return self.seen.facts


def of(seen: Seen, today: date, changes: Sequence[Sequence[str]]) -> Summary:
    """The summary of what was read, on a day; `changes` are those of gates that older boards saw."""
    facts = seen.facts
    alarms, delays = _alarms(facts), _delays(facts, today)
    gates = facts.get("gates")
    done = gates is not None and not facts.get("present")
    if "project" not in facts and not gates:
        state, reasons = "unread", list(seen.notes)
    elif alarms:
        state, reasons = "alarm", alarms
    elif delays and not done:
        state, reasons = "late", delays
    elif done:
        state, reasons = "done", [STATES["done"]]
    elif (at := day_of((facts.get("commit") or {}).get("at"))) and at < today - QUIET:
        state, reasons = "stale", [f"the last commit is of {at}"]
    else:
        state, reasons = "open", []
    here = str(facts.get("present") or "")
    titles = {phase["id"]: phase["title"] for phase in facts.get("phases", ())}
    step = facts.get("next") or {}
    owner = str(step.get("owner") or ", ".join(map(str, step.get("who", ()))) or _owners(facts).get(here, ""))
    project = facts.get("project") or {}
    phase = f"{here} {titles.get(here, '')}".strip() if here else "All gates open" if done else ""
    name = str(project.get("name") or project.get("slug") or seen.where)
    return Summary(
        seen, name, state, tuple(reasons), phase, str(step.get("text", "")), owner, _week(facts, today, changes)
    )


def order(row: Summary) -> tuple[int, list[tuple[int, str]]]:
    """The most urgent first, then by name, in which numbers count as numbers: the page sorts by the same order."""
    parts = re.split(r"([0-9]+)", row.name.casefold())  # a text, then a number and a text as often as there are any
    texts = [part.lstrip("0") if at % 2 else part for at, part in enumerate(parts)]
    return list(STATES).index(row.state), [(len(part) * (at % 2), part) for at, part in enumerate(texts)]


def _owners(facts: Mapping[str, Any]) -> Mapping[str, Any]:
    return facts.get("owners") or {}


def _alarms(facts: Mapping[str, Any]) -> list[str]:
    """What calls somebody now."""
    found = [
        f"{signal.get('name')} is {'silent' if signal.get('state') == 'silent' else 'in alarm'}"
        for signal in scorecard.calling(facts)
    ]
    found += [f"{gate['id']} is red" for gate in scorecard.red(facts)]
    return found + [f"{budget['name']}: overspent" for budget in scorecard.overspent(facts)]


def _delays(facts: Mapping[str, Any], today: date) -> list[str]:
    schedule = facts.get("schedule") or {}
    late, deadline = day_of(schedule.get("p80")), day_of(schedule.get("deadline"))
    found = []
    if late and deadline and late > deadline:
        found.append(f"4 in 5: {late}, after the appetite's end on {deadline}")
    if late and late < today:
        found.append(f"4 in 5 should have been over on {late}")
    return found


def _week(facts: Mapping[str, Any], today: date, changes: Sequence[Sequence[str]]) -> tuple[str, ...]:
    """What the last seven days changed: gates that older boards saw otherwise, lines of the plan, dated events."""
    since = (today - WEEK).isoformat()
    found = [f"{day}: {gate} went from {before} to {now}." for day, gate, before, now in changes if day >= since]
    found += [f"{one['label']}: {one['now']} (was: {one['before']})." for one in facts.get("changed_numbers", ())]
    found += [f"{event['on']}: {event['what']}" for event in facts.get("events", ()) if event["on"] >= since]
    return tuple(found)
