"""`mlscaffold replan --measured`: what a repository measured becomes an answer after one yes, and nothing else does."""

import importlib
import json
import pkgutil
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from mlscaffold import answers, cli, measured, questions, render, update, vcs
from planrun import repository as engine
from planrun.rigor import ENGINES
from planrun.signing.signatures import SIGNABLES
from planrun_ml.measuring import measures
from planrun_ml.measuring.case import Case
from planrun_ml.measuring.metrics import named
from rendered_repository import run

ROWS = 600
OWN = "data/raw/own.csv"


def git(folder: Path, *words: str) -> None:
    subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True)


def parcels() -> pd.DataFrame:
    """A quarter late, told apart by two columns together."""
    draw = np.random.default_rng(5)
    rows = pd.DataFrame({"ref": [f"P{number}" for number in range(ROWS)]})
    rows["load"], rows["hour"] = draw.normal(0, 1, ROWS), draw.normal(0, 1, ROWS)
    rows["late"] = np.where(rows.load + rows.hour + draw.normal(0, 0.7, ROWS) > 1.1, "yes", "no")
    return rows


@pytest.fixture(scope="module")
def _locked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository on data of a team's own, audited, locked, with one experiment, all of it in commits."""
    given = {
        "kind": "ml", "project_name": "Late parcels", "rigor": "light", "data_source": OWN, "target_column": "late",
        "id_column": "ref", "past_cases": "1000", "labelled_cases": "1000", "positive_share": "0.5",
    }  # fmt: skip
    folder = render.render(answers.complete(given), tmp_path_factory.mktemp("measured"))
    path = folder / "data/source.yaml"
    text = path.read_text("utf-8").replace('owner: ""', "owner: Bo").replace('access: ""', "access: granted")
    path.write_text(text.replace('positive: ""', 'positive: "yes"'), "utf-8")
    (folder / "data/raw").mkdir()
    parcels().to_csv(folder / OWN, index=False)
    vcs.create(folder, "Start")
    for words in (["audit"], ["confirm", "--all"], ["baseline"], ["experiment"]):
        done = run(folder, *words)
        assert done.returncode == 0, done.stdout + done.stderr
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "-m", "Measured")
    return folder


@pytest.fixture
def locked(_locked: Path, tmp_path: Path) -> Path:
    """A copy to plan again."""
    return shutil.copytree(_locked, tmp_path / "repository")


def project(folder: Path) -> dict[str, str]:
    return answers.read(folder / "plan/project.yaml")


def test_what_was_measured_replaces_what_was_thought(locked: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Rows, labels, share, inputs, today's value and discordance, each beside the figure it replaces; then none."""
    late = (parcels().late == "yes").mean()
    baseline = json.loads((locked / "evidence/baseline.json").read_text("utf-8"))["result"]["value"]

    assert cli.run(["replan", str(locked), "--measured", "--yes"]) == 0
    said, now = capsys.readouterr().out, project(locked)

    assert "past_cases      1000 (answered) → 600  (evidence/labels.json)" in said
    assert (now["past_cases"], now["labelled_cases"], now["input_columns"]) == ("600", "600", "2")
    assert float(now["positive_share"]) == pytest.approx(late, abs=5e-5)
    assert float(now["current_value"]) == pytest.approx(baseline, rel=1e-3)
    assert 0 < float(now["discordance"]) < 1
    assert "discordance=experiments/0001-linear/record.yaml" in now["measured"]
    assert answers.complete(now).origin_of("past_cases") == "measured"
    plan = json.loads((locked / "plan/plan.json").read_text("utf-8"))
    assert plan["acceptance"]["baseline"]["provenance"] == "measured"
    git(locked, "commit", "--quiet", "--all", "-m", "Planned again")
    assert cli.run(["replan", str(locked), "--measured", "--yes"]) == 0
    assert capsys.readouterr().out == "Nothing that was measured here differs from the answers.\n"


def test_nothing_is_taken_unasked(locked: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without a terminal nobody can say yes; a look writes nothing."""
    before = project(locked)

    assert cli.run(["replan", str(locked), "--measured"]) == 2
    assert "Add --yes, or --dry-run to look" in capsys.readouterr().err
    assert cli.run(["replan", str(locked), "--measured", "--dry-run"]) == 0
    assert cli.run(["replan", str(locked), "--yes"]) == 2
    assert project(locked) == before


def test_what_people_reach_is_not_what_a_rule_reaches(locked: Path) -> None:
    """Where somebody has said how well the job is done today, the rule's value is no better answer."""
    recorded = update.recorded(locked)
    keys = {one.key for one in measured.offered(locked, recorded | {"current_value": "0.4"}).taken}

    assert "current_value" in {one.key for one in measured.offered(locked, recorded).taken}
    assert "current_value" not in keys
    assert "past_cases" in keys


def test_evidence_that_says_nothing_of_today(locked: Path) -> None:
    """Edited by hand, or measured before the data changed: left out, with the reason, and the rest is offered."""
    path = locked / "evidence/labels.json"
    path.write_text(path.read_text("utf-8").replace(f'"rows": {ROWS}', '"rows": 9999', 1), "utf-8")
    offer = measured.offered(locked, update.recorded(locked))
    assert offer.left_out == ("evidence/labels.json was edited by hand; measure it again",)
    assert {one.key for one in offer.taken} == {"current_value", "discordance"}

    manifest = locked / "data/manifest.json"
    manifest.write_text(manifest.read_text("utf-8") + "\n", "utf-8")
    offer = measured.offered(locked, update.recorded(locked))
    assert "evidence/baseline.json was measured before data/manifest.json changed; measure it again" in offer.left_out
    assert {one.key for one in offer.taken} == {"discordance"}


def test_the_sample_measures_nothing_of_a_team(tmp_path: Path) -> None:
    """Its rows are nobody's, so a plan does not take them over."""
    folder = render.render(answers.complete({"kind": "ml", "rigor": "light"}), tmp_path)
    vcs.create(folder, "Start")
    assert run(folder, "audit").returncode == 0

    assert measured.offered(folder, update.recorded(folder)) == measured.Offer((), ())


def test_what_becomes_stale_is_named(locked: Path) -> None:
    """Evidence by the part of the plan it measured, a signature by the pages and parts it covers."""
    (locked / "gates/signoff-G3a.yaml").write_text("- role: po\n", "utf-8")
    before = {"test": {"rows": {"value": 1}, "shortfall": {"value": 9}}, "metric": {"name": "recall"}}
    path = locked / "evidence/baseline.json"
    assert "plan/plan.json#metric" in json.loads(path.read_text("utf-8"))["measured"]

    def stale(after: dict, *pages: str) -> list[str]:
        return measured.made_stale(locked, before, after, pages)

    assert stale(before) == []
    assert stale(before | {"test": {"rows": {"value": 2}}}) == ["gates/signoff-G3a.yaml (test.rows)"]
    assert stale(before | {"test": {"rows": {"value": 1}, "shortfall": {"value": 8}}}) == [], "which judges nothing"
    assert stale(before, "docs/03-acceptance.md") == ["gates/signoff-G3a.yaml (docs/03-acceptance.md)"]
    assert "evidence/baseline.json (metric)" in stale(before | {"metric": {"name": "f1"}})


def test_the_engine_signs_and_seals_as_is_thought_here() -> None:
    """Two programs, one seal, and one list of what a signature covers."""
    for package in ENGINES.values():
        gates = importlib.import_module(f"{package}.gates")
        for module in pkgutil.iter_modules(gates.__path__, f"{gates.__name__}."):
            importlib.import_module(module.name)
    content = {"b": [1, "ä"], "a": {"x": None}, "seal": "old"}
    covered = {
        name: tuple(path for path in one.paths if path.startswith(("docs/", "plan/")))
        for name, one in SIGNABLES.items()
        if any(path.startswith(("docs/", "plan/")) for path in one.paths)
    }

    assert measured.seal(content) == engine.seal(content)
    assert {name: tuple(paths) for name, paths in measured.SIGNED.items()} == covered
    assert measured.MEASURES == measures.MEASURES


def test_measurements_are_answers() -> None:
    """Every key is a question's, and each figure is what an independent computation gives."""
    draw = np.random.default_rng(1)
    y = (draw.random(400) < 0.4).astype(float)
    first = np.clip(0.5 * y + draw.normal(0.25, 0.2, 400), 0, 1)
    second = np.clip(first + draw.normal(0, 0.1, 400), 0, 1)
    one, other = Case(y, first, 0.5), Case(y, second, 0.5)
    apart = float(np.mean(((first >= 0.5) == y) != ((second >= 0.5) == y)))
    brier = np.corrcoef((first - y) ** 2, (second - y) ** 2)[0, 1]
    operation = measures.of_operation(answered=2_000, days=4.0, due=200, received=150)
    labels = {"rows": 10, "labelled": 8, "balance": {"yes": 2, "no": 6}, "agreement": 0.9, "test": {"rows": 5}}
    found = measures.of_labels(labels, ["a", "b"], "yes")
    split = measures.of_labels(labels, ["a", "b"], "yes", own_split=True)

    assert measures.of_pair(named("accuracy"), one, other) == {"discordance": pytest.approx(apart, rel=1e-3)}
    assert measures.of_pair(named("brier"), one, other) == {"error_correlation": pytest.approx(brier, rel=1e-3)}
    assert measures.of_pair(named("f1"), one, other) == {}
    assert operation == {"daily_volume": 500, "label_return_share": 0.75}
    assert measures.of_operation(answered=99, days=4.0, due=99, received=1) == {}
    assert found["positive_share"] == 0.25
    assert split == found | {"test_cases": 5}, "the audit's own split takes the share that the plan knows of"
    assert {*operation, *split, "discordance", "error_correlation", "error_spread"} <= set(questions.load())
