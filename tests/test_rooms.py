"""What a team brings stands in rooms of its own: the page's examples run, and a broken room is told with its line."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from material import newborn
from mlscaffold import answers, render, vcs
from planrun.repository import Repo
from planrun.rooms import Rooms
from planrun.trouble import Trouble
from rendered_repository import run, states

PAGE = "docs/bring-your-own.md"
CLIENT = """
import sys
from pathlib import Path
from fastapi.testclient import TestClient
from planrun_ml.serving.serve import application
print(TestClient(application(Path.cwd(), 0.3)).get("/own/version").json())
"""


def example(repository: Path, title: str) -> Path:
    """Write the page's example below a heading into its room; the file."""
    text = (repository / PAGE).read_text("utf-8")
    name, code = re.search(rf"^## {title}[^\n]*`(\w+\.py)`.*?```python\n(.*?)```", text, re.M | re.S).groups()  # type: ignore[union-attr]
    package = next(path.parent for path in repository.glob("src/*/__init__.py"))
    (package / name).write_text(code, "utf-8")
    return package / name


@pytest.mark.parametrize("repository", ["ml-default"], indirect=True)
def test_a_gate_of_the_teams_own(repository: Path) -> None:
    """The page's example: red before the audit, green after it, blocking, and listed with its title."""
    example(repository, "Gates of your own")
    before = run(repository, "status", "--all")
    assert states(repository)["X.1"] == "fail"
    assert "X.1     The export is complete: The audit saw 0 rows" in before.stdout
    assert run(repository, "audit").returncode in (0, 1)

    assert states(repository)["X.1"] == "pass"


@pytest.mark.slow
def test_rows_from_a_function(tmp_path: Path) -> None:
    """For data of one's own the page joins two tables; the next audit reads them again, and an edit of one is seen."""
    own = {"data_source": "data/raw/rows.csv", "target_column": "returned", "id_column": "order_id"}
    given = newborn("ml-default").raw | own | {"positive_value": "yes"}
    repository = render.render(answers.complete(given), tmp_path)
    vcs.create(repository, "Start")
    example(repository, "Rows from a function")
    raw = repository / "data" / "raw"
    raw.mkdir(exist_ok=True)

    def write(count: int) -> None:
        numbers = range(count)
        orders = [f"{n},{n % 7},{(n * 37) % 11}" for n in numbers]
        raw.joinpath("orders.csv").write_text("\n".join(["order_id,size,weight", *orders]) + "\n")
        returns = [f"{n},{'yes' if (n * n) % 5 == 1 else 'no'}" for n in numbers]
        raw.joinpath("returns.csv").write_text("\n".join(["order_id,returned", *returns]) + "\n")

    source = repository / "data" / "source.yaml"
    source.write_text(re.sub(r"^source: .*$", "source: python", source.read_text("utf-8"), flags=re.M), "utf-8")
    write(400)
    first = run(repository, "audit")
    write(500)
    second = run(repository, "audit")

    assert "Audited 400 rows × 4 columns." in first.stdout, first.stdout + first.stderr
    assert "Audited 500 rows × 4 columns." in second.stdout, second.stdout + second.stderr


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("def rows(root):\n    return 7\n", "source.py: rows(root) gives a int."),
        ("def rows(root):\n    return root / 'none.csv'\n", "and there is no such file."),
        ("def rows(root):\n    raise KeyError('x')\n", "rows(root) failed: KeyError: 'x'."),
        ("def lines(root):\n    return 7\n", "has no function rows(root)."),
        ("def rows(root:\n", "source.py, line 1: '(' was never closed."),
        ("import nothing_like_it\n", "source.py, line 1: No module named 'nothing_like_it'."),
    ],
)
@pytest.mark.parametrize("repository", ["ml-default"], indirect=True)
def test_a_source_that_gives_no_rows_is_told(code: str, told: str, repository: Path) -> None:
    """One sentence that names the file, and status goes on."""
    package = next(path.parent for path in repository.glob("src/*/__init__.py"))
    (package / "source.py").write_text(code, "utf-8")
    source = repository / "data" / "source.yaml"
    source.write_text(re.sub(r"^source: .*$", "source: python", source.read_text("utf-8"), flags=re.M), "utf-8")
    done = run(repository, "audit")

    assert done.returncode == 1
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert run(repository, "status").returncode == 0


@pytest.mark.slow
@pytest.mark.parametrize("repository", ["sw-default"], indirect=True)
def test_a_room_of_gates_that_cannot_be_read_is_a_red_row(repository: Path) -> None:
    """A syntax error, an id of the engine's, the package's full name: each is one failed row, and all others stand."""
    package = next(path.parent for path in repository.glob("src/*/__init__.py"))
    head = "from planrun.gates import gate, passed\n\n\n"
    for code, told in (
        ("def broken(:\n", "checks.py, line 1: "),
        (f'{head}@gate("T1.1", "Mine")\ndef mine(repo):\n    return passed("")\n', "checks.py registers T1.1"),
        (f"from {package.name}.api import x\n", f"checks.py, line 1: it imports {package.name} by its full name."),
    ):
        (package / "checks.py").write_text(code, "utf-8")
        done = run(repository, "status", "--all")
        found = states(repository)

        assert told in done.stdout, done.stdout
        assert found["X.checks"] == "fail"
        assert found["T1.1"] == "blocked"


def test_content_is_what_a_room_says(tmp_path: Path) -> None:
    """Comments, docstrings and layout change nothing; code does, and so does a module that is imported."""
    rooms = Rooms(tmp_path, "ours")
    rooms.folder.mkdir(parents=True)
    file, helper = rooms.folder / "features.py", rooms.folder / "helpers.py"
    assert rooms.content("features") == ""
    helper.write_text("SCALE = 2\n")
    file.write_text("from .helpers import SCALE\n\n\ndef steps():\n    return SCALE\n")
    first = rooms.content("features")
    file.write_text(
        '"""Ours."""\n\nfrom .helpers import SCALE  # why\n\n\ndef steps():\n    """Why."""\n    return SCALE\n'
    )
    assert rooms.content("features") == first
    helper.write_text("SCALE = 3\n")

    assert rooms.content("features") != first


def test_two_repositories_live_in_one_process(tmp_path: Path) -> None:
    """Rooms of one name do not see each other, and an edited room is a new module."""
    found = []
    for number in (1, 2):
        root = tmp_path / str(number)
        folder = root / "src" / "ours"
        folder.mkdir(parents=True)
        (folder / "checks.py").write_text(f"VALUE = {number}\n")
        found.append(Rooms(root, "ours").room("checks"))
    (tmp_path / "1" / "src" / "ours" / "checks.py").write_text("VALUE = 10\n")
    again = Rooms(tmp_path / "1", "ours").room("checks")

    assert [room.VALUE for room in found if room] == [1, 2]
    assert again is not None
    assert again.VALUE == 10


@pytest.mark.parametrize("repository", ["ml-default"], indirect=True)
def test_another_package_may_be_named(repository: Path) -> None:
    """`[tool.planrun] package` in pyproject.toml; what is no TOML is told."""
    project = repository / "pyproject.toml"
    text = project.read_text("utf-8")
    project.write_text(f'{text}\n[tool.planrun]\npackage = "other"\n', "utf-8")
    assert Repo(repository).rooms.package == "other"
    project.write_text("[tool\n", "utf-8")

    with pytest.raises(Trouble, match=r"pyproject\.toml is not TOML"):
        _ = Repo(repository).rooms


@pytest.mark.slow
@pytest.mark.parametrize("repository", ["ml-regression"], indirect=True)
def test_an_endpoint_of_the_teams_own(repository: Path) -> None:
    """The page's example answers beside the engine's, once a version answers."""
    example(repository, "Endpoints of your own")
    code = CLIENT.replace("0.3", "0.3")
    for words in (["audit"], ["confirm", "--all"], ["baseline"]):
        run(repository, *words)
    seed = (
        "from planrun.repository import Repo\nfrom planrun_ml.release.versions import register_baseline\n"
        "from planrun_ml.release import registry\nrepo = Repo.here()\nregister_baseline(repo)\n"
        "registry.promote(repo.root, '0.0.0', by='a test', reason='a test')\n"
    )
    path = {"PYTHONPATH": f"{repository / 'src'}:{repository / 'engine'}"}
    for text in (seed, code):
        done = subprocess.run(
            [sys.executable, "-c", text], cwd=repository, env=path | {"PATH": "/usr/bin:/bin"},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-2000:]

    assert done.stdout == "{'version': '0.0.0'}\n"
