"""Model files: found by their hash, running no code when they are loaded; the same model is the same file."""

import hashlib
import io
import json
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from planrun.files import put_in_place
from planrun.rooms import Rooms, package_of
from planrun.trouble import Trouble

from planrun_ml.models import families, own_features, training
from planrun_ml.models.model import Model

SPLITTERS = ("GroupKFold", "KFold", "StratifiedKFold", "TimeSeriesSplit")
# What a model file may hold. It stands here, in code, and is never read from the file.
TRUSTED = [
    "numpy.dtype",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    *(f"sklearn.model_selection._split.{name}" for name in SPLITTERS),
    "sklearn.tree._tree.Tree",  # its indices are not checked when it predicts, hence the hash before it is loaded
]
TOLERANCE = 1e-6  # of a score, between a model and what was read back from its file: formats of text round
OLDEST = (1980, 1, 1, 0, 0, 0)  # the first moment that a zip can hold
SCHEMA = "schema.json"
ADDRESSES = ("_stop_words_id",)  # attributes in which scikit-learn keeps an address, to know an object again in `fit`
SETTLED = ("numpy", "pandas", "scikit-learn", "skops", "duckdb")  # every model is made with these


def save(
    model: Model, folder: Path, settings: Mapping[str, Any] | None = None, rooms: Rooms | None = None
) -> tuple[Path, str]:
    """Write the model under the hash of its bytes; the path and the hash.

    Raises `Trouble` where a family of the team's does not give bytes, or skops cannot write what it gives.
    """
    import skops.io  # imported late: it is slow, and most commands neither save nor load

    family = families.family_of(settings, rooms) if settings else None
    core = model.core
    if settings and family and family.save:
        try:
            core = family.save(model.core)
        except Exception as error:  # whatever the team's own code raises
            raise _told(error, settings, rooms, "save") from error
        if not isinstance(core, bytes):
            raise _named(settings, rooms, f"save gives a {type(core).__name__}, and bytes are needed")
    held = {"columns": dict(model.columns), "steps": model.steps, "prepare": model.prepare, "core": core}
    try:
        content = steady(skops.io.dumps(held | {"names": list(model.names)}))
    except Exception as error:  # skops has no one family of errors for what it cannot write
        if not settings or not (settings.get("family") or settings.get("features")):
            raise
        raise _named(
            settings, rooms, f"skops cannot write it ({_short(error)}): give the family save and load"
        ) from error
    digest = hashlib.sha256(content).hexdigest()
    path = folder / f"{digest}.skops"
    folder.mkdir(parents=True, exist_ok=True)
    if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != digest:  # or another in its place
        with tempfile.NamedTemporaryFile(dir=folder, suffix=".part", delete=False) as file:
            file.write(content)
        put_in_place(Path(file.name), path)
    return path, digest


def load(path: Path, digest: str, settings: Mapping[str, Any] | None = None, rooms: Rooms | None = None) -> Model:
    """The model of a file whose hash is known, with the code that was kept for its configuration.

    Raises `Trouble` for other bytes, for a type that nobody trusts, and where that code is not there.
    """
    if not path.is_file():
        raise Trouble(f"{path.name} is not in {path.parent.name}/.", "Fetch the store that data/source.yaml names.")
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != digest:
        raise Trouble(f"{path.name} is not the file that was measured: its hash differs.", "Train it again.")
    import skops.io

    settings = settings or {}
    family, trusted = None, list(TRUSTED)
    own = [digest for digest in (settings.get("features", ""), settings.get("family", "")) if digest]
    if settings.get("features"):
        room = own_features.room(rooms, settings["features"])
        trusted += [str(name) for name in getattr(room, "TRUSTED", ())]
    if settings.get("family"):
        family = families.family_of(settings, rooms)
        trusted += family.trusted
    try:
        unknown = skops.io.get_untrusted_types(data=content)
        # A class of a kept room is trusted by the room's hash, which stands in the record.
        trusted += [name for name in unknown if name.startswith(tuple(f"{package_of(digest)}." for digest in own))]
        held = skops.io.loads(content, trusted=trusted)
    except (TypeError, skops.io.exceptions.UntrustedTypesFoundException) as error:
        said = f"{path.name} is no model file we trust: {_short(error)}"
        if own and isinstance(error, skops.io.exceptions.UntrustedTypesFoundException):
            named = sorted(set(unknown) - set(trusted))
            said = f"The model holds types that nobody has named: {', '.join(named)}."
            text = ", ".join(json.dumps(name) for name in named)
            told = f"its Family in models.py: trusted=({text},)" if family else f"features.py: TRUSTED = ({text},)"
            raise Trouble(said, f"If you know them, name them in {told}; else train it again") from error
        raise Trouble(said, "Train it again.") from error
    core = held["core"]
    if family and family.load:
        try:
            core = family.load(core)
        except Exception as error:  # whatever the team's own code raises
            raise _told(error, settings, rooms, "load") from error
    return Model(held["columns"], held["steps"], held["prepare"], core, tuple(held["names"]))


def kept(
    model: Model,
    x: pd.DataFrame,
    task: str,
    folder: Path,
    settings: Mapping[str, Any],
    rooms: Rooms,
    every: bool = True,
) -> tuple[Model, str]:
    """The model as it is read back from its file, and the file's hash.

    Raises `Trouble` where it says something else of these rows than the model that was trained, and where it cannot
    say something of each; without `every`, where it can of none.
    """
    path, digest = save(model, folder, settings, rooms)
    again = load(path, digest, settings, rooms)
    (before, failed), (after, failed_again) = (training.predicted(one, x, task) for one in (model, again))
    if before is None or (every and failed):
        _fails(model, x.iloc[[min(failed)]], task, settings, rooms)
    if after is None or before is None or failed.keys() != failed_again.keys():
        raise _named(settings, rooms, f"saved and read back, it fails: {next(iter(failed_again.values()), '')}")
    gap = np.abs(after - before) / np.maximum(1.0, np.abs(before))
    gap[list(failed)] = 0.0
    if not (gap <= TOLERANCE).all():
        said = f"saved and read back, it gives other scores (by up to {np.nanmax(gap):.3g})"
        raise _named(settings, rooms, said)
    return again, digest


def _fails(model: Model, x: pd.DataFrame, task: str, settings: Mapping[str, Any], rooms: Rooms) -> None:
    """Ask a model about a row that it fails on. Raises `Trouble` for the team's code, with its line, and our own."""
    try:
        model.scores(x, task)
    except Exception as error:  # whatever the team's own code raises
        for room, digest in ((own_features.ROOM, settings.get("features")), (families.ROOM, settings.get("family"))):
            if digest and (found := rooms.told(error, room, digest)):
                raise found from error
        if settings.get("features") or settings.get("family"):
            raise _named(settings, rooms, f"on a validation row, {_short(error)}") from error
        raise


def steady(content: bytes) -> bytes:
    """A skops file in which nothing depends on the moment or on addresses in memory: equal models, equal bytes.

    skops numbers objects by their address, names the arrays' files by it, and a zip holds the time of writing.
    """
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    numbers: dict[int, int] = {}
    names: dict[str, str] = {}

    def renumbered(value: Any) -> Any:
        if isinstance(value, list):
            return [renumbered(one) for one in value]
        if not isinstance(value, dict):
            return value
        if value.get("__loader__") == "SetNode":  # a set of texts has another order in each process
            value = value | {"content": sorted(value["content"], key=lambda one: str(one.get("content")))}
        made: dict[str, Any] = {}
        for key, one in value.items():
            if key == "__id__" and isinstance(one, int):
                made[key] = numbers.setdefault(one, len(numbers))
            elif key in ADDRESSES and isinstance(one, dict):
                made[key] = renumbered(one | {"content": "0"})
            elif key == "file" and one in files:
                suffix = Path(one).suffix
                made[key] = names.setdefault(one, f"{len(names)}{suffix}")
            else:
                made[key] = renumbered(one)
        return made

    schema = json.dumps(renumbered(json.loads(files.pop(SCHEMA))), indent=2).encode()
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression=zipfile.ZIP_STORED) as archive:
        for name, new in names.items():
            archive.writestr(zipfile.ZipInfo(new, OLDEST), files[name])
        archive.writestr(zipfile.ZipInfo(SCHEMA, OLDEST), schema)
    return out.getvalue()


def packages(settings: Mapping[str, Any] | None = None, rooms: Rooms | None = None) -> dict[str, str]:
    """The version of each package that a model of this configuration is made with, beside what every model needs.

    Those are what its kept rooms import, and what its family names. Raises `Trouble` for one that is not installed.
    """
    from importlib.metadata import PackageNotFoundError, packages_distributions, version

    settings, names = settings or {}, set(SETTLED)
    held = [(own_features.ROOM, settings.get("features", ""), "")]
    held += [(families.ROOM, settings.get("family", ""), families.part_of(settings.get("model", "")))]
    imported = {
        module for name, digest, part in held if digest and rooms for module in rooms.imports(name, digest, part)
    }
    if imported:
        where = packages_distributions()
        names |= {name for module in imported for name in where.get(module, ()) if not name.startswith("mlscaffold")}
    if settings.get("family"):
        names |= set(families.family_of(settings, rooms).packages)
    found = {}
    for name in sorted(names, key=str.lower):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            raise Trouble(f"{name} is not installed.", "Add it to pyproject.toml, then: make setup") from None
    return found


def environment(settings: Mapping[str, Any] | None = None, rooms: Rooms | None = None) -> str:
    """A hash of the versions that decide a model's bytes."""
    import platform

    versions = [platform.python_version(), *(f"{name} {held}" for name, held in packages(settings, rooms).items())]
    return hashlib.sha256("|".join(versions).encode()).hexdigest()


def _short(error: Exception) -> str:
    return str(error).splitlines()[0].rstrip(".") if str(error) else type(error).__name__


def _named(settings: Mapping[str, Any], rooms: Rooms | None, said: str) -> Trouble:
    room = families.ROOM if settings.get("family") else own_features.ROOM
    file = f"src/{rooms.package}/{room}.py" if rooms and rooms.package else f"{room}.py"
    return Trouble(f"{file}: {settings['model']}: {said}.", f"Correct {file}.")


def _told(error: Exception, settings: Mapping[str, Any], rooms: Rooms | None, name: str) -> Trouble:
    found = rooms.told(error, families.ROOM, settings["family"]) if rooms else None
    return found or _named(settings, rooms, f"{name} failed: {_short(error)}")
