"""The rendered ML pipelines: they parse, each job has its occasion, and each line runs in a fresh clone."""

import datetime
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from material import sample_answers
from mlscaffold import answers, render, vcs
from readme_run import Ran
from rendered_repository import run

Rendered = Callable[[str], Path]
GITHUB, GITLAB = "ml-default", "ml-forecast"
OF_THE_HOST = ("remark", "awake")  # run in tests/test_rendered_hosts.py, with a host that answers


def jobs(folder: Path) -> dict[str, dict[str, Any]]:
    """The jobs of a repository's pipelines by name, as its host reads them."""
    found: dict[str, dict[str, Any]] = {}
    for path in sorted(folder.glob(".github/workflows/*.yml")):
        found |= yaml.safe_load(path.read_text("utf-8"))["jobs"]
    if folder.joinpath(".gitlab-ci.yml").is_file():
        text = yaml.safe_load(folder.joinpath(".gitlab-ci.yml").read_text("utf-8"))
        found |= {name: job for name, job in text.items() if isinstance(job, dict) and "script" in job}
    return found


@pytest.mark.parametrize("name", [GITHUB, GITLAB])
def test_three_jobs_with_an_occasion_each(name: str, rendered: Rendered) -> None:
    """Every push is checked; the watch and the retraining come by the clock, or by hand."""
    found = jobs(rendered(name))

    assert set(found) == {"check", "remark", "watch", "retrain"} | ({"awake"} if name == GITHUB else set())
    if name == GITHUB:
        text = yaml.safe_load(rendered(name).joinpath(".github/workflows/operations.yml").read_text("utf-8"))
        occasions = text[True]  # YAML 1.1 reads the key `on` as true
        clocks = [entry["cron"] for entry in occasions["schedule"]]
        by_hand = occasions["workflow_dispatch"]["inputs"]["job"]["options"]
        for job, clock in zip(("watch", "retrain"), clocks, strict=True):
            assert f"github.event.schedule == '{clock}'" in found[job]["if"]
            assert f"inputs.job == '{job}'" in found[job]["if"]
            assert job in by_hand
    else:
        rules = {job: found[job]["rules"][0]["if"] for job in found}
        assert rules["remark"].startswith("$CI_MERGE_REQUEST_IID")
        assert rules["check"] == '$CI_PIPELINE_SOURCE != "schedule"'
        assert all('$CI_PIPELINE_SOURCE == "schedule"' in rules[job] for job in ("watch", "retrain"))


@pytest.mark.parametrize("name", [GITHUB, GITLAB])
def test_what_a_refused_candidate_showed_is_kept(name: str, rendered: Rendered) -> None:
    """A retraining that ends red keeps its evidence, or nobody could read why."""
    job = jobs(rendered(name))["retrain"]
    if name == GITHUB:
        (kept,) = (step["with"]["path"] for step in job["steps"] if step.get("if") == "failure()" and "with" in step)
    else:
        assert job["artifacts"]["when"] == "always"
        kept = job["artifacts"]["paths"]

    assert {"evidence/", "registry/"} <= set(kept if isinstance(kept, list) else kept.split())


@pytest.fixture
def repository(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """Default answers for the host that the test names, with a first experiment, committed."""
    given = answers.complete(sample_answers(GITHUB).raw | {"ci": request.param, "start_date": ""})
    folder = render.render(given, tmp_path)
    vcs.create(folder, "Start")
    for arguments in (["audit"], ["confirm", "--all"], ["baseline"], ["experiment"]):
        assert run(folder, *arguments).returncode == 0, arguments
    keep(folder)
    return folder


def keep(folder: Path) -> None:
    """Commit what the commands wrote."""
    for words in (["add", "--all"], ["commit", "--quiet", "-m", "What the commands wrote"]):
        subprocess.run(["git", *words], cwd=folder, check=True)


def release(folder: Path) -> None:
    """Walk on under waivers, as the README does, until a champion answers."""
    run(folder, "sign", "G3")
    run(folder, "accept")
    month = (datetime.date.today() + datetime.timedelta(days=30)).isoformat()
    for gate in ("G0.1", "G0.2", "G3.3"):
        assert run(folder, "waive", gate, "--reason", "sample data", "--until", month).returncode == 0
    for arguments in (["sign", "G3"], ["promote"]):
        done = run(folder, *arguments)
        assert done.returncode == 0, done.stdout + done.stderr
    keep(folder)


@pytest.fixture
def runner(repository: Path, tmp_path: Path) -> dict[str, str]:
    """What a host's runner sets; `gh`, which needs the host itself, only writes down what it was asked."""
    asked = tmp_path / "bin" / "gh"
    asked.parent.mkdir()
    asked.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/asked\ncase "$1 $2" in "issue list") echo 0;; esac\n')
    asked.chmod(0o755)
    scratch = tmp_path / "runner-temp"
    scratch.mkdir()
    kept = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "PYTEST_ADDOPTS")}
    return kept | {
        "PATH": f"{asked.parent}{os.pathsep}{os.environ['PATH']}", "RUNNER_TEMP": str(scratch), "CI": "true",
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary"), "GITHUB_OUTPUT": str(tmp_path / "output"),
        "GITHUB_RUN_ID": "1", "GITHUB_BASE_REF": "main",
        "FETCH_COMMAND": f"cp -r {repository}/store .", "KEEP_COMMAND": "ls store",
    }  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("repository", ["github", "gitlab"], indirect=True)
def test_every_line_runs_in_a_fresh_clone(repository: Path, tmp_path: Path, runner: dict[str, str]) -> None:
    """Before a release all is green; after it a watch that sees nothing is red, and tells somebody."""
    found = {name: job for name, job in jobs(repository).items() if name not in OF_THE_HOST}
    ran = {name: list(run_job(job, repository, tmp_path / name, runner)) for name, job in found.items()}

    assert {name: [step for step in steps if step.code] for name, steps in ran.items()} == {name: [] for name in ran}
    assert "Nothing was promoted yet" in said(ran["watch"])
    assert "Nothing was promoted yet" in said(ran["retrain"])
    assert not tmp_path.joinpath("asked").exists()

    release(repository)
    found = jobs(repository)
    watch = list(run_job(found["watch"], repository, tmp_path / "watch-2", runner))
    retrain = list(run_job(found["retrain"], repository, tmp_path / "retrain-2", runner))

    assert len([step for step in watch if step.code]) == 1, watch
    assert "silent" in said(watch)
    assert [step for step in retrain if step.code] == []
    assert not re.search("Traceback", said(watch) + said(retrain))
    if repository.joinpath(".github").is_dir():
        asked = tmp_path.joinpath("asked").read_text()
        assert "issue create --title The monitor raises an alarm" in asked
        assert "pr create" not in asked, "no retraining was due"


def said(steps: list[Ran]) -> str:
    return "".join(step.said for step in steps)


def run_job(job: dict[str, Any], repository: Path, clone: Path, runner: dict[str, str]) -> Iterator[Ran]:
    """Each step of a job as its host's runner types it; after a failure only those that ask for one or come always."""
    host = clone.with_suffix(".git")  # bare, so that a job may push
    subprocess.run(["git", "clone", "--quiet", "--bare", str(repository), str(host)], check=True)
    subprocess.run(["git", "clone", "--quiet", str(host), str(clone)], check=True)
    failing = False
    for line, when in steps_of(job):
        if failing != ("failure()" in when) and "always()" not in when:
            continue
        done = subprocess.run(
            ["bash", "-e", "-c", line],
            cwd=clone, env=runner, capture_output=True, text=True, check=False, timeout=900,
        )  # fmt: skip
        failing = failing or done.returncode != 0
        yield Ran(line, done.returncode, done.stdout + done.stderr)


def steps_of(job: dict[str, Any]) -> list[tuple[str, str]]:
    """What a job types, in order, and when: GitHub opens a shell for each step, GitLab one for the whole script."""
    if "steps" in job:
        return [(step["run"], step.get("if", "")) for step in job["steps"] if "run" in step]
    return [("\n".join(job["script"]), "")]
