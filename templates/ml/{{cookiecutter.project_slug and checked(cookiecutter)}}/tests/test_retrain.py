"""Retraining on new data: what it hands over, what it refuses; each gate of G6 is seen red once."""

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import TASK, ask, edit, forge, gate

from {{ answers.package_name }} import data, registry, retrain
from {{ answers.package_name }}.repo import Repo


# ---------------------------------------------------------------------------------------------------- retraining
def more_rows(root: Path, spoil: bool = False) -> None:
    """Twice the rows, newer where there is time; the new ones may have answers that follow nothing."""
    repo = Repo(root)
    source = data.source_of(repo)
    path = root / source.source
    old = pd.read_csv(path)
    new = old.copy()
    if source.id:
        new[source.id] = [f"N{number:05d}" for number in range(len(new))]
    if source.group and TASK == "ranking":
        new[source.group] = "N" + new[source.group].astype(str)
    if source.time:
        moment = pd.to_datetime(new[source.time])
        new[source.time] = (moment + (moment.max() - moment.min()) + pd.Timedelta(days=1)).dt.strftime("%Y-%m-%d")
    numbers = [name for name in new.select_dtypes("float") if name not in source.special]
    new[numbers] *= np.random.default_rng(5).uniform(0.98, 1.02, (len(new), len(numbers)))
    if spoil:
        new[source.target] = new[source.target].sample(frac=1, random_state=9).to_numpy()
    pd.concat([old, new]).to_csv(path, index=False)


@pytest.fixture(scope="module")
def _retrained(_released: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twice the rows, and one retraining on them; the candidate is the challenger, whatever it is worth."""
    root = Path(shutil.copytree(_released, tmp_path_factory.mktemp("retrained") / "repo"))
    more_rows(root)
    code, said = ask(root, "retrain")
    found = Repo(root).evidence("candidate")
    assert found is not None, said
    assert (code == 1) == (found["verdict"] == "fail"), said
    assert registry.version_of(registry.read(root), "challenger") == (None if code else found["version"])
    registry.set_alias(root, "challenger", found["version"], by="a test")
    return root


@pytest.fixture
def retrained(_retrained: Path, tmp_path: Path) -> Path:
    """A candidate waits."""
    return Path(shutil.copytree(_retrained, tmp_path / "repo"))


def test_retraining_hands_over_and_can_be_repeated(retrained: Path) -> None:
    """The champion still answers; the same data, code and settings give no second version."""
    book = registry.read(retrained)
    ask(retrained, "retrain")
    found = Repo(retrained).evidence("candidate")

    assert registry.version_of(book, "champion") == "1.0.0"
    assert registry.read(retrained)["models"].keys() == book["models"].keys()
    assert found is not None
    assert {"changed", "better", "worse"} == set(found["behaviour"])


def test_a_worse_candidate_is_refused(released: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Trained on answers that follow nothing, it loses to the champion and cannot be promoted."""
    fit = retrain.train.fit

    def spoiled(frame, task, settings):  # noqa: ANN001, ANN202
        order = np.random.default_rng(3).permutation(len(frame.y))
        return fit(frame.__class__(**{**vars(frame), "y": frame.y[order]}), task, settings)

    more_rows(released)
    monkeypatch.setattr(retrain.train, "fit", spoiled)
    code, said = ask(released, "retrain")
    book = registry.read(released)

    assert code == 1, said
    assert "stays" in said
    assert registry.version_of(book, "champion") == "1.0.0"
    assert registry.version_of(book, "challenger") is None

    rejected = Repo(released).evidence("candidate")["version"]
    registry.set_alias(released, "challenger", rejected, by="somebody")

    assert gate(released, "G6.2").state == "fail"
    assert ask(released, "promote")[0] == 2
    assert registry.version_of(registry.read(released), "champion") == "1.0.0"


def test_a_typed_verdict(retrained: Path) -> None:
    """The gate works the verdict out again from the prediction files."""
    forge(retrained, "candidate", lambda found: found["vs_champion"].update(low=0.9))

    assert gate(retrained, "G6.2").state == "fail"
    assert "do not follow" in gate(retrained, "G6.2").reason


def test_a_candidate_compared_with_itself(retrained: Path) -> None:
    """The champion under two names shows nothing."""
    forge(retrained, "candidate", lambda found: found.update(champion=found["version"]))

    assert gate(retrained, "G6.2").state == "blocked"
    assert "itself" in gate(retrained, "G6.2").reason


def test_a_candidate_on_older_data(retrained: Path) -> None:
    """The data changed after the comparison, though no code did."""
    edit(retrained / "data/manifest.json", lambda found: found.update(rows=1))

    assert gate(retrained, "G6.2").state == "blocked"


def test_retraining_before_it_is_due(released: Path) -> None:
    """A fresh champion, a quiet floor: nothing is trained."""
    code, said = ask(released, "retrain", "--if-due")

    assert code == 0
    assert "due" in said or Repo(released).number("retrain.every_days") is None
