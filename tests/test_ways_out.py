"""Dead ends that walks have found: each refusal names a way that can be taken, and that leads on."""

import json
import subprocess
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from planrun.git import way_back
from planrun.repository import Repo, seal
from planrun.rooms import Rooms
from planrun.steps import told
from planrun.trouble import Blocked, Trouble
from planrun_ml.acceptance import readiness
from planrun_ml.data import snapshot
from planrun_ml.data import source as source_module
from planrun_ml.data.frames import Frame
from planrun_ml.gates import g1_data
from planrun_ml.measuring import own, stakes
from planrun_ml.measuring.case import Case
from planrun_ml.measuring.metrics import named

NAME = "evidence/harness.json"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A repository with a history, and nothing in it but its answers."""
    (tmp_path / "plan").mkdir()
    (tmp_path / "plan/project.yaml").write_text('kind: "ml"\nslice_margin: "0.05"\ncurrent_value: ""\n')
    git(tmp_path, "init", "--quiet")
    commit(tmp_path)
    return tmp_path


def git(folder: Path, *words: str) -> None:
    subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True)


def commit(folder: Path) -> None:
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "-m", "as it is")


def measured(folder: Path) -> str:
    """Evidence as a command writes it."""
    content: dict[str, Any] = {"measured": {}, "value": 1}
    text = json.dumps(content | {"seal": seal(content)})
    (folder / "evidence").mkdir(exist_ok=True)
    (folder / NAME).write_text(text)
    return text


def torn(folder: Path) -> None:
    (folder / NAME).write_text((folder / NAME).read_text().replace("1", "2"))


def remedy(folder: Path) -> str:
    with pytest.raises(Blocked) as refusal:
        Repo(folder).fresh("harness", "make audit")
    return refusal.value.remedy


# ------------------------------------------------------------------------------------------------ damaged files
@pytest.mark.parametrize("how", ["torn", "torn and staged", "torn and committed"])
def test_torn_evidence_comes_back_by_the_command_that_is_named(how: str, project: Path) -> None:
    """Wherever the damage is, what is printed brings back what was measured."""
    whole = measured(project)
    commit(project)
    torn(project)
    if how == "torn and staged":
        git(project, "add", "--all")
    if how == "torn and committed":
        commit(project)
    line = remedy(project)

    assert told(line)["kind"] == "command"
    subprocess.run(["sh", "-c", line], cwd=project, check=True, capture_output=True)
    assert (project / NAME).read_text() == whole


def test_torn_evidence_that_no_commit_holds_is_measured_anew(project: Path) -> None:
    """git cannot bring it back, so the command that measures it is named."""
    measured(project)
    torn(project)

    assert remedy(project) == "make audit"


def test_a_page_whose_deletion_was_committed_comes_back(project: Path) -> None:
    """`git checkout PATH` knows no file that is in no commit any more."""
    (project / "docs").mkdir()
    (project / "docs/page.md").write_text("What was agreed.\n")
    commit(project)
    (project / "docs/page.md").unlink()
    commit(project)
    with pytest.raises(Blocked) as refusal:
        Repo(project).text("docs/page.md")
    subprocess.run(["sh", "-c", refusal.value.remedy], cwd=project, check=True, capture_output=True)

    assert (project / "docs/page.md").read_text() == "What was agreed.\n"
    assert way_back(project, "docs/never.md") == ""


# ------------------------------------------------------------------------------------------------ steps and numbers
def test_a_step_without_a_file_is_no_edit() -> None:
    """Nobody can edit what is not named; whom it waits for is said."""
    assert told("Re-scope")["kind"] == "person"
    assert told("Re-scope")["who"]
    assert told("Answer section 1 of docs/03-acceptance.md")["kind"] == "edit"


class Planned(Repo):
    """A repository whose plan lacks a margin, because today's value is not known; a rule was measured."""

    def entry(self, key: str) -> dict[str, Any]:  # type: ignore[override]
        return {"value": None, "inputs": {"slice_margin": 0.05, "baseline": None}, "note": "Not known."}

    def fresh(self, name: str, remedy: str) -> dict[str, Any]:
        return {"result": {"value": 20.0}}


def test_a_missing_number_asks_for_answers_that_exist(project: Path) -> None:
    """The inputs of a number have names of their own; `replan` knows the answers they come from."""
    with pytest.raises(Blocked) as refusal:
        Planned(project).needed("slices.margin")

    assert refusal.value.remedy == "mlscaffold replan --set slice_margin or current_value=…"


def test_a_margin_falls_back_on_the_measured_baseline(project: Path) -> None:
    """A share of today's value is a share of what the rule was measured to reach, where nobody knows today's."""
    assert stakes.allowed_loss(Planned(project), "slices.margin", "slice_margin") == pytest.approx(1.0)


def test_a_lock_that_moved_waits_for_the_gate_before_it(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`make baseline` would refuse to lock again as long as another gate of the data is shut."""
    (project / "gates").mkdir()
    (project / "gates/G1.lock").write_text("{}")
    shut = SimpleNamespace(id="G1.3", next_step="Correct the data, or the rule in data/schema.yaml")
    monkeypatch.setattr(g1_data, "_before_the_lock", lambda repo: shut)
    monkeypatch.setattr("planrun_ml.data.lock.moved", lambda repo: ["manifest"])
    monkeypatch.setattr("planrun_ml.data.manifest.manifest", lambda repo: {})

    assert g1_data.locked(Repo(project)).next_step == shut.next_step


# ------------------------------------------------------------------------------------------------ before the look
class Judged(Planned):
    """What a look at the test rows asks of a repository."""

    @property
    def team(self) -> dict[str, tuple[str, ...]]:  # type: ignore[override]
        return {"po": ("Ana",)}

    @property
    def answers(self) -> dict[str, str]:  # type: ignore[override]
        return {"task": "binary"}

    def needed(self, key: str) -> float:  # type: ignore[override]
        return 0.05

    def blocking(self) -> list[str]:
        return ["G3.4"]


@pytest.fixture
def judged(project: Path, monkeypatch: pytest.MonkeyPatch) -> Judged:
    monkeypatch.setattr(readiness, "minimum_gain", lambda repo: 0.1)
    monkeypatch.setattr(readiness, "decision_threshold", lambda repo: 0.5)
    monkeypatch.setattr(readiness, "deciding", lambda repo: named("recall"))
    return Judged(project)


def held(keys: str = "abcd", right: tuple[float, ...] = (0, 1, 0, 1), regions: str = "nnss") -> Frame:
    """Four test rows."""
    segments = pd.DataFrame({"region": list(regions)})
    return Frame(np.array(list(keys)), pd.DataFrame(index=range(4)), np.array(right, float), None, None, segments)


@pytest.mark.parametrize(
    ("stores", "sentence"),
    [
        ("ABCDEFGHABCDEFGH", ""),
        ("ABCDEFGHABCDEFGG", "come from 7 values of store: with fewer than 8 nothing"),
        ("AAAAAAAABBBBBBBB", 'All positive rows among the test rows come from one store, "B": with fewer than 8'),
    ],
)
def test_rows_of_few_groups_decide_nothing(
    stores: str, sentence: str, judged: Judged, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No look is spent on them: where all positive rows come from few groups, more rows of those would add none."""
    monkeypatch.setattr(readiness, "source_of", lambda repo: SimpleNamespace(group="store", time=""))
    count, segments = len(stores), pd.DataFrame(index=range(len(stores)))
    right = np.array([0.0] * 8 + [1.0] * 8)
    keys = np.array([str(number) for number in range(count)])
    frame = Frame(keys, segments, right, np.array(list(stores)), None, segments)
    said = {"model": (np.linspace(0.1, 0.9, count), ())}
    if not sentence:
        readiness.refuse_unready(judged, frame, said)
        return

    with pytest.raises(Trouble, match=sentence) as refusal:
        readiness.refuse_unready(judged, frame, said)
    assert "rows of other values of store in the test split" in refusal.value.remedy
    assert "more rows of the same store add none" in refusal.value.remedy


SOUND = {"model": (np.array([0.1, 0.9, 0.2, 0.8]), ())}


def test_a_look_that_ends_in_a_verdict_may_be_taken(judged: Judged) -> None:
    """Unique keys, a number a row, and each segment with a row that the metric counts on."""
    readiness.refuse_unready(judged, held(), SOUND)


@pytest.mark.parametrize(
    ("frame", "said", "sentence"),
    [
        (held(keys="aacd"), SOUND, 'such as "a"'),
        (held(right=(0, 1, 0, 0)), SOUND, "recall has no value on the 2 test rows of region = s"),
        (held(), {"model": (np.array([0.1, np.nan, 0.2, 0.8]), ())}, "no number for some test rows"),
        (held(), {"model": (np.array([0.1, 0.2]), ())}, "2 answers for 4 rows"),
    ],
    ids=["repeated keys", "a segment nobody can judge", "no number", "too few"],
)
def test_a_look_that_no_verdict_can_follow_is_refused(
    frame: Frame, said: readiness.Said, sentence: str, judged: Judged
) -> None:
    """One sentence and its way out, before anything is logged."""
    with pytest.raises(Trouble, match=sentence) as refusal:
        readiness.refuse_unready(judged, frame, said)

    assert refusal.value.remedy


def test_a_metric_that_breaks_on_the_test_rows_breaks_before_the_look(
    judged: Judged, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A list that is too short for a class that no other split has, say."""

    def short(case: Case) -> np.ndarray:
        return np.array([[0.1, 0.2][2]])

    broken = replace(named("recall"), each=short)
    monkeypatch.setattr(readiness, "deciding", lambda repo: broken)
    with pytest.raises(Trouble, match=r"IndexError: .* No look was taken") as refusal:
        readiness.refuse_unready(judged, held(), SOUND)

    assert refusal.value.remedy


def test_the_rehearsal_mixes_answers_within_segments_and_tells_nothing(judged: Judged) -> None:
    """Each segment keeps its answers, and with many rows nobody keeps their own."""
    many = 400
    right = np.tile([0.0, 1.0], many // 2)
    frame = replace(
        held(),
        keys=np.arange(many).astype(str),
        x=pd.DataFrame(index=range(many)),
        y=right,
        segments=pd.DataFrame({"region": ["n"] * (many // 2) + ["s"] * (many // 2)}),
    )
    mixed = readiness._mixed(frame)

    assert mixed[: many // 2].sum() == right[: many // 2].sum()
    assert abs(np.corrcoef(mixed, right)[0, 1]) < 0.2


class Tensor:
    """What keeps its gradient is no array until it is detached."""

    def __array__(self, *args: object, **named: object) -> np.ndarray:
        raise RuntimeError("Can't call numpy() on Tensor that requires grad.")


def test_a_metric_that_gives_tensors_is_one_sentence(tmp_path: Path) -> None:
    """It names the file and what is needed."""
    metric = replace(named("recall"), name="own:ours", each=lambda case: Tensor())  # type: ignore[arg-type, return-value]
    asked = own._Asked(Rooms(tmp_path, "us"), metric, "src/us/metrics.py")
    case = Case(np.array([0.0, 1.0]), np.array([0.1, 0.9]))

    with pytest.raises(Trouble, match="own:ours gives something else than numbers"):
        asked.each(case)


def test_a_driver_that_is_not_installed_is_one_sentence(project: Path) -> None:
    """The audit that would read a database says which package it lacks, and where it is asked for."""
    (project / "data").mkdir()
    (project / "data/source.yaml").write_text("source: oracle://host/db\nquery: select 1\ntarget: late\n", "utf-8")
    with pytest.raises(Trouble, match=r"reading oracle:// needs \w+, which is not installed") as refusal:
        snapshot.refresh(Repo(project), source_module.source_of(Repo(project)))

    assert "pyproject.toml" in refusal.value.remedy
    assert not list((project / "data/raw").glob("*.parquet"))
