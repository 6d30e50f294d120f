"""A metric of the team's own decides: from the page's example to a retraining, and what is said where it cannot.

What is brought touches the team's rooms alone; what follows from it comes by `mlscaffold replan`.
"""

import json
import math
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from cookiecutter.main import cookiecutter
from material import ROOT
from mlscaffold import answers, explanation, render, update, vcs
from mlscaffold.errors import AnotherMetric
from mlscaffold.planning.plan import compute
from planrun_ml.measuring import intervals, measures
from planrun_ml.measuring.case import Case
from planrun_ml.measuring.metrics import Metric, score
from rendered_repository import run, states
from rendered_repository import told as status_told
from scipy.optimize import brentq
from scipy.stats import norm
from test_doors import as_typed, same
from test_rendered_ml_loop import Terminal, a_day_passes, answered, card, drawn, line_of

HEADING = "A metric of your own"


def examples(repository: Path) -> list[str]:
    """The page's own rooms below the heading, in order."""
    text = (repository / "docs/bring-your-own.md").read_text("utf-8")
    section = re.search(rf"^## {HEADING}[^\n]*`metrics\.py`\n(.*?)^## ", text, re.MULTILINE | re.DOTALL)
    assert section
    return re.findall(r"```python\n(.*?)```", section[1], re.DOTALL)


def room(repository: Path) -> Path:
    return next(path.parent for path in repository.glob("src/*/__init__.py")) / "metrics.py"


def git(repository: Path, *words: str) -> str:
    return subprocess.run(["git", *words], cwd=repository, check=True, capture_output=True, text=True).stdout


def commit(repository: Path, message: str) -> None:
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--allow-empty", "--message", message)


def replan(repository: Path, **facts: str) -> None:
    """`mlscaffold replan --set …`, committed; no line was changed by both sides."""
    done = update.replan(repository, facts)
    assert not done.conflicts
    commit(repository, "Replanned")


def bring(repository: Path, code: str, **facts: str) -> None:
    """Write the room, see that nothing else was touched, and let the plan know."""
    room(repository).write_text(code, "utf-8")
    assert git(repository, "status", "--short").split() == ["??", room(repository).relative_to(repository).as_posix()]
    commit(repository, "A metric of our own")
    replan(repository, **facts)


@pytest.fixture
def open_terminal(tmp_path: Path) -> Iterator[Callable[..., Terminal]]:
    """A repository with default answers for a task and others given, committed once, with an interpreter in it."""
    opened: list[Terminal] = []

    def make(**given: str) -> Terminal:
        base = {"kind": "ml", "kind_reason": "a test", "project_name": "Own metric", "rigor": "light"}
        folder = render.render(answers.complete(base | given), tmp_path)
        vcs.create(folder, "Start")
        opened.append(Terminal(folder))
        return opened[-1]

    yield make
    for terminal in opened:
        terminal.close()


def typed(terminal: Terminal, *words: str, ends: tuple[int, ...] = (0,)) -> str:
    code, said = terminal.run(*words)
    assert code in ends, said
    return said


def to_a_champion(terminal: Terminal, verdict: str = "pass") -> dict[str, Any]:
    """Audit, baseline, two experiments, a look at the test rows, and a release; the evidence of acceptance."""
    typed(terminal, "audit", ends=(0, 1))
    typed(terminal, "confirm", "--all")
    said = typed(terminal, "baseline")
    if measured := dict(re.findall(r"--set (\w+)=([\w.+-]+)", said)):
        commit(terminal.folder, "Measured")
        replan(terminal.folder, **measured)
        typed(terminal, "confirm", "--all")
    assert terminal.plan("test.rows") > 0
    record = terminal.folder / "docs/decisions/0001-ml-or-not.md"
    record.write_text(record.read_text("utf-8").replace("status: proposed", "status: accepted", 1), "utf-8")
    commit(terminal.folder, "Audited, measured, locked")
    typed(terminal, "experiment", "--model", "linear")
    typed(terminal, "experiment", "--model", "forest")
    commit(terminal.folder, "Two experiments")
    typed(terminal, "sign", "G3")
    said = typed(terminal, "accept", ends=(0, 1, 2))
    found = terminal.evidence("acceptance")
    assert found["verdict"]["state"] == verdict, said
    typed(terminal, "sign", "G3")
    typed(terminal, "promote", ends=(0, 2))
    typed(terminal, "rollback", "--drill")
    typed(terminal, "promote")
    assert terminal.aliases()["champion"] == "1.0.0"
    return found


def watched_and_retrained(terminal: Terminal, task: str, a_day: int = 1000) -> None:
    """A day like those of training is no alarm by the team's metric; answers that follow nothing are one."""
    known = terminal.known()
    source = {"task": task} | {key: card(terminal)[key] for key in ("target", "id", "group")}
    rows = known[known["_split"] == "train"].drop(columns="_split")
    day = drawn(rows, a_day, 1, source)
    answered(terminal, "batch", day, day[source["target"]], source)
    said = typed(terminal, "monitor", ends=(0, 1))
    assert line_of(said, "quality").split()[0] in ("ok", "waiting"), said
    for number in (2, 3):
        a_day_passes(terminal)
        day = drawn(rows, a_day, number, source)
        answered(terminal, "batch", day, day[source["target"]].sample(frac=1, random_state=3), source)
    said = typed(terminal, "monitor", ends=(1,))
    assert line_of(said, "quality").startswith("alarm"), said

    assert terminal.evidence("live_quality")["metric"] == card(terminal)["metric"]

    typed(terminal, "retrain", ends=(0, 1))
    assert np.isfinite(terminal.evidence("candidate")["result"]["value"])


@pytest.mark.slow
def test_profit_a_decision_from_the_page_to_a_retraining(open_terminal: Callable[..., Terminal]) -> None:
    """The page's first example on the sample: rows, gain and floor are planned in money, and it is accepted by it."""
    terminal = open_terminal(task="binary", consequence="cosmetic")
    facts = {"metric": "own:profit", "metric_unit": "EUR a decision", "min_gain": "0.4"}
    bring(terminal.folder, examples(terminal.folder)[0], **facts)
    before = run(terminal.folder, "status", "--check").returncode
    found = to_a_champion(terminal)
    record = terminal.folder.joinpath("experiments/0001-linear/record.yaml").read_text("utf-8")

    assert before != 1
    assert found["metric"] == "own:profit"
    assert found["result"]["value"] > 10
    assert "name: own:profit" in record
    assert re.search(r"code: '?[0-9a-f]{12}", record)
    assert "profit (EUR a decision)" in terminal.folder.joinpath("docs/03-acceptance.md").read_text("utf-8")

    watched_and_retrained(terminal, "binary")
    commit(terminal.folder, "A retraining")
    replan(terminal.folder, daily_volume="2000")

    assert card(terminal)["metric"] == "own:profit"
    assert states(terminal.folder)["G5.3"] == "fail"


@pytest.mark.slow
def test_pinball_loss_from_the_page_to_a_retraining(open_terminal: Callable[..., Terminal]) -> None:
    """The page's example for amounts: less is better, and the curve forecasts what is left of it."""
    terminal = open_terminal(task="regression", consequence="cosmetic")
    facts = {"metric": "own:pinball", "metric_direction": "lower", "min_gain": "0.4"}
    bring(terminal.folder, examples(terminal.folder)[0], **facts)
    found = to_a_champion(terminal)

    assert found["gain"]["low"] > 0.4
    assert found["result"]["value"] < found["baseline"]["value"]
    assert terminal.evidence("learning_curve")["metric"] == "own:pinball"

    watched_and_retrained(terminal, "regression")


def rare_cases(folder: Path, count: int = 20_000) -> None:
    """Cases of which one in fifty is positive, as where people look at the first hundredth; in data/raw/rows.csv."""
    chance = np.random.default_rng(1)
    rows = pd.DataFrame({name: chance.normal(size=count).round(4) for name in ("speed", "load", "heat", "age")})
    worth = rows.speed + rows.load + rows.heat + chance.normal(0, 0.4, count)
    rows.insert(0, "case_id", [f"C{number:05d}" for number in range(count)])
    rows["failed"] = np.where(worth > np.quantile(worth, 0.98), "yes", "no")
    folder.joinpath("data/raw").mkdir(exist_ok=True)
    rows.to_csv(folder / "data/raw/rows.csv", index=False)


@pytest.mark.slow
def test_what_people_can_look_at_from_the_page_to_a_retraining(open_terminal: Callable[..., Terminal]) -> None:
    """The page's second example, one number for all rows: it is drawn anew, and n counts rows."""
    data = {"data_source": "data/raw/rows.csv", "target_column": "failed", "id_column": "case_id"}
    terminal = open_terminal(task="binary", positive_share="0.02", past_cases="20000", labelled_cases="20000", **data)
    facts = {"metric": "own:found_in_the_top", "metric_form": "share", "metric_counted_on": "positives"}
    bring(
        terminal.folder, examples(terminal.folder)[1], **facts, current_value="0.2", target_value="0.4", min_gain="0.05"
    )
    rare_cases(terminal.folder)
    source = terminal.folder / "data/source.yaml"
    text = re.sub(r"^positive: .*$", 'positive: "yes"', source.read_text("utf-8"), flags=re.MULTILINE)
    source.write_text(
        text.partition("sources:\n")[0] + "sources:\n  - {name: rows, owner: us, access: granted, lawful_basis: none}\n"
    )
    commit(terminal.folder, "Our data")
    found = to_a_champion(terminal)

    assert found["gain"]["method"].startswith("jackknife")
    assert found["gain"]["n"] == terminal.evidence("splits")["sizes"]["test"]
    assert terminal.evidence("labels")["test"]["units"] < 0.05 * found["gain"]["n"]

    watched_and_retrained(terminal, "binary", 5000)


# -------------------------------------------------------------------------------------------- one value for all rows
TOP, RARE, BETTER, TODAY = 0.01, 0.02, 2.2, 1.7  # looked at, positive, and how far the classes' scores lie apart


def found_in_the_top(case: Case) -> float:
    """The share of the positives among the highest scores."""
    count = round(len(case.y) * TOP)
    return float(case.y[np.argpartition(-case.scores, count)[:count]].sum() / case.y.sum())


IN_THE_TOP = Metric(value=found_in_the_top, share=True, counted_on="positives", name="own:found_in_the_top")


def in_the_top(apart: float) -> float:
    """Its value on many rows, for scores that are normal in both classes."""
    cut = brentq(lambda at: RARE * norm.sf(at - apart) + (1 - RARE) * norm.sf(at) - TOP, -10, 20)
    return float(norm.sf(cut - apart))


def two_systems(rng: np.random.Generator, rows: int) -> tuple[Case, Case]:
    """A better one and today's on the same rows; their scores' errors correlate by .6."""
    y = (rng.random(rows) < RARE).astype(float)
    noise = math.sqrt(0.6) * rng.normal(size=(rows, 1)) + math.sqrt(0.4) * rng.normal(size=(rows, 2))
    return Case(y, noise[:, 0] + BETTER * y), Case(y, noise[:, 1] + TODAY * y)


def test_a_share_of_all_rows_measures_the_discordance_that_has_the_gates_error() -> None:
    """Never less than what 200 samples differ by; groups are counted in the plan, and not twice."""
    rng = np.random.default_rng(3)
    pairs = [two_systems(rng, 2_000) for _ in range(200)]
    gains = [score(IN_THE_TOP, new) - score(IN_THE_TOP, old) for new, old in pairs]
    positives = float(np.mean([new.y.sum() for new, _ in pairs]))
    found = [measures.of_pair(IN_THE_TOP, *pair)["discordance"] for pair in pairs[:2]]
    grouped = [replace(case, clusters=np.arange(2_000) // 4) for case in pairs[0]]

    assert float(np.mean(found)) >= 0.9 * (positives * float(np.var(gains)) + float(np.mean(gains)) ** 2)
    assert measures.of_pair(IN_THE_TOP, *grouped)["discordance"] == found[0]


def test_without_a_positive_there_is_no_discordance() -> None:
    """No share of none."""
    case = Case(np.zeros(500), np.linspace(0, 1, 500))

    assert measures.of_pair(IN_THE_TOP, case, case) == {}


@pytest.mark.slow
def test_rows_planned_with_the_measured_discordance_have_the_promised_power() -> None:
    """Within three points of .80 and the simulation's error, by the gate's own verdict on 1,000 samples."""
    rng, runs = np.random.default_rng(1), 1_000
    measured = [measures.of_pair(IN_THE_TOP, *two_systems(rng, 20_000))["discordance"] for _ in range(40)]
    facts = {
        "kind": "ml", "decision": "Somebody decides something else than today.", "start_date": "2026-03-02",
        "task": "binary", "metric": IN_THE_TOP.name, "metric_form": "share", "metric_counted_on": "positives",
        "positive_share": f"{RARE}", "current_value": f"{in_the_top(TODAY):.6g}", "min_gain": "0.03",
        "target_value": f"{in_the_top(BETTER):.6g}", "discordance": f"{np.mean(measured):.4f}",
    }  # fmt: skip
    plan = compute(answers.complete(facts))
    rows, alpha = plan["test"]["rows_one_look"]["value"], plan["acceptance"]["alpha"]["value"]
    shown = [
        intervals.verdict(intervals.gain(IN_THE_TOP, *two_systems(rng, rows), alpha), 0.03).state == "pass"
        for _ in range(runs)
    ]

    assert abs(np.mean(shown) - 0.8) <= 0.03 + 1.5 * math.sqrt(0.8 * 0.2 / runs)


# ------------------------------------------------------------------------------------------------ what can be wrong
HEAD = "import numpy as np\nfrom planrun_ml.measuring.metrics import Metric, decide\n\n\n"
EACH = f"{HEAD}def one(case):\n    return {{}}\n\n\nMETRICS = {{{{'profit': Metric(each=one{{}})}}}}\n"


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository whose answers name own:profit, with its data audited by the engine's metric before."""
    given = {"kind": "ml", "kind_reason": "a test", "project_name": "Own metric", "metric": "own:profit"}
    folder = render.render(answers.complete(given), tmp_path_factory.mktemp("known"))
    vcs.create(folder, "Start")
    return folder


def test_a_name_of_an_own_metric_is_explained_without_a_repository() -> None:
    """No catalogue knows it: where it is written, and what the plan asks about it."""
    said = " ".join(explanation.explained("own:profit").split())

    assert said.startswith("own:profit: a metric of the team's own, written in `metrics.py`")
    for key in ("metric_direction", "metric_form", "metric_counted_on", "metric_unit", "metric_spread"):
        assert key in said


def test_status_says_first_that_the_metric_is_not_there(known: Path) -> None:
    """A repository born with a metric of the team's own: README and `status` ask for it before the audit."""
    room(known).unlink(missing_ok=True)
    found = status_told(known)

    assert found["present"] == "G1"
    assert found["next"]["text"].startswith("Write src/own_metric/metrics.py (docs/bring-your-own.md)")
    assert found["next"]["files"] == ["src/own_metric/metrics.py"]
    text = (known / "README.md").read_text("utf-8")
    assert text.index("write `src/own_metric/metrics.py`") < text.index("make audit")


@pytest.mark.parametrize(
    ("code", "told", "remedy"),
    [
        (None, "own:profit decides, and src/own_metric/metrics.py is not there.", "docs/bring-your-own.md"),
        ("METRIC = {}\n", "has no METRICS, a dictionary", "Read docs/bring-your-own.md"),
        (
            f"{HEAD}METRICS = {{'profits': Metric(each=len)}}\n",
            "has no metric profit; it has profits.",
            "mlscaffold replan --set metric=own:profits",
        ),
        (f"{HEAD}METRICS = {{'profit': len}}\n", "profit is a builtin_function_or_method, not a Metric", "Read"),
        (
            f"{HEAD}METRICS = {{'profit': Metric(each=len, better='lower')}}\n",
            "says of own:profit that lower is better, and the plan counts with higher.",
            "mlscaffold replan --set metric_direction=lower",
        ),
        (
            f"{HEAD}METRICS = {{'profit': Metric(each=len, share=True)}}\n",
            "it is a share, and the plan counts with a mean.",
            "--set metric_form=share",
        ),
        (
            f"{HEAD}METRICS = {{'profit': Metric(each=len, better='up')}}\n",
            'metrics.py, line 5: better="up" is none of higher, lower.',
            "Correct",
        ),
        (EACH.format("1 / 0", ""), "metrics.py, line 6: division by zero.", "Correct"),
        (EACH.format("0.0", ""), "gives one number for 113 rows", "one number for each"),
        (
            EACH.format("np.where(case.y == 1, np.nan, 0)", ""),
            "is not a number for a row whose right answer is 1",
            "finite",
        ),
        (EACH.format("-(decide(case) == case.y).astype(float)", ""), "it runs the other way.", 'write better="lower"'),
        (
            f"{HEAD}METRICS = {{'profit': Metric(value=lambda case: float('nan'))}}\n",
            "own:profit is not a number on these rows.",
            "on all rows it must be a finite number",
        ),
    ],
)
def test_a_metric_that_cannot_decide_is_told(
    code: str | None, told: str, remedy: str, known: Path, tmp_path: Path
) -> None:
    """One sentence that names the file or the value, and the remedy; status goes on."""
    folder = Path(shutil.copytree(known, tmp_path / "known"))
    if code is not None:
        room(folder).write_text(code, "utf-8")
    done = run(folder, "audit")
    if done.returncode == 0:  # an audit needs no interval
        run(folder, "confirm", "--all")
        done = run(folder, "baseline")

    assert done.returncode == (2 if code is None else 1), done.stdout  # what is not there has to come first
    assert told in done.stderr
    assert remedy in done.stderr
    assert "Traceback" not in done.stderr
    assert run(folder, "status").returncode == 0


def test_a_loss_below_nothing_is_told(open_terminal: Callable[..., Terminal]) -> None:
    """A gain that was written down as a loss: the plan counts losses from 0."""
    terminal = open_terminal(task="binary", metric="own:profit", metric_direction="lower")
    room(terminal.folder).write_text(EACH.format("decide(case) - 5.0", ", better='lower'"), "utf-8")

    assert "own:profit is below 0 for a row whose right answer is" in typed(terminal, "audit", ends=(1,))


def test_another_metric_asks_for_its_values(open_terminal: Callable[..., Terminal]) -> None:
    """What is counted in the old metric's unit is refused with the remedy; given anew, all numbers are computed."""
    terminal = open_terminal(task="binary", metric="recall", current_value="0.6", target_value="0.8", min_gain="0.05")
    before = json.loads(terminal.folder.joinpath("plan/plan.json").read_text("utf-8"))
    with pytest.raises(AnotherMetric) as refused:
        update.replan(terminal.folder, {"metric": "own:profit", "current_value": "3"})
    replan(terminal.folder, metric="own:profit", current_value="-3", target_value="", min_gain="1", metric_spread="20")
    plan = json.loads(terminal.folder.joinpath("plan/plan.json").read_text("utf-8"))

    assert str(refused.value).startswith("target_value (0.8), min_gain (0.05) are said of recall, and own:profit is to")
    assert "--set target_value=… --set min_gain=…" in refused.value.hint
    assert before["metric"]["key"] == "recall"
    assert plan["acceptance"]["baseline"]["value"] == -3
    assert plan["acceptance"]["target"]["value"] == pytest.approx(-1.7)  # a tenth of -3 above the gain
    assert plan["test"]["rows"]["value"] > 0

    replan(terminal.folder, metric="accuracy", current_value="0.7", target_value="0.8", min_gain="")

    assert "metric_spread" not in terminal.folder.joinpath("plan/project.yaml").read_text("utf-8")


@pytest.mark.slow
def test_a_changed_metric_is_told_and_measured_anew(open_terminal: Callable[..., Terminal]) -> None:
    """The lock holds what the room says: comments change nothing; code does, and experiments by the old one end."""
    terminal = open_terminal(task="binary")
    code = examples(terminal.folder)[0]
    bring(terminal.folder, code, metric="own:profit")
    typed(terminal, "audit", ends=(0, 1))
    typed(terminal, "confirm", "--all")
    typed(terminal, "baseline")
    commit(terminal.folder, "Locked")
    typed(terminal, "experiment")
    room(terminal.folder).write_text(code.replace("0.0)", "0.0)  # nobody acts"), "utf-8")
    assert states(terminal.folder)["G1.lock"] == "pass"
    room(terminal.folder).write_text(code.replace("-5.0", "-8.0"), "utf-8")
    found = {row["id"]: row for row in json.loads(run(terminal.folder, "status", "--json").stdout)["gates"]}

    assert found["G1.lock"]["state"] == "blocked"
    assert "metric changed after it was written" in found["G1.lock"]["reason"]
    assert "rooms/metrics.py changed after it was measured" in found["G1.9"]["reason"]

    typed(terminal, "audit", ends=(0, 1))
    typed(terminal, "baseline")

    assert "1 are of other data" in run(terminal.folder, "status", "--all").stdout


def test_both_doors_take_a_metric_of_the_teams_own(tmp_path: Path) -> None:
    """Plain cookiecutter writes the same bytes, its plan computed with the same facts."""
    given = {"kind": "ml", "kind_reason": "a test", "start_date": "2026-03-02", "metric": "own:profit"}
    facts = {"metric_unit": "EUR a decision", "metric_spread": "20", "current_value": "-2", "target_value": "3"}
    complete = answers.complete(given | facts)
    ours = render.render(complete, tmp_path / "ours")
    context = as_typed(complete.raw)
    plain = cookiecutter(
        str(ROOT), directory="templates/ml", no_input=True, extra_context=context, output_dir=str(tmp_path)
    )
    plan = json.loads(Path(plain, "plan/plan.json").read_text("utf-8"))

    same(Path(plain), ours)
    assert plan["metric"]["unit"] == "EUR a decision"
    assert plan["test"]["rows"]["value"] > 0


@pytest.mark.slow
@pytest.mark.parametrize("task", ["multiclass", "ranking", "forecast"])
def test_the_other_tasks_examples_measure(task: str, open_terminal: Callable[..., Terminal]) -> None:
    """The page's example of each task is measured by `baseline` and `experiment`."""
    terminal = open_terminal(task=task)
    facts = {
        "multiclass": {"metric": "own:profit"},
        "ranking": {"metric": "own:first_is_best", "metric_form": "share"},
        "forecast": {"metric": "own:pinball", "metric_direction": "lower"},
    }[task]
    bring(terminal.folder, examples(terminal.folder)[0], **facts)
    typed(terminal, "audit", ends=(0, 1))
    typed(terminal, "confirm", "--all")
    said = typed(terminal, "baseline")
    commit(terminal.folder, "Locked")

    assert f"Baseline {facts['metric']}" in said
    assert f"{facts['metric']} " in typed(terminal, "experiment")
