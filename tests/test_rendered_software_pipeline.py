"""The rendered pipelines: stages block each other, and every line does what it says in a fresh clone."""

import os
import re
import subprocess
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from material import sample_answers
from readme_run import Ran
from rendered_repository import write_the_rules

Rendered = Callable[[str], Path]
GITHUB, GITLAB = ("sw-default", "sw-batch"), ("sw-rates", "sw-cli")
ORDER = ["check", "test", "accept", "build", "release"]
OF_THE_HOST = ("remark", "awake")  # run in tests/test_rendered_hosts.py, with a host that answers
NEEDS_A_NETWORK = " audit"  # blocked, not green, where the advisories cannot be reached


def jobs(folder: Path) -> dict[str, dict[str, Any]]:
    """The jobs of a repository's pipeline by name, as its host reads them."""
    github = folder / ".github/workflows/ci.yml"
    if github.is_file():
        return dict(yaml.safe_load(github.read_text("utf-8"))["jobs"])
    found = yaml.safe_load(folder.joinpath(".gitlab-ci.yml").read_text("utf-8"))
    return {name: found["default"] | job for name, job in found.items() if isinstance(job, dict) and "script" in job}


def shell_lines(job: dict[str, Any]) -> list[str]:
    """What a job types, in order."""
    if "steps" in job:
        return [step["run"] for step in job["steps"] if "run" in step]
    return [*job["before_script"], *job["script"]]


@pytest.mark.parametrize("name", GITHUB)
def test_each_stage_waits_for_the_one_before(name: str, rendered: Rendered) -> None:
    """Fast checks, tests, acceptance, build, release; only the morning's watch stands alone."""
    found = jobs(rendered(name))
    waits = {job: found[job].get("needs") for job in found}

    assert waits == {"watch": None, "awake": None, "remark": "build"} | dict(zip(ORDER, [None, *ORDER], strict=False))
    assert "refs/tags/" in found["release"]["if"]
    assert found["check"]["if"] == "github.event_name != 'schedule'"
    assert found["watch"]["if"] == "github.event_name == 'schedule'"


@pytest.mark.parametrize("name", GITLAB)
def test_gitlab_runs_the_same_stages(name: str, rendered: Rendered) -> None:
    """Stages run one after the other; a red one stops the next."""
    text = yaml.safe_load(rendered(name).joinpath(".gitlab-ci.yml").read_text("utf-8"))
    watched = sample_answers(name).rigor != "light"

    assert text["stages"] == [*ORDER, "watch"][: None if watched else 5]
    assert {job["stage"] for job in jobs(rendered(name)).values()} == {*text["stages"], ".post"}
    assert all(job.get("extends") == ".pushed" for job in jobs(rendered(name)).values() if job["stage"] in ORDER[:4])
    assert text["release"]["rules"] == [{"if": "$CI_COMMIT_TAG =~ /^v/"}]


@pytest.mark.parametrize("name", [*GITHUB, *GITLAB])
def test_the_watch_looks_every_morning(name: str, rendered: Rendered) -> None:
    """Known weaknesses, and the error budget of what is served; nothing at rigor light."""
    answers = sample_answers(name)
    typed = " ".join(shell_lines(jobs(rendered(name)).get("watch", {"before_script": [], "script": []})))

    assert ("$DO audit" in typed) == (answers.rigor != "light")
    assert ("$DO budget" in typed) == (answers.deliverable in ("service", "web-app") and answers.rigor != "light")


@pytest.fixture
def counters() -> Iterator[str]:
    """The URL of a page of metrics: 3 failures in 10,000 requests."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'requests_total{status="201"} 9997\nrequests_total{status="503"} 3\n')

    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/metrics"
    server.shutdown()
    server.server_close()


@pytest.mark.slow
@pytest.mark.parametrize("repository", [*GITHUB, *GITLAB], indirect=True)
def test_every_line_runs_in_a_fresh_clone(repository: Path, tmp_path: Path, counters: str) -> None:
    """Job after job, each in a clone of its own and from an empty cache: only what waits for people stays shut.

    At rigor light that is the decision alone: once it is taken, and the rules are written, the release goes through.
    """
    rigor = yaml.safe_load((repository / "plan" / "project.yaml").read_text("utf-8"))["rigor"]
    waiting = set() if rigor == "light" else {("release", "$DO status --check")}
    if rigor == "light":
        write_the_rules(repository)
        decision = repository / "docs/decisions/0001-approach.md"
        decision.write_text(decision.read_text("utf-8").replace("status: proposed", "status: accepted"), "utf-8")
    subprocess.run(["git", "commit", "--quiet", "--allow-empty", "--all", "-m", "More"], cwd=repository, check=True)
    found = {name: job for name, job in jobs(repository).items() if name not in OF_THE_HOST}
    ran = {name: list(run_job(job, repository, tmp_path / name, counters)) for name, job in found.items()}
    shut = {(name, step.line): step.said[-1500:] for name, steps in ran.items() for step in steps if step.code}
    excused = {key: said for key, said in shut.items() if NEEDS_A_NETWORK in key[1]}

    assert all("could not be" in said for said in excused.values()), excused
    assert {key for key in shut if key not in excused} == waiting, shut
    assert not re.search("Traceback", "".join(step.said for steps in ran.values() for step in steps))


def run_job(job: dict[str, Any], repository: Path, clone: Path, counters: str) -> Iterator[Ran]:
    """Each line of a job as its host's runner types it; a line that cannot run here is left out by name."""
    subprocess.run(["git", "clone", "--quiet", str(repository), str(clone)], check=True)
    surroundings = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "PYTEST_ADDOPTS")}
    surroundings |= {"DO": ".venv/bin/planrun", "METRICS_URL": counters, "CI": "true"}
    surroundings |= {name: f"{clone}-{name}" for name in ("GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT")} | {
        "GITHUB_RUN_ID": "1"
    }
    for line in shell_lines(job):
        if line.startswith("docker "):
            continue  # its Dockerfile is run line by line in a test of its own
        done = subprocess.run(
            ["bash", "-e", "-o", "pipefail", "-c", line],
            cwd=clone, env=surroundings, capture_output=True, text=True, check=False, timeout=900,
        )  # fmt: skip
        yield Ran(line, done.returncode, done.stdout + done.stderr)
