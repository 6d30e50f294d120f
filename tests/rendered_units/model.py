"""The evaluator against references, intervals against simulation, and one change an experiment."""

import math
from dataclasses import replace
from pathlib import Path
from statistics import NormalDist

import numpy as np
import pytest
from planrun.repository import Repo
from planrun_ml.experiments import records as records_module
from planrun_ml.experiments import stop_rules
from planrun_ml.measuring import intervals, stakes
from planrun_ml.measuring.case import Case
from planrun_ml.measuring.metrics import named, score
from planrun_ml.self_test.conftest import ask, edit, forge, gate, record_of, waive
from sklearn import metrics as reference


def binary(count: int = 300, seed: int = 0, strength: float = 1.0) -> Case:
    rng = np.random.default_rng(seed)
    y = (rng.random(count) < 0.3).astype(float)
    return Case(y, 1 / (1 + np.exp(-(strength * (2 * y - 1) + rng.normal(0, 1, count)))))


def test_metrics_equal_the_reference() -> None:
    """Ours, because they must be resampled quickly; the same numbers as scikit-learn's."""
    case = binary()
    said = case.scores >= 0.5
    expected = {
        "recall": reference.recall_score(case.y, said),
        "precision": reference.precision_score(case.y, said),
        "accuracy": reference.accuracy_score(case.y, said),
        "f1": reference.f1_score(case.y, said),
        "roc_auc": reference.roc_auc_score(case.y, case.scores),
        "average_precision": reference.average_precision_score(case.y, case.scores),
        "log_loss": reference.log_loss(case.y, case.scores),
        "brier": reference.brier_score_loss(case.y, case.scores),
        "mae": reference.mean_absolute_error(case.y, case.scores),
        "rmse": reference.root_mean_squared_error(case.y, case.scores),
    }

    assert expected == pytest.approx({name: score(named(name), case) for name in expected}, abs=1e-9)


def test_metrics_of_classes_equal_the_reference() -> None:
    """Macro F1, and log loss over classes."""
    rng = np.random.default_rng(1)
    names = np.array(["a", "b", "c"])
    y = names[rng.integers(0, 3, 200)]
    said = rng.dirichlet([1, 1, 1], 200) + 0.5 * (y[:, None] == names)
    said /= said.sum(axis=1, keepdims=True)
    case = Case(y, said, classes=tuple(names))
    assert score(named("macro_f1"), case) == pytest.approx(
        reference.f1_score(y, names[said.argmax(axis=1)], average="macro")
    )
    assert score(named("log_loss"), case) == pytest.approx(reference.log_loss(y, said))


def test_a_metric_that_is_not_defined_is_no_number() -> None:
    """No positive row: recall is not zero and not one."""
    assert math.isnan(score(named("recall"), Case(np.zeros(5), np.ones(5))))
    assert math.isnan(score(named("roc_auc"), Case(np.zeros(5), np.arange(5.0))))


@pytest.mark.parametrize("metric", ["accuracy", "recall", "roc_auc", "brier", "f1"])
def test_bounds_miss_as_rarely_as_promised(metric: str) -> None:
    """Of 200 samples about 5 % lie beyond each one-sided bound, and never four times as many."""
    truth = score(named(metric), binary(60_000, seed=99))
    found = [intervals.interval(named(metric), binary(150, seed), 0.05) for seed in range(200)]

    assert sum(entry.low > truth for entry in found) < 30
    assert sum(entry.high < truth for entry in found) < 30


@pytest.mark.parametrize("metric", ["accuracy", "recall", "roc_auc", "log_loss", "f1"])
def test_a_gain_of_nothing_is_rarely_shown(metric: str) -> None:
    """Two equally good models: the lower bound of the gain is above zero in about 5 % of samples."""
    shown = 0
    for seed in range(120):
        first, second = binary(150, seed), binary(150, seed + 1000)
        rng = np.random.default_rng(seed)
        scores = 1 / (1 + np.exp(-((2 * first.y - 1) + rng.normal(0, 1, 150))))
        found = intervals.gain(named(metric), first, replace(second, y=first.y, scores=scores), 0.05)
        shown += found.low > 0

    assert shown <= 18


def test_clusters_widen_the_interval() -> None:
    """Ten copies of each row are no ten rows."""
    case = binary(60)
    copied = Case(np.repeat(case.y, 10), np.repeat(case.scores, 10))
    grouped = replace(copied, clusters=np.repeat(np.arange(60), 10).astype(object))

    found = [intervals.interval(named("accuracy"), entry, 0.05) for entry in (copied, grouped)]
    width = [entry.high - entry.low for entry in found]

    assert width[1] > 2 * width[0]


def test_verdicts_have_three_values() -> None:
    """Shown, shown not to be there, and neither, with the rows to go."""
    found = intervals.Interval(0.10, 0.02, 0.18, 100, "t", 0.05)

    assert intervals.verdict(found, 0.01).state == "pass"
    assert intervals.verdict(found, 0.20).state == "fail"
    undecided = intervals.verdict(found, 0.05)
    assert (undecided.state, undecided.more) == ("inconclusive", 156)
    unknown = intervals.verdict(replace(found, value=math.nan, low=math.nan, high=math.nan), 0.0)
    assert unknown.state == "inconclusive"
    assert "not a number on 100 rows" in unknown.sentence
    half = intervals.verdict(replace(found, low=-math.inf), 0.20)
    assert half.state == "fail"


def test_higher_is_better_is_known_for_every_metric() -> None:
    """An error that falls is a gain."""
    assert named("recall").sign == 1
    assert named("mae").sign == -1
    better, worse = Case(np.ones(20), np.linspace(0.9, 1.1, 20)), Case(np.ones(20), np.linspace(0.5, 1.5, 20))
    assert intervals.gain(named("mae"), better, worse, 0.05).value > 0


def test_an_experiment_changes_one_thing_and_is_not_run_twice(worked: Path) -> None:
    """The same configuration again is refused; the next family is tried without being asked."""
    first = records_module.all_records(Repo(worked))[0]
    code, said = ask(worked, "experiment", "--model", first["config"]["model"])
    assert code == 1
    assert first["id"] in said

    assert ask(worked, "experiment")[0] == 0
    assert record_of(worked).parent.name == "0002-forest"
    assert ask(worked, "experiment", "--model", "magic")[0] == 1
    assert ask(worked, "experiment", "--drop", "no such column")[0] == 1
    assert ask(worked, "experiment", "--set", "nonsense=1")[0] == 1


def test_two_changes_at_once_are_refused_until_it_is_said_what_each_gives(worked: Path) -> None:
    """Their gains could not be told apart; an ablation tells them apart."""
    words = ("experiment", "--model", "forest", "--set", "max_depth=3")
    code, said = ask(worked, *words)
    assert code == 1
    assert "changes 2 things at once: model: linear → forest; max_depth: None → 3" in said

    code, said = ask(worked, *words, "--ablation", "the forest alone gave +0.04, the depth nothing")
    assert code == 0, said
    assert gate(worked, "G2.2").state == "pass"


def test_a_change_that_changes_no_prediction_leaves_no_record(worked: Path) -> None:
    """A comparison with itself would show nothing, and a record cannot be taken back."""
    before = len(records_module.all_records(Repo(worked)))
    code, said = ask(worked, "experiment", "--seed", "3")

    assert code == 1
    assert "Every prediction is that of the champion" in said
    assert len(records_module.all_records(Repo(worked))) == before
    assert gate(worked, "G2.5").state == "pass"


def test_a_typed_decision_is_seen(worked: Path) -> None:
    """What a record decides follows from its figures."""
    other = {"keep": "drop", "drop": "keep"}
    edit(record_of(worked), lambda found: found.update(decision=other[found["decision"]]))

    assert gate(worked, "G2.5").state == "fail"
    assert "its figures say" in gate(worked, "G2.5").reason


def test_a_typed_comparison_is_seen(worked: Path) -> None:
    """What a record says of the baseline follows from both files of predictions."""
    edit(record_of(worked), lambda found: found["vs_baseline"].update(low=found["vs_baseline"]["high"]))

    assert gate(worked, "G2.5").state == "fail"
    assert "vs_baseline recomputes to" in gate(worked, "G2.5").reason


def test_a_record_cannot_choose_its_champion(worked: Path) -> None:
    """The comparison is with the last record that was kept, whatever the record names."""
    assert ask(worked, "experiment")[0] == 0
    edit(record_of(worked), lambda found: found.update(champion=None, vs_champion=None))

    assert gate(worked, "G2.5").state == "fail"
    assert "vs_champion" in gate(worked, "G2.5").reason


def plan(root: Path, **numbers: float | None) -> None:
    """Other numbers of the plan, as a replan would leave them: `iterations_max=3` is iterations.max."""
    for name, value in numbers.items():
        group, key = name.split("_", 1)
        edit(root / "plan/plan.json", lambda found, g=group, k=key, v=value: found[g][k].update(value=v))


def rule(root: Path) -> str:
    return stop_rules.stop_rule(Repo(root)).partition(":")[0]


def test_each_stop_rule_is_met_by_its_own_inequality(worked: Path) -> None:
    """Success: the bound less the optimism. Futility: poor gains and a curve that falls short. Budget: a count."""
    for _ in range(2):
        assert ask(worked, "experiment")[0] == 0
    records = records_module.all_records(Repo(worked))
    low = next(record for record in reversed(records) if record["decision"] == "keep")["vs_baseline"]["low"]
    chance = stop_rules.optimism_of(Repo(worked))
    assert chance > 0
    plan(worked, iterations_max=50, iterations_mde=-1e6, acceptance_min_gain=low - chance - 1e-3)
    assert rule(worked) == "success"
    plan(worked, acceptance_min_gain=low - chance + 1e-3)
    assert rule(worked) == ""  # the same bound, and a little more optimism than it can bear

    plan(worked, acceptance_min_gain=1e6, iterations_mde=1e6, acceptance_target=0.5)
    forge(worked, "learning_curve", lambda found: found.update(fit={"at_all_rows": 0.52, "band": 0.05}))
    assert rule(worked) == ""  # poor gains, and the curve still reaches the target
    forge(worked, "learning_curve", lambda found: found.update(fit={"at_all_rows": 0.6, "band": 0.05}))
    assert rule(worked) == "futility"
    plan(worked, iterations_mde=-1e6)
    assert rule(worked) == ""

    plan(worked, iterations_max=3)
    assert rule(worked) == "budget"
    assert gate(worked, "G2.6").state == "pass"  # the last one planned was run
    plan(worked, iterations_max=2)
    assert gate(worked, "G2.6").state == "blocked"
    (worked / "docs/decisions/0002-extend.md").write_text("Two more, because a new column arrived.\n")
    assert gate(worked, "G2.6").state == "pass"


def test_no_experiment_extends_a_budget_in_silence_where_the_gate_blocks(worked: Path) -> None:
    """From rigor standard on the command itself refuses, and names the record that is missing."""
    blocking = Repo(worked).blocking()
    if "G2.6" not in blocking:
        edit(worked / "plan/gates.yaml", lambda found: found["blocking"].append("G2.6"))
    plan(worked, iterations_max=1, acceptance_min_gain=1e6)
    code, said = ask(worked, "experiment")

    assert code == 2
    assert "budget: 1 experiments are done, and 1 were planned" in said
    assert "docs/decisions/" in said


def test_optimism_grows_with_what_was_really_tried(worked: Path) -> None:
    """The standard error of the last score × the expected largest of as many normal values as were tried, whatever the
    plan says; each trial of a search is one."""
    plan(worked, iterations_optimism=0.5)
    assert ask(worked, "experiment")[0] == 0
    found = records_module.all_records(Repo(worked))[-1]["metric"]
    error = (found["value"] - found["low"]) / NormalDist().inv_cdf(1 - found["alpha"])

    assert stop_rules.optimism_of(Repo(worked)) == pytest.approx(error * 0.5641896, rel=1e-4)  # 1 / sqrt(pi) for two
    edit(record_of(worked), lambda found: found.update(trials=4))
    assert stop_rules.optimism_of(Repo(worked)) == pytest.approx(error * 1.1629645, rel=1e-4)  # of five
    assert intervals.optimism({"value": 1.0, "low": None, "alpha": 0.05}, 5) == 0.0


def test_the_log_is_rebuilt_from_the_records(worked: Path) -> None:
    """Deleted or edited, it comes back the same; every record is in it, those of other data as not counted."""
    assert ask(worked, "experiment")[0] == 0
    log = worked / "evidence/experiments.md"
    text = log.read_text()
    log.write_text("we won\n")
    code, said = ask(worked, "experiment", "--log")

    assert code == 0, said
    assert log.read_text() == text
    assert all(f"| {record['id']} |" in text for record in records_module.all_records(Repo(worked)))
    edit(record_of(worked), lambda found: found.update(lock_sha="0" * 64))
    ask(worked, "experiment", "--log")
    assert "Of other data, or of another engine: not counted." in log.read_text()


def test_a_gain_without_a_price_is_a_share_of_the_measured_baseline(worked: Path) -> None:
    """Where the plan holds a share and no number, the measured baseline makes the number."""
    entry = {"value": None, "inputs": {"min_gain_share": 0.1, "baseline": None}}
    edit(worked / "plan/plan.json", lambda found: found["acceptance"]["min_gain"].update(entry))
    repo = Repo(worked)

    assert stakes.minimum_gain(repo) == pytest.approx(0.1 * repo.evidence("baseline")["result"]["value"])
    assert stakes.minimum_gain(repo, baseline=40000.0) == 4000.0


def test_costs_that_no_model_can_meet_are_named(worked: Path) -> None:
    """Where more is asked for than a perfect model could gain, replanning with the baseline would change nothing."""
    plan(worked, acceptance_min_gain=1e9)
    waive(worked, "G3.1")  # other thresholds than were signed before the look
    said = ask(worked, "accept")[1]

    assert "At these costs no model can pay" in said
    assert "and 1e+09 is asked for" in said
    assert "payback_limit_months" in said
    assert "current_value" not in said
