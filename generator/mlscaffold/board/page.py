"""The board as one HTML file: nothing is loaded from elsewhere, and all of it reads without a script.

Everything that a repository says is text here. The file's own policy lets no other style and no other script in.
"""

import base64
import hashlib
import importlib.resources
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from html import escape
from typing import Any

from mlscaffold.board import drawing, memory
from mlscaffold.board.drawing import figure
from mlscaffold.board.scorecard import is_red
from mlscaffold.board.summary import STATES, Summary

OPEN = ("pass", "warn", "waived")
MOST_EXPERIMENTS = 6  # lines of the table; the picture has more
MOST_STEP = 160  # letters of a next step in the overview; the whole one stands below
COLUMNS = (
    "Repository", "State", "Phase", "Next step", "Owner", "Release", "Assumed", "Budgets", "Thresholds", "Monitors",
    "Last week",
)  # fmt: skip


def html(rows: Sequence[Summary], remembered: Mapping[str, Any], now: datetime) -> str:
    """The whole page over repositories in this order, as of a moment (UTC)."""
    style, script = _part("page.css"), _part("page.js")
    policy = (
        f"default-src 'none'; style-src 'sha256-{_digest(style)}'; script-src 'sha256-{_digest(script)}'; img-src data:"
    )
    title = rows[0].name if len(rows) == 1 else f"{len(rows)} repositories"
    parts = [
        '<!doctype html><html lang="en"><head><meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
        '<meta name="viewport" content="width=device-width,initial-scale=1">',
        f"<title>Board: {_text(title)}</title>",
        f'<link rel="icon" href="data:,"><style>{style}</style></head><body>',
        '<a class="skip" href="#main">To the repositories</a>',
        f"<header><h1>Board: {_text(title)}</h1>",
        f'<p class="soft">As of {now:%Y-%m-%d %H:%M} UTC. {_counts(rows)}</p></header><main id="main">',
        *(_overview(rows) if len(rows) > 1 else ()),
        '<div id="repositories">',
        *(_one(number, row, now.date(), opened=len(rows) == 1) for number, row in enumerate(rows)),
        "</div></main>",
        memory.written(remembered),
        f"<script>{script}</script></body></html>\n",
    ]
    return "\n".join(parts)


def _part(name: str) -> str:
    return importlib.resources.files("mlscaffold.board").joinpath(name).read_text("utf-8")


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _text(value: Any) -> str:
    return escape(str(value), quote=True)


def _counts(rows: Sequence[Summary]) -> str:
    counted = [(sum(row.state == state for row in rows), state) for state in STATES]
    return ", ".join(f"{number} {state}" for number, state in counted if number) + "."


# --------------------------------------------------------------------------------------------------------- the overview


def _overview(rows: Sequence[Summary]) -> Iterable[str]:
    yield '<form id="filter" class="only-script"><label>Find<input id="find" type="search" autocomplete="off"></label>'
    yield _choice("state", "State", [state for state in STATES if any(row.state == state for row in rows)])
    yield _choice("phase", "Phase", sorted({row.phase for row in rows} - {""}))
    yield _choice("kind", "Kind", sorted({_kind(row) for row in rows} - {""}))
    yield '<button type="reset">Show all</button><button type="button" id="all">Open or close all</button></form>'
    yield f'<p id="count" role="status" class="soft">{len(rows)} repositories</p>'
    told = "; ".join(f"{state}: {STATES[state]}" for state in STATES if any(row.state == state for row in rows))
    yield f'<p class="soft">One row a repository, the most urgent first. {_text(told)}.</p>'
    heads = "".join(
        f'<th scope="col" role="columnheader"><button type="button">{name}</button></th>' for name in COLUMNS
    )
    yield '<div class="scroll" role="group" aria-label="Overview" tabindex="0">'
    yield '<table id="overview" class="cards" role="table">'
    yield f'<thead role="rowgroup"><tr role="row">{heads}</tr></thead><tbody role="rowgroup">'
    names = Counter(row.name for row in rows)
    yield from (_row(number, row, names[row.name] == 1) for number, row in enumerate(rows))
    yield "</tbody></table></div>"


def _choice(key: str, label: str, options: Sequence[str]) -> str:
    listed = "".join(f"<option>{_text(option)}</option>" for option in options)
    return f'<label>{label}<select id="{key}"><option value="">all</option>{listed}</select></label>'


def _kind(row: Summary) -> str:
    return str((row.facts.get("project") or {}).get("kind", ""))


def _row(number: int, row: Summary, alone: bool) -> str:
    """One row; `alone` says that no other repository has its name."""
    facts = row.facts
    where = "" if alone else f"<br><small>{_text(row.seen.where)}</small>"
    schedule = facts.get("schedule") or {}
    release = (f"P50 {schedule.get('p50')}", f"P80 {schedule.get('p80')}") if schedule.get("p50") else ()
    assumed = len(facts["assumptions"]) if "assumptions" in facts else ""
    step = row.step if len(row.step) <= MOST_STEP else row.step[: MOST_STEP - 1] + "…"
    budgets = [_budget(budget) for budget in facts.get("budgets", ())]
    bad, watched = _watched(facts)
    changes = len(row.week)
    changed = f"{changes} change{'s' * (changes > 1)}" if changes else ""
    cells = [
        _state_cell(row),
        _cell("Phase", row.phase),
        _cell("Next step", step, kind="step"),
        _cell("Owner", row.owner),
        _cell("Release", *release, sort=str(schedule.get("p80") or "")),
        _cell("Assumed", assumed, sort=f"{assumed:04d}" if assumed != "" else ""),
        _cell("Budgets", *budgets, sort=f"{_fullest(facts):08.4f}" if budgets else ""),
        _cell("Thresholds", _judged(facts)),
        _cell("Monitors", watched, sort=f"{999 - bad:03d}" if watched else ""),
        _cell("Last week", changed, sort=f"{changes:04d}" if changes else ""),
    ]
    data = (
        f'data-one="r{number}" data-state="{row.state}" data-phase="{_text(row.phase)}" data-kind="{_text(_kind(row))}"'
    )
    head = f'<th scope="row" role="rowheader"><a href="#r{number}">{_text(row.name)}</a>{where}</th>'
    return f'<tr role="row" {data}>{head}{"".join(cells)}</tr>'


def _cell(label: str, *values: Any, sort: str = "", kind: str = "") -> str:
    """A cell of the overview; of several values each keeps to a line of its own."""
    key = f' data-v="{_text(sort)}"' if sort else ""
    named = f' class="{kind}"' if kind else ""
    several = "<br>".join(f'<span class="whole">{_text(value)}</span>' for value in values)
    return (
        f'<td role="cell" data-l="{label}"{key}{named}>{several if len(values) > 1 else _text(*values or ("",))}</td>'
    )


def _state_cell(row: Summary) -> str:
    order = list(STATES).index(row.state)
    return f'<td role="cell" data-l="State" data-v="{order}">{_word(row.state)}{_reasons(row.reasons)}</td>'


def _word(state: str) -> str:
    """A state in its colour and with its sign, where it has one."""
    return f'<span class="s {_text(state).replace(" ", "-")}">{_text(state)}</span>'


def _reasons(reasons: Sequence[str]) -> str:
    more = f" and {len(reasons) - 2} more" if len(reasons) > 2 else ""
    return f"<br><small>{_text('; '.join(reasons[:2]))}{more}</small>" if reasons else ""


def _budget(budget: Mapping[str, Any]) -> str:
    if budget.get("unit") == "share":
        used = budget.get("used")
        return f"{used:.0%} of the error budget" if isinstance(used, int | float) else ""
    return f"{figure(budget.get('used'))} of {figure(budget.get('limit'))} {budget.get('unit', '')}"


def _fullest(facts: Mapping[str, Any]) -> float:
    shares = [
        budget["used"] / budget["limit"]
        for budget in facts.get("budgets", ())
        if isinstance(budget.get("used"), int | float)
        and isinstance(budget.get("limit"), int | float)
        and budget["limit"]
    ]
    return max(shares, default=0.0)


def _judged(facts: Mapping[str, Any]) -> str:
    found = [row.get("verdict") for row in facts.get("thresholds", ()) if row.get("verdict")]
    words = ("fail", "inconclusive", "pass")
    return ", ".join(f"{found.count(word)} {word}" for word in words if word in found)


def _watched(facts: Mapping[str, Any]) -> tuple[int, str]:
    """How many signals call somebody, and the same in words."""
    signals = (facts.get("monitors") or {}).get("signals", ())
    bad = sum(signal.get("state") in ("alarm", "silent") for signal in signals)
    looked = sum(signal.get("state") not in ("not looked", "set") for signal in signals)
    if not signals:
        return 0, ""
    return (
        bad,
        f"{bad} of {looked} in alarm" if bad else f"{looked} quiet" if looked else f"{len(signals)} set, none looked",
    )


# ---------------------------------------------------------------------------------------------------- one repository


def _one(number: int, row: Summary, today: date, *, opened: bool) -> str:
    facts = row.facts
    where = f'<p class="soft">{_text(_found(row))}</p>'
    notes = [*row.seen.notes, *facts.get("unreadable", ())]
    said = f'<ul class="late">{"".join(f"<li>{_text(note)}</li>" for note in notes)}</ul>' if notes else ""
    sections = [
        _headline(facts), _schedule(facts, today), _thresholds(facts), _experiments(facts),
        _monitors(facts, brief=not opened), _budgets(facts), _assumptions(facts), _week(row),
    ]  # fmt: skip
    head = f"<summary><h2>{_text(row.name)}</h2> {_word(row.state)} <span>{_text(row.phase)}</span></summary>"
    inside = f'{where}{said}{_phases(row)}<div class="cols">{"".join(sections)}</div>'
    return f'<details class="one" id="r{number}"{" open" if opened else ""}>{head}{inside}</details>'


def _found(row: Summary) -> str:
    facts = row.facts
    commit = facts.get("commit") or {}
    told = [row.seen.where]
    if commit.get("sha"):
        branch = f" on {commit['branch']}" if commit.get("branch") not in (None, "", "HEAD") else ""
        told.append(f"commit {str(commit['sha'])[:10]}{branch} of {str(commit.get('at', ''))[:10]}")
    if "gates" in facts and facts.get("at"):
        told.append(f"gates judged {str(facts['at'])[:16].replace('T', ' ')}")
    if (engine := facts.get("engine") or {}).get("state"):
        made_from = str((facts.get("template") or {}).get("commit") or "")
        told.append(f"engine {engine.get('version')}, {engine['state']}{f', of {made_from[:10]}' if made_from else ''}")
    if (champion := facts.get("champion") or {}).get("version"):
        told.append(f"version {champion['version']} answers")
    return " · ".join(told)


def _section(title: str, content: str) -> str:
    return f"<section><h3>{title}</h3>{content}</section>" if content else ""


def _phases(row: Summary) -> str:
    facts = row.facts
    if "gates" not in facts:
        told = "Nothing has judged the gates here: in the repository, planrun status --json > status.json does."
        return _section("Gates", f"<p>{_text(told)}</p>")
    here = facts.get("present")
    strip = "".join(
        f"<li{' aria-current=step' if phase['id'] == here else ''}>{_text(phase['id'])} {_text(phase['title'])}: "
        f"{_text(phase['state'])}</li>"
        for phase in facts["phases"]
    )
    owner = f" ({_text(row.owner)})" if row.owner else ""
    step = f"<p><strong>Next:</strong> {_text(row.step)}{owner}</p>" if row.step else ""
    return _section("Phases, gates and the next step", f'<ol class="phases">{strip}</ol>{step}{_gates(facts)}')


def _gates(facts: Mapping[str, Any]) -> str:
    """The blocking gates that are shut here, and every red one, with reason, step and owner; the others counted."""
    blocking = [gate for gate in facts["gates"] if gate.get("blocking")]
    shut = [gate for gate in blocking if gate["state"] not in OPEN]
    waived = [gate["id"] for gate in blocking if gate["state"] == "waived"]
    here = facts.get("present") or ""
    now = [gate for gate in shut if gate["id"].split(".")[0] == here or is_red(gate)]
    later = [gate["id"] for gate in shut if gate not in now]
    owners = facts.get("owners") or {}
    told = f"{len(blocking) - len(shut)} of {len(blocking)} blocking gates are open"
    told += f", {len(waived)} of them waived: {', '.join(waived)}" if waived else ""
    told += f". Shut in other phases: {', '.join(later)}" if later else ""
    together: dict[tuple[str, ...], list[str]] = {}  # what one command opens is read, and done, once
    for gate in now:
        next_ = (gate.get("next") or {}).get("text", "")
        alike = (_word(gate["state"]), _text(gate["reason"]), _text(next_), _text(_waits_for(gate, owners)))
        together.setdefault(alike, []).append(_text(f"{gate['id']} {gate['title']}"))
    lines = [("<br>".join(gates), *alike) for alike, gates in together.items()]
    return f"<p>{_text(told)}.</p>{_table('Gates that are shut', ('Gate', 'State', 'Why', 'Next', 'Owner'), lines)}"


def _waits_for(gate: Mapping[str, Any], owners: Mapping[str, Any]) -> str:
    who = [name for name in (gate.get("next") or {}).get("who", ()) if name != "the team"]
    return ", ".join(who) or str(owners.get(gate["id"].split(".")[0], ""))


def _table(label: str, heads: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """A table of cells that are HTML already, each line led by what it is about; "" without lines."""
    if not lines:
        return ""
    head = "".join(f'<th scope="col">{name}</th>' for name in heads)
    body = "".join(
        f'<tr><th scope="row">{first}</th>{"".join(f"<td>{cell}</td>" for cell in rest)}</tr>' for first, *rest in lines
    )
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
    return _wide(label, table)


def _wide(label: str, content: str) -> str:
    """What may be wider than a phone: it is moved sideways in a place of its own, with fingers or arrow keys."""
    return f'<div class="scroll" role="group" aria-label="{label}" tabindex="0">{content}</div>' if content else ""


def _headline(facts: Mapping[str, Any]) -> str:
    lines = "".join(
        f"<dt>{_text(row['label'])}</dt><dd>{_text(row['text'])}{' (assumed)' if row.get('assumed') else ''}</dd>"
        for row in facts.get("headline", ())
    )
    return _section("The plan in six lines", f"<dl>{lines}</dl>" if lines else "")


def _schedule(facts: Mapping[str, Any], today: date) -> str:
    found = facts.get("schedule") or {}
    drawn = drawing.schedule(found, today)
    told = f"P50 {found.get('p50')}, P80 {found.get('p80')}, end {found.get('deadline')}."
    return _section("Schedule", f"{_wide('Schedule', drawn)}<p>{_text(told)}</p>" if drawn else "")


def _thresholds(facts: Mapping[str, Any]) -> str:
    lines = [
        (
            f"{_text(row['name'])}<br><small>{_text(row['unit'])} {_text(row['at'][:10])}</small>",
            _measured(row),
            _text(_asked(row)),
            drawing.interval(row),
            _word(row["verdict"]) if row["verdict"] else "",
        )
        for row in facts.get("thresholds", ())
    ]
    heads = ("Limit", "Measured", "Asked", "Drawn", "Verdict")
    return _section("Thresholds and what was measured last", _table("Thresholds", heads, lines))


def _measured(row: Mapping[str, Any]) -> str:
    low, high = row.get("low"), row.get("high")
    bounds = f"<br><small>{figure(low)} to {figure(high)}</small>" if low is not None and high is not None else ""
    return f"{figure(row.get('value'))}{bounds}"


def _asked(row: Mapping[str, Any]) -> str:
    if row.get("needed") is None:
        return "–"
    return f"{'at most' if row['better'] == 'lower' else 'at least'} {figure(row['needed'])}"


def _experiments(facts: Mapping[str, Any]) -> str:
    rows = facts.get("experiments", ())
    needed = next((row.get("needed") for row in facts.get("thresholds", ()) if "validation" in row["name"]), None)
    lines = [
        (
            _text(row["id"]),
            _text(row.get("at", "")[:10]),
            _text(row.get("change", "")),
            _measured(row["gain"]),
            _text(row["decision"]),
        )
        for row in rows[-MOST_EXPERIMENTS:]
    ]
    drawn = _wide("Gains of the experiments", drawing.experiments(rows, needed))
    more = f"<p>The last {MOST_EXPERIMENTS} of {len(rows)}:</p>" if len(rows) > MOST_EXPERIMENTS else ""
    table = _table("Experiments", ("Experiment", "Day", "Change", "Gain", "Decision"), lines)
    return _section("Experiments over time", f"{drawn}{more}{table}")


def _monitors(facts: Mapping[str, Any], *, brief: bool) -> str:
    """Signals; on a board of many, those that are ok are only named."""
    found = facts.get("monitors") or {}
    signals = found.get("signals", ())
    lines = [
        (_text(one["name"]), _word(one["state"]), _text(one["reason"]), _text(one.get("owner", "")))
        for one in signals
        if one["state"] != "not looked" and not (brief and one["state"] == "ok")
    ]
    unseen = ", ".join(one["name"] for one in signals if one["state"] == "not looked")
    quiet = ", ".join(one["name"] for one in signals if one["state"] == "ok") if brief else ""
    told = f"<p>Last look: {_text(found['at'][:16].replace('T', ' '))}.</p>" if found.get("at") else ""
    told += f"<p>Nothing has looked yet at {_text(unseen)}.</p>" if unseen else ""
    told += f"<p>{_word('ok')}: {_text(quiet)}.</p>" if quiet else ""
    return _section("Monitors", told + _table("Monitors", ("Signal", "State", "Seen", "Owner"), lines))


def _budgets(facts: Mapping[str, Any]) -> str:
    lines = "".join(
        f"<dt>{_text(budget['name'])}</dt><dd>{_gauge(budget)} {_text(_budget(budget))}</dd>"
        for budget in facts.get("budgets", ())
    )
    return _section("Budgets", f"<dl>{lines}</dl>" if lines else "")


def _gauge(budget: Mapping[str, Any]) -> str:
    used, limit = budget["used"], budget["limit"]
    if used is None or limit is None or limit <= 0:
        return ""
    label = f"{budget['name']}: {_budget(budget)}"
    return f'<meter min="0" max="{limit}" value="{min(max(used, 0), limit)}" aria-label="{_text(label)}"></meter>'


def _assumptions(facts: Mapping[str, Any]) -> str:
    if "assumptions" not in facts:
        return ""
    lines = "".join(
        f"<li>{_text(row['key'])} = {_text(row.get('value') or 'not known')}"
        f" <small>({_text(row.get('gate', ''))})</small></li>"
        for row in facts["assumptions"]
    )
    return _section("Open assumptions", f"<ul>{lines}</ul>" if lines else "<p>None: somebody vouches for each.</p>")


def _week(row: Summary) -> str:
    lines = "".join(f"<li>{_text(change)}</li>" for change in row.week)
    told = f"<ul>{lines}</ul>" if lines else "<p>Nothing that left a date.</p>"
    return _section("What changed in the last seven days", told)
