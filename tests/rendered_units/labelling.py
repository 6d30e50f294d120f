"""Rows for people to label, where two models of this repository say the most different things."""

from pathlib import Path

import numpy as np
from planrun.repository import Repo
from planrun_ml.data import columns as columns_module
from planrun_ml.data import people_labels, prediction_files
from planrun_ml.experiments import records
from planrun_ml.models import model_files, training
from planrun_ml.self_test.conftest import ROWS, TASK, ask, evidence
from planrun_ml.self_test.test_data import ID, TABLE, TARGET

BLANK = 60


def test_rows_where_two_models_differ_are_drawn(worked: Path) -> None:
    """The five furthest apart of sixty unlabelled rows, by the newest experiment of each of two families."""
    assert ask(worked, "experiment", "--model", "forest")[0] == 0
    rows = TABLE.copy()
    rows[TARGET] = rows[TARGET].astype(object).where(np.arange(len(rows)) >= BLANK, None)
    rows.to_csv(worked / ROWS, index=False)
    (worked / "docs" / "labelling-guide.md").write_text("Version 1\n", encoding="utf-8")
    code, said = ask(worked, "label", "draw", "--rows", "5", "--how", "differ", "--by", "Ana")
    (path,) = worked.glob("labelling/*-differ/sheet-ana.csv")
    drawn = {row["id"] for row in people_labels.read(path)}

    assert code == 0, said
    assert len(drawn) == 5
    waiting, scores = rows.head(BLANK), []
    repo = Repo(worked)
    for record in records.all_records(repo)[-2:]:
        where = prediction_files.store(repo) / f"{record['model_file']}.skops"
        model = model_files.load(where, record["model_file"], record["config"], repo.rooms)
        kinds = dict(evidence(worked, "quality")["inputs"])
        scores.append(training.predict(model, columns_module.of_rows(waiting[list(kinds)], kinds), TASK))
    apart = np.abs(scores[0] - scores[1]).reshape(BLANK, -1).sum(axis=1)
    far = waiting[ID].astype(str).isin(drawn).to_numpy()
    assert apart[far].min() >= apart[~far].max()
