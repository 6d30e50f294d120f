"""What a board remembers of the one before it: every gate's state, and which gates have changed lately."""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from mlscaffold.board.sources import Seen

KEPT = timedelta(days=14)
PLACE = re.compile(r'<script type="application/json" id="memory">(.*?)</script>', re.DOTALL)

# Where a repository was found → {"states": gate → state, "changes": [[day, gate, before, now], …]}
Memory = dict[str, dict[str, Any]]


def of(page: str) -> Memory | None:
    """What the page of an older board remembers; None where it is no board."""
    place = PLACE.search(page)
    try:
        found = json.loads(place[1]) if place else None
    except ValueError:
        return None
    sound = isinstance(found, dict) and all(_is_sound(kept) for kept in found.values())
    return found if sound else None


def _is_sound(kept: Any) -> bool:
    if not isinstance(kept, dict) or not isinstance(kept.get("states"), dict):
        return False
    changes = kept.get("changes")
    return isinstance(changes, list) and all(
        isinstance(one, list) and len(one) == 4 and all(isinstance(word, str) for word in one) for one in changes
    )


def renewed(old: Memory, seen: Sequence[Seen], today: date) -> Memory:
    """The memory with what these repositories say now; where gates were not judged, it stays as it was."""
    found: Memory = {}
    for one in seen:
        kept = old.get(one.where, {"states": {}, "changes": []})
        states = {gate["id"]: gate["state"] for gate in one.facts.get("gates", ()) if gate.get("blocking")}
        before = kept["states"]
        moved = [
            [today.isoformat(), gate, before[gate], state]
            for gate, state in states.items()
            if gate in before and before[gate] != state
        ]
        found[one.where] = {"states": states or before, "changes": _recent(kept["changes"], today) + moved}
    return found


def _recent(changes: Sequence[list[str]], today: date) -> list[list[str]]:
    oldest = (today - KEPT).isoformat()
    return [change for change in changes if change[0] >= oldest]


def written(memory: Mapping[str, Any]) -> str:
    """The element that holds it; no text in it can end the element."""
    text = json.dumps(memory, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c")
    return f'<script type="application/json" id="memory">{text}</script>'
