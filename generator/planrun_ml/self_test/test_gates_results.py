"""Gates G2 and G3, signatures and waivers are seen red: each test plants one defect and watches its gate."""

import json
import re
import shlex
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from planrun.command import COMMAND
from planrun.gates import evaluate
from planrun.repository import Repo
from planrun.signing.signatures import SIGNABLES
from planrun.status import lead
from planrun.steps import told
from planrun.trouble import Blocked

from planrun_ml.acceptance import agreed
from planrun_ml.data import frames, looks, prediction_files
from planrun_ml.data.lock import lock_sha
from planrun_ml.data.prediction_files import read_predictions
from planrun_ml.experiments import records
from planrun_ml.gates import g3_acceptance
from planrun_ml.self_test.conftest import ask, commit, edit, evidence, forge, gate, git, record_of
from planrun_ml.tables.parquet import write_parquet


# ---------------------------------------------------------------------------------------------------- experiments
def test_evaluation_on_train(worked: Path) -> None:
    """Predictions about the training rows are recognised by their keys."""
    repo = Repo(worked)
    rows = frames.load(repo, "train")
    said = read_predictions(repo, yaml.safe_load(record_of(worked).read_text())["predictions_file"])
    classes = tuple(column[2:] for column in said if column.startswith("p:"))
    scores = pd.DataFrame({name: [0.5] * len(rows.y) for name in classes or ["score"]}).to_numpy(dtype=float)
    digest = prediction_files.keep_predictions(repo, rows, scores if classes else scores[:, 0], classes)
    edit(record_of(worked), lambda found: found.update(predictions_file=digest))

    assert gate(worked, "G2.5").state == "fail"
    assert "train rows" in gate(worked, "G2.5").reason


def test_candidate_compared_with_itself(worked: Path) -> None:
    """The baseline's own predictions under the model's name."""
    base = evidence(worked, "baseline")
    edit(record_of(worked), lambda found: found.update(predictions_file=base["predictions"], metric=base["result"]))

    assert gate(worked, "G2.5").state == "fail"
    assert "itself" in gate(worked, "G2.5").reason


def test_nan_metric(worked: Path) -> None:
    """A metric that is no number is no result."""
    repo = Repo(worked)
    said = read_predictions(repo, yaml.safe_load(record_of(worked).read_text())["predictions_file"])
    scores = [column for column in said if column == "score" or column.startswith("p:")]
    said[scores] = float("nan")
    part = prediction_files.store(repo) / "part.parquet"
    write_parquet(said, part)
    digest = repo.sha256(part)
    part.rename(part.with_name(f"{digest}.parquet"))
    edit(record_of(worked), lambda found: found.update(predictions_file=digest))

    assert gate(worked, "G2.5").state == "fail"


def test_typed_score(worked: Path) -> None:
    """A better figure in a record does not recompute."""
    edit(record_of(worked), lambda found: found["metric"].update(value=0.999))

    assert gate(worked, "G2.5").state == "fail"


def test_record_without_its_predictions(worked: Path) -> None:
    """What cannot be worked out again does not count."""
    digest = yaml.safe_load(record_of(worked).read_text())["predictions_file"]
    (worked / "store" / f"{digest}.parquet").unlink()

    assert gate(worked, "G2.5").state == "blocked"


def test_incomplete_record_and_two_changes(worked: Path) -> None:
    """A record has all its fields, and one change."""
    edit(record_of(worked), lambda found: found.update(change=["C: 1 → 2", "seed: 7 → 8"]))
    assert gate(worked, "G2.2").state == "fail"

    edit(record_of(worked), lambda found: found.update(change=["C: 1 → 2"], hypothesis=""))
    assert gate(worked, "G2.2").state == "blocked"


def test_experiment_from_a_dirty_tree(worked: Path) -> None:
    """A result of code nobody can get back."""
    with (worked / "pyproject.toml").open("a") as file:
        file.write("\n# edited\n")
    code, said = ask(worked, "experiment", "--model", "forest")

    assert code == 0, said
    assert gate(worked, "G2.3").state == "fail"


def test_a_gate_that_is_not_there_is_never_taken_for_a_shut_one(worked: Path) -> None:
    """Else a test of a gate that these answers do not call for would pass unseen."""
    with pytest.raises(AssertionError, match=r"T1\.1 does not apply"):
        gate(worked, "T1.1")


def test_what_ran_from_no_commit_is_measured_again_from_one(worked: Path) -> None:
    """It is said before the training; a commit and the same configuration again open the gate, step by step."""
    room = next((worked / "src").glob("*/__init__.py"))
    room.write_text(f"{room.read_text('utf-8')}\nEDITED = True\n", "utf-8")
    code, said = ask(worked, "experiment", "--model", "forest")
    assert code == 0, said
    assert said.startswith(f"In no commit: {room.relative_to(worked).as_posix()}. ")
    first = records.all_records(Repo(worked))[-1]
    code, said = ask(worked, "experiment", "--model", "forest")
    assert code == 1
    assert f"experiment --again {first['id']}" in said

    step = gate(worked, "G2.3").next_step
    assert step.startswith("git add src ")
    for line in step.split(" && "):
        git(worked, *shlex.split(line)[1:])
    step = gate(worked, "G2.3").next_step
    assert step == f"{COMMAND} experiment --again {first['id']}"
    leads = lead(evaluate(Repo(worked)), "G2")[0].get("command") == step
    assert leads == ("G2.3" in Repo(worked).blocking())  # at rigor light it is told, and leads nothing
    code, said = ask(worked, *step.split()[1:])

    assert code == 0, said
    last = records.all_records(Repo(worked))[-1]
    assert (last["again"], last["change"], last["decision"]) == (first["id"], first["change"], first["decision"])
    assert {gate(worked, id).state for id in ("G2.1", "G2.2", "G2.3", "G2.5")} == {"pass"}
    standing = records.counted(Repo(worked), lock_sha(Repo(worked)))
    assert first["id"] not in [record["id"] for record in standing]
    assert f"Measured again as {last['id']}." in (worked / "evidence/experiments.md").read_text("utf-8")
    assert ask(worked, "experiment", "--again", last["id"])[0] == 1, "it is sound: there is nothing to do again"
    assert ask(worked, "experiment", "--again", "nobody")[0] == 1


def test_what_was_compared_with_a_record_measured_again_still_fits(worked: Path) -> None:
    """The new record stands in the old one's place, so that those after it keep the champion they had."""
    first = records.all_records(Repo(worked))[-1]
    assert ask(worked, "experiment", "--model", "forest")[0] == 0
    decided = records.champion(Repo(worked), lock_sha(Repo(worked)))
    edit(worked / "experiments" / first["folder"] / "record.yaml", lambda found: found.update(git_clean=False))
    commit(worked)
    assert gate(worked, "G2.3").state == "fail"
    code, said = ask(worked, "experiment", "--again", first["id"])

    assert code == 0, said
    assert gate(worked, "G2.3").state == "pass"
    assert gate(worked, "G2.5").state == "pass"
    now = records.champion(Repo(worked), lock_sha(Repo(worked)))
    assert decided is not None
    assert now is not None
    assert now["config"] == decided["config"], "what was measured again is no newer than it was"


def test_a_record_whose_figures_do_not_recompute_is_measured_again(worked: Path) -> None:
    """Lost predictions and a typed score: the printed step is taken, and the gate opens."""
    edit(record_of(worked), lambda found: found["metric"].update(value=0.999))
    commit(worked)
    step = gate(worked, "G2.5").next_step
    code, said = ask(worked, *step.split()[1:])

    assert code == 0, said
    assert gate(worked, "G2.5").state == "pass"


def test_an_experiment_that_ends_in_no_record_leaves_no_copy_of_the_code(worked: Path) -> None:
    """What a family's file held is kept for the records alone."""
    room = next((worked / "src").glob("*/__init__.py")).with_name("models.py")
    room.write_text(
        "from planrun_ml.models.families import Family\n\n\n"
        "def broken(task, seed):\n    raise RuntimeError('no')\n\n\nFAMILIES = {'broken': Family(broken)}\n",
        "utf-8",
    )
    before = sorted((worked / "registry").rglob("*"))
    code, said = ask(worked, "experiment", "--model", "broken")

    assert code == 1, said
    assert "models.py" in said
    assert sorted((worked / "registry").rglob("*.py")) == [path for path in before if path.suffix == ".py"]


def test_experiment_on_other_data(worked: Path) -> None:
    """A record of another lock is kept and not counted."""
    edit(record_of(worked), lambda found: found.update(lock_sha="0" * 64))

    assert gate(worked, "G2.1").state == "blocked"
    assert "not counted" in gate(worked, "G2.1").reason


def test_rewritten_record(worked: Path) -> None:
    """Git remembers that a committed record was changed."""
    assert gate(worked, "G2.7").state == "pass"
    edit(record_of(worked), lambda found: found.update(learned="we always knew"))
    commit(worked)

    assert gate(worked, "G2.7").state == "fail"


def test_forgotten_look(worked: Path) -> None:
    """The log of looks can neither be cut nor rewritten."""
    log = worked / looks.TEST_LOG
    lines = log.read_text().splitlines()
    log.write_text(lines[0].replace('"accept"', '"nobody"') + "\n")
    assert gate(worked, "G2.4").state == "fail"

    log.unlink()
    assert gate(worked, "G2.4").state == "fail"


def test_test_split_is_closed_to_everything_else(worked: Path) -> None:
    """Loading it without a purpose is refused, with one leaves a line."""
    with pytest.raises(Blocked):
        frames.load(Repo(worked), "test")
    frames.load(Repo(worked), "test", {"command": "curiosity", "model": "x"})

    assert gate(worked, "G2.4").state == "fail"
    assert "curiosity" in gate(worked, "G2.4").reason


def test_logic_in_a_notebook(worked: Path) -> None:
    """Functions belong into src/, outputs nowhere."""
    path = worked / "notebooks" / "look.ipynb"
    path.parent.mkdir(exist_ok=True)
    imported = {"cell_type": "code", "outputs": [], "source": ["from planrun_ml.data import frames\n"]}
    path.write_text(json.dumps({"cells": [imported, imported]}))
    assert gate(worked, "G2.8").state == "pass"
    edit(path, lambda book: book["cells"][1].update(source=["def clever():\n", "    return 1\n"]))

    assert gate(worked, "G2.8").state == "fail"


# ---------------------------------------------------------------------------------------------------- acceptance
def test_threshold_edited_after_the_look(worked: Path) -> None:
    """A lower bar, signed again, comes too late."""
    assert gate(worked, "G3.1").state == "pass"
    signed_gain = f"{Repo(worked).number('acceptance.min_gain'):.10g}"
    edit(worked / "plan" / "plan.json", lambda plan: plan["acceptance"]["min_gain"].update(value=-1.0))
    row = gate(worked, "G3.1")
    assert row.state == "blocked"
    assert f"Moved: acceptance.min_gain {signed_gain} → -1." in row.reason
    assert "a new signature would come too late" in row.reason
    assert "bring the signed text back" in row.next_step, "and nobody is sent to sign it"
    assert f"mlscaffold replan --set min_gain={signed_gain}" in row.next_step, "or to the answer that holds it"
    assert gate(worked, "G3.3").state == "blocked"
    assert f"by other thresholds: acceptance.min_gain {signed_gain} → -1." in gate(worked, "G3.3").reason

    git(worked, "commit", "--quiet", "-am", "lower bar", "--date", "2040-01-01T00:00:00")
    ask(worked, "sign", "G3a")

    looked = json.loads((worked / looks.TEST_LOG).read_text().splitlines()[0])["at"]
    signed = yaml.safe_load((worked / "gates" / "signoff-G3a.yaml").read_text())[0]["at"]
    assert signed > looked
    assert gate(worked, "G3.1").state == "fail"


def test_what_follows_from_the_threshold_may_move(worked: Path) -> None:
    """Money a month and rows at hand judge nothing: with other ones the signature and the verdict stand."""
    before = {id: gate(worked, id) for id in ("G3.1", "G3.2", "G3.3", "G3.4", "G3.8", "G3.10")}
    page = worked / "docs/03-acceptance.md"
    text = page.read_text("utf-8")
    beside = re.sub(rf"({agreed.BESIDE}.*\n)", r"\1\nAnother amount a month.\n", text)
    assert beside.count("Another amount a month.") == 3

    def others(plan: dict[str, Any]) -> None:
        for key in agreed.FOLLOWS:
            part, _, name = key.partition(".")
            if name in plan[part]:
                plan[part][name].update(value=12345.0)

    edit(worked / "plan" / "plan.json", others)
    page.write_text(beside, "utf-8")
    commit(worked)

    assert {id: gate(worked, id) for id in before} == before
    page.write_text(beside.replace("## 4 Evidence size\n", "## 4 Evidence size\n\nA word that counts.\n"), "utf-8")
    assert gate(worked, "G3.1").state == "blocked"


def test_who_signs_is_told_that_the_plan_is_behind(newborn: Path) -> None:
    """What was confirmed since counts from the next replan on, and would move what is signed now."""
    note = SIGNABLES["G3a"].note
    assert note is not None
    assert "since the plan was computed" not in note(Repo(newborn))
    assert ask(newborn, "confirm", "--all")[0] == 0

    assert "confirmed since the plan was computed" in note(Repo(newborn))
    assert note(Repo(newborn)).endswith("mlscaffold replan, then sign again.")


def test_use_and_limits_are_answered_after_the_look_and_signed_anew(worked: Path) -> None:
    """Section 1 says what the result is for; what it is held to, from section 2 on, is as it was."""
    page = worked / "docs/03-acceptance.md"
    text = page.read_text("utf-8")
    page.write_text(text.replace("Not promised: ", "Not promised: anything on public holidays, ", 1), "utf-8")
    commit(worked)
    assert gate(worked, "G3.1").state == "blocked"
    assert gate(worked, "G3.1").next_step == f"{COMMAND} sign G3"
    assert ask(worked, "sign", "G3")[0] == 0
    assert gate(worked, "G3.1").state == "pass"

    page.write_text(page.read_text("utf-8").replace("## 3 Thresholds", "## 3 Thresholds, about", 1), "utf-8")
    commit(worked)
    assert ask(worked, "sign", "G3")[0] == 0
    assert gate(worked, "G3.1").state == "fail"
    page.write_text(text, "utf-8")
    commit(worked)
    assert ask(worked, "sign", "G3")[0] == 0
    assert gate(worked, "G3.1").state == "pass", "the way back that it names"


def test_the_signature_says_which_questions_of_the_page_are_open(newborn: Path) -> None:
    """Before anybody has looked, and until when each may be answered."""
    sign = SIGNABLES["G3a"]
    assert sign.note is not None
    page = newborn / "docs/03-acceptance.md"
    assert "Section 1 of docs/03-acceptance.md has 4 open questions: " in sign.note(Repo(newborn))
    assert "before the first look" in sign.note(Repo(newborn))
    page.write_text(page.read_text("utf-8").replace("[NEEDS ANSWER", "[answered"), "utf-8")

    assert sign.note(Repo(newborn)) == ""


def test_what_the_simplest_model_ships_by_can_be_typed(worked: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it was measured its acceptance, which opens the gate; where it was not its experiment."""
    linear = records.all_records(Repo(worked))[-1]
    judged = {"simple": False, "simpler": {"state": "pass"}, "over_simpler": {"state": "inconclusive", "sentence": ""}}
    with monkeypatch.context() as planted:  # the accepted model is no simple one, and the linear one does as well
        planted.setattr(g3_acceptance, "accepted", lambda repo: judged)
        row = gate(worked, "G3.8")
        assert (row.state, row.next_step) == ("fail", f"{COMMAND} accept --experiment {linear['id']}")
    assert ask(worked, *row.next_step.split()[1:])[0] in (0, 1, 2)
    assert gate(worked, "G3.8").reason == "The accepted model is itself the simple one."

    edit(record_of(worked), lambda found: found["config"].update(model="forest", features="0123456789ab"))
    monkeypatch.setattr(g3_acceptance, "accepted", lambda repo: judged)
    step = gate(worked, "G3.8").next_step
    assert step == f"{COMMAND} experiment --model linear --features none --ablation 'the simplest'"
    assert told(step)["kind"] == "command"


def test_accept_takes_another_experiment_by_name(worked: Path) -> None:
    """The choice stands as long as the champion is the one it was made over; a name that is none is refused."""
    linear = records.all_records(Repo(worked))[-1]
    assert ask(worked, "experiment", "--model", "forest")[0] == 0
    forest = records.all_records(Repo(worked))[-1]
    best = records.champion(Repo(worked), lock_sha(Repo(worked)))
    other = linear if best == forest else forest
    code, said = ask(worked, "accept", "--experiment", "0009-none")
    assert code == 1
    assert f"There are: {linear['id']}, {forest['id']}." in said
    for words in (["accept", "--experiment", other["id"]], ["accept"]):
        assert ask(worked, *words)[0] in (0, 1, 2)
        found = evidence(worked, "acceptance")
        assert (found["experiment"], found["model"]) == (other["id"], other["model_file"])
    assert best is not None
    ask(worked, "accept", "--experiment", best["id"])
    assert evidence(worked, "acceptance")["experiment"] == best["id"]
    ask(worked, "accept")
    assert evidence(worked, "acceptance")["experiment"] == best["id"]


def test_accept_without_signed_thresholds(worked: Path) -> None:
    """No signature, no look."""
    (worked / "gates" / "signoff-G3a.yaml").unlink()
    before = (worked / looks.TEST_LOG).read_text()

    code, said = ask(worked, "accept")

    assert code == 2
    assert "G3.1" in said
    assert before == (worked / looks.TEST_LOG).read_text()


def test_spent_looks(worked: Path) -> None:
    """More models than looks: the test set is used up."""
    test_set = evidence(worked, "splits")["keys"]["test"]
    for number in range(9):
        looks.log_look(Repo(worked), {"command": "accept", "model": f"m{number}"})

    assert looks.looks_used(Repo(worked), test_set) > 3
    assert gate(worked, "G3.2").state == "fail"


def test_typed_verdict(worked: Path) -> None:
    """The verdict comes from the predictions, whatever the evidence says."""
    found = evidence(worked, "acceptance")
    forge(worked, "acceptance", lambda facts: facts["verdict"].update(state="pass"))
    assert gate(worked, "G3.3").state == {"pass": "pass", "fail": "fail"}.get(found["verdict"]["state"], "blocked")

    forge(worked, "acceptance", lambda facts: facts["gain"].update(value=9.9))
    assert gate(worked, "G3.3").state == "fail"


def test_acceptance_of_the_baseline_itself(worked: Path) -> None:
    """The rule's predictions under the model's name gain nothing over the rule."""

    def swap(facts: dict[str, Any]) -> None:
        facts["predictions"]["model"] = facts["predictions"]["baseline"]

    forge(worked, "acceptance", swap)

    assert gate(worked, "G3.3").state == "fail"
    assert "itself" in gate(worked, "G3.3").reason


def test_a_waiver_names_who_why_and_until_when(worked: Path) -> None:
    """It opens a gate until its day, and never without a name, a reason and a date."""
    record_of(worked).unlink()
    tomorrow = (date.today() + timedelta(days=1)).isoformat()
    assert gate(worked, "G2.5").state == "blocked"
    assert ask(worked, "waive", "G2.5", "--reason", "first trial", "--until", "2020-01-01")[0] == 1
    assert ask(worked, "waive", "G2.5", "--reason", " ", "--until", tomorrow)[0] == 1

    assert ask(worked, "waive", "G2.5", "--reason", "first trial", "--until", tomorrow)[0] == 0

    row = gate(worked, "G2.5")
    assert row.state == "waived"
    assert "Test Person" in row.reason
    waivers = worked / "gates" / "waivers.yaml"
    waivers.write_text(re.sub(r'until: ".*"', 'until: "2020-01-01"', waivers.read_text()))
    assert gate(worked, "G2.5").state == "blocked"


def test_signature_of_an_older_text(worked: Path) -> None:
    """A signature holds for the text that was signed."""
    with (worked / "docs" / "03-acceptance.md").open("a") as file:
        file.write("\nOne more promise.\n")

    assert gate(worked, "G3.1").state == "blocked"
    assert "changed after" in gate(worked, "G3.1").reason
