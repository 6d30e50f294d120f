"""A project's name is checked against everything it becomes: a folder, a package, a command, a distribution, a file."""

import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, distribution, packages_distributions
from pathlib import Path

import pytest
from material import ROOT, SAMPLES
from mlscaffold import answers, naming, patterns, questions, schema
from mlscaffold.errors import InvalidAnswer
from packaging.requirements import Requirement
from test_doors import command


@pytest.mark.parametrize(
    ("slug", "told"),
    [
        ("con", "Windows keeps con for a device"),
        ("nul", "Windows keeps nul"),
        ("prn", "Windows keeps prn"),
        ("aux", "Windows keeps aux"),
        ("com1", "Windows keeps com1"),
        ("lpt9", "Windows keeps lpt9"),
        ("pytest", "the repository installs pytest"),
        ("duckdb", "the repository installs duckdb"),
        ("sklearn", "the repository installs sklearn"),
        ("scikit-learn", "the repository installs scikit-learn"),
        ("typing-extensions", "the repository installs typing-extensions"),
        ("mlscaffold-planrun", "mlscaffold's own parts are called mlscaffold-planrun"),
        ("planrun", "mlscaffold's own parts are called planrun"),
        ("python", "a command called python would stand in front"),
        ("pip", "a command called pip"),
        ("class", "a Python package called class"),
        ("json", "a Python package called json"),
        ("imp", "a Python package called imp"),
        ("annotationlib", "a Python package called annotationlib"),
        ("conftest", "a Python package called conftest"),
        ("predictions", "a Python package called predictions"),
        ("trailing-", "lower-case letters, digits and single dashes"),
        ("dots.", "lower-case letters, digits and single dashes"),
        ("Pytest", "lower-case letters"),
        ("größe", "lower-case letters"),
        ("x" * 50, "2 to 49"),
    ],
)
def test_a_name_that_cannot_be_is_refused(slug: str, told: str) -> None:
    """One sentence with the value and what is wrong with it, and a remedy."""
    with pytest.raises(InvalidAnswer) as error:
        answers.complete({"kind": "ml", "project_slug": slug})

    assert f'project_slug is "{slug}"' in str(error.value)
    assert told in str(error.value)
    assert "--set project_slug=" in error.value.hint


@pytest.mark.parametrize("name", ["pytest", "Con", "PyTest!", "Type of NumPy"])
def test_a_name_is_checked_by_what_it_becomes(name: str) -> None:
    """Capitals and signs go when the short name is made, and do not hide what it is then."""
    if naming.problem(answers.slug(name)) is None:
        assert answers.complete({"kind": "ml", "project_name": name}).project_slug == "type-of-numpy"
        return
    with pytest.raises(InvalidAnswer, match="choose a different name"):
        answers.complete({"kind": "ml", "project_name": name})


@pytest.mark.parametrize("kind", ["ml", "software"])
def test_plain_cookiecutter_refuses_it_too(kind: str, in_folder: Path) -> None:
    """Before anything is written, with the same sentence."""
    words = ["-m", "cookiecutter", str(ROOT), "--directory", f"templates/{kind}", "--no-input", "project_name=FastAPI"]
    done = command(*words, cwd=in_folder)

    assert done.returncode == 1
    assert 'project_slug is "fastapi"' in done.stdout
    assert "the repository installs fastapi" in " ".join(done.stdout.split())
    assert not list(in_folder.iterdir())


@pytest.mark.parametrize("slug", ["churn", "pytester", "con-air", "com10", "data-desk", "type", "match", "my-numpy"])
def test_near_misses_are_names(slug: str) -> None:
    """What only begins like something else, or ends like it, hides nothing."""
    assert answers.complete({"kind": "ml", "project_slug": slug}).package_name == slug.replace("-", "_")


def test_the_schema_refuses_the_same_names() -> None:
    """An editor says it before the program does."""
    asked = schema.json_schema("ml")["properties"]["project_slug"]

    refused = next(form["not"]["enum"] for form in asked["anyOf"] if "not" in form)
    assert set(refused) == set(naming.reserved())


# --------------------------------------------------------------------------------- what the rendered repositories bring


def requirements_of(pyproject: Path) -> Iterator[str]:
    """Every distribution that a rendered repository names, for whichever purpose."""
    project = tomllib.loads(pyproject.read_text("utf-8"))
    groups = [project["build-system"]["requires"], project["project"].get("dependencies", [])]
    groups += project["project"].get("optional-dependencies", {}).values()
    groups += project.get("dependency-groups", {}).values()
    yield from (Requirement(text).name for group in groups for text in group if isinstance(text, str))


def brought(names: set[str]) -> set[str]:
    """These distributions, all that they need, and every module that they bring as far as they are installed here."""
    modules: dict[str, set[str]] = {}
    for module, owners in packages_distributions().items():
        for owner in owners:
            modules.setdefault(plain(owner), set()).add(module)
    known: set[str] = set()
    waiting = {plain(name) for name in names}
    while waiting:
        known |= (name := waiting.pop()) and {name}
        try:
            needed = [Requirement(text) for text in distribution(name).requires or []]
        except PackageNotFoundError:
            continue  # the test below asks for its own name all the same
        waiting |= {plain(one.name) for one in needed if one.marker is None or one.marker.evaluate({"extra": ""})}
        waiting -= known
    return known | {module for name in known for module in modules.get(name, ())}


def plain(name: str) -> str:
    """A distribution's name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def missing(names: set[str]) -> list[str]:
    """Those of these names that a project could have and that are not refused."""
    slugs = {name.replace("_", "-") for name in names}
    return sorted(slug for slug in slugs if re.fullmatch(patterns.SLUG, slug) and not naming.problem(slug))


def test_what_any_rendered_repository_installs_is_refused(rendered: Callable[[str], Path]) -> None:
    """Each sample's dependencies, theirs in turn, and the modules they bring; add what is missing to INSTALLED."""
    files = [rendered(sample) / path for sample in SAMPLES for path in ("pyproject.toml", "engine/pyproject.toml")]
    named = {name for path in files for name in requirements_of(path)}

    assert {"duckdb", "pytest", "ruff"} <= named
    assert missing(brought(named)) == []


def test_what_the_engine_is_called_is_refused(rendered: Callable[[str], Path]) -> None:
    """Its distribution, which stands beside the project in one environment, its packages and its commands."""
    for sample in SAMPLES:
        engine = rendered(sample) / "engine"
        project = tomllib.loads(engine.joinpath("pyproject.toml").read_text("utf-8"))["project"]
        packages = {path.name for path in engine.iterdir() if path.joinpath("__init__.py").is_file()}

        assert packages
        assert missing({project["name"], *packages, *project.get("scripts", {})}) == [], sample


def test_what_the_generator_is_called_is_refused() -> None:
    """A team may install it beside its repository."""
    project = tomllib.loads(ROOT.joinpath("pyproject.toml").read_text("utf-8"))["project"]

    assert missing({project["name"], *project["scripts"]}) == []


def test_the_standard_library_of_every_python_is_refused() -> None:
    """The same names whichever Python runs mlscaffold."""
    assert missing(set(sys.stdlib_module_names)) == []
    assert missing({"distutils", "imp", "annotationlib", "compression", "cgi"}) == []


def test_what_a_repository_has_of_its_own_is_refused(rendered: Callable[[str], Path]) -> None:
    """Modules of its tests are imported by their bare names; what .gitignore names would leave its package out."""
    files = [path for sample in SAMPLES for path in rendered(sample).glob("tests/**/*.py")]
    modules = {path.stem for path in files if not path.with_name("__init__.py").is_file()}  # else its folder's name
    folders = {path.name for sample in SAMPLES for path in rendered(sample).iterdir() if path.is_dir()}

    assert missing(modules | folders) == []


@pytest.mark.parametrize("sample", SAMPLES)
def test_git_ignores_no_package(sample: str, rendered: Callable[[str], Path], tmp_path: Path) -> None:
    """A .gitignore that leaves out a folder wherever it lies would leave out a package of that name."""
    tmp_path.joinpath(".gitignore").write_bytes(rendered(sample).joinpath(".gitignore").read_bytes())
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    lines = tmp_path.joinpath(".gitignore").read_text("utf-8").splitlines()
    left_out = {re.sub(r"\W", "", line.strip("/")) for line in lines if line and not line.startswith("#")}
    asked = "\n".join(f"src/{name}/__init__.py" for name in sorted(left_out) if name)
    done = subprocess.run(
        ["git", "check-ignore", "--stdin"], cwd=tmp_path, input=asked, capture_output=True, text=True, check=False
    )

    assert missing({path.split("/")[1] for path in done.stdout.splitlines()}) == []


def test_the_question_says_the_same_as_the_list() -> None:
    """One definition: what is listed is refused, with a reason."""
    question = questions.load()["project_slug"]

    assert [slug for slug in naming.reserved() if not questions.check(question, slug)] == []
