"""Presets: what an organisation sets, locks, restricts, asks and adds, read from files, folders and git addresses.

`source` fetches the files of one, `form` reads and checks them, and here several become one `House`. A repository's
record keeps the files, so that a replan needs no network; an update asks the source for newer ones.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from mlscaffold import house
from mlscaffold.errors import MlscaffoldError, PresetsDisagree
from mlscaffold.house import House
from mlscaffold.presets import form, source

KEPT = "presets"  # in the record's state.json


def gathered(named: Sequence[str]) -> House:
    """The presets at these sources together; a later one is laid over an earlier one.

    Raises `UnreadablePreset`, `PresetsDisagree`, `GitFailed`, and what a wrong answer raises.
    """
    return _together([source.fetched(name) for name in named])


def recorded(state: Mapping[str, Any]) -> House:
    """The presets that a repository was made with, from its record's state.json.

    Raises `PresetsDisagree` where one asks, sets or leaves what another locks.
    """
    return _together([source.of_record(kept) for kept in state.get(KEPT, ())])


def renewed(
    state: Mapping[str, Any], named: Sequence[str] = (), say: Callable[[str], None] = lambda sentence: None
) -> House:
    """The same presets as their sources have them now, or those that are `named` in their place.

    One of the record's that cannot be reached stays as it is, and `say` tells.
    Raises `PresetsDisagree` where one asks, sets or leaves what another locks.
    """
    if named:
        return gathered(named)
    found = []
    for kept in state.get(KEPT, ()):
        old = source.of_record(kept)
        try:
            found.append(source.fetched(old.address))
        except MlscaffoldError as error:
            say(f"{old.address} stays as it was when the repository was last written: {error}")
            found.append(old)
    return _together(found)


def for_record(found: House) -> list[Mapping[str, Any]]:
    """What the record keeps of the presets."""
    return list(found.sources)


def _together(files: Sequence[source.Files]) -> House:
    found = house.NONE
    for one in files:
        with house.using(found):  # a later preset may answer, lock and restrict what an earlier one asks
            found = _laid_over(found, form.read(one))
    with house.using(found):
        form.check_together(found)
    return found


def _laid_over(below: House, above: House) -> House:
    """One layer over another. Raises `PresetsDisagree` where the upper one breaks what the lower one locks."""
    name = above.names[0]
    for key, lock in below.locks.items():
        said = above.given.get(key, lock.value)
        if said != lock.value:
            raise PresetsDisagree(name, f"sets {key} to {said}", lock.by, f"locks it at {lock.value}: {lock.reason}")
    limits = dict(below.limits)
    for key, limit in above.limits.items():
        before = limits.get(key)
        left = tuple(choice for choice in limit.choices if before is None or choice in before.choices)
        if before and not left:
            raise PresetsDisagree(name, f"leaves other choices of {key}", before.by, f"leaves {before.choices}")
        limits[key] = replace(limit, choices=left)
    for asked in above.questions:
        if any(asked["key"] == other["key"] for other in below.questions):
            raise PresetsDisagree(name, f"asks {asked['key']}", "an earlier preset", "asks it already")
    gates = {gate["id"]: gate for gate in (*below.gates, *above.gates)}
    return House(
        (*below.names, name),
        {**below.answers} | {**above.answers},
        {**below.locks} | {key: lock for key, lock in above.locks.items() if key not in below.locks},
        limits,
        (*below.questions, *above.questions),
        {**below.documents} | {**above.documents},
        tuple(gates.values()),
        {**below.words} | {**above.words},
        (*below.sources, *above.sources),
    )


def changed(state: Mapping[str, Any], found: House) -> bool:
    """Whether these presets say something else than those of the record."""
    kept = [entry.get("files") for entry in state.get(KEPT, ())]
    return json.dumps(kept, sort_keys=True) != json.dumps([one["files"] for one in found.sources], sort_keys=True)
