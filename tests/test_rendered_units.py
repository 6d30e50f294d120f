"""The rendered ML repository's own modules in depth: statistics, the registry, release, watching and retraining.

An engine ships the tests that a team needs to trust it; these are for whoever changes the engine.
They live in tests/rendered_units, take their fixtures from the engine, and the repository as their sample.
"""

import ast
import re
from pathlib import Path

import pytest
import yaml
from material import ROOT
from mlscaffold import answers, render
from rendered_repository import run_engine_tests, told

UNITS = ROOT / "tests" / "rendered_units"
# Of modules that only one task, one rigor, or one serving form has.
PARTIAL = {"load", "ranking", "score", "service", "strict", "tries"}


def run_units(repository: Path, names: set[str]) -> None:
    """Run the units on the repository, with the fixtures of its engine's own tests."""
    done = run_engine_tests(repository, *(UNITS / f"{name}.py" for name in sorted(names)))

    assert done.returncode == 0, done.stdout[-5000:]
    assert " passed" in done.stdout
    assert "skipped" not in done.stdout


def names_of(module: str) -> set[str]:
    """What can be taken from a module of ours: what its text defines or imports, and the modules in its folder."""
    place = ROOT.joinpath("generator", *module.split("."))
    inside = {path.stem for path in place.glob("*") if path.suffix == ".py" or path.is_dir()}
    text = (place / "__init__.py" if place.is_dir() else place.with_suffix(".py")).read_text("utf-8")
    found = set(inside)
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found.add(node.id)
        elif isinstance(node, ast.ImportFrom | ast.Import):
            found |= {alias.asname or alias.name for alias in node.names}
    return found


@pytest.mark.parametrize("path", sorted(UNITS.glob("*.py")), ids=lambda path: path.stem)
def test_what_the_units_take_from_the_engine_is_there(path: Path) -> None:
    """They run where everything is slow, and a name that has moved is seen here at once."""
    missing = [
        f"{node.module}.{alias.name}"
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("planrun")
        for alias in node.names
        if alias.name not in names_of(str(node.module))
    ]

    assert missing == []


@pytest.mark.slow
@pytest.mark.parametrize("repository", ["ml-default"], indirect=True)
def test_the_default_repository_in_depth(repository: Path) -> None:
    """Every unit, on the repository that default answers give."""
    run_units(repository, {path.stem for path in UNITS.glob("*.py")} - PARTIAL | {"score"})


@pytest.mark.slow
@pytest.mark.parametrize("repository", ["ml-ranking"], indirect=True)
def test_what_only_a_ranking_has(repository: Path) -> None:
    """The metrics of an order."""
    run_units(repository, {"ranking"})


@pytest.mark.slow
@pytest.mark.parametrize("repository", ["ml-default"], indirect=True)
def test_the_ways_round_the_gates(repository: Path) -> None:
    """Each is stopped by the gate that the table names, named in what a gate says, or on the page of limits."""
    run_units(repository, {"tries"})


@pytest.mark.slow
@pytest.mark.parametrize("repository", ["ml-regression"], indirect=True)
def test_what_only_rigor_strict_and_a_service_have(repository: Path) -> None:
    """Limits, costs, changed behaviour, contract, rollout and readiness; load that is really asked, and kills."""
    run_units(repository, {"strict", "load", "service"})


@pytest.mark.slow
@pytest.mark.parametrize("repository", ["ml-multiclass", "ml-regression", "ml-forecast", "ml-alert"], indirect=True)
def test_other_repositories_in_depth(repository: Path) -> None:
    """The same units for the other tasks and serving forms."""
    run_units(repository, {path.stem for path in UNITS.glob("*.py")} - PARTIAL)


RIGORS = [
    ("ml", "light", {}),
    ("ml", "standard", {"serving": "api", "personal_data": "personal"}),
    ("ml", "strict", {"serving": "batch", "personal_data": "none"}),
    ("ml", "strict", {"serving": "api", "personal_data": "personal"}),
    ("software", "light", {"deliverable": "library"}),
    ("software", "standard", {"deliverable": "service"}),
    ("software", "strict", {"deliverable": "cli", "data_class": "none"}),
    ("software", "strict", {"deliverable": "batch", "data_class": "internal"}),
]


@pytest.mark.parametrize(("kind", "rigor", "own"), RIGORS)
def test_what_blocks_is_known_without_its_list(kind: str, rigor: str, own: dict[str, str], tmp_path: Path) -> None:
    """The package knows what each rigor asks for: plan/gates.yaml says the same, and emptied it changes nothing."""
    given = {"kind": kind, "rigor": rigor, "project_name": "Known gates", **own}
    folder = render.render(answers.complete(given), tmp_path)
    text = (folder / "plan/gates.yaml").read_text("utf-8")
    (folder / "plan/gates.yaml").write_text(
        re.sub("(?s)^blocking:.*?^titles:", "blocking: []\ntitles:", text, flags=re.M)
    )
    rows = told(folder)["gates"]

    assert sorted(row["id"] for row in rows if row["blocking"]) == sorted(yaml.safe_load(text)["blocking"])
