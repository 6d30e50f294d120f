"""What stands where: one row a gate on the screen, and the same rows in evidence/status.json."""

import json
from collections.abc import Iterable
from dataclasses import asdict

from .files import write_text
from .gates import OPEN, Outcome, Row, evaluate
from .repo import Repo

CODES = {"fail": 1, "blocked": 2}


def status(repo: Repo, check: bool = False, all: bool = False) -> Outcome:
    """One row a gate, and evidence/status.json; with `check` the exit code is the worst blocking state."""
    rows = evaluate(repo)
    write_text(
        repo.root / "evidence" / "status.json",
        json.dumps({"gates": [asdict(row) for row in rows]}, indent=2, ensure_ascii=False) + "\n",
    )
    shown = rows if all else [row for row in rows if row.blocking]
    lines = [line for row in shown for line in _lines(row)]
    return Outcome("\n".join([*lines, "", _summary(rows)]), worst(rows) if check else 0)


def worst(rows: Iterable[Row]) -> int:
    """Exit code of the worst blocking gate: 1 for a failure, else 2 for something missing, else 0."""
    codes = {CODES.get(row.state, 0) for row in rows if row.blocking}
    return 1 if 1 in codes else max(codes, default=0)


def _lines(row: Row) -> list[str]:
    mark = "" if row.blocking else " (does not block)"
    first = f"{row.state:<8} {row.id:<7} {row.title}{mark}: {row.reason}"
    return [first] if row.state in OPEN or not row.next_step else [first, f"{'':<16} next: {row.next_step}"]


def _summary(rows: list[Row]) -> str:
    blocking = [row for row in rows if row.blocking]
    shut = [row for row in blocking if row.state not in OPEN]
    others = f" {len(rows) - len(blocking)} more advise: status --all." if len(rows) > len(blocking) else ""
    if not shut:
        return f"All {len(blocking)} blocking gates are open.{others}"
    step = next((row for row in shut if row.next_step), shut[0])
    return f"{len(blocking) - len(shut)} of {len(blocking)} blocking gates are open.{others} Next: {step.next_step}"
