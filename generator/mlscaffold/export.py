"""A rendered repository's backlog and schedule in the forms that planning tools take. Nothing is sent anywhere."""

import csv
import datetime
import io
import json
import re
import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from mlscaffold.errors import UnreadablePlan, UsageError
from mlscaffold.wording import as_text
from mlscaffold.wording import mermaid as label

Item = Mapping[str, Any]

# What each field of plan/backlog.json and each task of plan/plan.json must be.
ITEM = {"id": str, "title": str, "body": str, "kind": str, "gate": str, "owner": str, "due": str, "depends_on": list}
TASK = {"id": str, "title": str, "start": str, "end": str, "critical": bool, "milestone": bool}
COLUMNS = ("id", "title", "kind", "gate", "owner", "due", "estimate_days", "depends_on", "requirement", "body")
SECTIONS = {"p0": "Charter", "p1": "Before the gate", "g1": "Before the gate", "p2": "Iterations", "p3": "Acceptance"}


def export(directory: Path, to: str) -> str:
    """The backlog or the schedule of the repository in `directory`, as one text in the form `to`.

    Raises `UsageError` for an unknown form and `UnreadablePlan` where the folder holds no usable plan.
    """
    if to not in TARGETS:
        raise UsageError(f"--to {to} is not known.", f"Choose one of {', '.join(TARGETS)}.")
    if to == "mermaid":
        return mermaid(schedule_of(directory))
    return str(TARGETS[to](backlog_of(directory)))


def note(directory: Path, to: str) -> str:
    """What a person must do before or after the import, for standard error; empty where nothing is to be done."""
    if to == "gitlab":
        gates = ", ".join(due_dates(backlog_of(directory)))
        return f"Create these milestones before the import, or GitLab leaves the column out: {gates}. It has no undo."
    if to == "jira":
        return "Map External id to a text field, dates as yyyy-MM-dd; dependencies stand in each description."
    return "Read the script, then run it in a clone of the repository: bash FILE" if to == "github" else ""


def backlog_of(directory: Path) -> list[Item]:
    """The items of plan/backlog.json, checked.

    Raises `UnreadablePlan` where the file is not there, is no JSON, or an item lacks what a tracker needs.
    """
    path = directory / "plan" / "backlog.json"
    return _checked(path, _read(path), ITEM)


def schedule_of(directory: Path) -> list[Item]:
    """The tasks of plan/plan.json, checked.

    Raises `UnreadablePlan` where the file is not there, is no JSON, or a day is no date.
    """
    path = directory / "plan" / "plan.json"
    plan = _read(path)
    schedule = plan.get("schedule") if isinstance(plan, dict) else None
    tasks = _checked(path, schedule.get("tasks") if isinstance(schedule, dict) else None, TASK)
    for task in tasks:
        _day(path, task, "start"), _day(path, task, "end")
    return tasks


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise UnreadablePlan(path, "there is no such file, or it may not be read") from error
    except ValueError as error:
        raise UnreadablePlan(path, f"it is not JSON ({error})") from error


def _checked(path: Path, found: Any, fields: Mapping[str, type]) -> list[Item]:
    if not isinstance(found, list) or not found:
        raise UnreadablePlan(path, "it holds no list of items")
    for number, item in enumerate(found, 1):
        wrong = [
            name for name, kind in fields.items() if not isinstance(item, dict) or type(item.get(name)) is not kind
        ]
        if wrong:
            raise UnreadablePlan(path, f"item {number} has no usable {' and '.join(wrong)}")
    return found


def _day(path: Path, task: Item, field: str) -> datetime.date:
    try:
        return datetime.date.fromisoformat(task[field])
    except ValueError as error:
        raise UnreadablePlan(path, f"the {field} of task {task['id']} is {task[field]!r}, which is no date") from error


def due_dates(items: Iterable[Item]) -> dict[str, str]:
    """Each gate with the latest date of its items: the milestones."""
    found: dict[str, str] = {}
    for item in items:
        found[item["gate"]] = max(found.get(item["gate"], ""), item["due"])
    return dict(sorted(found.items()))


def title(item: Item) -> str:
    """The id and the title on one line: the id is how a second run knows an item again."""
    return " ".join(f"{item['id']}: {item['title']}".split())


def description(item: Item) -> str:
    """The body with what the tool has no field for."""
    facts = [f"Owner: {item['owner']}", f"Due: {item['due']}"]
    if item.get("estimate_days") is not None:
        facts.append(f"Estimate: {item['estimate_days']} person-days")
    if item["depends_on"]:
        facts.append(f"Depends on: {', '.join(map(str, item['depends_on']))}")
    return f"{item['body']}\n\n{' · '.join(facts)}"


# ------------------------------------------------------------------------------------------------------------ GitHub


SCRIPT = """\
#!/usr/bin/env bash
# Milestones, labels and issues of this repository's backlog, made with GitHub's own command: https://cli.github.com
# Run it in a clone. Running it again adds only what is missing: an issue is known by the id its title begins with.
set -eu
command -v gh >/dev/null || { echo "gh is not installed: https://cli.github.com" >&2; exit 1; }
newline='
'
issues=$newline$(gh issue list --state all --limit 10000 --json title --jq '.[].title')
milestones=$(gh api --paginate "repos/{owner}/{repo}/milestones?state=all&per_page=100" --jq '.[].title')
milestones=$newline$milestones$newline

milestone() { # name, due date
  case $milestones in *"$newline$1$newline"*) return ;; esac
  gh api --silent "repos/{owner}/{repo}/milestones" -f title="$1" -f due_on="$2T12:00:00Z"
  echo "milestone $1"
}
label() { # name, colour
  gh label create "$1" --color "$2" --force >/dev/null
}
issue() { # id, title, milestone, label, text
  case $issues in *"$newline$1: "*) echo "$1 is there already"; return ;; esac
  gh issue create --title "$2" --milestone "$3" --label "$4" --body "$5"
}
"""
COLOURS = {"gate": "b60205", "task": "1d76db", "requirement": "0e8a16", "experiment": "fbca04", "session": "5319e7"}


def github(items: Sequence[Item]) -> str:
    """A script for `gh`: milestones are gates, labels are kinds; it can be run again."""
    lines = [SCRIPT]
    lines += [_command("milestone", gate, due) for gate, due in due_dates(items).items()]
    kinds = sorted({item["kind"] for item in items})
    lines += [_command("label", kind, COLOURS.get(kind, "c5def5")) for kind in kinds]
    lines += [
        _command("issue", item["id"], title(item), item["gate"], item["kind"], as_text(description(item)))
        for item in items
    ]
    return "\n".join(lines) + "\n"


def _command(name: str, *words: str) -> str:
    return " ".join([name, *(shlex.quote(word.replace("\x00", "")) for word in words)])


# --------------------------------------------------------------------------------------------------------------- CSV


def gitlab(items: Sequence[Item]) -> str:
    """GitLab's import: title and description first; labels are quick actions at the description's end."""
    return _table(
        ("title", "description", "due_date", "milestone"),
        [(title(item), _without_actions(item), item["due"], item["gate"]) for item in items],
    )


def _without_actions(item: Item) -> str:
    """The description with its own label lines; a line of free text that begins with a slash is no command."""
    text = re.sub(r"(?m)^(\s*)/", r"\1\\/", as_text(description(item)))
    labels = " ".join(f'~"{name}"' for name in (item["gate"], item["kind"]))
    return f"{text}\n\n/label {labels}"


def jira(items: Sequence[Item]) -> str:
    """Jira's import: one level of tasks; a column for each label, because labels hold no spaces."""
    return _table(
        ("Summary", "Issue Type", "Description", "Labels", "Labels", "Due date", "External id"),
        [
            (title(item), "Task", description(item), _word(item["gate"]), _word(item["kind"]), item["due"], item["id"])
            for item in items
        ],
    )


def _word(text: str) -> str:
    return re.sub(r"\s+", "-", text.strip())


def plain(items: Sequence[Item]) -> str:
    """Every field of every item."""
    return _table(COLUMNS, [tuple(_cell(item.get(name)) for name in COLUMNS) for item in items])


def _cell(value: Any) -> str:
    if isinstance(value, list):
        return " ".join(map(str, value))
    return "" if value is None else str(value)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(head)
    writer.writerows([[defused(_one_newline(cell)) for cell in row] for row in rows])
    return text.getvalue()


def _one_newline(cell: str) -> str:
    """One kind of line break: readers disagree on a lone carriage return."""
    return cell.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "")


def defused(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula: an apostrophe before = + - @, their wide forms, tab and return.

    Source: OWASP, CSV injection.
    """
    return f"'{cell}" if cell[:1] in tuple("=+-@\t\r\n＝＋－＠") else cell


# ----------------------------------------------------------------------------------------------------------- Mermaid

# Words that Mermaid reads as commands where a line of a Gantt chart begins with them.
COMMANDS = re.compile(
    r"(?i)(gantt|title|section|click|call|href|dateformat|axisformat|tickinterval|includes|excludes|todaymarker|"
    r"inclusiveenddates|topaxis|weekday|weekend|acctitle|accdescr|direction|\d{4}-)"
)


def mermaid(tasks: Sequence[Item]) -> str:
    """The schedule as a Gantt chart: tags first, explicit dates, lengths in working days, gates as milestones."""
    lines = ["gantt", "    dateFormat YYYY-MM-DD", "    axisFormat %d %b %y", "    excludes weekends"]
    section = ""
    for task in tasks:
        opened = SECTIONS.get(task.get("phase", task["id"][:2]), "Release")  # a plan of old has the phase in its ids
        if opened != section:
            section = opened
            lines.append(f"    section {section}")
        lines.append(f"    {task_name(task['title'])} :{_tags(task)}")
    return "\n".join(lines) + "\n"


def task_name(text: str) -> str:
    """A title without what splits a line, and not beginning with a word that Mermaid takes for a command."""
    name = label(text)
    return f"– {name}" if COMMANDS.match(name) else name


def _tags(task: Item) -> str:
    start, end = (datetime.date.fromisoformat(task[field]) for field in ("start", "end"))
    tags = ["milestone"] * task["milestone"] + ["crit"] * task["critical"] + [re.sub(r"\W", "_", task["id"])]
    if task["milestone"]:
        return ", ".join([*tags, end.isoformat(), "0d"])
    days = sum((start + datetime.timedelta(days=day)).weekday() < 5 for day in range((end - start).days + 1))
    return ", ".join([*tags, start.isoformat(), f"{max(1, days)}d"])


TARGETS: dict[str, Callable[[Sequence[Item]], str]] = {
    "github": github,
    "gitlab": gitlab,
    "jira": jira,
    "csv": plain,
    "mermaid": mermaid,
}
