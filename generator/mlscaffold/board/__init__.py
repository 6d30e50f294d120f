"""One page over one or many repositories: where each is, what comes next, and what somebody should look at.

`sources` finds and reads them, `standing` says what their files hold, `summary` boils that down, `drawing` draws,
`page` writes the HTML, `memory` keeps what the last board said, and `scorecard` has flat facts for another platform.
"""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

from mlscaffold.board import memory, page, scorecard, sources, summary
from mlscaffold.board.sources import Seen
from mlscaffold.errors import NotABoard


def made(
    named: Sequence[str],
    output: Path | None = None,
    *,
    run: bool = True,
    say: Callable[[str], None] = lambda sentence: None,
) -> tuple[str, list[Seen]]:
    """The page over these folders, git addresses and status files (here, where none is named), and what was read.

    An older board at `output` is remembered: which gates have changed since. Raises `NoBoardSource`, and `NotABoard`
    where something else lies there.
    """
    now = sources.now()
    kept = _kept(output)
    seen = sources.read(named, run=run, today=now.date(), say=say)
    remembered = memory.renewed(kept, seen, now.date())
    rows = [summary.of(one, now.date(), remembered.get(one.where, {}).get("changes", [])) for one in seen]
    return page.html(sorted(rows, key=summary.order), remembered, now), seen


def facts(seen: Sequence[Seen]) -> str:
    """The scorecards of what a board has read, as JSON; `where` says which is which, `notes` what failed."""
    cards = [scorecard.scorecard(one.facts) | {"where": one.where, "notes": list(one.notes)} for one in seen]
    return json.dumps(scorecard.file_of(cards, sources.now()), indent=2, ensure_ascii=False) + "\n"


def _kept(output: Path | None) -> memory.Memory:
    if output is None or not output.exists():
        return {}
    try:
        found = memory.of(output.read_text("utf-8"))
    except (OSError, UnicodeDecodeError):
        found = None
    if found is None:
        raise NotABoard(output)
    return found
