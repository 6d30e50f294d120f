"""The model families: the engine's, in the order in which they are tried, and those that a team brings in models.py."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from planrun.rooms import Rooms
from planrun.trouble import Trouble
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LogisticRegression, Ridge

from planrun_ml.measuring.catalogue import CLASSES

ROOM, TABLE = "models", "FAMILIES"
CLASSIFY = CLASSES  # the name by which rooms of teams know it; their kept copies go on importing it from here


@dataclass(frozen=True)
class Family:
    """How a kind of model is made, kept and explained.

    `make(task, seed, **params)` gives an estimator with `fit(x, y)`: x is a matrix of numbers, a row a case, without
    gaps; y is 0 and 1 (binary), 0 … k-1 in the order of the classes' names (multiclass), or a number. What `fit`
    leaves needs `predict_proba(x)` or `predict(x)` alone: P(positive), one column a class, or a value. `defaults` are
    the params of a first try; `why` says why one would try it; `simple` counts it among what gate G3.8 asks to be
    beaten; `packages` are distributions that it needs beside those it imports. A model that skops cannot write has
    `save(model)`, which gives bytes, the same for the same model, and `load(bytes)`; for one that skops can write,
    `trusted` names the types of other packages that its file may hold.
    """

    make: Callable[..., Any]
    defaults: Mapping[str, Any] = field(default_factory=dict)
    why: str = ""
    simple: bool = False
    packages: tuple[str, ...] = ()
    save: Callable[[Any], bytes] | None = None
    load: Callable[[bytes], Any] | None = None
    trusted: tuple[str, ...] = ()


def _linear(task: str, seed: int, **params: Any) -> Any:
    if task in CLASSES:
        return LogisticRegression(random_state=seed, **{"max_iter": 2000} | params)
    return Ridge(random_state=seed, **params)


def _forest(task: str, seed: int, **params: Any) -> Any:
    return (RandomForestClassifier if task in CLASSES else RandomForestRegressor)(random_state=seed, **params)


def _boosting(task: str, seed: int, **params: Any) -> Any:
    kind = HistGradientBoostingClassifier if task in CLASSES else HistGradientBoostingRegressor
    return kind(random_state=seed, **params)


FAMILIES: dict[str, Family] = {
    "linear": Family(
        _linear, {}, "The simplest readable model uses several columns, so it beats a rule that uses one.", simple=True
    ),
    "forest": Family(
        _forest,
        {"n_estimators": 100, "min_samples_leaf": 2},
        "Columns act together or in steps, which a linear model cannot see.",
    ),
    "boosting": Family(_boosting, {"max_iter": 100}, "Many small trees fit what a forest smooths over."),
}
ORDER = tuple(FAMILIES)  # the simplest first


def part_of(model: str) -> str:
    """The entry of models.py that is a family, as `Rooms.content` takes it."""
    return f"{TABLE}.{model}"


def of_team(rooms: Rooms | None) -> dict[str, Family]:
    """The families of models.py as it is now; none where there is no such room.

    Raises `Trouble` where the room is broken, or holds what is no family.
    """
    room = rooms.room(ROOM) if rooms else None
    return _checked(room, f"src/{rooms.package}/{ROOM}.py") if rooms and room else {}


def known(rooms: Rooms | None) -> dict[str, Family]:
    """Every family that can be tried now, the engine's first."""
    return FAMILIES | of_team(rooms)


def family_of(settings: Mapping[str, Any], rooms: Rooms | None) -> Family:
    """The family of a configuration: the engine's, or the one that was kept with it. Raises `Trouble` without it."""
    name, digest = settings["model"], settings.get("family", "")
    if not digest:
        if name not in FAMILIES:
            raise Trouble(f'There is no model family "{name}".', f"One of: {', '.join(FAMILIES)}.")
        return FAMILIES[name]
    if rooms is None:
        raise Trouble(f'The model family "{name}" is the team\'s, and no repository is at hand.', "Name its folder.")
    module = rooms.kept(ROOM, digest, part_of(name))
    found = _checked(module, f"registry/rooms/{digest}/{ROOM}.py")
    if name not in found:
        raise Trouble(f'registry/rooms/{digest}/{ROOM}.py has no family "{name}".', "git checkout registry/rooms")
    return found[name]


def is_simple(settings: Mapping[str, Any], rooms: Rooms | None) -> bool:
    """Whether a model of this configuration is itself a simple one: of a simple family, on the columns as they are."""
    return family_of(settings, rooms).simple and not settings.get("features")


def _checked(room: Any, where: str) -> dict[str, Family]:
    found = getattr(room, TABLE, None)
    remedy = f"Write in {where}: {TABLE} = {{'name': Family(make=…)}}"
    if not isinstance(found, dict) or not found:
        raise Trouble(f"{where} has no {TABLE}, a dictionary of name and Family.", remedy)
    for name, family in found.items():
        if not isinstance(name, str) or not isinstance(family, Family):
            raise Trouble(f"{where}: {name!r} is a {type(family).__name__}, and no Family.", remedy)
        if name in FAMILIES:
            raise Trouble(f'{where}: "{name}" is a family of the engine.', "Give it another name.")
        if (family.save is None) != (family.load is None):
            raise Trouble(f"{where}: {name} has only one of save and load.", "Write both, or neither.")
    return found
