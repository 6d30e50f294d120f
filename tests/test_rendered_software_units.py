"""The rendered software repository's own modules in depth: the engine, the gates, and what tests are worth.

As tests/test_rendered_units.py does for machine learning: files of tests/rendered_units/software are copied beside the
repository's own tests, and run there against its package and its box of things that can be broken.
"""

import shutil
from pathlib import Path

import pytest
from material import ROOT
from rendered_repository import run

UNITS = ROOT / "tests" / "rendered_units" / "software"


@pytest.mark.parametrize("repository", ["sw-default"], indirect=True)
@pytest.mark.parametrize("name", sorted(path.stem for path in UNITS.glob("*.py")))
def test_the_default_repository_in_depth(repository: Path, name: str) -> None:
    """Every unit, on the repository that default answers give."""
    package = next(path.parent.name for path in repository.glob("src/*/gates.py"))
    target = repository / "tests" / f"test_unit_{name}.py"
    shutil.copy(UNITS / f"{name}.py", target)
    target.write_text(target.read_text("utf-8").replace("my_project", package), "utf-8")
    done = run(repository, "-q", "-p", "no:cacheprovider", f"tests/{target.name}", module="pytest")

    assert done.returncode == 0, done.stdout[-5000:]
    assert " passed" in done.stdout
    assert "skipped" not in done.stdout
