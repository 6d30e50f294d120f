"""A code host's own places: the gates in the pull request, and a clock that is about to be switched off."""

import datetime
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from xml.etree import ElementTree

import pytest
import yaml
from material import ROOT, mostly_slow, newborn
from mlscaffold import answers, render, vcs
from planrun import remark
from planrun.repository import Repo
from planrun.status import status
from rendered_repository import run, stand_in, told
from test_rendered_software_peers import tool

KINDS = {"ml": "ml-default", "software": "sw-default"}
MOSTLY = mostly_slow(KINDS, "software")  # asking every gate of an ML repository takes seconds
AZURE = "azure-pipelines.yml"
MARK = "<!-- gates of my-project -->"
WRITES = 4  # the account whose token the job has
Made = Callable[..., Path]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """`made(kind, ci)`: a repository for a host, rendered once, with an interpreter in place of its environment."""
    known: dict[tuple[str, ...], Path] = {}

    def make(kind: str, ci: str, folder: str = "", **facts: str) -> Path:
        key = (kind, ci, folder, *facts.items())
        if key not in known:
            given = newborn(KINDS[kind]).raw | {"ci": ci, "folder": folder} | facts
            known[key] = render.render(answers.complete(given), tmp_path_factory.mktemp("host"))
            stand_in(known[key])
            vcs.create(known[key], "Start")
        return known[key]

    return make


def pipeline(folder: Path, name: str = "") -> dict[str, Any]:
    """The jobs of a repository's pipeline by name."""
    path = next(one for one in (folder / (name or ".github/workflows/ci.yml"), folder / AZURE) if one.is_file())
    jobs = yaml.safe_load(path.read_text("utf-8"))["jobs"]
    return {job["job"]: job for job in jobs} if isinstance(jobs, list) else dict(jobs)


def typed(job: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The step of a job that bears a name."""
    (found,) = (step for step in job["steps"] if name in (step.get("name"), step.get("displayName")))
    return dict(found)


def shell(line: str, folder: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    """A step as its runner types it."""
    surroundings = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"} | settings
    return subprocess.run(
        ["bash", "-e", "-c", line], cwd=folder, env=surroundings, capture_output=True, text=True, check=False
    )


ASKED_IN = {"ml": "check", "software": "build"}


# ------------------------------------------------------------------------------------------------------ what it says


@pytest.mark.parametrize("kind", MOSTLY)
def test_the_six_lines_and_every_shut_gate_are_told(kind: str, made: Made) -> None:
    """What a reviewer reads is what the repository's own status says."""
    facts = json.loads(status(Repo(made(kind, "github")), as_json=True).text)
    text = status(Repo(made(kind, "github")), as_markdown=True).text
    shut = [gate["id"] for gate in facts["gates"] if gate["blocking"] and gate["state"] in ("fail", "blocked")]

    assert text.startswith(f"{MARK}\n### ")
    assert len(facts["headline"]) == 6
    assert all(f"| {line['label']} | " in text for line in facts["headline"])
    assert shut
    assert [gate for gate in shut if not re.search(rf"^\| (fail|blocked) {re.escape(gate)} ", text, re.M)] == []
    assert run(made(kind, "github"), "status", "--markdown").stdout.strip() == text.strip()


def facts_with(**changes: Any) -> dict[str, Any]:
    """The least that a status tells, with one gate that is shut."""
    gate = {"id": "G1.3", "title": "Quality", "state": "blocked", "reason": "why", "blocking": True, "next": None}
    return {
        "project": {"name": "Desk", "slug": "desk"},
        "headline": [],
        "phases": [],
        "next": None,
        "gates": [gate | changes],
        "commit": {"sha": ""},
    }


def test_a_text_from_a_file_stays_a_text() -> None:
    """No markup, no torn row, no link; nobody is notified and no other issue is touched."""
    text = remark.markdown(facts_with(reason="<script> a|b\n@org/team #12 ![x](https://example.org) `c`"))
    (row,) = (line for line in text.splitlines() if line.startswith("| blocked"))

    assert "<script>" not in text
    assert row.count("|") - row.count("\\|") == 4
    assert not re.search(r"@\w|#\d|(?<!\\)[\[`]|://", row)


def test_a_remark_has_room_on_every_host() -> None:
    """However long the reasons are, and what is left out is counted."""
    facts = facts_with()
    facts["gates"] = [facts["gates"][0] | {"id": f"G1.{n}", "reason": "x" * 900} for n in range(200)]
    text = remark.markdown(facts)

    assert len(text) <= remark.MOST
    assert re.search(r"\d+ more lines have no room here", text)
    assert "0 of 200 blocking gates are open" in text


def test_a_waived_gate_is_told_apart() -> None:
    """It is open in no other sense."""
    assert "| waived G1.3 Quality |" in remark.markdown(facts_with(state="waived"))
    assert "| Shut |" not in remark.markdown(facts_with(state="waived")).replace("| State | Shut |", "")


# ------------------------------------------------------------------------------------------------------------- GitHub
GH = """#!{python}
import json, os, pathlib, subprocess, sys
words, kept = sys.argv[1:], pathlib.Path(os.environ["GH_KEPT"])
known = json.loads(kept.read_text()) if kept.is_file() else {{"comments": [], "issues": []}}
def after(flag): return words[words.index(flag) + 1]
if words[:2] == ["issue", "list"]:
    print(len(known["issues"]))
elif words[:2] == ["issue", "create"]:
    known["issues"].append([after("--title"), after("--body")])
elif "--jq" in words:
    facts = known["comments"] if words[-3].endswith("comments") else known["repository"]
    told = subprocess.run(["jq", "-r", after("--jq")], input=json.dumps(facts).encode(), stdout=-1, check=True)
    sys.stdout.write(told.stdout.decode())
else:
    body = after("--raw-field").removeprefix("body=")
    path = next(word for word in words if word.startswith("repos/"))
    if after("--method") == "POST":
        assert path == "repos/org/desk/issues/7/comments", path
        number, who = 100 + len(known["comments"]), {{"login": "github-actions[bot]"}}
        known["comments"].append({{"id": number, "body": body, "user": who}})
    else:
        (one,) = (one for one in known["comments"] if path == f"repos/org/desk/issues/comments/{{one['id']}}")
        one["body"] = body
kept.write_text(json.dumps(known))
"""


@pytest.fixture
def gh(tmp_path: Path) -> dict[str, str]:
    """The variables of a runner, with a `gh` that keeps comments and issues in a file and filters them as gh does."""
    if not shutil.which("jq"):
        pytest.skip("gh filters as jq does")
    folder = tmp_path / "bin"
    folder.mkdir()
    folder.joinpath("gh").write_text(GH.format(python=sys.executable))
    folder.joinpath("gh").chmod(0o755)
    return {
        "PATH": f"{folder}{os.pathsep}{os.environ['PATH']}", "GH_KEPT": str(tmp_path / "kept.json"), "NUMBER": "7",
        "GITHUB_REPOSITORY": "org/desk", "GH_REPO": "org/desk", "GITHUB_RUN_ID": "1", "GH_TOKEN": "",
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"), "GITHUB_OUTPUT": str(tmp_path / "output"),
    }  # fmt: skip


def output(path: Path) -> dict[str, str]:
    """What a step hands on, by GitHub's form for values of several lines."""
    found = re.finditer(r"^(\w+)<<(?P<end>\S+)\n(.*?)\n(?P=end)$", path.read_text("utf-8"), re.M | re.S)
    return {one[1]: one[3] for one in found}


@pytest.mark.parametrize("kind", MOSTLY)
def test_the_gates_are_in_the_summary_and_in_one_remark(
    kind: str, made: Made, gh: dict[str, str], tmp_path: Path
) -> None:
    """The second run writes the first one's remark anew; one of a person that looks alike stays as it is."""
    jobs = pipeline(made(kind, "github"))
    theirs = {"id": 1, "body": f"{MARK} quoted", "user": {"login": "somebody"}}
    Path(gh["GH_KEPT"]).write_text(json.dumps({"comments": [theirs], "issues": []}))
    asked = shell(typed(jobs[ASKED_IN[kind]], "Gates")["run"], made(kind, "github"), **gh)
    text = output(tmp_path / "output")["text"]
    write = typed(jobs["remark"], "Write the remark")["run"]
    wrote = [shell(write, tmp_path, **gh, TEXT=told) for told in (text, f"{MARK}\nLater")]
    comments = json.loads(Path(gh["GH_KEPT"]).read_text())["comments"]

    assert [done.returncode for done in (asked, *wrote)] == [0, 0, 0], (asked, wrote)
    assert text == status(Repo(made(kind, "github")), as_markdown=True).text.strip()
    assert (tmp_path / "summary.md").read_text("utf-8").strip() == text
    assert [one["body"] for one in comments] == [theirs["body"], f"{MARK}\nLater"]


def test_a_pipeline_that_ended_early_says_so(made: Made, gh: dict[str, str], tmp_path: Path) -> None:
    """Without an environment the step says why it has nothing, and the remark says that too, not old news."""
    jobs = pipeline(made("ml", "github"))
    asked = shell(typed(jobs["check"], "Gates")["run"], tmp_path, **gh)
    wrote = shell(typed(jobs["remark"], "Write the remark")["run"], tmp_path, **gh, TEXT="")
    (comment,) = json.loads(Path(gh["GH_KEPT"]).read_text())["comments"]

    assert (asked.returncode, wrote.returncode) == (0, 0)
    assert "a step before this one says why" in asked.stdout
    assert comment["body"] == f"{MARK}\nThe pipeline ended before the gates were asked; its red job says why."


@pytest.mark.parametrize("kind", KINDS)
def test_who_may_write_runs_nothing_of_the_repository(kind: str, made: Made) -> None:
    """One job may write remarks: it checks nothing out, and a fork's pull request does not start it."""
    jobs = pipeline(made(kind, "github"))
    writing = [name for name, job in jobs.items() if "pull-requests" in job.get("permissions", {})]
    found = jobs["remark"]

    assert writing == ["remark"]
    assert found["permissions"] == {"pull-requests": "write"}
    assert [step for step in found["steps"] if "uses" in step] == []
    assert "head.repo.full_name == github.repository" in found["if"]
    assert found["needs"] == ASKED_IN[kind]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("visibility", "days", "issues"), [("public", 46, 1), ("public", 44, 0), ("private", 300, 0), ("public", 58, 1)]
)
def test_a_clock_that_is_about_to_stop_is_told(
    kind: str, visibility: str, days: int, issues: int, made: Made, gh: dict[str, str], tmp_path: Path
) -> None:
    """An issue, once, a fortnight before GitHub switches it off; a private repository's clock goes on."""
    workflow = ".github/workflows/operations.yml" if kind == "ml" else ".github/workflows/ci.yml"
    job = pipeline(made(kind, "github"), workflow)["awake"]
    pushed = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=days, hours=1)
    repository = {"visibility": visibility, "pushed_at": f"{pushed:%Y-%m-%dT%H:%M:%SZ}"}
    Path(gh["GH_KEPT"]).write_text(json.dumps({"comments": [], "issues": [], "repository": repository}))
    done = [shell(typed(job, "Say when the clock will stop")["run"], tmp_path, **gh) for _ in range(2)]
    told = json.loads(Path(gh["GH_KEPT"]).read_text())["issues"]

    assert [one.returncode for one in done] == [0, 0], done
    assert len(told) == issues
    assert all(f"Nothing was pushed for {days} days" in body for _, body in told)
    assert job["permissions"] == {"issues": "write"}
    assert "schedule" in job["if"]


# --------------------------------------------------------------------------------------------------- GitLab and Azure


class Host(ThreadingHTTPServer):
    """A code host that keeps notes or threads, and what was asked of it."""

    def __init__(self) -> None:
        self.kept: list[dict[str, Any]] = []
        self.asked: list[tuple[str, str, Mapping[str, str]]] = []
        super().__init__(("127.0.0.1", 0), Answer)


class Answer(BaseHTTPRequestHandler):
    """One request of a job, answered as the host's interface does."""

    server: Host

    def do_GET(self) -> None:
        kept, asked = self.server.kept, urlsplit(self.path)
        if asked.path.endswith("/user"):
            self._say({"id": WRITES})
        elif asked.path.endswith("/notes"):
            words = dict(parse_qsl(asked.query))
            page, room = int(words.get("page", 1)), min(int(words.get("per_page", 20)), 100)
            more = str(page + 1) if page * room < len(kept) else ""
            self._say(kept[(page - 1) * room : page * room], **{"X-Next-Page": more})
        else:
            self._say({"value": kept})

    def do_POST(self) -> None:
        said = self._read()
        for number, comment in enumerate(said.get("comments", ()), 1):
            comment["id"] = number
        self.server.kept.append({"id": 40 + len(self.server.kept), "author": {"id": WRITES}} | said)
        self._say(said)

    def do_PUT(self) -> None:
        (one,) = (one for one in self.server.kept if self.path == f"/api/projects/3/merge_requests/7/notes/{one['id']}")
        one |= self._read()
        self._say(one)

    def do_PATCH(self) -> None:
        pattern = r"/org/3/_apis/git/repositories/9/pullRequests/7/threads/(\d+)/comments/(\d+)\?api-version=7.1"
        thread, comment = map(int, re.fullmatch(pattern, self.path).groups())  # type: ignore[union-attr]
        (one,) = (
            one for kept in self.server.kept for one in kept["comments"] if (kept["id"], one["id"]) == (thread, comment)
        )
        said = self._read()
        if "author" in one:
            self.send_error(403)
            return
        one |= said
        self._say(one)

    def _read(self) -> dict[str, Any]:
        self.server.asked.append((self.command, self.path, dict(self.headers)))
        return dict(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

    def _say(self, facts: Any, **heads: str) -> None:
        self.send_response(200)
        for name, value in heads.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(json.dumps(facts).encode())

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing is printed."""


@pytest.fixture
def host() -> Iterator[Host]:
    server = Host()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def gitlab(folder: Path) -> dict[str, Any]:
    """GitLab's pipeline of a repository."""
    return dict(yaml.safe_load(folder.joinpath(".gitlab-ci.yml").read_text("utf-8")))


def gates_shown(folder: Path) -> dict[str, str]:
    """The gates of the test report which the host shows by the change: passed, skipped or failed."""
    root = ElementTree.parse(folder / "gates.xml").getroot()  # noqa: S314  (written by the repository's own command)
    return {
        str(case.get("name")).split()[0]: next((one.tag for one in case), "passed") for case in root.iter("testcase")
    }


def in_a_report(gate: Mapping[str, Any]) -> str:
    """How a gate stands there."""
    red = "failure" if gate["blocking"] and gate["state"] == "fail" else "skipped"
    return "passed" if gate["state"] in ("pass", "warn") else red


@pytest.mark.parametrize("kind", MOSTLY)
def test_gitlab_has_the_gates_as_a_report_and_in_one_note(kind: str, made: Made, host: Host, tmp_path: Path) -> None:
    """The report needs no token; the note is written by a job that has nothing of the repository, never for a fork."""
    folder = made(kind, "gitlab")
    found, asked_in = gitlab(folder), ASKED_IN[kind]
    reported = shell("\n".join(found[asked_in]["after_script"]), folder, DO=".venv/bin/planrun")
    shutil.copy(folder / "gates.md", tmp_path)
    seen = {
        "CI_API_V4_URL": f"http://127.0.0.1:{host.server_port}/api", "CI_PROJECT_ID": "3",
        "CI_MERGE_REQUEST_IID": "7", "REMARKS_TOKEN": "a token",
    }  # fmt: skip
    script = "\n".join(found["remark"]["script"])
    said = [f"Looks good, {number}" for number in range(119)]  # by others, and more than GitLab tells at once
    host.kept += [
        {"id": 1000 + at, "body": body, "author": {"id": 5}} for at, body in enumerate([*said, f"{MARK}\nquoted"])
    ]
    first = shell(script, tmp_path, **seen)
    (tmp_path / "gates.md").unlink()
    second = shell(script, tmp_path, **seen)

    assert [one.returncode for one in (reported, first, second)] == [0, 0, 0], (reported, first, second)
    assert (folder / "gates.md").read_text("utf-8").strip() == status(Repo(folder), as_markdown=True).text.strip()
    assert gates_shown(folder) == {gate["id"]: in_a_report(gate) for gate in told(folder)["gates"]}
    assert found[asked_in]["artifacts"]["reports"] == {"junit": "gates.xml"}
    assert gitlab(made(kind, "gitlab", "services/desk"))[asked_in]["artifacts"]["reports"] == {
        "junit": "services/desk/gates.xml"
    }
    assert found[asked_in]["artifacts"]["expose_as"] == "Gates"
    assert "gates.md" in found[asked_in]["artifacts"]["paths"]
    assert [one["body"] for one in host.kept[:-1]] == [*said, f"{MARK}\nquoted"]
    assert host.kept[-1]["body"].startswith(MARK)
    assert host.kept[-1]["body"].endswith("its red job says why.")
    assert [(way, sent["Private-Token"]) for way, _, sent in host.asked] == [
        ("POST", "a token"), ("PUT", "a token"),
    ]  # fmt: skip
    (rule,) = found["remark"]["rules"]
    assert "$CI_MERGE_REQUEST_SOURCE_PROJECT_ID == $CI_PROJECT_ID" in rule["if"]
    assert "$REMARKS_TOKEN" in rule["if"]
    assert found["remark"]["variables"] == {"GIT_STRATEGY": "none"}
    assert "$CI_MERGE_REQUEST_IID" in found["remark"]["resource_group"]  # two pipelines at once would write two


@pytest.mark.parametrize("kind", KINDS)
def test_gitlab_runs_one_pipeline_of_a_push(kind: str, made: Made) -> None:
    """Of a branch in review only that of the merge request, which writes the note; nor is one asked for in vain."""
    twice = {"if": '$CI_COMMIT_BRANCH && $CI_OPEN_MERGE_REQUESTS && $CI_PIPELINE_SOURCE == "push"', "when": "never"}
    (starting,) = yaml.safe_load((made(kind, "gitlab", "services/desk") / ".gitlab-ci.top.yml").read_text()).values()

    assert gitlab(made(kind, "gitlab"))["workflow"] == {"rules": [twice, {"when": "always"}]}
    assert twice in starting["rules"][:2]  # a pipeline below that starts no job makes the job that asks for it red


@pytest.mark.parametrize("kind", MOSTLY)
def test_azure_has_the_gates_as_a_summary_and_in_one_thread(kind: str, made: Made, host: Host, tmp_path: Path) -> None:
    """The thread is closed, so that it holds up no merge, and is written anew."""
    folder = made(kind, "azure")
    jobs = pipeline(folder)
    asked = shell(typed(jobs[ASKED_IN[kind]], "Gates")["bash"], folder)
    tmp_path.joinpath("gates").mkdir()
    shutil.copy(folder / "gates.md", tmp_path / "gates")
    seen = {
        "SYSTEM_COLLECTIONURI": f"http://127.0.0.1:{host.server_port}/org/", "SYSTEM_TEAMPROJECTID": "3",
        "BUILD_REPOSITORY_ID": "9", "SYSTEM_PULLREQUEST_PULLREQUESTID": "7", "SYSTEM_ACCESSTOKEN": "a token",
        "PIPELINE_WORKSPACE": str(tmp_path),
    }  # fmt: skip
    host.kept += [{"id": 1, "comments": []}, {"id": 2, "comments": [{"id": 1}]}]  # what a deleted remark leaves
    host.kept.append({"id": 3, "comments": [{"id": 1, "content": f"{MARK}\nquoted", "author": {"id": 5}}]})
    write = typed(jobs["remark"], "Write the remark")["bash"]
    first = shell(write, tmp_path, **seen)
    shutil.rmtree(tmp_path / "gates")
    second = shell(write, tmp_path, **seen)

    assert [one.returncode for one in (asked, first, second)] == [0, 0, 0], (asked, first, second)
    assert "##vso[task.uploadsummary]" in asked.stdout
    assert gates_shown(folder) == {gate["id"]: in_a_report(gate) for gate in told(folder)["gates"]}
    published = typed(jobs[ASKED_IN[kind]], "Gates as tests")
    assert published["task"] == "PublishTestResults@2"
    assert (published["inputs"]["testResultsFormat"], published["inputs"]["testResultsFiles"]) == ("JUnit", "gates.xml")
    assert [len(one["comments"]) for one in host.kept] == [0, 1, 1, 1]
    assert host.kept[2]["comments"][0]["content"] == f"{MARK}\nquoted"
    assert host.kept[3]["status"] == "closed"
    assert host.kept[3]["comments"][0]["content"].startswith(MARK)
    assert host.kept[3]["comments"][0]["content"].endswith("its red job says why.")
    assert {sent["Authorization"] for _, _, sent in host.asked} == {"Bearer a token"}
    assert "ne(variables['System.PullRequest.IsFork'], 'True')" in jobs["remark"]["condition"]
    assert jobs["remark"]["steps"][0] == {"checkout": "none"}


@pytest.mark.parametrize("folder", ["", "services/desk"])
@pytest.mark.parametrize("kind", KINDS)
def test_azures_pipeline_is_sound(kind: str, folder: str, made: Made) -> None:
    """It is what the published schema says; in a larger repository every line is typed in the project's folder."""
    path = made(kind, "azure", folder, **({"deploy": "container"} if kind == "software" else {})) / AZURE
    # Patterns of this schema are written for Python.
    words = ("check-jsonschema", "--regex-variant", "python", "--builtin-schema", "vendor.azure-pipelines")
    done = tool(*words, path, folder=path.parent)
    broken = path.with_name("broken.yml")
    broken.write_text(path.read_text("utf-8").replace("- bash:", "- bosh:", 1), "utf-8")
    text, jobs = yaml.safe_load(path.read_text("utf-8")), pipeline(path.parent)
    lines = [step for name, job in jobs.items() if name != "remark" for step in job["steps"] if "bash" in step]

    assert done.returncode == 0, done.stdout[-400:]
    assert tool(*words, broken, folder=path.parent).returncode == 1
    assert {step.get("workingDirectory", "") for step in lines} == {folder}
    assert text["trigger"].get("paths") == ({"include": [folder]} if folder else None)
    assert all(clock["always"] for clock in text["schedules"])
    broken.unlink()


def test_azure_runs_what_the_other_hosts_run(made: Made) -> None:
    """The same commands of the engine in the same order, job by job."""
    for kind in KINDS:
        github, azure = pipeline(made(kind, "github")), pipeline(made(kind, "azure"))
        if kind == "ml":
            github |= pipeline(made(kind, "github"), ".github/workflows/operations.yml")
        for name in azure.keys() - {"remark"}:
            ours, theirs = (
                re.findall(
                    r"(?:make|\$DO|planrun) [a-z-]+",
                    "\n".join(str(s.get("bash", s.get("run", ""))) for s in job["steps"]),
                )
                for job in (azure[name], github[name])
            )
            assert list(dict.fromkeys(ours)) == list(dict.fromkeys(theirs)), (kind, name)


@pytest.mark.parametrize("job", ["watch", "retrain"])
def test_azures_clock_finds_nothing_before_a_release(job: str, made: Made) -> None:
    """Before anything was promoted both jobs are green and say so."""
    folder = made("ml", "azure")
    found = pipeline(folder)[job]
    name = {"watch": "Watch", "retrain": "Retrain"}[job]
    done = shell(typed(found, name)["bash"], folder, FETCH_COMMAND="true", KEEP_COMMAND="true")

    assert done.returncode == 0, done.stderr
    assert "Nothing was promoted yet" in done.stdout


@pytest.mark.parametrize(
    "name", ["github-gates", "github-remark", "github-awake", "gitlab-remark", "azure-gates", "azure-remark"]
)
def test_both_kinds_write_the_same_remark(name: str) -> None:
    """One text, in both templates."""
    ml, software = (ROOT / f"templates/{kind}/templates/hosted/{name}.yml" for kind in KINDS)

    assert ml.read_bytes() == software.read_bytes()


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_pipeline_takes_from_others_is_named_by_its_content(kind: str, made: Made) -> None:
    """A tag of somebody else's may be moved: actions by their commit, the image that may read Docker by its digest."""
    folder = made(kind, "github", "", **({"deploy": "container"} if kind == "software" else {}))
    text = "\n".join(path.read_text("utf-8") for path in (folder / ".github/workflows").glob("*.yml"))
    used = re.findall(r"uses: (\S+)", text)

    assert used
    assert [name for name in used if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", name)] == []
    assert all(re.search(r"@sha256:[0-9a-f]{64} ", line) for line in text.splitlines() if "docker.sock" in line)
