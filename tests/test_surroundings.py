"""Nothing around a repository decides what its tests and commands do: names, keys, hooks, languages, clocks, users."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hostile import AS_NOBODY, ZONES, give_away, python_of_others, surroundings, touched
from material import newborn
from mlscaffold import render

KINDS = {"ml": ZONES[0], "software": ZONES[1]}


@pytest.fixture
def elsewhere() -> Iterator[Path]:
    """A folder with a space in its path that other users may enter; pytest's own are closed to them."""
    folder = Path(tempfile.mkdtemp(prefix="a path ")).resolve()
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.mark.parametrize("kind", KINDS)
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
        env=mine | around | {"PYTHONPATH": "src", "PYTHONDONTWRITEBYTECODE": "1", "TMPDIR": str(scratch)},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=600,
        **(AS_NOBODY if other else {}),
    )

    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
    assert touched(elsewhere / "around") == []
