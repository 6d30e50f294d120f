"""The settings of one experiment: asked, compared with those before, proposed."""

from collections.abc import Mapping, Sequence
from typing import Any

import yaml
from planrun.rooms import Rooms
from planrun.trouble import Trouble

from planrun_ml.models import families, own_features
from planrun_ml.models.families import ORDER

NONE, CHAMPION = "none", "champion"  # features of no code, and those of the champion


def config(
    model: str,
    params: Mapping[str, Any] | None = None,
    drop: tuple[str, ...] = (),
    seed: int = 7,
    rooms: Rooms | None = None,
    features: str = "",
) -> dict[str, Any]:
    """A configuration as plain data; without `rooms` of the engine's families alone, and without own features.

    `features` and, for a family of the team's, `family` are what the rooms say, as `Rooms.content` tells it; they are
    there only where there is such a room. Raises `Trouble` for a family that does not exist.
    """
    known = families.FAMILIES if model in families.FAMILIES else families.known(rooms)
    if model not in known:
        raise Trouble(f'There is no model family "{model}".', f"One of: {', '.join(known)}.")
    held = dict(known[model].defaults) | dict(params or {})
    found: dict[str, Any] = {"model": model, "params": held, "drop": sorted(drop), "seed": seed}
    if features:
        found["features"] = features
    if rooms and model not in families.FAMILIES:
        found["family"] = rooms.content(families.ROOM, families.part_of(model))
    return found


def changed(before: dict[str, Any] | None, settings: dict[str, Any], rooms: Rooms | None = None) -> list[str]:
    """What differs from the champion, one entry a change; a family's own defaults and code belong to the family."""
    features = settings.get("features", "")
    if before is None:
        return [f"model: the baseline rule → {settings['model']}{f', with features {features}' if features else ''}"]
    same = before["model"] == settings["model"]
    family = families.FAMILIES.get(settings["model"]) or families.known(rooms)[settings["model"]]
    were = before["params"] if same else family.defaults
    pairs = [("model", before["model"], settings["model"])]
    pairs += [(name, were.get(name), settings["params"].get(name)) for name in sorted({*were, *settings["params"]})]
    pairs += [("without", ", ".join(before["drop"]), ", ".join(settings["drop"]))]
    pairs += [("seed", before["seed"], settings["seed"])]
    return [f"{name}: {old} → {new}" for name, old, new in pairs if old != new] + code_changed(before, settings)


def code_changed(before: dict[str, Any], settings: dict[str, Any]) -> list[str]:
    """Of what differs from the champion, the code: features, and the family where its name is the same."""
    pairs = [("features", before.get("features") or NONE, settings.get("features") or NONE)]
    if before["model"] == settings["model"]:
        name = f"{settings['model']} in {families.ROOM}.py"
        pairs.append((name, before.get("family") or NONE, settings.get("family") or NONE))
    return [f"{name} {old} → {new}" for name, old, new in pairs if old != new]


def asked(
    before: dict[str, Any] | None,
    known: list[dict[str, Any]],
    model: str,
    params: Sequence[str],
    drop: Sequence[str],
    seed: int | None,
    rooms: Rooms | None = None,
    features: str = "",
) -> dict[str, Any]:
    """The configuration asked for: the champion's with the change, or the next family nobody has tried.

    `features`: "" for those of the code, `champion` for the champion's, `none` for none. Where nothing is asked and the
    code of features or family is no longer the champion's, that is the change, unless it was measured before. Raises
    `Trouble` where nothing is asked and every family has been tried.
    """
    champion = before["config"] if before else None
    own = _features(champion, rooms, features)
    base = champion or config(ORDER[0])
    if not (model or params or drop or seed is not None):
        if champion and (again := _code_again(champion, rooms, own)):
            if again not in [record["config"] for record in known]:
                return again
            own = str(champion.get("features", ""))  # that code was measured, and did not become the champion's
        tried, every = {record["config"]["model"] for record in known}, families.known(rooms)
        model = next((family for family in every if family not in tried), "")
        if not model:
            step = "Change one thing: --model, --set or --drop."
            raise Trouble("Every model family has been tried as it is.", step)
    kept = base["params"] if model in ("", base["model"]) else {}
    params_asked = {**kept, **dict(_param(text) for text in params)}
    seed = base["seed"] if seed is None else seed
    return config(model or base["model"], params_asked, tuple({*base["drop"], *drop}), seed, rooms, own)


def _features(champion: dict[str, Any] | None, rooms: Rooms | None, asked: str) -> str:
    """The digest of the features that are asked for. Raises `Trouble` for a word that says nothing."""
    if asked not in ("", NONE, CHAMPION):
        raise Trouble(f'--features "{asked}" says nothing.', f"Write --features {CHAMPION} or --features {NONE}.")
    if asked == CHAMPION and champion is None:
        raise Trouble("There is no champion whose features could be taken.", "Leave --features out.")
    if asked == CHAMPION and champion is not None:
        return str(champion.get("features", ""))
    return rooms.content(own_features.ROOM) if rooms and not asked else ""


def _code_again(champion: dict[str, Any], rooms: Rooms | None, features: str) -> dict[str, Any] | None:
    """The champion's configuration with today's code, where that is another; None where it is the same."""
    family = champion.get("family", "")
    if rooms and family:
        family = rooms.content(families.ROOM, families.part_of(champion["model"]))
        if not family or champion["model"] not in families.known(rooms):
            return None  # the family is gone from models.py: another one is proposed
    if (features, family) == (champion.get("features", ""), champion.get("family", "")):
        return None
    plain = {key: value for key, value in champion.items() if key not in ("features", "family")}
    return plain | {key: value for key, value in (("features", features), ("family", family)) if value}


def _param(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise Trouble(f"--set {text} has no equals sign.", "Write --set NAME=VALUE, such as --set C=0.1.")
    return name, yaml.safe_load(value)
