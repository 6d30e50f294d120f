"""Features and families of a team's own, at the level of the engine's modules: no repository is rendered."""

import os
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest
from planrun.rooms import Rooms
from planrun.trouble import Trouble

import planrun_ml
from planrun_ml.baseline.rule import stood_in
from planrun_ml.data import columns, shift
from planrun_ml.data.frames import Frame
from planrun_ml.data.source import Source
from planrun_ml.models import configuration, families, model_files, training
from planrun_ml.release.champion_model import Champion
from planrun_ml.tables.query import Engine

HOME = Path(planrun_ml.__file__).parents[1]

RATIO = """
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from .helpers import SCALE


class Ratio(TransformerMixin, BaseEstimator):
    def fit(self, x, y=None):
        return self

    def transform(self, x):
        return x.assign(ratio=SCALE * x["a"] / x["b"])


def steps(task, columns):
    return [Ratio()]
"""
FAMILIES = """
from planrun_ml.models.families import Family
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV

STRENGTH = 2.0


class Half:
    def __init__(self, share=0.5):
        self.share = share

    def fit(self, x, y):
        self.mean = float(y.mean()) * self.share * 2

    def predict(self, x):
        return [self.mean] * len(x)


def weak(task, seed, **params):
    return LogisticRegression(C=STRENGTH, **params)


FAMILIES = {
    "half": Family(Half, save=lambda m: repr(m.mean).encode(), load=lambda b: loaded(b)),
    "weak": Family(weak, {"max_iter": 300}, "Weaker.", simple=True),
    "searched": Family(lambda task, seed: GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0, 10.0]}, cv=3)),
}


def loaded(content):
    found = Half()
    found.mean = float(content)
    return found
""".replace("Family(Half,", "Family(lambda task, seed, **params: Half(**params),")


@pytest.fixture
def rooms(tmp_path: Path) -> Rooms:
    """An empty package of a team's in a folder that looks like a repository."""
    (tmp_path / "plan").mkdir()
    (tmp_path / "plan" / "project.yaml").write_text("kind: ml\n")
    folder = tmp_path / "src" / "ours"
    folder.mkdir(parents=True)
    (folder / "helpers.py").write_text("SCALE = 2\n")
    return Rooms(tmp_path, "ours")


def said(rooms: Rooms, room: str, code: str) -> Rooms:
    """Write a room; the rooms as a new command sees them."""
    (rooms.folder / f"{room}.py").write_text(code)
    return Rooms(rooms.root, rooms.package)


@pytest.fixture(scope="module")
def frame() -> Frame:
    """300 rows whose answer follows a quotient, with a category and a text."""
    chance = np.random.default_rng(1)
    x = pd.DataFrame(
        {"a": chance.normal(size=300), "b": chance.uniform(1, 3, 300), "c": chance.choice(["u", "v"], 300)}
    )
    x = x.assign(c=x["c"].astype("str"), note=pd.array([f"word {n % 90}" for n in range(300)], dtype="str"))
    y = (x["a"] / x["b"] + chance.normal(scale=0.1, size=300) > 0).astype(float).to_numpy()
    kinds = {"a": "number", "b": "number", "c": "category", "note": "text"}
    return Frame(np.arange(300).astype(object), x, y, None, None, pd.DataFrame(), kinds)


def own(rooms: Rooms, model: str = "linear", **params: Any) -> dict[str, Any]:
    """A configuration with whatever the rooms hold, kept."""
    settings = configuration.config(model, params, rooms=rooms, features=rooms.content("features"))
    if "features" in settings:
        rooms.keep("features")
    if "family" in settings:
        rooms.keep("models", families.part_of(model))
    return settings


# ---------------------------------------------------------------------------------------------------- what a room says
def test_a_family_is_its_own_code_and_what_it_leads_to(rooms: Rooms) -> None:
    """An edit of another family changes nothing; one of a constant that it uses does, and so does an import's."""
    part = families.part_of("weak")
    first, whole = said(rooms, "models", FAMILIES).content("models", part), rooms.content("models")
    other = said(rooms, "models", FAMILIES.replace("self.share * 2", "self.share * 3"))
    assert other.content("models", part) == first
    assert other.content("models", families.part_of("half")) != rooms.content("models", families.part_of("weak"))
    assert other.content("models") != whole
    assert said(rooms, "models", FAMILIES.replace("STRENGTH = 2.0", "STRENGTH = 3.0")).content("models", part) != first
    assert said(rooms, "models", FAMILIES + "\nFAMILIES['weak'] = None\n").content("models", part) != first

    described = FAMILIES.replace("STRENGTH = 2.0", "# as strong as it gets\nSTRENGTH   =   2.0")
    assert said(rooms, "models", described).content("models", part) == first


def test_what_a_module_of_a_module_says_counts(rooms: Rooms) -> None:
    """Through sub-packages and `from . import`, up to the package's top."""
    (rooms.folder / "more").mkdir()
    (rooms.folder / "more" / "__init__.py").write_text("from .deep import VALUE\n")
    (rooms.folder / "more" / "deep.py").write_text("from ..helpers import SCALE\nVALUE = SCALE\n")
    before = said(rooms, "features", "from .more import VALUE\n\n\ndef steps(task, columns):\n    return []\n")
    digest = before.keep("features")
    assert sorted(path.name for path in before.kept_files("features", digest)) == [
        "__init__.py", "deep.py", "features.py", "helpers.py",
    ]  # fmt: skip
    assert before.kept("features", digest).VALUE == 2
    (rooms.folder / "helpers.py").write_text("SCALE = 3\n")

    assert Rooms(rooms.root, "ours").content("features") != digest


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("import ours.helpers\n", "line 1: it imports ours by its full name."),
        ("from pathlib import Path\nHERE = Path(__file__).parent\n", "line 2: it reads a file beside it"),
        ("def steps(task, columns:\n", "line 1: '(' was never closed."),
        ("import nothing_like_it\n", "line 1: No module named 'nothing_like_it'."),
    ],
)
def test_a_room_that_cannot_be_kept_is_told(code: str, told: str, rooms: Rooms) -> None:
    """One sentence that names file and line; nothing is kept."""
    with pytest.raises(Trouble) as caught:
        said(rooms, "features", code).keep("features")

    assert f"src/ours/features.py, {told}" in caught.value.sentence
    assert not (rooms.root / "registry").exists()


def test_a_kept_copy_that_says_something_else_is_refused(rooms: Rooms) -> None:
    """Edited under its name, or gone."""
    digest = said(rooms, "features", RATIO).keep("features")
    path = rooms.root / "registry" / "rooms" / digest / "helpers.py"
    path.write_text("SCALE = 7\n")
    with pytest.raises(Trouble, match="is not what was kept under this name"):
        rooms.kept("features", digest)
    path.with_name("features.py").unlink()

    with pytest.raises(Trouble, match=rf"registry/rooms/{digest}/features\.py is missing"):
        rooms.kept("features", digest)


# ---------------------------------------------------------------------------------------------------- features
def test_features_stand_before_the_engines_own_preparation(rooms: Rooms, frame: Frame) -> None:
    """What they return is prepared: the quotient helps, and without them the same call gives what it gave."""
    plain = training.fit(frame, "binary", configuration.config("linear"))
    settings = own(said(rooms, "features", RATIO))
    model = training.fit(frame, "binary", settings, rooms)

    assert "ratio" in model.prepare.feature_names_in_
    assert list(plain.columns) == ["a", "b", "c"], "a free text is nothing to a model by itself"
    assert list(model.columns) == ["a", "b", "c", "note"]
    assert brier(model, frame) < brier(plain, frame)


def brier(model: Any, frame: Frame) -> float:
    """The mean squared distance of the model's probabilities from what came of the rows."""
    return float(((training.predict(model, frame.x, "binary") - frame.y) ** 2).mean())


def test_a_model_goes_on_with_the_code_it_was_trained_with(rooms: Rooms, frame: Frame) -> None:
    """Old and new in one process, whatever the code says by now: loaded, trained again, and the new one beside it."""
    old = own(said(rooms, "features", RATIO))
    before, digest = model_files.kept(
        training.fit(frame, "binary", old, rooms), frame.x, "binary", rooms.root / "store", old, rooms
    )
    scores = training.predict(before, frame.x, "binary")
    later = said(rooms, "features", RATIO.replace('SCALE * x["a"]', '0 * x["a"]'))
    new = own(later)
    assert new["features"] != old["features"]
    other = training.fit(frame, "binary", new, later)
    (rooms.folder / "features.py").unlink()

    again = model_files.load(rooms.root / "store" / f"{digest}.skops", digest, old, Rooms(rooms.root, ""))
    retrained = training.fit(frame, "binary", old, Rooms(rooms.root, ""))
    assert np.array_equal(training.predict(again, frame.x, "binary"), scores)
    assert np.array_equal(training.predict(retrained, frame.x, "binary"), scores)
    assert not np.array_equal(training.predict(other, frame.x, "binary"), scores)
    with pytest.raises(Trouble):
        model_files.load(rooms.root / "store" / f"{digest}.skops", digest)


def test_types_that_nobody_named_are_told_as_they_are_to_be_written(rooms: Rooms, frame: Frame) -> None:
    """A plain pipeline of scikit-learn: what the message says, written into the family, lets the model load."""
    code = """
from planrun_ml.models.families import Family
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import SplineTransformer

def curved(task, seed):
    return make_pipeline(SplineTransformer(), LogisticRegression())

FAMILIES = {"curved": Family(curved)}
"""

    def loaded(text: str) -> None:
        settings = own(said(rooms, "models", text), "curved")
        trained = training.fit(frame, "binary", settings, rooms)
        path, digest = model_files.save(trained, rooms.root / "store", settings, rooms)
        again = model_files.load(path, digest, settings, rooms)
        assert np.array_equal(again.scores(frame.x, "binary"), trained.scores(frame.x, "binary"))

    with pytest.raises(Trouble, match=r"nobody has named: .*scipy\.interpolate") as refused:
        loaded(code)
    (named,) = re.findall(r"trusted=\(.*,\)", refused.value.remedy)
    loaded(code.replace("Family(curved)", f"Family(curved, {named})"))


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('x["b"])', 'x["gone"])', "line 12: 'gone' (KeyError in Ratio)."),
        ("return x.assign(", "return x.head(3).assign(", "Ratio failed: Ratio gives 3 rows for 300."),
        ('/ x["b"]', "/ 0.0", "Ratio failed: Ratio gives ratio no end in 300 of 300 rows; NaN says"),
        (
            "return x.assign(ratio=",
            "return dict(ratio=",
            "Ratio failed: Ratio gives a dict, and a DataFrame is needed.",
        ),
        ("return [Ratio()]", "return Ratio()", "steps(task, columns) gives a Ratio."),
        ("return [Ratio()]", "return [len]", "gives a builtin_function_or_method, which has no fit and transform."),
        ("return [Ratio()]", "return [columns['z']]", "line 16: 'z' (KeyError in steps(task, columns))."),
        ("def steps", "def stages", "has no function steps(task, columns)."),
    ],
)
def test_features_that_fail_are_told_with_their_line(old: str, new: str, told: str, rooms: Rooms, frame: Frame) -> None:
    """One sentence about the team's own file, never a traceback."""
    assert old in RATIO
    wrong = said(rooms, "features", RATIO.replace(old, new))
    settings = own(wrong)

    with pytest.raises(Trouble) as caught:
        training.fit(frame, "binary", settings, wrong)
    assert caught.value.sentence.startswith("src/ours/features.py")
    assert told in caught.value.sentence


# ---------------------------------------------------------------------------------------------------- families
def test_a_last_step_needs_predict_alone(rooms: Rooms, frame: Frame) -> None:
    """No estimator of scikit-learn's: saved by the family, read back, and asked like any other."""
    ours = said(rooms, "models", FAMILIES)
    settings = own(ours, "half")
    model, _ = model_files.kept(
        training.fit(frame, "binary", settings, ours), frame.x, "binary", ours.root / "store", settings, ours
    )

    assert type(model.core).__module__ == f"team_{settings['family']}.models"
    assert np.allclose(training.predict(model, frame.x, "binary"), frame.y.mean())


def test_a_file_that_says_something_else_is_refused(rooms: Rooms, frame: Frame) -> None:
    """Within the experiment, not first at acceptance."""
    lying = said(rooms, "models", FAMILIES.replace("repr(m.mean)", "repr(m.mean / 2)"))
    settings = own(lying, "half")
    model = training.fit(frame, "binary", settings, lying)

    with pytest.raises(Trouble, match=r"src/ours/models\.py: half: saved and read back, it gives other scores"):
        model_files.kept(model, frame.x, "binary", lying.root / "store", settings, lying)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("repr(m.mean).encode()", "m.gone", "models.py, line {line}: 'Half' object has no attribute 'gone'."),
        ("repr(m.mean).encode()", "m.mean", "models.py: half: save gives a float, and bytes are needed."),
        (
            "found.mean = float(content)",
            "found.mean = int(content)",
            "models.py, line {line}: invalid literal for",
        ),
        ("self.mean = float(y.mean())", "self.mean = y.gone", "models.py, line {line}: 'numpy.ndarray' object has no"),
        (
            "return [self.mean] * len(x)",
            "return [self.mean] * 2",
            "half: on a validation row, the model gives numbers of shape (2,), and (1,) are needed",
        ),
        ("FAMILIES = {", "OTHERS = {", "models.py has no FAMILIES, a dictionary of name and Family."),
        ('"half": Family(', '"forest": Family(', 'models.py: "forest" is a family of the engine.'),
        (", load=lambda b: loaded(b)", "", "models.py: half has only one of save and load."),
    ],
)
def test_families_that_fail_are_told(old: str, new: str, told: str, rooms: Rooms, frame: Frame) -> None:
    """One sentence that names the file, and the line where there is one."""
    assert old in FAMILIES
    code = FAMILIES.replace(old, new)
    wrong, line = said(rooms, "models", code), code[: code.index(new)].count("\n") + 1
    with pytest.raises(Trouble) as caught:
        tried(wrong, frame)
    assert told.format(line=line) in caught.value.sentence


def tried(rooms: Rooms, frame: Frame) -> None:
    """Train, save and read back a family."""
    settings = own(rooms, "half")
    model = training.fit(frame, "binary", settings, rooms)
    model_files.kept(model, frame.x, "binary", rooms.root / "store", settings, rooms)


def test_a_search_leaves_its_trials_and_its_best(rooms: Rooms, frame: Frame) -> None:
    """Three settings tried inside one training; what is kept is the one that was chosen, and no clock."""
    ours = said(rooms, "models", FAMILIES)
    model = training.fit(frame, "binary", own(ours, "searched"), ours)

    assert model.trials == 3
    assert type(model.core).__name__ == "LogisticRegression"
    assert training.fit(frame, "binary", own(ours, "weak"), ours).trials == 1


def test_classes_come_back_under_their_names(rooms: Rooms, frame: Frame) -> None:
    """A family learns 0 … k-1; who asks gets names."""
    ours = said(rooms, "models", FAMILIES)
    three = replace(frame, y=np.array(["north", "south", "east"], dtype=object)[np.arange(300) % 3])
    model = training.fit(three, "multiclass", own(ours, "weak"), ours)

    assert training.classes(model, "multiclass") == ("east", "north", "south")
    assert training.predict(model, frame.x, "multiclass").shape == (300, 3)
    assert set(model.core.classes_) == {0, 1, 2}


def test_packages_are_those_that_the_model_uses(rooms: Rooms) -> None:
    """What the kept rooms import and the family names; one that is not installed is told with its remedy."""
    assert set(model_files.packages()) == set(model_files.SETTLED)
    ours = said(rooms, "models", FAMILIES.replace('"Weaker."', '"Weaker.", packages=("pyyaml",)'))
    ours = said(ours, "features", "import jinja2\n" + RATIO)
    found = own(ours, "weak")
    assert {"pyyaml", "Jinja2"} <= {
        name if name != "jinja2" else "Jinja2" for name in model_files.packages(found, ours)
    }
    assert model_files.environment(found, ours) != model_files.environment()
    missing = said(rooms, "models", FAMILIES.replace('"Weaker."', '"Weaker.", packages=("not-there",)'))

    with pytest.raises(Trouble, match="not-there is not installed"):
        model_files.packages(own(missing, "weak"), missing)


def test_the_same_training_is_the_same_file(tmp_path: Path) -> None:
    """In two processes that order texts differently, at two moments: one model, so a second look at it is none."""
    code = (
        "import sys, numpy as np, pandas as pd; from pathlib import Path\n"
        "from planrun_ml.data.frames import Frame; from planrun_ml.models import configuration, model_files, training\n"
        "chance = np.random.default_rng(1)\n"
        "x = pd.DataFrame({'a': chance.normal(size=200), 'c': chance.choice(['u', 'v'], 200)})\n"
        "f = Frame(np.arange(200).astype(object), x, (x['a'] > 0).to_numpy(float), None, None, pd.DataFrame())\n"
        "for name, few in (('linear', {}), ('forest', {'n_estimators': 3}), ('boosting', {'max_iter': 3})):\n"
        "    model = training.fit(f, 'binary', configuration.config(name, few))\n"
        "    print(model_files.save(model, Path(sys.argv[1]))[1])\n"
    )
    found = []
    for seed in ("1", "2"):
        surroundings = os.environ | {
            "PYTHONPATH": str(HOME),
            "PYTHONHASHSEED": seed,
            "OMP_NUM_THREADS": "1",
        }
        words = [sys.executable, "-c", code, str(tmp_path)]
        found.append(subprocess.run(words, env=surroundings, check=True, capture_output=True, text=True).stdout.split())

    assert found[0] == found[1]
    assert len(set(found[0])) == 3


# ---------------------------------------------------------------------------------------------------- one change
def test_a_changed_feature_is_one_change(rooms: Rooms) -> None:
    """Shown by digest; asked for nothing, it is what is measured; with another change it is two."""
    old = said(rooms, "features", RATIO)
    before: dict[str, Any] = {"config": own(old), "id": "0001-linear"}
    new = said(rooms, "features", RATIO.replace("SCALE *", "3 *"))
    was, now = before["config"]["features"], new.content("features")

    proposed = configuration.asked(before, [before], "", (), (), None, new)
    assert proposed == before["config"] | {"features": now}
    assert configuration.changed(before["config"], proposed, new) == [f"features {was} → {now}"]
    both = configuration.asked(before, [before], "", ("C=0.1",), (), None, new)
    assert configuration.changed(before["config"], both, new) == ["C: None → 0.1", f"features {was} → {now}"]


def test_a_dropped_change_of_features_is_not_proposed_again(rooms: Rooms) -> None:
    """The next family is, on the champion's features: no loop, though the file still says what was dropped."""
    before: dict[str, Any] = {"config": own(said(rooms, "features", RATIO)), "id": "0001-linear"}
    new = said(rooms, "features", RATIO.replace("SCALE *", "3 *"))
    second = configuration.asked(before, [before], "", (), (), None, new)
    dropped: dict[str, Any] = {"config": second, "id": "0002-linear"}
    proposed = configuration.asked(before, [before, dropped], "", (), (), None, new)

    assert configuration.changed(before["config"], proposed, new)[0] == "model: linear → forest"
    assert proposed["features"] == before["config"]["features"]


def test_another_change_can_be_measured_on_the_champions_features(rooms: Rooms) -> None:
    """`--features champion` and `--features none`; any other word, and a champion that is not there, are told."""
    before: dict[str, Any] = {"config": own(said(rooms, "features", RATIO)), "id": "0001-linear"}
    new = said(rooms, "features", RATIO.replace("SCALE *", "3 *"))

    held = configuration.asked(before, [before], "", ("C=0.1",), (), None, new, "champion")
    assert configuration.changed(before["config"], held, new) == ["C: None → 0.1"]
    without = configuration.asked(before, [before], "linear", (), (), None, new, "none")
    assert configuration.changed(before["config"], without, new) == [f"features {before['config']['features']} → none"]
    for champion, word, told in (
        (before, "mine", '--features "mine" says nothing.'),
        (None, "champion", "There is no champion"),
    ):
        with pytest.raises(Trouble) as caught:
            configuration.asked(champion, [], "linear", (), (), None, new, word)
        assert told in caught.value.sentence


def test_a_familys_code_is_a_change_of_its_own(rooms: Rooms) -> None:
    """Edited, it is measured again when nothing is asked; another family's edit is nothing."""
    old = said(rooms, "models", FAMILIES)
    before: dict[str, Any] = {"config": own(old, "weak"), "id": "0001-weak"}
    new = said(rooms, "models", FAMILIES.replace("STRENGTH = 2.0", "STRENGTH = 3.0").replace("share * 2", "share * 4"))
    proposed = configuration.asked(before, [before], "", (), (), None, new)
    was, now = before["config"]["family"], proposed["family"]

    assert configuration.changed(before["config"], proposed, new) == [f"weak in models.py {was} → {now}"]
    elsewhere = said(rooms, "models", FAMILIES.replace("share * 2", "share * 4"))
    assert configuration.asked(before, [before], "", (), (), None, elsewhere)["model"] == "linear"
    assert configuration.asked(before, [before], "", ("C=9",), (), None, elsewhere)["family"] == was


def test_own_families_are_tried_after_the_engines(rooms: Rooms) -> None:
    """And one that is in no room is refused with the names of those that are."""
    ours, tried = said(rooms, "models", FAMILIES), [{"config": {"model": name}} for name in families.ORDER]
    assert configuration.asked(None, tried, "", (), (), None, ours)["model"] == "half"
    assert configuration.asked(None, tried, "weak", (), (), None, ours)["params"] == {"max_iter": 300}

    with pytest.raises(Trouble, match='no model family "gone"') as caught:
        configuration.asked(None, [], "gone", (), (), None, ours)
    assert caught.value.remedy == "One of: linear, forest, boosting, half, weak, searched."


def test_what_counts_as_simple(rooms: Rooms) -> None:
    """A simple family on the columns as they are."""
    ours = said(said(rooms, "models", FAMILIES), "features", RATIO)

    assert families.is_simple(configuration.config("linear"), ours)
    assert not families.is_simple(own(ours), ours), "its features are not simple"
    assert not families.is_simple(own(ours, "weak"), ours)
    (rooms.folder / "features.py").unlink()
    plain = Rooms(rooms.root, "ours")
    assert families.is_simple(own(plain, "weak"), plain)
    assert not families.is_simple(own(plain, "half"), plain)


# ---------------------------------------------------------------------------------------------------- free text
def test_a_named_text_is_an_input_of_its_own_kind() -> None:
    """Many different values make a text no input, unless data/source.yaml names it; it is watched by its length."""
    engine = Engine(duckdb.connect())
    engine.run("create table source as select range as _row, range % 2 as y, 'note ' || range as note from range(200)")
    empty: dict[str, Any] = dict.fromkeys(Source.__dataclass_fields__, "")
    lists: dict[str, Any] = {"leave_out": [], "known_after": [], "explained": {}, "sources": [], "text": []}
    source = Source(**empty | lists | {"source": "x", "target": "z"})

    assert columns.inputs(engine, source) == {"y": "number"}
    assert columns.inputs(engine, replace(source, text=["note"])) == {"y": "number", "note": "text"}
    lengths = engine.rows(f"select distinct {shift.valued('note', 'text')} from source order by 1")
    assert lengths == [(6.0,), (7.0,), (8.0,)]


def test_new_texts_of_the_usual_length_are_no_drift() -> None:
    """Every text is new: what moves is how long they are."""
    from planrun_ml.data.reference import profile

    con = duckdb.connect()

    def ask(sql: str) -> list[tuple[Any, ...]]:
        return con.execute(sql).fetchall()

    def texts(start: int, more: str) -> str:
        text = f"repeat('x', 5 + (range % 9)::int) || '{more}' || range"
        return f"select {text} as note from range({start}, {start + 1000})"

    held = profile(ask, texts(10_000, ""), {"note": "text"}, 10)
    (same,) = shift.compare(ask, held, texts(20_000, ""), alpha=0.01, floor=0.1)
    (longer,) = shift.compare(ask, held, texts(20_000, " and more"), alpha=0.01, floor=0.1)

    assert not same.moved
    assert same.outside == 0
    assert longer.moved


# ---------------------------------------------------------------------------------------------------- one bad row
class Picky:
    """A model that fails on whole batches for the sake of some rows."""

    def __init__(self, wrong: Callable[[pd.DataFrame], pd.Series]) -> None:
        self.wrong, self.calls = wrong, 0

    def scores(self, x: pd.DataFrame, task: str) -> np.ndarray:
        """0.9 for every row, counted as one call. Raises `ValueError` for the whole batch where one row is wrong."""
        self.calls += 1
        if self.wrong(x).any():
            raise ValueError("a value that no feature takes")
        return np.full(len(x), 0.9)


CARD = {
    "task": "binary", "columns": {"a": "number"}, "rules": {}, "threshold": 0.5, "classes": [],
    "rule": {"sql": {"score": "0.1"}},
}  # fmt: skip


def test_a_bad_row_degrades_itself_alone() -> None:
    """Three of a thousand rows: they are the rule's, with the reason; every other one is the model's."""
    picky = Picky(lambda x: x["a"].isin([3.0, 500.0, 999.0]))
    found = Champion("1.0.0", CARD, picky).table(pd.DataFrame({"a": np.arange(1000.0)}))

    assert np.flatnonzero(found["source"] == "rule").tolist() == [3, 500, 999]
    assert set(found["reason"][[3, 500, 999]]) == {"the model failed: ValueError: a value that no feature takes"}
    assert (found["score"] == np.where(found["source"] == "rule", 0.1, 0.9)).all()
    assert picky.calls < 80


def test_a_model_that_fails_on_everything_is_given_up() -> None:
    """The rule answers, and the model is not asked about each of a hundred thousand rows."""
    picky = Picky(lambda x: x["a"] >= 0)
    found = Champion("1.0.0", CARD, picky).table(pd.DataFrame({"a": np.arange(100_000.0)}))

    assert set(found["source"]) == {"rule"}
    assert picky.calls < 12_000


def test_every_row_of_one_request_can_be_bad() -> None:
    """All rows fail: each is answered, in order."""
    answers = Champion("1.0.0", CARD, Picky(lambda x: x["a"] >= 0)).answers([{"a": 1.0}, {"a": 2.0}])

    assert [(one.source, one.decision) for one in answers] == [("rule", "no"), ("rule", "no")]


def test_a_measured_row_that_fails_gets_the_rules_answer() -> None:
    """As in service: acceptance and retraining measure what would have been answered."""
    x = pd.DataFrame({"a": np.arange(10.0)})
    model: Any = Picky(lambda rows: rows["a"] == 4.0)

    assert stood_in({"sql": {"score": "0.1"}}, model, x, "binary").tolist() == [0.9] * 4 + [0.1] + [0.9] * 5
    model.wrong = lambda rows: rows["a"] >= 0
    assert stood_in({"sql": {"score": "0.1"}}, model, x, "binary").tolist() == [0.1] * 10
