"""A coding agent works in a rendered repository: it may do the work, and it puts nobody's name to it."""

import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from material import ROOT, SAMPLES, mostly_slow
from mlscaffold import cli
from planrun import agents, commands
from planrun.repository import Repo
from planrun.trouble import Blocked
from planrun_ml.data import frames, looks
from rendered_repository import run

KINDS = {"ml": "ml-default", "software": "sw-default"}
MADE_LATER = {"evidence/experiments.md", "evidence/triage.json", "evidence/test_access.log", "ops/postmortems/"}
SIGNING = {
    "ml": (["confirm", "--all"], ["sign", "G3"], ["waive", "G0.1", "--reason", "later", "--until", "30"], ["accept"]),
    "software": (["confirm", "--all"], ["sign", "T1"], ["waive", "T0.1", "--reason", "later", "--until", "30"]),
}


def skills(folder: Path) -> dict[str, tuple[dict[str, str], str]]:
    """Name of the folder → (head, page)."""
    found = {}
    for path in sorted(folder.glob(".agents/skills/*/SKILL.md")):
        _, head, page = path.read_text("utf-8").split("---\n", 2)
        found[path.parent.name] = (yaml.safe_load(head), page)
    return found


@pytest.mark.parametrize("repository", KINDS.values(), indirect=True)
def test_an_agent_that_tries_is_refused(repository: Path) -> None:
    """Confirm, sign, waive, and the look at the test rows: exit 2, who types it instead, and nothing written."""
    kind = yaml.safe_load((repository / "plan/project.yaml").read_text("utf-8"))["kind"]
    before = status(repository)
    for words in SIGNING[kind]:
        done = run(repository, *words, PLANRUN_AGENT="helper")

        assert done.returncode == 2, words
        assert "PLANRUN_AGENT=helper says that an agent types here." in done.stderr
        assert f"ask a person to type, in a terminal of their own: .venv/bin/planrun {words[0]}" in done.stderr
    assert status(repository) == before
    assert run(repository, "status", PLANRUN_AGENT="helper").returncode == 0


@pytest.mark.parametrize("repository", KINDS.values(), indirect=True)
def test_a_person_is_not_refused(repository: Path) -> None:
    """The same line without the variable, or with an empty one, is a person's."""
    done = run(repository, "confirm", "--all", PLANRUN_AGENT="")

    assert done.returncode == 0, done.stderr
    assert status(repository) != ""


@pytest.mark.parametrize("repository", ["ml-default"], indirect=True)
def test_the_test_rows_refuse_an_agent_wherever_they_are_read(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A script of its own around the commands meets the same sentence, and no look is logged."""
    monkeypatch.setenv(agents.VARIABLE, "helper")
    repo = Repo(repository)

    for read in (lambda: frames.held_back(repo), lambda: frames.load(repo, "test", {"command": "accept"})):
        with pytest.raises(Blocked, match="PLANRUN_AGENT=helper"):
            read()
    assert not (repository / looks.TEST_LOG).exists()


@pytest.mark.parametrize("words", [["--set", "confirmed=currency"], ["--set", "lock_exceptions=rigor=a pilot"]])
@pytest.mark.parametrize("command", ["replan", "update"])
@pytest.mark.parametrize("repository", ["sw-cli"], indirect=True)
def test_an_agent_vouches_for_nothing_by_a_replan(
    repository: Path,
    command: str,
    words: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """An answer that is somebody's word is refused like confirm itself, and nothing is written."""
    monkeypatch.setenv(agents.VARIABLE, "helper")
    before = status(repository)

    assert cli.run([command, str(repository), *words]) == 1
    told = capsys.readouterr().err
    assert "PLANRUN_AGENT=helper says that an agent types here" in told
    assert "ask a person to type" in told
    assert status(repository) == before


@pytest.mark.parametrize("repository", ["sw-cli"], indirect=True)
def test_an_agent_may_show_what_an_answer_would_move(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Looking writes nothing; a fact that somebody told it is typed as it was told; a person confirms as before."""
    monkeypatch.setenv(agents.VARIABLE, "helper")
    assert cli.run(["replan", str(repository), "--dry-run", "--set", "confirmed=currency"]) == 0
    assert cli.run(["replan", str(repository), "--dry-run", "--set", "daily_volume=70"]) == 0
    monkeypatch.setenv(agents.VARIABLE, "")

    assert cli.run(["replan", str(repository), "--set", "confirmed=currency"]) == 0


def test_the_skill_knows_the_kinds_of_steps(rendered: Callable[[str], Path]) -> None:
    """Those that a program reads under `next`, by the names that the status gives them."""
    line = next(one for one in ROOT.joinpath("docs/status.md").read_text("utf-8").splitlines() if "has a `kind`" in one)
    kinds = set(re.findall(r"`(\w+)` \(with", line))
    for sample in KINDS.values():
        page = skills(rendered(sample))["take-the-next-gate"][1].partition("## Where")[0]
        assert set(re.findall(r"`(\w+)`", page)) - {"next"} == kinds


def status(folder: Path) -> str:
    words = ["git", "status", "--porcelain", "plan", "gates", "evidence"]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=True)
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout + head.stdout


@pytest.mark.parametrize(
    "repository", mostly_slow(SAMPLES, "ml-default", "ml-invoices", "sw-default", "sw-cli"), indirect=True
)
def test_a_skill_names_what_is_there(repository: Path) -> None:
    """Each is in AGENTS.md, has the head that agents read, stays short, and types commands and pages that exist."""
    told = (repository / "AGENTS.md").read_text("utf-8")
    known = commands.commands(yaml.safe_load((repository / "plan/project.yaml").read_text("utf-8")))
    heads = re.findall(r"(?m)^([a-z][a-z -]*):", (repository / "Makefile").read_text("utf-8"))
    targets = {word for line in heads for word in line.split()}

    assert len(skills(repository)) == 6
    for name, (head, page) in skills(repository).items():
        assert head["name"] == name
        assert 40 < len(head["description"]) < 300
        assert not set("*_`[]<>") & set(re.sub(r"`[^`]+`", "", head["description"])), name  # shown as it stands
        assert f"`{name}`" in told
        assert len(page.splitlines()) < 30
        assert "## Where you stop" in page
        assert set(re.findall(r"`make ([a-z-]+)", page)) <= targets, name
        assert set(re.findall(r"\.venv/bin/planrun ([a-z-]+)", page)) <= set(known), name
        for path in re.findall(r"`((?:docs|ops|plan|evidence|tests)/[\w./-]+)`", page):
            assert (repository / path).exists() or path in MADE_LATER, f"{name}: {path}"
