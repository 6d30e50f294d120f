"""A copy of the sample that has been worked through once, and a fresh copy of it for every test."""

import contextlib
import io
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from planrun import cli, self_test
from planrun.gates import Row, evaluate, load, state_of
from planrun.git import user
from planrun.repository import Repo, seal

from planrun_ml.data import sample
from planrun_ml.experiments import records

SAMPLE = self_test.sample()
ANSWERS = Repo(SAMPLE).answers
TASK = ANSWERS["task"]
OWED = ("G1.10", "G1.12", "G1.13", "G1.6", "G1.1")  # what people owe the audit
ROWS = "data/raw/rows.csv"
SOURCE = """\
source: data/raw/rows.csv
target: {target}
positive: {positive}
time: "{time}"
group: "{group}"
id: "{id}"
split: "{split}"
store: store
sources:
  - name: rows
    owner: test
    access: granted
    lawful_basis: none
"""


# The tests of one form of serving, or of tracking: where the sample has another, they have nothing to ask.
FORMS = {
    "test_alert.py": ANSWERS["serving"] == "alert",
    "test_serve.py": ANSWERS["serving"] == "api",
    "test_score.py": ANSWERS["serving"] == "batch",
    "test_tracking.py": ANSWERS["tracking"] == "mlflow",
}
collect_ignore = [name for name, applies in FORMS.items() if not applies]


def ask(root: Path, *words: str) -> tuple[int, str]:
    """Run a command in a repository: exit code, and everything it said."""
    said = io.StringIO()
    here = Path.cwd()
    os.chdir(root)
    try:
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            code = cli.main(words)
    finally:
        os.chdir(here)
    return code, said.getvalue()


def gate(root: Path, id: str) -> Row:
    """A gate's state now; one that these answers do not call for would be "blocked" whatever its check says."""
    repo = Repo(root)
    assert id in load(repo), f"{id} does not apply to the answers of {root.name}"
    return state_of(repo, id)


def evidence(root: Path, name: str) -> dict[str, Any]:
    """What a command measured, which must be there."""
    found = Repo(root).evidence(name)
    assert found is not None, f"evidence/{name}.json is missing"
    return found


def git(root: Path, *words: str) -> str:
    """Run git in a repository: what it printed. Raises `CalledProcessError` where it refuses."""
    run = subprocess.run(["git", *words], cwd=root, check=True, capture_output=True, text=True)
    return run.stdout


def commit(root: Path) -> None:
    """Commit whatever lies in the repository, be it nothing."""
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--allow-empty", "-m", "as it is")


def pytest_configure(config: pytest.Config) -> None:
    """Name the mark of tests that may be skipped, so that pytest knows it."""
    config.addinivalue_line("markers", "elsewhere: may be skipped where what it needs is not installed")


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Let the self-test say how it ended, after all other plugins."""
    self_test.finish(session)


@pytest.fixture(scope="session", autouse=True)
def _git(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """git as nobody has set it up, under a name that is nobody's: no hooks, keys, templates or other places."""
    settings = tmp_path_factory.mktemp("git") / "config"
    settings.write_text("[user]\n\tname = Test Person\n\temail = test@example.org\n")
    with pytest.MonkeyPatch.context() as surroundings:
        for name in [name for name in os.environ if name.startswith("GIT_") and name != "GIT_EXEC_PATH"]:
            surroundings.delenv(name)
        surroundings.setenv("GIT_CONFIG_GLOBAL", str(settings))
        surroundings.setenv("GIT_CONFIG_NOSYSTEM", "1")
        yield


@pytest.fixture(scope="session")
def _newborn(tmp_path_factory: pytest.TempPathFactory, _git: None) -> Path:
    """The sample's files on the sample data, with a history of one commit, and nothing run yet."""
    root = tmp_path_factory.mktemp("newborn") / "repo"
    root.mkdir()
    for name in ("plan", "docs", "data", "ops", "src", "notebooks"):
        if (SAMPLE / name).is_dir():
            kept = shutil.ignore_patterns("__pycache__", "raw", "manifest.json", "schema.yaml", "*.egg-info")
            shutil.copytree(SAMPLE / name, root / name, ignore=kept)
    for name in ("pyproject.toml", ".gitattributes", ".gitignore"):
        shutil.copy(SAMPLE / name, root / name)
    (root / "gates").mkdir()
    (root / "gates" / "waivers.yaml").write_text("[]\n")
    rows = sample.sample(TASK)
    target = rows.columns[-1]
    named = {name: name if name in rows else "" for name in ("query", "store", "day", "row_id", "case_id")}
    (root / "data" / "raw").mkdir()
    rows.to_csv(root / "data" / "raw" / "rows.csv", index=False)
    write_source(
        root, target, "malignant", named["day"], named["query"] or named["store"], named["row_id"] or named["case_id"]
    )
    one_person(root)
    git(root, "init", "--quiet", "--template=", "--initial-branch=main")
    commit(root)
    return root


def one_person(root: Path) -> None:
    """One person for every role, so that one name can sign; no segments, because the sample has not their columns."""
    path = root / "plan" / "project.yaml"
    lines = path.read_text("utf-8").splitlines(keepends=True)
    lines = [re.sub(r"=[^=;]*:", "=?:", line) if line.startswith("team:") else line for line in lines]
    lines = ['segments: ""\n' if line.startswith("segments:") else line for line in lines]
    path.write_text("".join(lines), encoding="utf-8")
    edit(root / "plan" / "plan.json", lambda plan: plan.update(answers_sha256=Repo(root).answers_sha256))
    # The phase never ends here.
    edit(root / "plan" / "plan.json", lambda plan: phase(plan, "experiments").update(end="2999-12-31"))
    edit(root / "plan" / "plan.json", lambda plan: plan["acceptance"]["target"].update(value=None))  # for other rows
    edit(root / "plan/assumptions.yaml", lambda rows: [row.update(confirmed_by="", confirmed_on="") for row in rows])


def phase(plan: dict[str, Any], id: str) -> dict[str, Any]:
    """The task of this id in the plan's schedule; it has to be there."""
    return next(task for task in plan["schedule"]["tasks"] if task["id"] == id)


def write_source(
    root: Path, target: str, positive: str = '""', time: str = "", group: str = "", id: str = "", split: str = ""
) -> None:
    """data/source.yaml over data/raw/rows.csv."""
    text = SOURCE.format(target=f'"{target}"', positive=positive, time=time, group=group, id=id, split=split)
    (root / "data" / "source.yaml").write_text(text, encoding="utf-8")
    (root / "data" / "schema.yaml").unlink(missing_ok=True)


def waive(root: Path, *starts: str) -> None:
    """A waiver for each gate that begins like this and is shut."""
    path = root / "gates" / "waivers.yaml"
    known = list(yaml.safe_load(path.read_text()) or [])
    who = user(root)
    known += [
        {"gate": row.id, "approver": who, "reason": "the sample", "until": str(date.today() + timedelta(30))}
        for row in evaluate(Repo(root))
        if row.id.startswith(starts) and row.state in ("fail", "blocked")
    ]
    path.write_text(yaml.safe_dump(known))
    git(root, "add", "--", "gates/waivers.yaml")
    git(root, "commit", "--quiet", "--allow-empty", "-m", "walked past", "--", "gates/waivers.yaml")


def say_what_is_accepted(root: Path) -> None:
    """Answer the questions of section 1 of the acceptance, which come before its signature where every gate blocks."""
    page = root / "docs/03-acceptance.md"
    text = page.read_text("utf-8")
    first, rest = text[: text.index("## 2 ")], text[text.index("## 2 ") :]
    page.write_text(re.sub(r"\[NEEDS ANSWER [^\]]*\][^|\n]*", "answered ", first) + rest, "utf-8")


@pytest.fixture(scope="session")
def _worked(_newborn: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Audited, confirmed, with a baseline, one experiment, signed thresholds and one look at the test rows."""
    root = tmp_path_factory.mktemp("worked") / "repo"
    shutil.copytree(_newborn, root)
    for words in (["audit"], ["confirm", "--all"]):
        ask(root, *words)
    waive(root, *OWED)
    ask(root, "baseline")
    say_what_is_accepted(root)
    commit(root)
    for words in (["experiment"], ["sign", "G3a"], ["accept"]):
        code, said = ask(root, *words)
        assert words == ["accept"] or code == 0, said
    commit(root)
    return root


@pytest.fixture
def newborn(_newborn: Path, tmp_path: Path) -> Path:
    """Nothing run yet."""
    return Path(shutil.copytree(_newborn, tmp_path / "repo"))


@pytest.fixture
def worked(_worked: Path, tmp_path: Path) -> Path:
    """Worked through once."""
    return Path(shutil.copytree(_worked, tmp_path / "repo"))


@pytest.fixture(scope="session")
def _released(_worked: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Promoted, with a waiver for each gate that the sample cannot open, and a rehearsed rollback."""
    root = tmp_path_factory.mktemp("released") / "repo"
    shutil.copytree(_worked, root)
    waive(root, "G0", "G1", "G2", "G3")
    for words in (["promote"], ["rollback", "--drill"]):
        code, said = ask(root, *words)
        assert code == 0, said
    commit(root)
    return root


@pytest.fixture
def released(_released: Path, tmp_path: Path) -> Path:
    """A champion answers."""
    return Path(shutil.copytree(_released, tmp_path / "repo"))


# ---------------------------------------------------------------------------------------------------- planting
def edit(path: Path, change: Callable[[Any], object], sealed: bool = False) -> None:
    """Change a JSON or YAML file as somebody with an editor would; a plan is sealed again, as by `replan`."""
    load = yaml.safe_load if path.suffix == ".yaml" else json.loads
    content = load(path.read_text("utf-8"))
    change(content)
    if sealed or path.name == "plan.json":
        content["seal"] = seal(content)
    dump = yaml.safe_dump(content, sort_keys=False) if path.suffix == ".yaml" else json.dumps(content, indent=2)
    path.write_text(dump, "utf-8")


def forge(root: Path, name: str, change: Callable[[Any], object]) -> None:
    """Change evidence and its seal with it, as somebody who knows how."""
    edit(root / "evidence" / f"{name}.json", change, sealed=True)


def record_of(root: Path) -> Path:
    """The newest experiment's record."""
    return root / "experiments" / str(records.all_records(Repo(root))[-1]["folder"]) / "record.yaml"


def own_split(root: Path, parts: pd.Series, rows: pd.DataFrame | None = None, time: str = "") -> None:
    """Rows with a split of their own, and the column that says so."""
    rows = sample.sample(TASK) if rows is None else rows
    rows.assign(part=parts.to_numpy()).to_csv(root / ROWS, index=False)
    ids = next(name for name in ("row_id", "case_id") if name in rows)
    group = "query" if TASK == "ranking" else ""
    write_source(root, sample.sample(TASK).columns[-1], "malignant", time, group, ids, "part")


def thirds(count: int) -> pd.Series:
    """One of train, validation and test for each of so many rows, in three runs of equal length."""
    return pd.Series(["train", "validation", "test"]).repeat(count // 3 + 1).iloc[:count].reset_index(drop=True)
