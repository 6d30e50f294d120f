"""The rendered software repository's own modules in depth: the engine, the gates, and what tests are worth.

As tests/test_rendered_units.py does for machine learning: files of tests/rendered_units/software take their fixtures,
a box of things that can be broken, from the engine, and the repository as their sample.
"""

from datetime import date
from pathlib import Path

import pytest
import yaml
from material import ROOT
from rendered_repository import run_engine_tests

UNITS = ROOT / "tests" / "rendered_units" / "software"


OTHERS = [pytest.param(name, "product", marks=pytest.mark.slow) for name in ("sw-library", "sw-cli", "sw-batch")]


@pytest.mark.parametrize(
    ("repository", "name"),
    [*(("sw-default", path.stem) for path in sorted(UNITS.glob("*.py"))), *OTHERS],
    indirect=["repository"],
)
def test_a_repository_in_depth(repository: Path, name: str) -> None:
    """Every unit, on the repository that default answers give; what the product itself must show, on all of them."""
    done = run_engine_tests(repository, UNITS / f"{name}.py")

    assert done.returncode == 0, done.stdout[-5000:]
    assert " passed" in done.stdout
    assert "skipped" not in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("repository", ["sw-default"], indirect=True)
def test_a_team_at_work_does_not_break_the_gates_own_tests(repository: Path) -> None:
    """Reviews are written, requirements renumbered, lowered and laid out anew, files and headings renamed."""
    rows = yaml.safe_load(repository.joinpath("plan/requirements.yaml").read_text("utf-8"))
    rows = [row | {"id": f"REQ-{number}", "priority": "should"} for number, row in enumerate(rows, 1)]
    laid_out = yaml.safe_dump(rows, default_flow_style=None, width=60)
    repository.joinpath("plan/requirements.yaml").write_text(laid_out, "utf-8")
    repository.joinpath("tests/acceptance/test_report_status.py").rename(repository / "tests/acceptance/test_orders.py")
    for path in ("ops/reviews", "ops/postmortems"):
        repository.joinpath(path).mkdir()
        repository.joinpath(path, f"{date.today()}.md").write_text("It was quiet.\n", "utf-8")
    repository.joinpath("ops/oncall.yaml").write_text("severities: []\n", "utf-8")
    repository.joinpath("docs/04-operations.md").write_text("# How we run it\n", "utf-8")
    repository.joinpath("docs/decisions/0001-approach.md").write_text("We buy it.\n", "utf-8")
    repository.joinpath("plan/backlog.json").write_text("[]\n", "utf-8")
    done = run_engine_tests(repository)

    assert done.returncode == 0, done.stdout[-3000:]
