"""What a scorecard asks of a repository: a few flat facts, worked out from its status.

`docs/facts.schema.json` describes them. They have no weights and no score: a platform's own checks say what counts.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from planrun.standing import BAD, day_of

SCHEMA = 1
OPEN = ("pass", "warn", "waived")  # states of a gate that hold nothing back
RELEASED = ("G4", "T4")

Status = Mapping[str, Any]


def scorecard(status: Status) -> dict[str, Any]:
    """The facts of one repository, from what its status says as data.

    A fact is null where nobody can say: gates that nothing has judged, a release that no schedule dates, a page of
    duties that the answers do not call for.
    """
    project = status.get("project") or {}
    return {
        "schema": SCHEMA,
        "at": str(status.get("at", "")),
        "commit": str((status.get("commit") or {}).get("sha", "")),
        "entity": f"component:default/{project.get('slug', '')}",
        "facts": {
            "kind": str(project.get("kind", "")),
            "rigor": str(project.get("rigor", "")),
            **_of_gates(status),
            **_of_release(status.get("schedule") or {}),
            "assumptions_open": len(status.get("assumptions", ())),
            "budgets_overspent": len(overspent(status)),
            "monitors_calling": len(calling(status)),
            "thresholds_failed": sum(row.get("verdict") == "fail" for row in status.get("thresholds", ())),
            "duties_current": status["governance"].get("state") == "current" if status.get("governance") else None,
            "engine_as_released": status["engine"].get("state") == "released" if status.get("engine") else None,
        },
        "gates": {gate["id"]: gate["state"] for gate in status.get("gates", ())},
    }


def file_of(cards: list[dict[str, Any]], at: datetime) -> dict[str, Any]:
    """Scorecards of many repositories as one file, written at a moment."""
    return {"schema": SCHEMA, "at": at.isoformat(timespec="seconds"), "repositories": cards}


def _of_gates(status: Status) -> dict[str, Any]:
    judged = status.get("gates")
    if judged is None:
        names = ("phase", "released", "gates_blocking", "gates_open", "gates_waived", "gates_failed")
        return dict.fromkeys(names)
    blocking = [gate for gate in judged if gate["blocking"]]
    states = {phase["id"]: phase["state"] for phase in status.get("phases", ())}
    return {
        "phase": str(status.get("present", "")),
        "released": any(states.get(phase) == "done" for phase in RELEASED),
        "gates_blocking": len(blocking),
        "gates_open": sum(gate["state"] in OPEN for gate in blocking),
        "gates_waived": sum(gate["state"] == "waived" for gate in blocking),
        "gates_failed": len(red(status)),
    }


def _of_release(schedule: Mapping[str, Any]) -> dict[str, Any]:
    """The day by which it is released in 4 of 5 cases, and whether that is after the appetite's end."""
    likely, deadline = day_of(schedule.get("p80")), day_of(schedule.get("deadline"))
    late = likely > deadline if likely and deadline else None
    return {"release_p80": str(likely) if likely else None, "release_late": late}


def red(status: Status) -> list[Mapping[str, Any]]:
    """The gates that block and have failed, which is more than not yet."""
    return [gate for gate in status.get("gates", ()) if is_red(gate)]


def is_red(gate: Mapping[str, Any]) -> bool:
    """Whether a gate blocks and has failed."""
    return bool(gate.get("blocking")) and gate.get("state") == "fail"


def overspent(status: Status) -> list[Mapping[str, Any]]:
    """The budgets of which more is used than there was."""
    return [row for row in status.get("budgets", ()) if _number(row.get("used")) > _number(row.get("limit"), 1e308)]


def calling(status: Status) -> list[Mapping[str, Any]]:
    """The signals of the monitors that call somebody: in alarm, or silent."""
    return [one for one in (status.get("monitors") or {}).get("signals", ()) if one.get("state") in BAD]


def _number(value: Any, unknown: float = 0.0) -> float:
    return float(value) if isinstance(value, int | float) else unknown
