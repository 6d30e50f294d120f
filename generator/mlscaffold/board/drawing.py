"""Small pictures as SVG: a schedule with today's line, an interval beside its limit, experiments one after another.

Colours come from the page's style sheet; each picture says in words what it shows.
"""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from html import escape
from typing import Any

from mlscaffold.board.standing import day_of

WIDE, ROW = 640, 16


def figure(value: Any) -> str:
    """A number with three digits that count; "–" where there is none."""
    if not isinstance(value, int | float) or isinstance(value, bool):
        return "–"
    if value == int(value) and abs(value) < 1e6:
        return f"{int(value):,}"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"


# --------------------------------------------------------------------------------------------------------- the schedule


def schedule(facts: Mapping[str, Any], today: date) -> str:
    """Tasks as bars from the first day to the last, with lines for today, P50, P80 and the appetite's end."""
    tasks = [
        (task, start, end)
        for task in facts.get("tasks", ())
        if isinstance(task, dict) and (start := day_of(task.get("start"))) and (end := day_of(task.get("end")))
    ]
    if not tasks:
        return ""
    lines = {key: day for key in ("p50", "p80", "deadline") if (day := day_of(facts.get(key)))}
    days = [*(start for _, start, _ in tasks), *(end for _, _, end in tasks), *lines.values()]
    first, last = min(days), max(days)
    shown = min(max(today, first), last)
    length = max((last - first).days, 1)

    def at(day: date) -> int:
        return round((day - first).days / length * WIDE)

    high = ROW * len(tasks) + 34
    marks = [("today", shown, "today" if shown == today else f"today, {today}")]
    marks += [(key, day, {"p50": "P50", "p80": "P80", "deadline": "end"}[key]) for key, day in lines.items()]
    months = [(day, at(day)) for day in _months(first, last)]
    drawn = [f'<path class="g" d="{"".join(f"M{x} 0V{high - 18}" for _, x in months)}"/>']
    drawn += [f'<text class="m" x="{x + 2}" y="{high - 20}">{day:%b %y}</text>' for day, x in months]
    drawn += [
        _bar(number, task, at(start), at(end + timedelta(days=1))) for number, (task, start, end) in enumerate(tasks)
    ]
    drawn += [_mark(name, at(day), label, high) for name, day, label in _apart(marks, at)]
    words = f"Schedule from {first} to {last}, today {today}"
    words += "".join(f", {label} {day}" for name, day, label in marks if name != "today")
    return _svg(high, words, drawn)


def _months(first: date, last: date) -> list[date]:
    """The first days of months, at most a dozen of them."""
    found = []
    day = date(first.year, first.month, 1)
    while day <= last:
        if day >= first:
            found.append(day)
        day = date(day.year + day.month // 12, day.month % 12 + 1, 1)
    step = max(1, -(-len(found) // 12))
    return found[::step]


def _bar(number: int, task: Mapping[str, Any], left: int, right: int) -> str:
    y = number * ROW + 4
    kind = "c" if task.get("critical") else "n"
    words = f"{task.get('title')}: {task.get('start')} to {task.get('end')}"
    title = f"<title>{escape(words)}</title>"
    if task.get("milestone"):
        return f'<path class="k" d="M{left} {y + 5}l5-5 5 5-5 5z">{title}</path>'
    return f'<rect class="{kind}" x="{left}" y="{y}" width="{max(right - left, 2)}">{title}</rect>'


def _apart(marks: Sequence[tuple[str, date, str]], at: Any) -> list[tuple[str, date, str]]:
    """Marks from left to right; labels of marks that stand close together share the first one's place."""
    ordered = sorted(marks, key=lambda mark: (mark[1], mark[0] != "today"))
    found: list[tuple[str, date, str]] = []
    for name, day, label in ordered:
        if found and at(day) - at(found[-1][1]) < 38 and found[-1][2]:
            close = found[-1]
            found[-1] = (close[0], close[1], f"{close[2]}, {label}")
            found.append((name, day, ""))
        else:
            found.append((name, day, label))
    return found


def _mark(name: str, x: float, label: str, high: int) -> str:
    anchor = ' text-anchor="end"' if x > WIDE - 90 else ""
    shift = -2 if anchor else 2
    text = f'<text class="l" x="{x + shift}" y="{high - 4}"{anchor}>{escape(label)}</text>' if label else ""
    return f'<path class="{name}" d="M{x} 0V{high - 14}"/>{text}'


# ------------------------------------------------------------------------------------------------- limits and intervals


def interval(row: Mapping[str, Any]) -> str:
    """A measured value with its bounds on a line, and the limit as an upright stroke; the row says it in figures."""
    numbers = {key: row.get(key) for key in ("value", "low", "high", "needed")}
    known = [value for value in numbers.values() if isinstance(value, int | float)]
    if not isinstance(numbers["value"], int | float):
        return ""
    first, last = min(known), max(known)
    room = (last - first or abs(first) or 1.0) * 0.12
    first, last = first - room, last + room

    def at(value: float) -> float:
        return round((value - first) / (last - first) * 200, 1)

    drawn = ['<path class="g" d="M0 10H200"/>']
    low, high, needed = numbers["low"], numbers["high"], numbers["needed"]
    if isinstance(low, int | float) and isinstance(high, int | float):
        drawn.append(f'<path class="w" d="M{at(low)} 10H{at(high)}M{at(low)} 5v10M{at(high)} 5v10"/>')
    if isinstance(needed, int | float):
        drawn.append(f'<path class="p80" d="M{at(needed)} 0v20"/>')
    drawn.append(f'<circle class="v" cx="{at(numbers["value"])}" cy="10" r="4"/>')
    return f'<svg class="interval" viewBox="0 0 200 20" aria-hidden="true">{"".join(drawn)}</svg>'


def experiments(rows: Sequence[Mapping[str, Any]], needed: Any) -> str:
    """Each experiment's gain over the baseline with its bounds, in order, and lines at none and at the least gain."""
    shown = [row for row in rows if isinstance((row.get("gain") or {}).get("value"), int | float)][-60:]
    if not shown:
        return ""
    values = [value for row in shown for value in row["gain"].values() if isinstance(value, int | float)]
    limit = [needed] if isinstance(needed, int | float) else []
    first, last = min([0.0, *values, *limit]), max([0.0, *values, *limit])
    room = (last - first or 1.0) * 0.08
    first, last = first - room, last + room
    high = 150

    def at(value: float) -> int:
        return round(high - 16 - (value - first) / (last - first) * (high - 24))

    drawn = [f'<path class="g" d="M0 {at(0)}H{WIDE}"/><text class="m" x="2" y="{at(0) - 3}">no gain</text>']
    if limit:
        drawn.append(
            f'<path class="p80" d="M0 {at(limit[0])}H{WIDE}"/>'
            f'<text class="l" x="{WIDE - 2}" y="{at(limit[0]) - 3}" text-anchor="end">least useful gain</text>'
        )
    step, few = WIDE / (len(shown) + 1), len(shown) <= 20
    whiskers, points, dots = "", [], {"v": "", "d": ""}
    for number, row in enumerate(shown, start=1):
        x, gain = round(number * step), row["gain"]
        low, top = gain.get("low"), gain.get("high")
        if isinstance(low, int | float) and isinstance(top, int | float):
            whiskers += f"M{x} {at(low)}V{at(top)}"
        kind = "v" if row.get("decision") == "keep" else "d"
        if few:
            label = escape(str(row.get("id"))[:4])
            points.append(_point(kind, x, at(gain["value"]), row))
            points.append(f'<text class="m" x="{x}" y="{high - 3}" text-anchor="middle">{label}</text>')
        else:
            dots[kind] += f"M{x} {at(gain['value'])}h0"
    points += [f'<path class="dots {kind}s" d="{path}"/>' for kind, path in dots.items() if path]
    drawn += [f'<path class="w" d="{whiskers}"/>', *points]
    kept = sum(row.get("decision") == "keep" for row in shown)
    words = f"Gain over the baseline of {len(shown)} experiments in order, {kept} of them kept"
    return _svg(high, words, drawn)


def _point(kind: str, x: float, y: float, row: Mapping[str, Any]) -> str:
    """An experiment's gain, which says whose it is."""
    words = f"{row.get('id')}: {figure(row['gain']['value'])}, {row.get('decision')}"
    return f'<circle class="{kind}" cx="{x}" cy="{y}" r="4"><title>{escape(words)}</title></circle>'


def _svg(high: int, words: str, drawn: Sequence[str]) -> str:
    label = escape(words, quote=True)
    return f'<svg class="chart" viewBox="0 0 {WIDE} {high}" role="img" aria-label="{label}">{"".join(drawn)}</svg>'
