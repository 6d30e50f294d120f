"""The settings of one experiment: asked, compared with those before, proposed."""

from collections.abc import Mapping, Sequence
from typing import Any

import yaml
from planrun.trouble import Trouble

from planrun_ml.models.families import DEFAULTS, FAMILIES, ORDER


def config(
    model: str, params: Mapping[str, Any] | None = None, drop: tuple[str, ...] = (), seed: int = 7
) -> dict[str, Any]:
    """A configuration as plain data. Raises `Trouble` for a family that does not exist."""
    if model not in FAMILIES:
        raise Trouble(f'There is no model family "{model}".', f"One of: {', '.join(FAMILIES)}.")
    return {"model": model, "params": DEFAULTS[model] | dict(params or {}), "drop": sorted(drop), "seed": seed}


def changed(before: dict[str, Any] | None, settings: dict[str, Any]) -> list[str]:
    """What differs from the champion, one entry a change; a family's own defaults belong to the family."""
    if before is None:
        return [f"model: the baseline rule → {settings['model']}"]
    were = before["params"] if before["model"] == settings["model"] else DEFAULTS[settings["model"]]
    pairs = [("model", before["model"], settings["model"])]
    pairs += [(name, were.get(name), settings["params"].get(name)) for name in sorted({*were, *settings["params"]})]
    pairs += [("without", ", ".join(before["drop"]), ", ".join(settings["drop"]))]
    pairs += [("seed", before["seed"], settings["seed"])]
    return [f"{name}: {old} → {new}" for name, old, new in pairs if old != new]


def asked(
    before: dict[str, Any] | None,
    known: list[dict[str, Any]],
    model: str,
    params: Sequence[str],
    drop: Sequence[str],
    seed: int | None,
) -> dict[str, Any]:
    """The configuration asked for: the champion's with the change, or the next family nobody has tried."""
    base = before["config"] if before else config(ORDER[0])
    if not (model or params or drop or seed is not None):
        tried = {record["config"]["model"] for record in known}
        model = next((family for family in ORDER if family not in tried), "")
        if not model:
            raise Trouble("Every model family has been tried as it is.", "Change one thing: --model, --set or --drop.")
    kept = base["params"] if model in ("", base["model"]) else {}
    params_asked = {**kept, **dict(_param(text) for text in params)}
    seed = base["seed"] if seed is None else seed
    return config(model or base["model"], params_asked, tuple({*base["drop"], *drop}), seed)


def _param(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise Trouble(f"--set {text} has no equals sign.", "Write --set NAME=VALUE, such as --set C=0.1.")
    return name, yaml.safe_load(value)
