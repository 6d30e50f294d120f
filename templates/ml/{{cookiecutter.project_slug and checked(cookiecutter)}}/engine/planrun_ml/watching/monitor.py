"""`monitor`: one watch a signal of ops/monitors.yaml, over the prediction log and the late labels; the owners are told.

A signal without data is silent, and silent is a failure: a watch that sees nothing is not a watch.
"""

import re
from dataclasses import asdict
from datetime import timedelta
from typing import Any

from planrun.files import rows_of
from planrun.repository import Repo
from planrun.trouble import Outcome, Trouble

from planrun_ml.data import source
from planrun_ml.measuring import measures
from planrun_ml.watching.notify import _notify, confirm_alert, send_test_alert
from planrun_ml.watching.watches import WATCHES, View, look

MONITORS = "ops/monitors.yaml"
BAD = ("alarm", "silent")


# ------------------------------------------------------------------------------------------------ the command
def run(repo: Repo, test_alert: bool = False, acknowledge: str = "", at: str = "") -> Outcome:
    """Every signal once; exit 1 when one is in alarm or silent. Or prove that an alarm reaches its owner."""
    if test_alert or acknowledge:
        return confirm_alert(repo, acknowledge) if acknowledge else send_test_alert(repo)
    signals, view = settings(repo), look(repo, at)
    seen = {one["name"]: WATCHES[one["name"]](view, one["window_days"], one["limit"]) for one in signals}
    seen_in_days = {measures.MEASURES: _measures(view)}
    repo.write_evidence("live_quality", {"version": view.champion.version, **view.quality, **seen_in_days})
    facts = {"version": view.champion.version, "moment": view.now.isoformat(timespec="seconds")}
    repo.write_evidence("monitor", facts | {"signals": {name: asdict(signal) for name, signal in seen.items()}})
    lines = [f"{view.champion.version} on {view.now:%Y-%m-%d %H:%M}{source.label(repo, source.source_of(repo))}"]
    for one in signals:
        signal = seen[one["name"]]
        lines.append(f"{signal.state:<8} {one['name']:<14} {signal.reason}")
        if signal.state in (*BAD, "warn"):
            lines.append(f"{'':<23} severity {one.get('severity')}, {one.get('owner')}: {one.get('runbook')}")
    bad = any(signal.state in BAD for signal in seen.values())
    return Outcome("\n".join([*lines, _notify(repo, "\n".join(lines))] if bad else lines), int(bad))


def _measures(view: View) -> dict[str, Any]:
    """What the log says of the plan's answers, over the days from its first answer to the moment of looking."""
    if source.source_of(view.repo).is_sample:
        return {}
    answered, first = view.ask("select count(*), min(made_at) from log")[0]
    days = (view.now - first) / timedelta(days=1) if first else 0.0
    return measures.of_operation(answered, days, view.quality["due"], view.quality["received"])


def settings(repo: Repo) -> list[dict[str, Any]]:
    """The signals of ops/monitors.yaml, their window and limit as numbers; `null` is a limit that the plan lacks.

    Raises `Trouble` for a signal that nobody knows, and for a figure that is none.
    """
    found = rows_of(repo.root, MONITORS, "signals")
    for one in found or [{}]:
        name = str(one.get("name", ""))
        if name not in WATCHES:
            said = f'names a signal "{name}" that nothing watches' if one else "names no signal"
            raise Trouble(f"{MONITORS} {said}.", f"Use {', '.join(WATCHES)}, or: git checkout {MONITORS}")
        for key in ("window_days", "limit"):
            text = str(one.get(key, "")) or "null"
            sign = "-?" if name == "quality" else ""  # a team's own metric, such as a profit, may lie below zero
            if not re.fullmatch(rf"{sign}\d{{1,9}}(\.\d+)?([eE]-?\d+)?", text) and (key, text) != ("limit", "null"):
                raise Trouble(f'{MONITORS}: {key} of {name} is "{text}", no number.', f"git checkout {MONITORS}")
            one[key] = None if text == "null" else float(text)
    return found
