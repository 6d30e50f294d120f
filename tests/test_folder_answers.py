"""What a project that is there already says of the answers: read from its own files, told, and never a refusal."""

from pathlib import Path

import pytest
import yaml
from mlscaffold import answers, cli
from mlscaffold.looking import look_around

PYPROJECT = """\
[project]
name = "invoice_desk"
license = "MIT"
authors = [{name = "Ana Example", email = "ana@example.org"}]
dependencies = ["FastAPI>=0.100", "mlflow-skinny", "sqlalchemy[asyncio]; python_version > '3.9'"]
scripts = {desk = "invoice_desk:main"}
"""
MIT = "MIT License\n\nCopyright (c) 2026 Ana Example\n\nPermission is hereby granted, free of charge, to any person\n"
APACHE = "                                 Apache License\n                           Version 2.0, January 2004\n"
BSD = "Redistribution and use …\n3. Neither the name of the holder nor the names may be used to\nendorse products\n"
GPL = "GNU GENERAL PUBLIC LICENSE\nVersion 3, 29 June 2007\n"


def project(folder: Path, **files: str) -> Path:
    """A folder with these files; in names `__` stands for a dot and `___` for a slash."""
    for name, text in files.items():
        path = folder / name.replace("___", "/").replace("__", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return folder


def test_the_metadata_of_a_package_give_its_answers(tmp_path: Path) -> None:
    """Name, author, licence, what is delivered and where runs are shown, each with the file that says so."""
    around = look_around(project(tmp_path, pyproject__toml=PYPROJECT, Dockerfile="FROM python\n", LICENSE=MIT))

    assert around.texts == {
        "project_name": "Invoice desk",
        "author": "Ana Example",
        "email": "ana@example.org",
        "license": "mit",
        "deliverable": "service",
        "tracking": "mlflow",
        "deploy": "container",
    }
    assert {entry.where for entry in around.found} == {"pyproject.toml", "Dockerfile"}
    assert around.notes == ()


@pytest.mark.parametrize(
    ("dependencies", "scripts", "deliverable"),
    [
        ('["Django", "flask_restful"]', "", "web-app"),
        ('["Flask-RESTful"]', "", "service"),
        ('["typer"]', 'x = "x:y"', "cli"),
        ('["typer"]', "", None),  # a library may use click
        ('["numpy"]', 'x = "x:y"', None),
        ("17", "", None),
    ],
)
def test_a_framework_tells_what_is_delivered(
    dependencies: str, scripts: str, deliverable: str | None, tmp_path: Path
) -> None:
    """And what tells nothing is left to be asked."""
    text = f'[project]\nname = "x"\ndependencies = {dependencies}\n[project.scripts]\n{scripts}\n'

    assert look_around(project(tmp_path, pyproject__toml=text)).texts.get("deliverable") == deliverable


def test_older_and_other_forms_are_read(tmp_path: Path) -> None:
    """Poetry's own table; a package.json with a scope and an author on one line, where there is no pyproject.toml."""
    poetry = '[tool.poetry]\nname = "desk"\nauthors = ["Bo Example <bo@example.org>"]\nlicense = "BSD-3-Clause"\n'
    poetry += '[tool.poetry.dependencies]\npython = "^3.11"\nPySpark = "*"\n'
    npm = '{"name": "@org/front-desk", "author": "Cy Example <cy@example.org> (https://example.org)", "license": "MIT"}'
    (one, other) = (tmp_path / "one", tmp_path / "other")

    assert look_around(project(one, pyproject__toml=poetry)).texts == {
        "project_name": "Desk", "author": "Bo Example", "email": "bo@example.org", "license": "bsd-3-clause",
        "compute": "spark",
    }  # fmt: skip
    assert look_around(project(other, package__json=npm)).texts == {
        "project_name": "Front desk", "author": "Cy Example", "email": "cy@example.org", "license": "mit",
    }  # fmt: skip


def test_a_project_without_metadata_is_read_too(tmp_path: Path) -> None:
    """Its packages stand in requirements.txt, with comments, options and pins; its name is what its page is called."""
    needed = "# the service\n-r base.txt\n--hash=sha256:0\nfastapi==0.115.0  # served\nmlflow ; python_version > '3'\n"
    page = "<p>logo</p>\n\n[![CI](https://ci.example)](x)\n\n# **Order** `desk` [docs](https://x.example) #\n\n# More\n"
    around = look_around(project(tmp_path, requirements__txt=needed, README__md=page))

    assert {(one.key, one.value, one.where) for one in around.found} == {
        ("project_name", "Order desk docs", "README.md"),
        ("deliverable", "service", "requirements.txt"),
        ("tracking", "mlflow", "requirements.txt"),
    }


def test_metadata_count_before_pages(tmp_path: Path) -> None:
    """A page's title is no second opinion of the name; neither is a long sentence or a comment in a code block."""
    (one, other, third) = (tmp_path / "one", tmp_path / "other", tmp_path / "third")
    named = look_around(project(one, pyproject__toml=PYPROJECT, README__md="# Welcome\n", requirements__txt="flask\n"))

    assert (named.texts["project_name"], named.texts["deliverable"], named.notes) == ("Invoice desk", "service", ())
    assert look_around(project(other, README__md=f"# {'word ' * 20}\n")).found == ()
    assert look_around(project(third, README__md="```\n# make it\n```\n")).found == ()


@pytest.mark.parametrize("kind", ["", "software", "ml"])
def test_who_learns_from_a_table_hears_of_the_other_kind(kind: str, tmp_path: Path) -> None:
    """The advisor goes by answers, and a table is read where it is named: both words are told, and nothing is taken."""
    files = {"requirements__txt": "scikit_learn==1.5\n", "data___rows__csv": "a,b\n1,2\n"}
    around = look_around(project(tmp_path, **files), kind)

    assert around.found == ()
    assert around.notes == (
        () if kind else (
            "requirements.txt names scikit-learn: a repository that learns is --kind ml, and "
            "--data data/rows.csv reads answers from its table.",
        )
    )  # fmt: skip


@pytest.mark.parametrize(("text", "licence"), [(MIT, "mit"), (APACHE, "apache-2.0"), (BSD, "bsd-3-clause")])
def test_a_licence_is_known_by_its_words(text: str, licence: str, tmp_path: Path) -> None:
    assert look_around(project(tmp_path, COPYING=text)).texts == {"license": licence}


@pytest.mark.parametrize(
    ("file", "ci"),
    [
        ("__github___workflows___tests__yaml", "github"),
        ("__gitlab-ci__yml", "gitlab"),
        ("azure-pipelines__yml", "azure"),
    ],
)
def test_a_pipeline_tells_its_host(file: str, ci: str, tmp_path: Path) -> None:
    assert look_around(project(tmp_path, **{file: "a: 1\n"})).texts == {"ci": ci}


DAMAGE = {
    "no TOML": ({"pyproject__toml": "[project\n"}, "pyproject.toml is no TOML"),
    "no JSON": ({"package__json": "{"}, "package.json is no JSON"),
    "another licence": ({"LICENSE": GPL}, "LICENSE is none of the licences that are offered; it stays as it is."),
    "two hosts": ({"__gitlab-ci__yml": "", "azure-pipelines__yml": ""}, "are pipelines of 2 hosts: say which is meant"),
    "no answer": (
        {"pyproject__toml": '[project]\nname = "x"\nauthors = [{name = "Ana", email = "no address"}]\n'},
        "pyproject.toml: its email is not taken",
    ),
    "two licences": (
        {"pyproject__toml": '[project]\nname = "x"\nlicense = "MIT"\n', "LICENSE": APACHE},
        "LICENSE says license=apache-2.0, and pyproject.toml mit, which is taken.",
    ),
    "too long": ({"pyproject__toml": "#" * (1 << 20) + "\n"}, "pyproject.toml is larger than 1 MiB"),
}


@pytest.mark.parametrize("case", DAMAGE)
def test_what_cannot_be_taken_is_said_and_refuses_nothing(case: str, tmp_path: Path) -> None:
    """The folder is somebody's: what is odd in it is a note, and what it does not give is asked."""
    files, note = DAMAGE[case]
    around = look_around(project(tmp_path, **files))

    assert [told for told in around.notes if note in told], around.notes
    assert {"email", "ci"} & around.texts.keys() == set()


def test_odd_bytes_links_and_nothing_at_all(tmp_path: Path) -> None:
    """Another encoding is said; a link that leads nowhere, a folder of that name and no folder give nothing."""
    tmp_path.joinpath("pyproject.toml").write_bytes('[project]\nname = "Büro"\n'.encode("latin-1"))
    tmp_path.joinpath("Dockerfile").symlink_to("nowhere")
    tmp_path.joinpath("LICENSE").mkdir()

    assert look_around(tmp_path).notes == ("pyproject.toml cannot be read (not UTF-8).",)
    assert look_around(tmp_path).found == ()
    assert look_around(tmp_path / "none") == look_around(tmp_path / "none" / "either")


# --------------------------------------------------------------------------------------------- on the command line


def test_a_folder_fills_what_nobody_says(in_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Below presets, files and flags, above a person's defaults: what was read is told, and what is there stays."""
    folder = project(in_folder / "desk", pyproject__toml=PYPROJECT, LICENSE=MIT, **{"__gitlab-ci__yml": "x: 1\n"})
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    code = cli.run(
        ["new", "--kind", "software", "--defaults", "--into", "desk", "--set", "author=Bo Example", "--no-git"]
    )
    told = capsys.readouterr().err
    given = answers.read(folder / "plan/project.yaml")

    assert code == 0, told
    assert "  license       mit · pyproject.toml\n" in told
    assert "desk says (--set KEY=VALUE says otherwise):" in told
    assert (given["project_name"], given["license"], given["ci"], given["author"]) == (
        "Invoice desk", "mit", "gitlab", "Bo Example",
    )  # fmt: skip
    assert {path: path.read_bytes() for path in before} == before
    assert folder.joinpath(".mlscaffold/proposals/pyproject.toml").is_file()


def test_a_locked_answer_is_the_houses(in_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A preset stands above what lies in a folder."""
    in_folder.joinpath("house.yaml").write_text(
        "name: House\nlocks:\n  license: {value: apache-2.0, reason: the house's own}\n"
    )
    project(in_folder / "desk", LICENSE=MIT)
    words = ["new", "--kind", "software", "--defaults", "--into", "desk", "--preset", "house.yaml", "--no-git"]

    assert cli.run(words) == 0, capsys.readouterr().err
    recorded = yaml.safe_load(in_folder.joinpath("desk/plan/project.yaml").read_text("utf-8"))
    assert recorded["license"] == "apache-2.0"
