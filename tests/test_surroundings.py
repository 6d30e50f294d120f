"""Nothing around a repository decides what its tests and commands do: names, keys, hooks, languages, clocks, users."""

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hostile import AS_NOBODY, ZONES, give_away, python_of_others, surroundings, touched
from material import ROOT, mostly_slow, newborn
from mlscaffold import render

KINDS = {"ml": ZONES[0], "software": ZONES[1]}
NEW = ("-m", "mlscaffold", "new", "--kind", "software", "--defaults", "--output")


@pytest.fixture
def elsewhere() -> Iterator[Path]:
    """A folder with a space in its path that other users may enter; pytest's own are closed to them."""
    folder = Path(tempfile.mkdtemp(prefix="a path ")).resolve()
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.parametrize("kind", mostly_slow(["software", "ml"], "software"))
def test_the_rendered_tests_pass_in_hostile_surroundings(kind: str, elsewhere: Path) -> None:
    """Somebody's identity, signing without a key, hooks that refuse, another language, zone and user, at once."""
    folder = render.render(newborn(f"{'ml' if kind == 'ml' else 'sw'}-default"), elsewhere / "work")
    around = surroundings(elsewhere / "around", KINDS[kind])
    scratch = elsewhere / "tmp"
    scratch.mkdir()
    other = python_of_others(elsewhere / "env")
    if other:
        give_away(elsewhere)
    mine = {key: text for key, text in os.environ.items() if not key.startswith(("GIT_", "PYTEST"))}
    done = subprocess.run(
        [other or sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=folder,
        env=mine
        | around
        | {"PYTHONPATH": f"src{os.pathsep}engine", "PYTHONDONTWRITEBYTECODE": "1", "TMPDIR": str(scratch)},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=600,
        **(AS_NOBODY if other else {}),
    )

    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
    assert touched(elsewhere / "around") == []


# ------------------------------------------------------------------------------------- what the commands do themselves


def told(folder: Path, env: dict[str, str], *words: str | Path) -> subprocess.CompletedProcess[str]:
    """What a command says in these surroundings."""
    return subprocess.run(
        [sys.executable, *map(str, words)],
        cwd=folder,
        env={key: text for key, text in os.environ.items() if not key.startswith("GIT_")} | env,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )


def staged(folder: Path) -> list[str]:
    """What the next commit would hold, asked by a git that nobody has set up."""
    done = subprocess.run(
        ["git", "diff", "--cached", "--name-only"], cwd=folder, capture_output=True, text=True, check=True
    )
    return done.stdout.splitlines()


def without_hooks(around: Path, env: dict[str, str]) -> dict[str, str]:
    """The same surroundings once their hooks are gone."""
    for path in [*around.glob("hooks/*"), *around.glob("template/hooks/*")]:
        path.unlink()
    return env | {"GIT_TEMPLATE_DIR": str(around / "template")}


def test_a_hook_that_refuses_the_first_commit_is_told(tmp_path: Path) -> None:
    """One sentence with the hook's own words and the command that goes on; every file is written and staged."""
    around = surroundings(tmp_path / "around", ZONES[0])
    done = told(tmp_path, around | {"PYTHONPATH": str(ROOT / "generator")}, *NEW, tmp_path)

    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "`git commit` failed: the hook of somebody else says no." in done.stderr
    repository = shlex.quote(str(tmp_path / "my-project"))
    assert f"Every file is written and staged. Settle that, then: git -C {repository}" in done.stderr
    assert "README.md" in staged(tmp_path / "my-project")
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".mlscaffold")] == []

    env = without_hooks(tmp_path / "around", around) | {"GIT_CONFIG_VALUE_0": "false", "PATH": os.environ["PATH"]}
    by_hand = shlex.split(done.stderr.partition("then: ")[2].splitlines()[0])
    mine = {key: text for key, text in env.items() if key not in ("GIT_DIR", "GIT_INDEX_FILE")}
    subprocess.run([by_hand[0], "-c", "commit.gpgSign=false", *by_hand[1:]], env=mine, check=True)
    assert staged(tmp_path / "my-project") == []


def test_the_first_commit_needs_no_key(tmp_path: Path) -> None:
    """Signing without a key stops nobody from starting; whose name it carries is git's own to say."""
    env = without_hooks(tmp_path / "around", surroundings(tmp_path / "around", ZONES[1]))
    done = told(tmp_path, env | {"PYTHONPATH": str(ROOT / "generator")}, *NEW, tmp_path)
    log = ["git", "log", "--format=%an <%ae> %cn"]
    written = subprocess.run(log, cwd=tmp_path / "my-project", capture_output=True, text=True, check=True).stdout

    assert done.returncode == 0, done.stderr
    assert written == "Somebody Else <else@example.org> Somebody Else\n"
    assert touched(tmp_path / "around") == []


def test_half_an_identity_is_none(tmp_path: Path, home: Path) -> None:
    """An author without a committer cannot commit: the files are staged, and nothing has failed."""
    home.joinpath(".gitconfig").unlink()
    half = {"GIT_AUTHOR_NAME": "Ana", "GIT_AUTHOR_EMAIL": "ana@example.org", "GIT_CONFIG_NOSYSTEM": "1"}
    done = told(tmp_path, half | {"PYTHONPATH": str(ROOT / "generator")}, *NEW, tmp_path)

    assert done.returncode == 0, done.stderr
    assert "git does not know your name" in done.stdout + done.stderr
    assert "README.md" in staged(tmp_path / "my-project")


@pytest.mark.parametrize("refusing", ["a hook", "a key"])
@pytest.mark.parametrize("repository", ["ml-default", "sw-default"], indirect=True)
def test_a_refused_signature_is_staged_and_told(repository: Path, refusing: str, tmp_path: Path) -> None:
    """`confirm`, `waive` and `sign` commit; where git refuses they say why and how to go on, and nothing is lost."""
    around = tmp_path / "around"
    env = surroundings(around, ZONES[0]) | {"PYTHONPATH": f"src{os.pathsep}engine", "GIT_DIR": str(repository / ".git")}
    env |= {"GIT_INDEX_FILE": str(repository / ".git/index"), "PLANRUN_AGENT": ""}  # a person signs here
    env = env if refusing == "a hook" else without_hooks(around, env)
    gate = "G1.1" if "G1.1" in repository.joinpath("plan/gates.yaml").read_text("utf-8") else "T1.3"
    asked = {
        "plan/assumptions.yaml": ["confirm", "--all"],
        "gates/waivers.yaml": ["waive", gate, "--reason", "shown elsewhere", "--until", "20"],
    }
    for path, words in asked.items():
        done = told(repository, env, "-m", "planrun", *words)
        said = done.stdout + done.stderr
        assert done.returncode == 1, said
        assert "Traceback" not in said
        why = "the hook of somebody else says no" if refusing == "a hook" else "there-is-no-key"
        assert f"{path} is written and staged, but git refused to commit it: " in said
        assert why in said
        assert "git commit -m" in said
        assert path in staged(repository)
