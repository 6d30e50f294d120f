"""`planrun explain NAME`: what a name means in a repository that has no mlscaffold, with that repository's values."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from material import SAMPLES, mostly_slow
from mlscaffold import catalogue
from mlscaffold.planning.number import entries
from planrun import explanation
from planrun.cli import main
from planrun.repository import Repo
from planrun.trouble import Blocked, Trouble
from rendered_repository import run

Rendered = Callable[[str], Path]


def said(folder: Path, name: str) -> str:
    """What is told of a name, as one line."""
    return " ".join(explanation.explain(Repo(folder), name).text.split())


@pytest.mark.parametrize("name", mostly_slow(SAMPLES, "ml-default", "ml-ranking", "sw-default", "sw-library"))
def test_every_name_of_a_repository_is_explained(name: str, rendered: Rendered) -> None:
    """Each number, formula, gate, metric and answer: the text begins with it, and is told whatever the case."""
    repo = Repo(rendered(name))
    known = explanation.Told(repo).names()

    assert {key for key, _ in entries(repo.plan)} <= set(known)
    assert set(repo.answers) <= set(known)
    assert {formula.id for formula in catalogue.cited(repo.plan)} <= set(known)
    assert {gate.id for gate in catalogue.gates_of(repo.answers["kind"])} <= set(known)
    for one in known:
        assert explanation.explain(repo, one.upper()).text.startswith(one), one


WORDS = {
    "ml-invoices acceptance.threshold": (
        "acceptance.threshold (probability): 0.",
        "Act when the calibrated probability is above this.",
        "It was computed by F12, from: false_alarm_cost",
        "F12: Decision threshold, cost of a decision, smallest gain that pays. p* = C_FP / (C_FP + C_FN)",
        "Source: Elkan",
    ),
    "ml-default acceptance.threshold": (
        "0.5 *",
        "false_alarm_cost 1 *",
        "* rests on defaults that nobody has confirmed: false_alarm_cost, miss_cost.",
    ),
    "ml-default acceptance.baseline": (
        "Nobody has given it, and a default stands for it, from: current_practice none",
        "current_value not known",
        "Nobody has measured today's recall",
    ),
    "ml-default labels.double_rows": ("labels.double_rows (rows): does not apply", "Right answers come from logs"),
    "ml-default curve.a": ("not yet measured (by the data audit (gate G1.10))",),
    "ml-default f12": ("In this plan it gives: acceptance.build_cost (EUR): 42,300 *",),
    "ml-default G3.3": (
        "G3.3: Gain over the baseline. It blocks at rigor light and above.",
        "Here, at rigor standard, it blocks.",
        "Now: blocked. The data has not been audited. Next: make audit",
    ),
    "ml-default G4.3": (
        "It blocks at rigor strict, where serving is api. The answers of this repository do not call for it.",
    ),
    "ml-default recall": (
        "recall: share of the positives that is found. It decides here. Higher is better, from 0, at most 1.",
        "planned in positives, by F05; two systems are compared by Tango's score test",
        "acceptance.target (recall): 0.6 *",
    ),
    "ml-default f1": ("f1: F1, balance of precision and recall. It does not decide here; recall does.",),
    "ml-default metric": ("metric: recall, an answer", "Which metric decides?", "recall: share of the positives"),
    "ml-default miss_cost": (
        "miss_cost: 1, an answer in plan/project.yaml. What does one miss (a wrong result) cost?",
        "planrun confirm miss_cost",
        "It goes into acceptance.unit_worth, acceptance.threshold,",
        "numbers of this plan rest on it.",
    ),
    "sw-default slo.objective": ("slo.objective: 0.995", "Share of requests that must succeed."),
    "sw-default T3.1": ("T3.1: Scenarios.", "Here, at rigor standard, it blocks.", "Next: "),
    "sw-library T1.4": (
        "where deliverable is service or web-app or batch. The answers of this repository do not call for it.",
    ),
}


@pytest.mark.parametrize("case", WORDS)
def test_a_name_is_told_with_what_it_is_here(case: str, rendered: Rendered) -> None:
    """Value, meaning, where it comes from, what went into it, and what nobody has confirmed."""
    sample, name = case.split()
    text = said(rendered(sample), name)

    assert [words for words in WORDS[case] if words not in text] == []


@pytest.mark.parametrize("repository", ["ml-default"], indirect=True)
def test_what_a_person_confirmed_carries_no_mark(repository: Path) -> None:
    """The number as before, and the answer with the person's name."""
    for key in ("false_alarm_cost", "miss_cost"):
        assert run(repository, "confirm", key).returncode == 0

    assert "*" not in said(repository, "acceptance.threshold").partition("F12:")[0]
    assert "Confirmed by Ana Example on 20" in said(repository, "miss_cost")
    assert "rest on it" not in said(repository, "miss_cost")


@pytest.mark.parametrize("repository", ["ml-default"], indirect=True)
def test_where_an_answer_was_changed_only_gates_are_told(repository: Path) -> None:
    """A number of yesterday's plan would be explained by today's answers."""
    path = repository / "plan" / "project.yaml"
    path.write_text(path.read_text("utf-8").replace('miss_cost: "1"', 'miss_cost: "9"'), "utf-8")

    assert "Now: blocked." in said(repository, "G3.3")
    with pytest.raises(Blocked, match=r"plan/project\.yaml changed"):
        explanation.explain(Repo(repository), "acceptance.threshold")


@pytest.mark.parametrize("repository", ["ml-default"], indirect=True)
def test_a_gate_of_the_team_is_explained(repository: Path) -> None:
    """Its title, whose it is, and what it says now."""
    lines = [
        "from planrun.gates import gate, passed",
        "@gate('X.1', 'Nobody works on Sundays')",
        "def sundays(repo):",
        "    return passed('It is a Monday.')",
    ]
    next(repository.glob("src/*")).joinpath("checks.py").write_text("\n".join(lines), "utf-8")

    assert said(repository, "x.1") == (
        "X.1: Nobody works on Sundays. A gate of the team's own, in checks.py. "
        "Here, at rigor standard, it does not block. Now: pass. It is a Monday."
    )


@pytest.mark.parametrize(
    ("sample", "name", "meant"),
    [
        ("ml-default", "acceptance.targt", "acceptance.target"),
        ("ml-default", "acceptance.tresh", "acceptance.threshold"),
        ("ml-default", "break_even", "acceptance.break_even_gain"),
        ("sw-default", "T33", "T3.3"),
        ("sw-default", "objective", "slo.objective"),
    ],
)
def test_a_name_that_is_none_is_met_with_what_may_be_meant(
    sample: str,
    name: str,
    meant: str,
    rendered: Rendered,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One sentence and a remedy, on the error stream, and the exit code of every other mistake."""
    monkeypatch.chdir(rendered(sample))
    code = main(["explain", name])
    printed = capsys.readouterr()

    assert (code, printed.out) == (1, "")
    assert printed.err.startswith(f"There is no number, formula, gate, metric or answer called {json.dumps(name)} here")
    assert f"Next: Did you mean {meant}" in printed.err


def test_a_name_like_none_is_told_where_the_names_are(rendered: Rendered) -> None:
    """Nothing is proposed that is not near."""
    with pytest.raises(Trouble) as trouble:
        explanation.explain(Repo(rendered("sw-default")), "xyzzy")

    assert trouble.value.remedy.startswith("docs/formulas.md has the formulas")
