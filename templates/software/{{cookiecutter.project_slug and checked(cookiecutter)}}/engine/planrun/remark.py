"""What a code host shows beside a change: the six lines, the next step and the gates that are shut, as Markdown.

The pipeline writes it into the job's summary and into one remark of the pull request, which it finds again by `mark`.
"""

import html
from collections.abc import Mapping
from typing import Any

from planrun.gates import OPEN

MOST = 60_000  # characters; the smallest room of the hosts is 65,536 for one remark


def mark(slug: str) -> str:
    """The first line of the remark, which no reader sees: by it the next run finds the remark that it replaces."""
    return f"<!-- gates of {slug} -->"


def markdown(facts: Mapping[str, Any]) -> str:
    """The status, in the form that JSON has of it, as Markdown of at most `MOST` characters.

    Texts come from answers and files, so they are shown as they are: no markup, no row torn apart, nobody called.
    """
    blocking = [gate for gate in facts["gates"] if gate["blocking"]]
    shut = [gate for gate in blocking if gate["state"] not in OPEN]
    waived = [gate for gate in blocking if gate["state"] == "waived"]
    name = _plain(facts["project"].get("name", ""))
    lines = [
        mark(facts["project"].get("slug", "")),
        f"### {name}: {len(blocking) - len(shut)} of {len(blocking)} blocking gates are open",
        "",
    ]
    if facts["next"]:
        owner = facts["next"].get("owner", "")
        lines += [f"**Next:** {_plain(facts['next']['text'])}{f' ({_plain(owner)})' if owner else ''}", ""]
    if facts["headline"]:
        lines += ["| The plan | |", "|---|---|"]
        for row in facts["headline"]:
            assumed = " (rests on an assumption)" if row["assumed"] else ""
            lines.append(f"| {_plain(row['label'])} | {_plain(row['text'])}{assumed} |")
        lines.append("")
    lines += ["| Phase | State | Shut |", "|---|---|---|"]
    lines += [f"| {one['id']} {_plain(one['title'])} | {one['state']} | {one['open']} |" for one in facts["phases"]]
    lines += ["", _plain(facts["governance"]["sentence"])] if "governance" in facts else []
    read = facts["commit"]["sha"][:12] or "no commit"
    ending = ["", f"Read at `{read}`; `.venv/bin/planrun status --all` tells every gate."]
    table = _table("Shut", shut) + _table("Waived", waived)
    room = MOST - len("\n".join([*lines, *ending])) - 200
    return "\n".join([*lines, *_fitting(table, room), *ending])


def _table(title: str, gates: list[Mapping[str, Any]]) -> list[str]:
    if not gates:
        return []
    rows = ["", f"| {title} | Why | Next |", "|---|---|---|"]
    for gate in gates:
        step = _plain(gate["next"]["text"]) if gate["next"] else ""
        rows.append(f"| {gate['state']} {gate['id']} {_plain(gate['title'])} | {_plain(gate['reason'])} | {step} |")
    return rows


def _fitting(rows: list[str], room: int) -> list[str]:
    """As many rows as there is room for, and how many were left out."""
    kept: list[str] = []
    for row in rows:
        room -= len(row) + 1
        if room < 0:
            return [*kept, "", f"{len(rows) - len(kept)} more lines have no room here."]
        kept.append(row)
    return kept


def _plain(text: Any) -> str:
    """A text as a cell shows it: one line, no markup, no link, and gaps after @ and #, so that it notifies nobody."""
    line = html.escape(" ".join(str(text).split()), quote=False)
    for sign in "\\`*_[]|~":
        line = line.replace(sign, f"\\{sign}")
    for caller in "@#":
        line = line.replace(caller, f"{caller}\u200b")
    return line.replace("://", ":\u200b//")
