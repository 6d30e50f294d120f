"""Retraining: what it hands over, what the gate works out again, and when it is not due."""

import shutil
from pathlib import Path

import pytest
from planrun.files import canonical
from planrun.repository import Repo
from planrun_ml.acceptance import candidate
from planrun_ml.data import frames, prediction_files
from planrun_ml.measuring.deciding import deciding
from planrun_ml.models import configuration, model_files, training
from planrun_ml.release import registry
from planrun_ml.self_test.conftest import TASK, ask, edit, evidence, forge, gate
from planrun_ml.self_test.test_live import answer_rows, more_rows, soon


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


def test_a_typed_verdict(retrained: Path) -> None:
    """The gate works the verdict out again from the prediction files."""
    forge(retrained, "candidate", lambda found: found["vs_champion"].update(low=0.9))

    assert gate(retrained, "G6.2").state == "fail"
    assert "do not follow" in gate(retrained, "G6.2").reason


def test_a_typed_margin(retrained: Path) -> None:
    """What a candidate is held to is the plan's and the champion's, whatever stands beside the predictions."""
    forge(retrained, "candidate", lambda found: found.update(margin=9.0))

    assert gate(retrained, "G6.2").state == "fail"
    assert "margin in evidence/candidate.json" in gate(retrained, "G6.2").reason


def test_a_challenger_that_its_settings_do_not_give(retrained: Path) -> None:
    """Another model in the place of the retrained one, with entry and evidence rewritten: nothing is promoted."""
    repo, rows = Repo(retrained), frames.load(Repo(retrained), "validation")
    shown = gate(retrained, "G6.2").state == "pass"  # else it is not promoted for want of rows, whatever it is
    exchanged = training.fit(rows, TASK, configuration.config("forest", {"n_estimators": 5}))
    model = model_files.save(exchanged, prediction_files.store(repo))[1]
    version = evidence(retrained, "candidate")["version"]

    def exchange(book: dict) -> None:
        entry = book["models"][version]
        entry["files"]["model"] = {"path": f"store/{model}.skops", "sha256": model}
        entry["hashes"]["acceptance"] = canonical({"retrained": model})

    edit(retrained / registry.PATH, exchange)
    forge(retrained, "candidate", lambda found: found.update(model=model))
    code, said = ask(retrained, "promote")

    assert code == 2
    assert (f"{version} is not what its settings give" if shown else "Not yet shown") in said
    assert registry.version_of(registry.read(retrained), "champion") == "1.0.0"


def test_a_candidate_compared_with_itself(retrained: Path) -> None:
    """The champion under two names shows nothing."""
    forge(retrained, "candidate", lambda found: found.update(champion=found["version"]))

    assert gate(retrained, "G6.2").state == "blocked"
    assert "itself" in gate(retrained, "G6.2").reason


def test_a_candidate_on_older_data(retrained: Path) -> None:
    """The data changed after the comparison, though no code did."""
    edit(retrained / "data/manifest.json", lambda found: found.update(rows=1))

    assert gate(retrained, "G6.2").state == "blocked"


def test_a_version_that_is_no_challenger_is_not_promoted_by_its_number(retrained: Path) -> None:
    """Registered and compared is not enough: what was refused, or never handed over, cannot be let in by name."""
    version = Repo(retrained).evidence("candidate")["version"]
    registry.set_alias(retrained, "challenger", None, by="somebody")
    code, said = ask(retrained, "promote", version)

    assert code == 2, said
    assert "never answered" in said
    assert registry.version_of(registry.read(retrained), "champion") == "1.0.0"


def test_retraining_before_it_is_due(released: Path) -> None:
    """A fresh champion, a quiet floor: nothing is trained."""
    code, said = ask(released, "retrain", "--if-due")

    assert code == 0
    assert "due" in said or Repo(released).number("retrain.every_days") is None


def test_a_first_release_needs_no_candidate(released: Path) -> None:
    """Directly after it nothing is due; a retraining finds nothing new, and the gate stays open."""
    fresh = gate(released, "G6.2")
    code, said = ask(released, "retrain")

    assert fresh.state == "pass", fresh.reason
    assert "No candidate waits." in fresh.reason
    assert (code, "nothing new to learn" in said) == (0, True)
    assert gate(released, "G6.2").state == gate(released, "G6.1").state == "pass", gate(released, "G6.2").reason


def test_a_due_retraining_is_not_passed_over(released: Path) -> None:
    """Older than the plan's interval, or below the floor, and nobody trained: the gate waits for that."""
    edit(
        released / registry.PATH,
        lambda book: [event.update(at="2020-01-01T00:00:00+00:00") for event in book["events"]],
    )
    planned = Repo(released).number("retrain.every_days")

    assert gate(released, "G6.2").state == ("pass" if planned is None else "blocked")

    answer_rows(released, wrong=True)
    ask(released, "monitor", "--at", soon())

    assert gate(released, "G5.3").state == "fail"
    assert gate(released, "G6.2").state == "blocked"


def test_a_champion_that_nobody_compared(retrained: Path) -> None:
    """A retrained version became the champion, and what was measured of it is gone."""
    version = Repo(retrained).evidence("candidate")["version"]
    registry.promote(retrained, version, by="somebody", reason="in a hurry")
    (retrained / "evidence" / "candidate.json").unlink()

    assert gate(retrained, "G6.2").state == "blocked"


def test_a_refused_candidate_stays_red(retrained: Path) -> None:
    """It is worse and was handed to nobody."""

    def worse(found: dict) -> None:
        found.update(predictions=dict.fromkeys(found["predictions"], found["predictions"]["champion"]))
        found.update(floor=deciding(Repo(retrained)).sign * 1e9)
        found.update(candidate.judged(Repo(retrained), found))

    forge(retrained, "candidate", worse)
    registry.set_alias(retrained, "challenger", None, by="a test")

    assert gate(retrained, "G6.2").state == "fail", gate(retrained, "G6.2").reason


def test_what_is_not_shown_to_be_no_worse_waits_at_any_rigor(retrained: Path) -> None:
    """A margin that so few rows cannot show: the challenger stays one, though G6.2 blocks nothing at rigor light."""
    edit(retrained / "plan/gates.yaml", lambda found: found.update(blocking=[]))
    edit(retrained / "plan/plan.json", lambda found: found["promotion"]["margin"].update(value=1e-6))

    def narrow(found: dict) -> None:
        found.update(margin=1e-6, floor=None)
        found.update(candidate.judged(Repo(retrained), found))

    forge(retrained, "candidate", narrow)
    held = gate(retrained, "G6.2")
    code, said = ask(retrained, "promote")

    assert held.state != "pass"
    assert code == 2, said
    assert registry.version_of(registry.read(retrained), "champion") == "1.0.0"
