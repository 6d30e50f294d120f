"""Verdicts that a metric alone would get wrong: a gain that costs more than it brings, and rows of very few days."""

import json
from pathlib import Path

import numpy as np
import pytest
import yaml
from planrun.repository import Repo
from planrun_ml.acceptance import verdicts
from planrun_ml.acceptance.verdicts import judge, slices
from planrun_ml.baseline import practice
from planrun_ml.data.frames import load
from planrun_ml.data.prediction_files import keep_predictions
from planrun_ml.experiments import run as experiments
from planrun_ml.gates import g3_acceptance
from planrun_ml.measuring import intervals
from planrun_ml.measuring.case import Case
from planrun_ml.measuring.deciding import deciding
from planrun_ml.measuring.metrics import named, score
from planrun_ml.self_test.conftest import edit, gate, record_of

PRICES = (4.0, 150.0)  # of a false alarm and of a miss


def two_models(count: int = 600, seed: int = 1) -> tuple[Case, Case]:
    """One that says yes to everybody, and one that finds two in three and alarms few others."""
    draw = np.random.default_rng(seed)
    y = (draw.random(count) < 0.1).astype(float)
    said = np.where(draw.random(count) < np.where(y == 1, 0.67, 0.02), 0.9, 0.1)
    return Case(y, np.full(count, 0.9), prices=PRICES), Case(y, said, prices=PRICES)


def test_yes_to_everybody_finds_more_and_is_no_gain() -> None:
    """Its recall is perfect. Where a false alarm costs as much as a miss, each decision is shown to be dearer."""
    everybody, few = two_models()
    found = intervals.gain(named("recall"), everybody, few, 0.05)
    held = intervals.verdict(found, 0.1)
    cheap, dear = ((fa, 10.0) for fa in (0.01, 10.0))
    shown = {}
    for name, prices in {"cheap": cheap, "dear": dear}.items():
        pair = (Case(case.y, case.scores, prices=prices) for case in (everybody, few))
        shown[name] = {"saves": intervals.gain(named("cost"), *pair, 0.05).as_json()}

    assert held.state == "pass"
    assert intervals.affordable(held, shown["cheap"]).state == "pass"
    judged = intervals.affordable(held, shown["dear"])
    assert judged.state == "fail"
    assert "each decision costs at least" in judged.sentence
    assert not intervals.keeps(
        {"vs_champion": None, "vs_baseline": {"value": 0.3, "low": 0.2, "high": 0.4, **shown["dear"]}}
    )


def test_the_cost_is_the_sum_of_its_errors() -> None:
    """By counting."""
    _, few = two_models()
    alarms, misses = int(((few.scores > 0.5) & (few.y == 0)).sum()), int(((few.scores < 0.5) & (few.y == 1)).sum())
    assert score(named("cost"), few) == pytest.approx((4 * alarms + 150 * misses) / len(few.y))


def test_acceptance_refuses_a_model_that_alarms_always(worked: Path) -> None:
    """From prediction files alone, whatever the metric says of it."""
    repo, rows = Repo(worked), load(Repo(worked), "validation")
    against = yaml.safe_load(record_of(worked).read_text("utf-8"))["vs_baseline"]
    assert ("saves" in against) == (repo.answers["task"] == "binary")
    if repo.answers["task"] != "binary":  # nothing else has two prices
        return
    perfect = keep_predictions(repo, rows, np.where(rows.y == 1, 0.999, 0.001), ())
    always = keep_predictions(repo, rows, np.full(len(rows.y), 0.999), ())

    judged = judge(repo, {"model": always, "baseline": perfect})

    assert judged["verdict"]["state"] == "fail"
    assert "each decision costs at least" in judged["verdict"]["sentence"]


@pytest.mark.parametrize(("added", "ships"), [(0.0, "fail"), (1.0, "pass")])
def test_the_simple_one_ships_where_nothing_is_shown_to_be_added(
    worked: Path, monkeypatch: pytest.MonkeyPatch, added: float, ships: str
) -> None:
    """Both pass against a rule that knows nothing: the larger one has to be better than the simple one, or it goes."""
    repo, rows = Repo(worked), load(Repo(worked), "validation")
    if repo.answers["task"] != "binary":  # the numbers below are decisions
        return
    place = np.arange(len(rows.y))
    wrong = {
        "model": place % 4 == 0 if not added else place < 0,
        "simpler": place % (2 if added else 4) == 1,
        "baseline": place >= 0,
    }
    digests = {
        name: keep_predictions(repo, rows, np.where(off, 1 - rows.y, rows.y) * 0.98 + 0.01, ())
        for name, off in wrong.items()
    }

    judged = judge(repo, digests)
    monkeypatch.setattr(g3_acceptance, "accepted", lambda _: judged | {"simple": False})

    assert judged["simpler"]["state"] == judged["verdict"]["state"] == "pass"
    assert gate(worked, "G3.8").state == ships, (gate(worked, "G3.8").reason, judged["over_simpler"])
    assert "add" in gate(worked, "G3.8").reason


def test_tiny_segments_are_judged_together_with_their_rows(worked: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two of three rows each are one of six; it is neither worse nor fine, and the rest is judged by itself."""
    repo, rows = Repo(worked), load(Repo(worked), "validation")
    one, other = (
        (keep_predictions(repo, rows, np.where(rows.y == rows.y[0], share, 1 - share), ()) for share in (0.9, 0.8))
        if repo.answers["task"] == "binary"
        else ("", "")
    )
    if not one:  # the masks are the same for every task
        return
    place = np.arange(len(rows.y))
    masks = {"region = a": place >= 6, "region = b": place < 3, "region = c": (place >= 3) & (place < 6)}
    monkeypatch.setattr("planrun_ml.acceptance.verdicts.frames.segments", lambda _: masks)

    monkeypatch.setattr("planrun_ml.acceptance.verdicts.allowed_loss", lambda *_: 0.3)

    found = slices(repo, one, other, 0.5, 0.05)

    assert list(found) == ["region = a", "region = b, c (together)"]
    few = found["region = b, c (together)"]
    assert few["state"] == "inconclusive"
    assert few["sentence"].endswith("It has 6 rows.")


def test_few_clusters_are_not_made_sure_by_redrawing() -> None:
    """No effect at all, eight days that each have luck of their own: shown in about one case of twenty, not of six."""
    draw, shown, tried = np.random.default_rng(5), 0, 400
    for _ in range(tried):
        day = np.repeat(np.arange(8), 25)
        luck = draw.normal(0, 1, 8)[day]
        y, zero = np.zeros(200), np.zeros(200)
        new, old = Case(y, luck + draw.normal(0, 0.1, 200) + 3, clusters=day), Case(y, zero + 3, clusters=day)
        shown += intervals.gain(named("mae"), new, old, 0.05).low > 0
    assert shown / tried < 0.08


def test_rows_of_one_day_have_no_bounds_and_decide_nothing() -> None:
    """Neither a pass nor "not a number": more days are missing."""
    everybody, few = two_models(seed=2)
    day = np.zeros(len(few.y))
    pair = (Case(case.y, case.scores, clusters=day) for case in (everybody, few))
    held = intervals.verdict(intervals.gain(named("recall"), *pair, 0.05), 0.1)

    assert held.state == "inconclusive"
    assert "share one day or group" in held.sentence


def test_recall_counts_positive_rows_where_rows_are_clustered() -> None:
    """And precision alarms; what is missing is told in the same unit."""
    everybody, few = two_models(seed=3)
    days = np.arange(len(few.y)) % 40
    clustered = [Case(case.y, case.scores, clusters=days) for case in (everybody, few)]

    assert intervals.gain(named("recall"), *clustered, 0.05).n == few.y.sum()
    assert intervals.interval(named("precision"), clustered[1], 0.05).n == (few.scores > 0.5).sum()
    assert intervals.interval(named("f1"), clustered[1], 0.05).n == len(few.y)


# ------------------------------------------------------------------------------------------------ today's practice
def test_a_gain_over_a_straw_man_is_none(worked: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rule far below what practice is said to reach: a model that beats the rule alone does not pass."""
    repo = Repo(worked)
    digests = json.loads((worked / "evidence/acceptance.json").read_text("utf-8"))["predictions"]
    first = judge(repo, digests)
    model, rule, sign = first["result"], first["baseline"], deciding(repo).sign
    best, worst = ("high", "low") if sign > 0 else ("low", "high")
    little = min(first["gain"]["low"], sign * (model[worst] - rule[best])) - 1e-3  # what is shown of both gains
    monkeypatch.setattr(verdicts, "minimum_gain", lambda repo: little)
    alone = judge(repo, digests)
    assert alone["verdict"]["state"] == "pass"
    assert alone["today"] is None

    for figure, state in (
        (rule["value"], None),
        (rule[best] + sign * 1e-6, "pass"),
        (model[best] - sign * (little - 0.01), "fail"),
    ):
        monkeypatch.setattr(practice, "stated", lambda repo, figure=figure: figure)
        judged = judge(repo, digests)
        assert (judged["today"] or {}).get("state") == state, judged["today"]
        assert judged["verdict"]["state"] == (state or "pass")
        assert ("(current_value), and over that number: " in judged["verdict"]["sentence"]) == (state is not None)
        assert alone["verdict"]["sentence"] in judged["verdict"]["sentence"]

    monkeypatch.setattr(g3_acceptance, "accepted", lambda repo: alone | judged | {"experiment": "0001"})
    row = gate(worked, "G3.3")
    assert row.state == "fail"
    assert "mlscaffold replan --set current_value=" in row.next_step


def test_a_rule_below_todays_practice_is_told_before_the_lock(worked: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With what it means for acceptance, where the rule falls short of the figure and not where it is better."""
    result = json.loads((worked / "evidence/baseline.json").read_text("utf-8"))["result"]
    monkeypatch.setattr(practice, "unlike", lambda figure, metric, result: "They are not the same practice.")
    sign, rows = deciding(Repo(worked)).sign, {}
    best = result["high" if sign > 0 else "low"]
    for name, figure in {"unknown": None, "reached": best, "missed": best + sign * 1e-6}.items():
        monkeypatch.setattr(practice, "stated", lambda repo, figure=figure: figure)
        rows[name] = gate(worked, "G1.9")

    assert [row.state for row in rows.values()] == ["warn"] * 3
    also = ["Acceptance holds a model against both." in row.reason for row in rows.values()]
    assert also == [False, False, True]


@pytest.mark.parametrize("name", ["recall", "mae"])
def test_over_a_figure_better_is_positive(name: str) -> None:
    """Whichever way the metric runs; the bounds are the model's own."""
    metric = named(name)
    found = intervals.Interval(0.6, 0.5, 0.8, 100, "a method", 0.05)
    over = practice.over(metric, found, 0.55)

    assert (over.value, over.low, over.high) == pytest.approx(
        (0.05, -0.05, 0.25) if name == "recall" else (-0.05, -0.25, 0.05)
    )
    assert (over.n, over.method, over.alpha) == (100, "a method", 0.05)


def test_the_samples_rows_say_nothing_of_practice(worked: Path) -> None:
    """What was answered is of the team's own rows, and what was measured here is no figure of somebody's."""
    edit(
        worked / "plan/plan.json", lambda plan: plan["acceptance"]["baseline"].update(value=0.5, provenance="answered")
    )
    assert practice.stated(Repo(worked)) == 0.5

    path = worked / "data/source.yaml"
    path.write_text(path.read_text("utf-8").replace("source: data/raw/rows.csv", "source: sample"), "utf-8")
    assert practice.stated(Repo(worked)) is None


def test_an_experiment_says_what_its_metric_counts(worked: Path) -> None:
    """Its bounds rest on positive rows or queries, not on all the rows there are; where they are rows, that is said."""
    repo, record = Repo(worked), yaml.safe_load(record_of(worked).read_text("utf-8"))
    content = record | {"learned": "Something.", "n": 1_000}
    content["vs_baseline"] = record["vs_baseline"] | {"n": 42}
    more = deciding(repo).more
    told = experiments._told(repo, content).splitlines()[0]

    assert ("42 " + more + " among 1,000 validation rows" in told) == (more != "rows"), told
    assert "1,000 validation rows" in told
