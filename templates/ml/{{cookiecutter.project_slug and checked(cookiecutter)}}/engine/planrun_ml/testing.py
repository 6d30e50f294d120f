"""What a team's own tests ask of the engine: the rows at hand, a model on them, and what each row is answered."""

import shutil
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from planrun.files import read_json
from planrun.repository import Repo
from planrun.rooms import Rooms
from planrun.trouble import Trouble

from planrun_ml.audit import run as audit
from planrun_ml.baseline import rule
from planrun_ml.data import frames, manifest, profile, schema, snapshot
from planrun_ml.data import source as source_module
from planrun_ml.models import configuration, training
from planrun_ml.release import champion_model, parity, registry
from planrun_ml.release.champion_model import Champion
from planrun_ml.tables.sql import ROW

SIMPLEST = "linear"
FOLDERS = ("plan", "docs", "data", "ops", "src", "gates")  # what an audit reads and writes
ALONE = 50  # rows that are asked one by one, which takes longer than together


class NotHere(Trouble):
    """The rows that a test needs are not on this machine, and no test can be run on them."""


def at_hand(root: Path, scratch: Path) -> Repo:
    """The repository on its audited rows; one whose sample nobody has audited yet is copied into `scratch` for that.

    Raises `NotHere` where neither can be: rows of the team's own that were not audited, or that lie on other machines.
    """
    repo = Repo(root)
    source = source_module.source_of(repo)
    if (root / manifest.MANIFEST).is_file():
        file = root / read_json(root / manifest.MANIFEST)["file"]
        if not source.is_sample and not file.exists():
            raise NotHere(f"{file.name} is not on this machine.", "Fetch the data that data/manifest.json names.")
        return repo
    if not source.is_sample:
        raise NotHere("These rows have not been audited yet.", "make audit")
    for name in FOLDERS:
        if (root / name).is_dir():
            shutil.copytree(root / name, scratch / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(root / "pyproject.toml", scratch)
    audit.run(Repo(scratch))
    return Repo(scratch)


def breaches(repo: Repo) -> list[str]:
    """A sentence for each rule of data/schema.yaml that the rows, as they are now, do not keep.

    Raises `Trouble` for rows that cannot be read.
    """
    table, source = snapshot.open_table(repo)
    columns = {name: kind for name, kind in table.columns("source").items() if name != ROW}
    rows = int(table.rows("select count(*) from source")[0][0])
    facts = profile.profile(table, columns, rows)
    whole = [name for name in columns if name != source.id]
    same = profile.repeats(table, whole)
    return [found["sentence"] for found in schema.breaches(table, schema.read(repo), facts, rows, same)]


def candidate(repo: Repo) -> Champion:
    """The model that answers; before one was promoted, the simplest one, trained on the training rows, in memory.

    The simplest one stands on the features of the code as it is. Raises `Trouble` where that is broken.
    """
    if (repo.root / registry.PATH).is_file():
        known = champion_model.load(repo.root)
        if known.model is not None:
            return known
    task, (_, _, columns) = repo.answers["task"], frames.open_split(repo)
    rows = frames.load(repo, "train")
    with tempfile.TemporaryDirectory() as scratch:  # nothing of a test is kept beside what experiments kept
        shutil.copytree(repo.rooms.folder, Path(scratch, "src", repo.rooms.package))
        rooms = Rooms(Path(scratch), repo.rooms.package)
        settings = configuration.config(SIMPLEST, rooms=rooms, features=rooms.keep("features"))
        model = training.fit(rows, task, settings, rooms)
    card = {
        "task": task, "kind": "model", "columns": columns, "rules": {}, "threshold": 0.5,
        "classes": list(training.classes(model, task)), "rule": rule.constant(rows, task),
    }  # fmt: skip
    return Champion(f"the {SIMPLEST} model", card, model)


def both_ways(repo: Repo, model: Champion) -> tuple[np.ndarray, np.ndarray]:
    """Scores of the same rows, shape (n,): as training reads them, and asked one by one as a caller sends them.

    A row that the contract of the service refuses is answered by the rule there, and is left out.
    """
    inputs, sent = parity.both_ways(repo, model)
    trained = np.asarray(model.scored(inputs)["score"], dtype=float)[:ALONE]
    answers = [model.answers([row])[0] for row in sent[:ALONE]]
    asked = [place for place, answer in enumerate(answers) if answer.source == "model"]
    served = [answers[place].score for place in asked]
    return trained[asked], np.asarray(served, dtype=float)


def difference(repo: Repo, model: Champion) -> str:
    """A sentence for the first value that a service has otherwise than training; "" where there is none.

    It names the input, the feature or the score, the row, and what it is both times: as training reads the rows, and
    asked alone through JSON.
    """
    return parity.difference(repo, model, *parity.both_ways(repo, model))


def scores(model: Champion, rows: pd.DataFrame) -> pd.Series:
    """The model's score of each row of inputs, found again by the row's own label, whatever its place."""
    found = model.scored(rows.reset_index(drop=True))["score"]
    return pd.Series(np.asarray(found, dtype=float), index=rows.index)
