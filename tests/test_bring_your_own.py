"""What a team brings, from its first experiment to a retraining: the pages' examples, each typed in.

The data are the parcels of the demo, with a note that a dispatcher wrote; the answers are the demo's.
"""

import ast
import contextlib
import importlib
import importlib.util
import json
import os
import random
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import borrowing
import duckdb
import pandas as pd
import pytest
import yaml
from material import ROOT
from mlscaffold import answers, catalogue, render, update, vcs
from mlscaffold.demo import parcels
from test_rendered_ml_loop import Terminal, card, late_labels

ANSWERS = Path(parcels.__file__).with_name("ml.yaml")
PAGES = ("docs/bring-your-own.md", "docs/more-examples.md")
ROWS = 4000


def noted(rows: list[parcels.Row], seed: int) -> list[parcels.Row]:
    """The same parcels with a note each; what it says has something to do with being late."""
    chance = random.Random(seed)
    late = ("gate closed", "no bell", "fragile, ask the neighbour", "third floor")
    calm = ("leave at the door", "ring twice", "fragile", "at the bakery")
    return [
        row | {"note": f"{chance.choice(late if row['late'] == 'yes' and chance.random() < 0.5 else calm)} {number}"}
        for number, row in enumerate(rows)
    ]


def git(folder: Path, *words: str) -> str:
    return subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True, text=True).stdout


def commit(folder: Path, message: str) -> None:
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", message)


def audited(place: Path, **more: str) -> Path:
    """A repository whose data are audited and locked; the note is named as a text."""
    given = answers.read(ANSWERS) | {"kind_reason": "a test", "latency_ms": "", "start_date": ""} | more
    folder = render.render(answers.complete({key: value for key, value in given.items() if value != ""}), place)
    vcs.create(folder, "Start")
    parcels.write(folder / "data" / "raw" / "parcels.csv", noted(parcels.made(ROWS, 1), 1))
    source = folder / "data" / "source.yaml"
    source.write_text(source.read_text("utf-8").replace("text: []", "text: [note]"), "utf-8")
    return locked(folder)


def locked(folder: Path) -> Path:
    """Audit, confirm, measure the baseline, decide for a model, and commit; the folder."""
    with contextlib.closing(Terminal(folder)) as terminal:
        for words in (["audit"], ["confirm", "--all"], ["baseline"]):
            code, said = terminal.run(*words)
            assert code == 0, said
    record = folder / "docs/decisions/0001-ml-or-not.md"
    record.write_text(record.read_text("utf-8").replace("status: proposed", "status: accepted", 1), "utf-8")
    commit(folder, "Audited and locked")
    return folder


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One that scores files."""
    return audited(tmp_path_factory.mktemp("brought"), serving="batch")


@pytest.fixture
def terminal(prepared: Path, tmp_path: Path) -> Iterator[Terminal]:
    """A copy of it, and an interpreter that runs what is typed there."""
    typing = Terminal(Path(shutil.copytree(prepared, tmp_path / "repo", symlinks=True)))
    yield typing
    typing.close()


def write(folder: Path, title: str) -> Path:
    """Write the page's example below a heading into its room."""
    text = "\n".join((folder / page).read_text("utf-8") for page in PAGES)
    name, code = re.search(rf"^##+ {title}[^\n]*`(\w+\.py)`.*?```python\n(.*?)```", text, re.M | re.S).groups()  # type: ignore[union-attr]
    path = next(one.parent for one in folder.glob("src/*/__init__.py")) / name
    path.write_text(code, "utf-8")
    return path


def depends(folder: Path, name: str) -> None:
    """Name a package among the dependencies, as the page says; tests run where it is installed."""
    path = folder / "pyproject.toml"
    text = path.read_text("utf-8")
    path.write_text(text.replace("dependencies = [\n", f'dependencies = [\n  "{name}",\n', 1), "utf-8")


def brought(folder: Path, allowed: set[str]) -> None:
    """Commit what was brought; git says that nothing but this was touched."""
    touched = {line.split("|")[0].strip() for line in git(folder, "diff", "--stat", "HEAD").splitlines()[:-1]}
    touched |= set(git(folder, "ls-files", "--others", "--exclude-standard").split())
    assert {Path(path).name for path in touched} == allowed, touched
    commit(folder, "Brought")


def record(folder: Path) -> dict[str, Any]:
    """The newest record of an experiment."""
    path = sorted(folder.glob("experiments/[0-9]*/record.yaml"))[-1]
    return dict(yaml.safe_load(path.read_text("utf-8")))


def released(terminal: Terminal) -> None:
    """Signed, accepted, promoted, rehearsed."""
    commit(terminal.folder, "An experiment")
    for words in (["sign", "G3"], ["accept"], ["promote"], ["rollback", "--drill"]):
        code, said = terminal.run(*words)
        assert code == 0, (words, said)


def lives_on(terminal: Terminal) -> None:
    """Scored, watched, retrained on more rows; and a replan merges without a conflict."""
    folder = terminal.folder
    day = noted(parcels.made(int(terminal.plan("monitor.window_rows")), 7), 7)
    parcels.write(folder / "day.csv", [{k: v for k, v in row.items() if k != parcels.TARGET} for row in day])
    code, said = terminal.run("score", "day.csv")
    assert code == 0, said
    assert "\n0 of them answered by the rule." in said
    rows = pd.DataFrame(day)
    late_labels(terminal, "day", rows[parcels.KEY], rows[parcels.TARGET])
    code, said = terminal.run("monitor")
    assert code == 0, said
    (folder / "day.csv").unlink()
    more = noted(parcels.made(ROWS, 1), 1) + noted(parcels.made(ROWS // 2, 2), 2)
    parcels.write(folder / "data" / "raw" / "parcels.csv", more)
    code, said = terminal.run("retrain")
    assert code == 0, said
    found = terminal.evidence("candidate")
    assert found["champion"] == "1.0.0"
    assert found["version"] == "1.0.1", "new data alone: the code of the version is the same"
    commit(folder, "Lived on")
    done = update.replan(folder, {"daily_volume": "2200"})
    assert done.changed
    assert not done.conflicts


@pytest.mark.parametrize("name", ["ml-default", "ml-regression", "ml-ranking"])  # a class, an amount, an order
def test_the_pages_take_from_the_engine_what_is_there(name: str, rendered: Callable[[str], Path]) -> None:
    """Every example, whatever the answers: what it imports from the engine can be imported."""
    text = "\n".join((rendered(name) / page).read_text("utf-8") for page in PAGES)
    examples = re.findall(r"```python\n(.*?)```", text, re.S)
    missing = [
        f"{node.module}.{alias.name}"
        for code in examples
        for node in ast.walk(ast.parse(code))
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("planrun")
        for alias in node.names
        if not hasattr(importlib.import_module(str(node.module)), alias.name)
    ]

    assert len(examples) >= 9
    assert missing == []


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression", "ranking"])
def test_every_example_passes_the_repositorys_own_lint(task: str, tmp_path: Path) -> None:
    """As it is typed into the room that the page names: nobody's first `make lint` is red for our sake."""
    given = {"kind": "ml", "kind_reason": "a test", "project_name": "Examples", "task": task, "serving": "api"}
    folder = render.render(answers.complete(given), tmp_path)
    package = next(folder.glob("src/*/__init__.py")).parent
    for page in PAGES:
        text = (folder / page).read_text("utf-8")
        for number, found in enumerate(re.finditer(r"^##+ [^\n]*|```python\n(.*?)```", text, re.M | re.S)):
            if found[1]:
                package.joinpath(f"{Path(page).stem.replace('-', '_')}_{number}.py").write_text(found[1], "utf-8")
    assert len(list(package.glob("bring_your_own_*.py"))) >= 6
    done = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--no-cache", "."],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stdout


# -------------------------------------------------------------------------- pasted as it is, on the repository's sample
def on_its_sample(place: Path, task: str, **more: str) -> Path:
    """What `mlscaffold new` gives for a task without any data, audited and locked."""
    given = {"kind": "ml", "kind_reason": "a test", "project_name": "As it is", "task": task} | more
    folder = render.render(answers.complete(given), place)
    vcs.create(folder, "Start")
    return locked(folder)


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Yes or no, behind an address, so that every example is on its page."""
    return on_its_sample(tmp_path_factory.mktemp("fresh"), "binary", serving="api", latency_ms="60000")


def yaml_of(folder: Path, title: str) -> str:
    """The line of YAML that the page shows below a heading."""
    text = (folder / PAGES[0]).read_text("utf-8")
    found = re.search(rf"^## {title}.*?```yaml\n(.*?)```", text, re.M | re.S)
    assert found, title
    return found[1]


def rows_from_a_function(terminal: Terminal) -> None:
    write(terminal.folder, "Rows from a function")
    in_source(terminal.folder, "source: python\n")
    brought(terminal.folder, {"source.py", "source.yaml"})
    typed(terminal, "audit", "baseline")


def a_baseline(terminal: Terminal) -> None:
    in_source(terminal.folder, yaml_of(terminal.folder, "A baseline of your own"))
    brought(terminal.folder, {"source.yaml"})
    typed(terminal, "audit", "baseline")


def in_source(folder: Path, line: str) -> None:
    """Another value of a key of data/source.yaml."""
    path, key = folder / "data/source.yaml", line.partition(":")[0]
    text, count = re.subn(rf"(?m)^{key}: .*\n", lambda _: line, path.read_text("utf-8"))
    assert count == 1
    path.write_text(text, "utf-8")


def features(title: str) -> Callable[[Terminal], None]:
    def bring(terminal: Terminal) -> None:
        write(terminal.folder, title)
        brought(terminal.folder, {"features.py"})
        typed(terminal, "experiment --model linear")
        assert "features" in record(terminal.folder)["config"]

    return bring


def family(title: str, name: str, package: str) -> Callable[[Terminal], None]:
    def bring(terminal: Terminal) -> None:
        family_is_brought(terminal, title, package)
        records = [path.read_text("utf-8") for path in terminal.folder.glob("experiments/[0-9]*/record.yaml")]
        kept = any(yaml.safe_load(text).get("decision") == "keep" for text in records)  # the baseline's has none
        typed(terminal, f"experiment --model {name}" + (" --features champion" if kept else ""))
        assert record(terminal.folder)["config"]["model"] == name

    return bring


def a_metric(terminal: Terminal) -> None:
    """As the page has it: the room, the replan, audit and baseline."""
    folder = terminal.folder
    write(folder, "A metric of your own")
    brought(folder, {"metrics.py"})
    line = re.search(r"^mlscaffold replan (--set metric=own.*)$", (folder / PAGES[0]).read_text("utf-8"), re.M)
    assert line
    facts = [word for word in shlex.split(line[1]) if word != "--set"]
    done = update.replan(folder, dict(fact.split("=", 1) for fact in facts))
    assert not done.conflicts
    commit(folder, "Planned by it")
    typed(terminal, "audit", "confirm --all", "baseline", "experiment --model linear")
    assert record(folder)["metric"]["name"] == "own:profit"


def a_check(terminal: Terminal) -> None:
    write(terminal.folder, "Gates of your own")
    brought(terminal.folder, {"checks.py"})
    assert gates_now(terminal)["X.1"] == "pass"


def an_endpoint(terminal: Terminal) -> None:
    write(terminal.folder, "Endpoints of your own")
    brought(terminal.folder, {"service.py"})


EXAMPLES: dict[str, Callable[[Terminal], None]] = {
    "rows from a function": rows_from_a_function,
    "a baseline": a_baseline,
    "a ratio": features("Features of your own"),
    "words": features("Words of a text"),
    "means of the target": features("Means of the target"),
    "the last value of a group": features("The last value of a group"),
    "lightgbm": family("Models of your own", "boosted", "lightgbm"),
    "xgboost": family("Another library", "extreme", "xgboost"),
    "torch": family("A neural network", "network", "torch"),
    "a metric": a_metric,
    "a check": a_check,
    "an endpoint": an_endpoint,
}


def typed(terminal: Terminal, *commands: str) -> None:
    for words in commands:
        code, said = terminal.run(*words.split())
        assert code == 0, (words, said)


def gates_now(terminal: Terminal) -> dict[str, str]:
    """Each gate that is listed, and its state."""
    code, said = terminal.run("status", "--json")
    assert code == 0, said
    return {row["id"]: row["state"] for row in json.loads(said)["gates"]}


def now_of_tests(terminal: Terminal) -> list[str]:
    """The repository's own tests, each with its end."""
    words = [terminal.python, "-m", "pytest", "-q", "-rA", "-p", "no:cacheprovider"]
    surroundings = {"PYTHONPATH": f"src{os.pathsep}engine", "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        words, cwd=terminal.folder, env=os.environ | surroundings, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    return sorted(line for line in done.stdout.splitlines() if line.startswith(("PASSED", "SKIPPED", "FAILED")))


@pytest.mark.slow
@pytest.mark.parametrize("name", EXAMPLES)
def test_pasted_as_it_is_an_example_outlives_a_replan(
    name: str, fresh: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """On the repository's own sample: only its room is touched, and a replan leaves tests and gates as they were."""
    python = request.getfixturevalue("with_torch") if name == "torch" else sys.executable
    with contextlib.closing(Terminal(Path(shutil.copytree(fresh, tmp_path / "repo")), python)) as terminal:
        EXAMPLES[name](terminal)
        commit(terminal.folder, "Measured with it")
        gates, tests = gates_now(terminal), now_of_tests(terminal)
        done = update.replan(terminal.folder, {"daily_volume": "2000"})
        commit(terminal.folder, "Replanned")

        assert done.changed
        assert done.conflicts == ()
        assert gates_now(terminal) == gates
        assert now_of_tests(terminal) == tests
        assert len(tests) >= 4
        assert all(line.startswith("PASSED") for line in tests)


@pytest.mark.slow
@pytest.mark.parametrize("task", ["multiclass", "regression", "ranking", "forecast"])
def test_the_examples_of_every_task_run_on_its_sample(task: str, tmp_path: Path) -> None:
    """One after another in one repository, each as its page has it; those of categories where the sample has some."""
    grouped = ("means of the target", "the last value of a group") if catalogue.tasks()[task].sample["category"] else ()
    with contextlib.closing(Terminal(on_its_sample(tmp_path, task))) as terminal:
        if task != "multiclass":
            a_baseline(terminal)
            commit(terminal.folder, "The rule of the page")
        for name in ("a ratio", *grouped, "lightgbm", "xgboost"):
            EXAMPLES[name](terminal)
            commit(terminal.folder, "Measured with it")
        done = update.replan(terminal.folder, {"daily_volume": "2000"})

        assert done.conflicts == ()


# ------------------------------------------------------------------------------ on data of their own, to a retraining
FEATURES = {
    "Features of your own": ("linear", "features.py"),
    "Words of a text": ("linear", "features.py"),
    "Means of the target": ("linear", "features.py"),
    "The last value of a group": ("linear", "features.py"),
}
MODELS = {"Models of your own": ("boosted", "lightgbm"), "Another library": ("extreme", "xgboost")}


@pytest.mark.slow
@pytest.mark.parametrize("title", FEATURES)
def test_features_from_experiment_to_retraining(title: str, terminal: Terminal) -> None:
    """The page's features: one change in the record, the same in batch, and with the version whatever the code says."""
    folder = terminal.folder
    code, said = terminal.run("experiment", "--model", "linear")
    assert code == 0, said
    commit(folder, "The columns as they are")
    room = write(folder, title)
    brought(folder, {"features.py"})
    code, said = terminal.run("experiment", "--model", "linear", "--ablation", "measured whatever it gives")
    assert code == 0, said
    found = record(folder)
    assert len(found["change"]) == 1
    assert re.fullmatch(r"features none → [0-9a-f]{12}", found["change"][0])
    champion = found if found["decision"] == "keep" else None
    released(terminal)
    entry = json.loads((folder / "registry/models.json").read_text("utf-8"))["models"]["1.0.0"]
    assert ("features" in entry["config"]) == bool(champion)
    room.write_text("def steps(task, columns):\n    raise RuntimeError\n", "utf-8")

    lives_on(terminal)


@pytest.mark.slow
def test_what_was_accepted_and_promoted_outlives_another_volume(terminal: Terminal) -> None:
    """A replan says which signed threshold the volume moves; with the answer that holds it, all gates are as before."""
    folder = terminal.folder
    typed(terminal, "experiment --model linear")
    released(terminal)
    commit(folder, "Released")
    gates, warned = gates_now(terminal), list[str]()
    update.replan(folder, {"daily_volume": "3000"}, dry_run=True, say=warned.append)
    held = re.search(r"acceptance\.min_gain (\S+) → .*--set min_gain=\1$", warned[0])
    assert held, warned
    done = update.replan(folder, {"daily_volume": "3000", "min_gain": held[1]}, say=warned.append)
    commit(folder, "Another volume")

    assert len(warned) == 1
    assert done.changed
    assert done.conflicts == ()
    assert {id: gates_now(terminal)[id] for id in gates} == gates
    assert gates["G3.1"] == gates["G3.3"] == "pass"

    update.replan(folder, {"daily_volume": "6000", "min_gain": ""}, say=warned.append)
    commit(folder, "Another gain")
    code, said = terminal.run("status", "--json")
    assert code == 0, said
    reasons = {row["id"]: row["reason"] for row in json.loads(said)["gates"]}
    assert f"Moved: acceptance.min_gain {held[1]} → " in reasons["G3.1"]
    assert f"by other thresholds: acceptance.min_gain {held[1]} → " in reasons["G3.3"]


@pytest.mark.slow
@pytest.mark.parametrize("title", MODELS)
def test_models_from_experiment_to_retraining(title: str, terminal: Terminal) -> None:
    """The page's families: in the record by their code and packages, and served from their own bytes."""
    family, package = MODELS[title]
    family_is_brought(terminal, title, package)
    family_is_kept(terminal, family, package)
    released(terminal)

    lives_on(terminal)


def family_is_brought(terminal: Terminal, title: str, package: str) -> None:
    write(terminal.folder, title)
    depends(terminal.folder, package)
    brought(terminal.folder, {"models.py", "pyproject.toml"})


def family_is_kept(terminal: Terminal, family: str, package: str) -> None:
    """Tried, and named in the record with the package that it uses."""
    code, said = terminal.run("experiment", "--model", family)
    assert code == 0, said
    found = record(terminal.folder)
    assert found["change"] == [f"model: the baseline rule → {family}"]
    assert any(name.startswith(package) for name in found["packages"])
    assert re.fullmatch("[0-9a-f]{12}", found["config"]["family"])
    assert found["double_run"]["ok"]
    assert found["decision"] == "keep", found["learned"]


@pytest.fixture(scope="module")
def with_torch(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """An interpreter that has torch: this one, or one for which the project's extra is installed, and deleted again."""
    if importlib.util.find_spec("torch"):
        yield sys.executable
        return
    folder = tmp_path_factory.mktemp("torch") / "env"
    python = borrowing.environment(folder)
    extras = tomllib.loads(ROOT.joinpath("pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    pip = [sys.executable, "-m", "pip", "--python", str(python), "--disable-pip-version-check", "--quiet"]
    install = [*pip, "install", "--no-compile", *extras["torch"]]
    done = subprocess.run(install, capture_output=True, text=True, check=False)
    if done.returncode:
        said = done.stderr.strip().splitlines() or ["pip says nothing"]
        pytest.skip(f"torch cannot be installed here: {said[-1]}")
    yield str(python)
    shutil.rmtree(folder)  # some hundred megabytes


@pytest.mark.slow
def test_a_network_from_experiment_to_retraining(with_torch: str, prepared: Path, tmp_path: Path) -> None:
    """The page's network: its weights are its file, trained twice it is one model, and it lives on like any other."""
    files = []
    for name in ("once", "twice"):
        with contextlib.closing(Terminal(Path(shutil.copytree(prepared, tmp_path / name)), with_torch)) as terminal:
            family_is_brought(terminal, "A neural network", "torch")
            family_is_kept(terminal, "network", "torch")
            files.append(record(terminal.folder)["model_file"])
            if name == "twice":
                released(terminal)
                lives_on(terminal)

    assert files[0] == files[1]


NUMBERED = '''
"""What the dispatcher counted: the number at the end of the note."""

import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin


class Counted(TransformerMixin, BaseEstimator):
    def fit(self, x: pd.DataFrame, y: object = None) -> "Counted":
        return self

    def transform(self, x: pd.DataFrame) -> pd.DataFrame:
        return x.assign(counted=[int(note.rsplit(" ", 1)[1]) % 7 for note in x["note"]])


def steps(task: str, columns: dict[str, str]) -> list[object]:
    return [Counted()]
'''
IN_BATCH = """
from planrun.repository import Repo
from planrun_ml.serving.score import score
score(Repo.here(), "day.csv")
"""
BAD = 11  # the place of the row whose note has no number


@pytest.mark.slow
def test_own_features_and_model_answer_over_http(tmp_path: Path) -> None:
    """A row on which the team's code fails gets the rule's answer, others the model's; so says a batch."""
    folder = audited(tmp_path, serving="api", latency_ms="60000")
    package = next(path.parent for path in folder.glob("src/*/__init__.py"))
    package.joinpath("features.py").write_text(NUMBERED, "utf-8")
    write(folder, "Models of your own")
    with contextlib.closing(Terminal(folder)) as terminal:
        code, said = terminal.run("experiment", "--model", "boosted")
        assert code == 0, said
        released(terminal)
        assert {"features", "family"} <= registered(folder, "1.0.0")["config"].keys()
        for room in ("features.py", "models.py"):
            package.joinpath(room).unlink()  # the version has its own copies
        day = noted(parcels.made(60, 7), 7)
        day[BAD]["note"] = "uncounted"
        parcels.write(folder / "day.csv", [{k: v for k, v in row.items() if k != parcels.TARGET} for row in day])
        code, said = terminal.type("make serve")
        assert code == 0, said
        online = asked(terminal, pd.read_csv(folder / "day.csv"))
        logged = [json.loads(line) for file in folder.glob("predictions/*.jsonl") for line in file.open("rb")]
        assert terminal._python(IN_BATCH).wait() == 0
    batch = duckdb.read_parquet(str(folder / "predictions/*/part-*.parquet")).df().set_index("id")

    assert [row["id"] for row in online] == [row[parcels.KEY] for row in day]
    assert [place for place, row in enumerate(online) if row["source"] != "model"] == [BAD]
    assert online[BAD]["source"] == "rule"
    assert "IndexError" in online[BAD]["reason"]
    assert len({row["score"] for row in online}) > len(online) / 2
    for given in (batch.loc[[row["id"] for row in online]].to_dict("records"), logged):
        assert [row["score"] for row in given] == pytest.approx([row["score"] for row in online], abs=1e-12)
        for key in ("decision", "source", "model"):
            assert [row[key] for row in given] == [row[key] for row in online]
        assert given[BAD]["reason"] == online[BAD]["reason"]


def registered(folder: Path, version: str) -> dict[str, Any]:
    """What the registry says of a version."""
    return dict(json.loads((folder / "registry/models.json").read_text("utf-8"))["models"][version])


def asked(terminal: Terminal, day: pd.DataFrame) -> list[dict[str, Any]]:
    """All rows in one request, and the answers to them."""
    inputs = json.loads(day[list(card(terminal)["columns"])].to_json(orient="records", double_precision=15))
    rows = [{"id": key, "inputs": row} for key, row in zip(day[parcels.KEY], inputs, strict=True)]
    url, kind = f"http://127.0.0.1:{terminal.port}/v1/predict", {"content-type": "application/json"}
    request = urllib.request.Request(url, json.dumps({"rows": rows}).encode(), kind)
    with urllib.request.urlopen(request, timeout=60) as said:  # noqa: S310
        return list(json.loads(said.read())["answers"])


@pytest.mark.slow
def test_what_becomes_of_a_teams_code_afterwards(terminal: Terminal) -> None:
    """Broken, written otherwise, changed: the version goes on, and one experiment is one change."""
    folder = terminal.folder
    room = write(folder, "Words of a text")
    code, said = terminal.run("experiment", "--model", "linear")
    assert code == 0, said
    first = record(folder)
    digest = first["config"]["features"]
    assert first["change"] == [f"model: the baseline rule → linear, with features {digest}"]
    assert first["double_run"]["ok"]
    assert first["decision"] == "keep"
    released(terminal)
    assert f"| Features | `registry/rooms/{digest}/features.py`, kept as it was |" in (
        folder / "evidence/model-card.md"
    ).read_text("utf-8")
    text = room.read_text("utf-8")

    room.write_text(text.replace("def steps(task", "def steps((task"), "utf-8")
    line = text[: text.index("def steps")].count("\n") + 1
    code, said = terminal.run("experiment", "--set", "C=0.1")
    assert code == 1
    assert f"src/late_parcels/features.py, line {line}: " in said
    assert "Traceback" not in said
    assert terminal.run("status")[0] == 0
    assert terminal.run("promote")[0] == 0, "the version that answers is measured again, with its own code"
    answers_of_its_own(terminal)

    room.write_text(text.replace("weights", "amounts").replace("Words", "Terms"), "utf-8")
    code, said = terminal.run("experiment", "--set", "C=0.1")
    assert code == 0, said
    assert record(folder)["change"] == ["C: None → 0.1"], "it computes what it did: no change of its own"

    room.write_text(text.replace("most: int = 50", "most: int = 3"), "utf-8")
    code, said = terminal.run("experiment", "--set", "C=0.2")
    assert code == 1
    assert re.search(r"This changes 2 things at once: C: .* → 0.2; features [0-9a-f]{12} → [0-9a-f]{12}\.", said)
    assert "--features champion takes the champion's" in said
    code, said = terminal.run("experiment", "--set", "C=0.2", "--features", "champion")
    assert code == 0, said
    code, said = terminal.run("experiment")
    assert code == 0, said
    (change,) = record(folder)["change"]
    assert re.fullmatch(r"features [0-9a-f]{12} → [0-9a-f]{12}", change)
    assert sorted(path.name for path in (folder / "registry" / "rooms").iterdir())[0], "each is kept by what it says"

    room.unlink()
    code, said = terminal.run("rollback", "--drill")
    assert code == 0, said


def answers_of_its_own(terminal: Terminal) -> None:
    """The champion scores a file, and none of it by the rule."""
    rows = noted(parcels.made(200, 9), 9)
    parcels.write(terminal.folder / "some.csv", [{k: v for k, v in row.items() if k != parcels.TARGET} for row in rows])
    code, said = terminal.run("score", "some.csv")
    assert code == 0, said
    assert "\n0 of them answered by the rule." in said
    assert terminal.run("monitor")[0] in (0, 1)
    (terminal.folder / "some.csv").unlink()
