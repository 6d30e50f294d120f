"""Gates and signatures beyond those whose planted failures the repository itself ships."""

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest
from planrun.files import canonical
from planrun.gates import evaluate
from planrun.repository import Repo
from planrun.signing import assumptions
from planrun.trouble import Trouble
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
