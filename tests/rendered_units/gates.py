"""Gates and signatures beyond those whose planted failures the repository itself ships."""

import json
import re
import shutil
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, get_args

import pandas as pd
import pytest
import yaml
from planrun.catalogue import AnswerKey
from planrun.command import COMMAND
from planrun.files import canonical
from planrun.gates import evaluate
from planrun.repository import Repo
from planrun.signing import assumptions
from planrun.signing.signatures import SIGNABLES, document_hash, required_roles
from planrun.steps import told
from planrun.trouble import Trouble
from planrun_ml.audit.two_runs import PIPELINE
from planrun_ml.data import looks
from planrun_ml.experiments.retracing import LOOSE
from planrun_ml.gates import g1_data, g3_acceptance
from planrun_ml.measuring.deciding import deciding
from planrun_ml.measuring.metrics import MORE
from planrun_ml.self_test.conftest import ROWS, ask, commit, edit, gate, git


def test_the_same_commands_again_change_nothing(worked: Path) -> None:
    """An audit of the same data gives the same manifest, splits and lock."""
    kept = {name: (worked / name).read_bytes() for name in ("data/manifest.json", "gates/G1.lock")}

    ask(worked, "audit")
    ask(worked, "baseline")

    assert kept == {name: (worked / name).read_bytes() for name in kept}


def test_explained_suspect_passes(newborn: Path) -> None:
    """A person may say why a column may know the answer; the reason stays in data/source.yaml."""
    rows = pd.read_csv(newborn / ROWS)
    rows.insert(1, "remark", rows[rows.columns[-1]])
    rows.to_csv(newborn / ROWS, index=False)
    with (newborn / "data" / "source.yaml").open("a") as file:
        file.write("explained:\n  remark: known before the prediction, by contract\n")

    ask(newborn, "audit")

    assert gate(newborn, "G1.4").state == "pass"


def test_acceptance_is_not_signed_before_its_gates(worked: Path) -> None:
    """G0 and the documents come before the acceptance signature."""
    code, said = ask(worked, "sign", "G3b")

    assert code == 2
    assert "G0." in said


def test_acceptance_cannot_be_signed_before_it_exists(worked: Path) -> None:
    """The thresholds are signed; what is missing is the acceptance, and the way there is said."""
    (worked / "evidence" / "acceptance.json").unlink()

    code, said = ask(worked, "sign", "G3")

    assert code == 2
    assert "Next: make accept" in said


def test_a_torn_line_in_the_log_of_looks(worked: Path) -> None:
    """Half a line is no look, and no traceback: the gates that rest on the log say that it was rewritten."""
    log = worked / "evidence" / "test_access.log"
    log.write_text(log.read_text("utf-8")[:-20], "utf-8")

    assert gate(worked, "G2.4").state == "fail"
    assert "was rewritten" in gate(worked, "G3.1").reason


LOG, ACCEPTANCE = "evidence/test_access.log", "evidence/acceptance.json"


@pytest.mark.parametrize("gone", [(LOG,), (LOG, ACCEPTANCE)])
def test_looks_that_a_commit_erased(worked: Path, gone: tuple[str, ...]) -> None:
    """The last commit knows of no look, its history does: no gate says that nobody looked, and nobody looks again."""
    kept = (worked / LOG).read_bytes()
    git(worked, "rm", "--quiet", *gone)
    commit(worked)
    shut = [gate(worked, id) for id in ("G2.4", "G3.1", "G3.2")]
    refused = ask(worked, "accept")
    (worked / LOG).write_bytes(kept)

    assert [(row.state, "lost 1 look" in row.reason) for row in shut] == [("fail", True)] * 3
    assert refused[0] == 2
    assert "lost 1 look" in refused[1]
    assert (worked / LOG).read_bytes() == kept
    assert [gate(worked, id).state for id in ("G2.4", "G3.1", "G3.2")] == ["pass"] * 3  # put back, and all is well


def test_looks_replaced_by_others(worked: Path) -> None:
    """A log whose chain is whole, made by looking anew after the old lines were committed away."""
    (worked / LOG).unlink()
    commit(worked)
    entry = {"at": "2026-01-05T00:00:00+00:00", "by": "Bo", "test_set": "1-1", "command": "accept", "model": "m"}
    chain = canonical({"before": "", **entry})
    (worked / LOG).write_text(json.dumps(entry | {"chain": chain}) + "\n", "utf-8")
    commit(worked)

    assert gate(worked, "G2.4").state == "fail"


def test_an_acceptance_without_a_look(worked: Path) -> None:
    """A history begun anew without the log: what was accepted had to be looked at."""
    (worked / LOG).unlink()
    shutil.rmtree(worked / ".git")
    git(worked, "init", "--quiet", "--template=", "--initial-branch=main")
    commit(worked)

    assert gate(worked, "G2.4").state == gate(worked, "G3.1").state == gate(worked, "G3.2").state == "fail"
    assert f"{ACCEPTANCE} tells of a look that {LOG} lacks" in gate(worked, "G2.4").reason


@pytest.mark.parametrize("name", ["model-card", "datasheet"])
def test_a_stale_page(worked: Path, name: str) -> None:
    """A model card or a datasheet that tells of other evidence fails."""
    page = worked / "evidence" / f"{name}.md"
    page.write_text(page.read_text("utf-8") + "It is wonderful.\n", "utf-8")

    assert gate(worked, "G3.10").state == "fail"
    assert name in gate(worked, "G3.10").reason


def test_a_shorter_list_of_blocking_gates_lets_nothing_through(newborn: Path) -> None:
    """What the rigor asks for blocks, whether plan/gates.yaml lists it or not; the row says that it does not."""
    listed = Repo(newborn).blocking()
    edit(newborn / "plan/gates.yaml", lambda found: found.update(rigor="light", blocking=["G1.7"]))
    rows = {row.id: row for row in evaluate(Repo(newborn))}
    code, said = ask(newborn, "experiment")

    assert {id for id, row in rows.items() if row.blocking} == {*listed, "G1.7"}
    assert rows["G1.3"].reason.endswith("(plan/gates.yaml does not list it; it blocks.)")
    assert "list it" not in rows["G1.7"].reason
    assert ask(newborn, "status", "--check")[0] in (1, 2)
    assert (code, "G1.11" in said) == (2, True)


@pytest.mark.parametrize("text", ["blocking: G1.3\n", "titles: {}\n", "- G1.3\n", "blocking: []\ntitles: none\n"])
def test_a_list_of_blocking_gates_that_is_none(newborn: Path, text: str) -> None:
    """One sentence that names the file."""
    (newborn / "plan/gates.yaml").write_text(text, "utf-8")

    code, said = ask(newborn, "status")

    assert code == 1
    assert said.startswith("plan/gates.yaml")
    assert "git checkout plan/gates.yaml" in said


@pytest.mark.parametrize(
    "text", ["", "[]\n", None, "- key: rules_expressible\n  confirmed_by: Bo\n  confirmed_on: today\n"]
)
def test_assumptions_that_lack_are_open_again(worked: Path, text: str | None) -> None:
    """A file that was deleted, emptied or cut short shuts the gate; `confirm` writes its rows anew."""
    path = worked / "plan/assumptions.yaml"
    kept = path.read_text("utf-8")
    path.write_text(text or "", "utf-8")
    if text is None:
        path.unlink()
    shut, refused = gate(worked, "G1.11"), ask(worked, "experiment", "--model", "forest")
    ask(worked, "confirm", "--all")

    assert shut.state == "blocked"
    assert "rules_expressible" in shut.reason
    assert (refused[0], "G1.11" in refused[1]) == (2, True)
    assert gate(worked, "G1.11").state == "pass"
    assert path.read_text("utf-8").count("- key:") == kept.count("- key:") > 5


def test_an_assumption_that_says_other_than_the_plan(worked: Path) -> None:
    """A person cannot have confirmed what the plan was not computed with."""
    edit(worked / "plan/assumptions.yaml", lambda rows: rows[0].update(value="something else"))

    assert gate(worked, "G1.11").state == "blocked"
    assert gate(worked, "G1.11").reason.startswith("1 assumed")


def test_an_answer_that_lacks(worked: Path) -> None:
    """The rows that need it name it; the others are shown as they are."""
    path = worked / "plan/project.yaml"
    lines = path.read_text("utf-8").splitlines(keepends=True)
    path.write_text("".join(line for line in lines if not line.startswith("metric:")), "utf-8")
    code, said = ask(worked, "status", "--all")

    assert code == 0
    assert "plan/project.yaml has no answer metric" in said
    assert "pass     G1.3" in said


def test_a_file_that_is_no_yaml_is_named_from_the_root_with_its_line(newborn: Path) -> None:
    """The remedy can be typed as it stands."""
    with (newborn / "data/source.yaml").open("a", encoding="utf-8") as file:
        file.write("leave_out: [a\nknown_after: b]\n")
    lines = (newborn / "data/source.yaml").read_text("utf-8").count("\n")
    code, said = ask(newborn, "audit")

    assert code == 1
    assert said.startswith(f"data/source.yaml is not YAML: line {lines}: ")
    assert "git checkout data/source.yaml" in said


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("current_value", "", "Nobody knows current_value yet, so there is nothing to take as true."),
        ("current_value", "0.5", "current_value is no assumption: it was answered, 0.5."),
        ("nothing_such", None, 'There is no assumption "nothing_such".'),
    ],
)
def test_what_cannot_be_confirmed_is_told_apart(newborn: Path, key: str, value: str | None, told: str) -> None:
    """What nobody knows is given and not taken as true."""
    repo = Repo(newborn)
    assert repo.assumptions(), "the plan is read as it was computed"
    repo.answers.pop(key, None)
    repo.answers.update({} if value is None else {key: value})

    with pytest.raises(Trouble) as refusal:
        assumptions.confirm(repo, [key])
    assert refusal.value.sentence == told
    assert refusal.value.remedy.startswith(f"mlscaffold replan --set {key}=…" if value == "" else "Assumptions: ")


# ---------------------------------------------------------------------------------------------------- what a gate says
def answer(root: Path, **answers: str) -> None:
    """Other answers, and the plan planned from them."""
    path = root / "plan/project.yaml"
    for key, value in answers.items():
        assert key in get_args(AnswerKey), key
        text, found = re.subn(rf"(?m)^{key}:.*$", f'{key}: "{value}"', path.read_text("utf-8"))
        path.write_text(text if found else f'{text}{key}: "{value}"\n', "utf-8")  # else one that was not asked for
    edit(root / "plan/plan.json", lambda plan: plan.update(answers_sha256=Repo(root).answers_sha256))


def plan(root: Path, **values: object) -> None:
    """Numbers of the plan, group__name=value."""

    def change(found: dict[str, Any]) -> None:
        for key, value in values.items():
            group, _, name = key.partition("__")
            found[group][name] = {"formula": "", "inputs": {}, "note": "Too few are known.", "value": value}

    edit(root / "plan/plan.json", change)


@pytest.fixture
def audited(newborn: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """As after an audit, whose evidence each test writes by itself."""
    monkeypatch.setattr(g1_data.manifest, "manifest", lambda repo: {"sha256": "0123456789abcdef" * 4})
    monkeypatch.setattr(g1_data.again, "untrue", lambda repo: "")
    (newborn / "data/schema.yaml").write_text("columns:\n  amount: {}\n", "utf-8")
    return newborn


@pytest.mark.parametrize(
    ("breaches", "state", "reason"),
    [
        ([], "pass", "1,200 rows keep every rule."),
        (["age holds 300"], "fail", "age holds 300."),
        (["age holds 300", "sex is empty"], "fail", "age holds 300; 1 more."),
        (["age holds 300", "sex is empty", "day repeats"], "fail", "age holds 300; 2 more."),
    ],
)
def test_breaches_are_counted(audited: Path, breaches: list[str], state: str, reason: str) -> None:
    """The first is told, and how many more there are only where there are some."""
    Repo(audited).write_evidence("quality", {"rows": 1200, "breaches": [{"sentence": one} for one in breaches]})

    row = gate(audited, "G1.3")

    assert (row.state, row.reason) == (state, reason)
    assert row.next_step == ("" if state == "pass" else "Correct the data, or the rule in data/schema.yaml")


def test_no_rule_is_not_kept(audited: Path) -> None:
    """Data that nothing is asked of was not audited."""
    Repo(audited).write_evidence("quality", {"rows": 1200, "breaches": []})
    (audited / "data/schema.yaml").write_text("columns: {}\n", "utf-8")

    row = gate(audited, "G1.3")

    assert (row.state, row.reason, row.next_step) == ("blocked", "data/schema.yaml holds no rule.", "make audit")


SPLIT = {"rule": {"kind": "hash"}, "sizes": {"train": 1200, "validation": 0, "test": 300}, "across": {"ids": 0}}
SPLIT |= {"time_inverted": False, "leakage": {"suspects": []}}
SHARED = "Nothing is shared (hash: train 1,200, test 300)."
OLD = " The cuts are not what today's rows give: an earlier audit's."


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({}, SHARED),
        ({"as_proposed": True}, SHARED),
        ({"as_proposed": False}, SHARED + OLD),
        ({"leakage": {"suspects": [], "watch": []}}, SHARED),
        ({"leakage": {"suspects": [], "watch": [1]}}, f"{SHARED} On the watch list: 1 entry, in evidence/audit.md."),
        (
            {"leakage": {"suspects": [], "watch": [1, 2]}, "as_proposed": False},
            f"{SHARED}{OLD} On the watch list: 2 entries, in evidence/audit.md.",
        ),
    ],
)
def test_a_split_without_leaks_tells_what_is_left_to_know(audited: Path, facts: dict[str, Any], reason: str) -> None:
    """Nothing more than there is: evidence that does not say whose its cuts are is not called an earlier audit's."""
    Repo(audited).write_evidence("splits", SPLIT | facts)

    assert (gate(audited, "G1.4").state, gate(audited, "G1.4").reason) == ("pass", reason)


@pytest.mark.parametrize(
    ("facts", "reason", "words"),
    [
        ({"across": {"ids": 0, "rows": 3}}, "3 rows lie in more than one split.", "`split` or `group`"),
        ({"time_inverted": True}, "Some training rows are newer than test rows.", "`split` or `time`"),
        ({"leakage": {"suspects": [{"why": "a is b"}]}}, "It looks like the answer: a is b.", "known_after"),
        (
            {"leakage": {"suspects": [{"why": "a is b"}] * 3}},
            "It looks like the answer: a is b; 2 more.",
            "known_after",
        ),
    ],
)
def test_a_leak_is_told_with_where_it_is_mended(audited: Path, facts: dict[str, Any], reason: str, words: str) -> None:
    """Each in one sentence, and the entry of data/source.yaml that settles it."""
    Repo(audited).write_evidence("splits", SPLIT | facts)

    row = gate(audited, "G1.4")

    assert (row.state, row.reason) == ("fail", reason)
    assert words in row.next_step
    assert "data/source.yaml" in row.next_step


@pytest.mark.parametrize(
    ("units", "groups", "state", "missing"),
    [(150, 8, "pass", 0), (149, 8, "warn", 1), (100, None, "warn", 50), (150, 7, "warn", 1), (20, 3, "warn", 5)],
)
def test_test_rows_are_counted_against_the_plan(
    audited: Path, units: int, groups: int | None, state: str, missing: int
) -> None:
    """Rows of a group count for less, by the design effect; of fewer than eight groups no number of rows is enough."""
    answer(audited, label_source="logs", metric="recall")
    plan(audited, test__units=100, test__design_effect=1.499)
    shared = {} if groups is None else {"clusters": groups, "cluster": "shop"}
    Repo(audited).write_evidence("labels", {"agreement": None, "test": {"rows": 900, "units": units} | shared})
    what = f"labelled test {deciding(Repo(audited)).counted_on}"

    row = gate(audited, "G1.5")

    assert row.state == state
    if groups is not None and groups < 8:
        assert row.reason.startswith(f"900 labelled test rows come from {groups} values of shop: ")
        assert row.next_step.startswith(f"rows of {missing} value{'' if missing == 1 else 's'} of shop more")
    elif missing:
        assert row.reason == f"{units} of 150 {what}: acceptance may end inconclusive."
        assert row.next_step.startswith(f"{missing} more {what}; a fifth of the rows")
    else:
        assert row.reason == f"150 {what}, 150 needed."
    assert told(row.next_step).get("rows", 0) == missing


def test_nobody_can_say_how_many_rows_are_needed(audited: Path) -> None:
    """The gate says what the plan lacks, and stays open."""
    answer(audited, label_source="logs", metric="recall")
    plan(audited, test__units=None)
    Repo(audited).write_evidence("labels", {"agreement": None, "test": {"rows": 900, "units": 150}})

    row = gate(audited, "G1.5")

    assert (row.state, row.next_step) == ("warn", "mlscaffold replan")
    assert row.reason.endswith("; the plan cannot say how many are needed. Too few are known.")


@pytest.mark.parametrize(
    ("metric", "top", "state", "reason"),
    [
        ("recall", 0.9, "pass", "At best 0.900 can be measured; the target is 0.830."),
        ("recall", 0.84, "blocked", "The ceiling 0.840 is within 0.02 of the target 0.830."),
        ("recall", 0.83, "blocked", "The ceiling 0.830 is within 0.02 of the target 0.830."),
        ("recall", 0.8, "fail", "With these labels 0.800 at best can be measured; the target is 0.830."),
        ("log_loss", 0.8, "pass", "At best 0.800 can be measured; the target is 0.830."),
        ("log_loss", 0.9, "fail", "With these labels 0.900 at best can be measured; the target is 0.830."),
    ],
)
def test_labels_cap_what_can_be_measured(newborn: Path, metric: str, top: float, state: str, reason: str) -> None:
    """By how far two people agree: far above the target, near it, or on its wrong side, whichever way is better."""
    answer(newborn, label_source="people", metric=metric, team="po=Ana:1; ds=Bo:1")
    plan(newborn, labels__ceiling=top, acceptance__target=0.83)

    row = gate(newborn, "G1.6")

    assert (row.state, row.reason) == (state, reason)
    assert row.next_step.startswith("po Ana decides: label better" if state != "pass" else "")
    assert bool(row.next_step) == (state != "pass")


@pytest.mark.parametrize(
    ("broken", "said"),
    [(["shuffled"], "shuffled"), (["double_run", "constant"], "constant, double_run")],
)
def test_an_unsound_harness_is_named(audited: Path, broken: list[str], said: str) -> None:
    """By each of its three checks that does not hold."""
    checks = {name: {"ok": name not in broken} for name in ("constant", "shuffled", "double_run")}
    Repo(audited).write_evidence("harness", checks)

    row = gate(audited, "G1.8")

    assert (row.state, row.reason) == ("fail", f"The harness is not sound: {said}.")
    assert row.next_step == "Read evidence/harness.json"


def test_one_run_is_not_called_two(audited: Path) -> None:
    """Where there are so many rows that the audit ran once, the po may ask for the second."""
    answer(audited, team="po=Ana:1; ds=Bo:1")
    Repo(audited).write_evidence(PIPELINE, {"data": "0123456789abcdef" * 4, "second": None})

    row = gate(audited, "G1.7")

    assert (row.state, row.reason) == ("blocked", "With so many rows there was one run.")
    assert told(row.next_step)["command"] == "mlscaffold replan --set rigor=standard"
    assert told(row.next_step)["who"] == ["po Ana"]


@pytest.mark.parametrize(
    ("available", "floor", "fits", "state"),
    [
        (10, 11, True, "fail"),
        (11, 11, True, "pass"),
        (None, 11, True, "pass"),
        (11, None, True, "pass"),
        (None, None, False, "blocked"),
        (11, 10, False, "blocked"),
    ],
)
def test_a_schedule_is_held_against_its_days(
    newborn: Path, available: int | None, floor: int | None, fits: bool, state: str
) -> None:
    """Fewer days than even the optimistic path takes fail; what is not known takes nothing away."""
    plan(newborn, schedule__available_days=available, schedule__floor_total_days=floor, schedule__fits=fits)
    plan(newborn, schedule__p80="2090-04-19", schedule__deadline="2090-06-05")

    row = gate(newborn, "G0.6")

    assert row.state == state
    assert {"fail": "optimistic path", "pass": "; the deadline is 2090-06-05.", "blocked": ", and the deadline is"}[
        state
    ] in row.reason
    assert {"fail": "appetite_weeks=…", "pass": "", "blocked": "Choose: less scope"}[state] in row.next_step


@pytest.mark.parametrize(
    ("id", "end", "state"),
    [
        ("practice", "2090-02-01", "pass"),
        ("baseline", "2090-01-31", "pass"),
        ("practice", "2090-02-02", "blocked"),
        ("audit", "2090-01-01", "blocked"),
    ],
)
def test_a_dated_task_measures_todays_practice(newborn: Path, id: str, end: str, state: str) -> None:
    """It ends by the day of G1, and the gate names it with its day."""
    plan(newborn, acceptance__baseline=None)
    tasks = [{"id": id, "title": "Count a week", "end": end}, {"id": "g1", "title": "G1", "end": "2090-02-01"}]

    def change(found: dict[str, Any]) -> None:
        found["acceptance"]["baseline"]["provenance"] = "assumed"
        found["schedule"]["tasks"] = tasks

    edit(newborn / "plan/plan.json", change)
    row = gate(newborn, "G0.3")

    assert row.state == state
    if state == "pass":
        assert row.reason == f'"Count a week" measures it by {end}.'


# ---------------------------------------------------------------------------------------------------- notebooks
BOOK = [
    (["import pandas"], "does not import"),
    (["from planrun_ml.data import frames"], ""),
    (["from planrun_ml.data import frames", *["x = 1"] * 40], ""),
    (["from planrun_ml.data import frames", "# why", "  # why", "", *["x = 1"] * 40], ""),
    (["from planrun_ml.data import frames", *["x = 1"] * 41], "has 41 lines of code, 40 may be."),
    (["from planrun_ml.data import frames", "class A:", "    pass"], "defines functions."),
    ([], ""),
]


@pytest.mark.parametrize(("lines", "words"), BOOK)
def test_a_notebook_shows_and_defines_nothing(newborn: Path, lines: list[str], words: str) -> None:
    """It uses what is there, in few lines; what is no code counts for nothing, and no output is kept."""
    path = newborn / "notebooks/look.ipynb"
    path.parent.mkdir(exist_ok=True)
    code = {"cell_type": "code", "outputs": [], "source": [f"{line}\n" for line in lines]}
    prose = {"cell_type": "markdown", "source": ["def is a word, class is another\n"] * 99}
    path.write_text(json.dumps({"cells": [prose, code]}), "utf-8")
    row = gate(newborn, "G2.8")
    edit(path, lambda book: book["cells"][1].update(outputs=[{"output_type": "stream"}]))
    shown = gate(newborn, "G2.8")

    assert row.state == ("fail" if words else "pass")
    assert words in row.reason
    assert (shown.state, shown.reason) == ("fail", "look.ipynb holds outputs, and with them perhaps data.")
    assert "notebooks/look.ipynb" in shown.next_step


# ---------------------------------------------------------------------------------------------------- acceptance
@pytest.mark.parametrize("command", ["retrain", "promote", ""])
def test_only_accept_reads_the_test_rows(worked: Path, command: str) -> None:
    """A line of any other command in the log is a look that nobody may have taken."""
    assert gate(worked, "G2.4").reason == "1 look(s), all by accept."

    looks.log_look(Repo(worked), {"command": command, "model": "x"})

    assert gate(worked, "G2.4").state == "fail"
    assert gate(worked, "G2.4").reason == f"The test split was read by {command or 'nobody knows what'}."


def test_a_model_that_cannot_be_retraced(newborn: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody can tell whose it is: the gate says what to do, and how it is walked past by its own name."""
    answer(newborn, team="po=Ana:1; ds=Bo:1")
    judged = {"verdict": {"state": "pass", "sentence": "It gains."}}
    monkeypatch.setattr(g3_acceptance, "accepted", lambda repo: judged)
    monkeypatch.setattr(g3_acceptance, "retraced", lambda repo: SimpleNamespace(state=LOOSE, why="it is random"))

    row = gate(newborn, "G3.3")

    assert (row.state, row.reason.endswith("its record's: it is random. It gains.")) == ("blocked", True)
    assert row.next_step.startswith("ds Bo decides: seed what is random")
    assert row.next_step.endswith(f"or walk past it: {COMMAND} waive G3.3 --reason … --until …")


@pytest.mark.parametrize(("more", "rows"), [(1200, 1200), (0, None), (None, None)])
def test_a_gain_that_is_not_shown_yet(
    newborn: Path, monkeypatch: pytest.MonkeyPatch, more: int | None, rows: int | None
) -> None:
    """So many more rows, where rows would show it; otherwise the po decides."""
    answer(newborn, team="po=Ana:1; ds=Bo:1")
    judged = {"verdict": {"state": "inconclusive", "sentence": "It may gain.", "more": more}}
    monkeypatch.setattr(g3_acceptance, "accepted", lambda repo: judged)
    monkeypatch.setattr(g3_acceptance, "retraced", lambda repo: SimpleNamespace(state="", why=""))

    row = gate(newborn, "G3.3")

    assert (row.state, row.reason) == ("blocked", "Inconclusive. It may gain.")
    assert told(row.next_step).get("rows") == rows
    if rows:
        unit = MORE[deciding(Repo(newborn)).counted_on]
        assert row.next_step.startswith(f"1,200 more {unit} with labels to test on, ")
    else:
        assert row.next_step.endswith(f"{COMMAND} waive G3.3 --reason … --until …")


@pytest.mark.parametrize(
    ("limit", "milliseconds", "cost", "reason"),
    [
        ("5", 5.0, None, ""),
        ("5", 5.1, None, "One row takes 5.1 ms, 5 ms may be."),
        ("", 5.1, None, ""),
        ("", 1.0, 1.05, ""),
        ("", 1.0, 1.06, "A decision costs 1.06, and 1 at a better threshold."),
    ],
)
def test_limits_of_a_model(
    newborn: Path, monkeypatch: pytest.MonkeyPatch, limit: str, milliseconds: float, cost: float | None, reason: str
) -> None:
    """A row in time, where a time is given, and a threshold that costs at most a twentieth more than the best."""
    answer(newborn, latency_ms=limit, team="po=Ana:1; ds=Bo:1")
    found = {"seconds_per_1000": milliseconds, "model_bytes": 1234}
    found |= {} if cost is None else {"cost_best_of_20": 1.0, "cost_at_threshold": cost}
    monkeypatch.setattr(g3_acceptance.verdicts, "accepted", lambda repo: {"limits": found})

    result = g3_acceptance.limits(Repo(newborn))  # only rigor strict has the gate

    assert result.state == ("fail" if reason else "pass")
    assert result.reason == (reason or f"1,234 bytes, {milliseconds:.3g} s for 1,000 rows.")
    assert not reason or result.next_step.endswith(f"{COMMAND} waive G3.5 --reason … --until …")


GOOD, BAD = {"state": "pass", "sentence": "as good"}, {"state": "fail", "sentence": "worse by .1"}
UNSURE = {"state": "inconclusive", "sentence": "too few rows"}


@pytest.mark.parametrize(
    ("judged", "state", "reason"),
    [
        ({"a": GOOD, "b": GOOD}, "pass", "2 segments are not worse than the margin allows."),
        ({"a": GOOD, "b": UNSURE}, "blocked", "b: too few rows"),
        ({"a": UNSURE, "b": BAD, "c": GOOD}, "fail", "b: worse by .1"),
        ({}, "pass", "No segment is named (`segments` in plan/project.yaml)."),
    ],
)
def test_the_worst_segment_decides(
    newborn: Path, monkeypatch: pytest.MonkeyPatch, judged: dict[str, Any], state: str, reason: str
) -> None:
    """One that is worse before one that nobody can judge, wherever they stand; it is named with its sentence."""
    answer(newborn, team="po=Ana:1; ds=Bo:1")
    monkeypatch.setattr(g3_acceptance, "accepted", lambda repo: {"segments": judged})

    row = gate(newborn, "G3.4")

    assert (row.state, row.reason) == (state, reason)
    if state != "pass":
        assert row.next_step.startswith("po Ana decides: better rows for this segment")
        assert row.next_step.endswith(f"{COMMAND} waive G3.4 --reason … --until …")


def look_once(root: Path) -> None:
    """One look that is logged and committed."""
    entry = {"at": "2026-01-05T00:00:00+00:00", "by": "Bo", "test_set": "1-1", "command": "accept", "model": "m"}
    (root / LOG).parent.mkdir(exist_ok=True)
    (root / LOG).write_text(json.dumps(entry | {"chain": canonical({"before": "", **entry})}) + "\n", "utf-8")
    commit(root)


def test_a_look_on_another_branch_is_not_missed_here(newborn: Path) -> None:
    """Whoever visited that branch lost nothing of this one; what this one itself once held is missed."""
    git(newborn, "switch", "--quiet", "--create", "trial")
    look_once(newborn)
    git(newborn, "switch", "--quiet", "main")
    visited = looks.looks(Repo(newborn))
    look_once(newborn)
    seen = looks.looks(Repo(newborn))
    git(newborn, "reset", "--quiet", "--hard", "HEAD~1")

    assert (len(visited), len(seen)) == (0, 1)
    with pytest.raises(Trouble, match=r"lost 1 look\(s\), which this branch once had"):
        looks.looks(Repo(newborn))


# ---------------------------------------------------------------------------------------------------- names
def test_who_signs_is_told_what_was_signed(worked: Path) -> None:
    """The files, the first digits of what they hold, and the roles."""
    target = SIGNABLES["G3a"]
    page = worked / "docs/03-acceptance.md"
    page.write_text(page.read_text("utf-8") + "\nA further sentence.\n", "utf-8")
    roles = required_roles(Repo(worked), target)

    code, said = ask(worked, "sign", "G3a")

    start = f"Test Person signs {' + '.join(target.paths)} ({document_hash(Repo(worked), target)[:12]})"
    assert code == 0, said
    assert said.splitlines()[0] == f"{start} as {', '.join(roles)}."


@pytest.mark.parametrize(
    ("until", "ends"),
    [
        ("0", 0),
        ("30", 30),
        ("90", 90),
        ("91", None),
        ("-1", None),
        ("00030", None),
        ("٣٠", None),
        ("soon", None),
    ],
)
def test_a_waiver_until_a_number_of_days(newborn: Path, until: str, ends: int | None) -> None:
    """It is written with the day that this gives; more than 90 days, or no number, are refused."""
    code, said = ask(newborn, "waive", "G1.3", "--reason", " first trial ", f"--until={until}")
    rows = yaml.safe_load((newborn / "gates/waivers.yaml").read_text("utf-8"))

    if ends is None:
        assert (code, rows) == (1, [])
        assert "as 2027-01-31 or as a number of days up to 90." in said
    else:
        day = (date.today() + timedelta(ends)).isoformat()
        assert code == 0, said
        assert [(row["gate"], row["reason"], str(row["until"])) for row in rows] == [("G1.3", "first trial", day)]
        assert said.startswith(f"Test Person waives G1.3 until {day}: ")
