"""A platform team's first day: one preset, three teams through three doors, a release, one board and one scorecard."""

import json
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import jsonschema
import pytest
from cookiecutter.main import cookiecutter
from material import ROOT
from mlscaffold import cli, update
from planrun.repository import Repo
from planrun.status import status

pytestmark = pytest.mark.slow

PRESET = """\
name: Example House
answers:
  currency: CHF
  catalog_owner: group:payments
locks:
  rigor: {value: strict, reason: Policy 12 asks for the whole catalogue}
questions:
  - {key: x_cost_centre, text: Which cost centre pays?, why: The page on privacy names it., type: text, default: "0000"}
documents:
  - {path: docs/house/privacy.md, file: documents/privacy.md}
gates:
  - id: X.house_privacy
    title: Privacy agreed
    file: docs/house/privacy.md
    holds: "^Agreed by: \\\\S+"
    lacks: TODO
    next: Let the data protection officer fill docs/house/privacy.md.
"""
PAGE = "# Privacy\n\nCost centre {{ answers.x_cost_centre }}.\n\nAgreed by:\nTODO\n"
FACTS = json.loads(ROOT.joinpath("docs/facts.schema.json").read_text("utf-8"))
DAY = "start_date=2090-01-02"  # so that no date of a plan passes while the test is there


def git(folder: Path, *words: str) -> str:
    """Git in a folder; what it says."""
    return subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True, encoding="utf-8").stdout.strip()


def commit(folder: Path, message: str) -> None:
    """All that is there, as the team commits it."""
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", message)


class House:
    """The platform team's repository and the address from which teams read it."""

    def __init__(self, folder: Path, address: str) -> None:
        self.folder, self.address = folder, address

    def release(self, tag: str) -> None:
        """What is committed becomes the version that teams get."""
        commit(self.folder, tag)
        git(self.folder, "tag", tag)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[House]:
    """A preset in a git repository that git serves on this machine's loopback alone."""
    folder = tmp_path / "srv" / "house"
    folder.joinpath("documents").mkdir(parents=True)
    folder.joinpath("preset.yaml").write_text(PRESET, "utf-8")
    folder.joinpath("documents/privacy.md").write_text(PAGE, "utf-8")
    git(folder, "init", "--quiet", "-b", "main")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    daemon = Path(git(tmp_path, "--exec-path"), "git-daemon")
    if not daemon.is_file():
        pytest.skip("this git comes without its daemon")
    words = ["--listen=127.0.0.1", f"--port={port}", f"--base-path={tmp_path / 'srv'}", "--export-all", "--reuseaddr"]
    process = subprocess.Popen([str(daemon), *words], stderr=subprocess.DEVNULL)
    try:
        _wait_for(port)
        yield House(folder, f"git://127.0.0.1:{port}/house")
    finally:
        process.terminate()
        process.wait(timeout=20)


def _wait_for(port: int) -> None:
    for _ in range(200):
        with socket.socket() as door:
            if door.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError(f"nothing listens on 127.0.0.1:{port}")


def parcels(house: House, teams: Path) -> Path:
    """The first team types `mlscaffold new`."""
    words = ["Parcels", "--kind", "ml", "--defaults", "--set", DAY, "--output", str(teams)]
    assert cli.run(["new", *words, "--preset", house.address]) == 0
    return teams / "parcels"


def claims(house: House, teams: Path) -> Path:
    """The second has used plain cookiecutter, and hears of the platform later."""
    folder = Path(
        cookiecutter(
            str(ROOT),
            directory="templates/software",
            no_input=True,
            extra_context={"project_name": "Claims", "_start_date": "2090-01-02"},
            output_dir=str(teams),
        )
    )
    git(folder, "init", "--quiet", "-b", "main")
    commit(folder, "Start")
    assert cli.run(["adopt", str(folder)]) == 0
    commit(folder, "Record the base")
    assert cli.run(["update", str(folder), "--preset", house.address]) == 0
    commit(folder, "Take the house's preset")
    return folder


def tariffs(house: House, teams: Path) -> Path:
    """The third has had a repository for years."""
    folder = teams / "tariffs"
    folder.joinpath("lib").mkdir(parents=True)
    folder.joinpath("README.md").write_text("# Tariffs\n\nOurs.\n", "utf-8")
    folder.joinpath("lib/rates.txt").write_text("1\n", "utf-8")
    git(folder, "init", "--quiet", "-b", "main")
    commit(folder, "Years of work")
    words = ["Tariffs", "--kind", "software", "--defaults", "--set", DAY, "--into", str(folder)]
    assert cli.run(["new", *words, "--preset", house.address]) == 0
    commit(folder, "Take the plan")
    return folder


def test_a_platform_teams_first_day(served: House, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """From the preset's first version to a scorecard that tells three teams apart, with no team's work lost."""
    teams = tmp_path / "teams"
    teams.mkdir()
    served.release("v1")
    born = [door(served, teams) for door in (parcels, claims, tariffs)]

    for folder in born:
        assert update.house_of(folder).names == ("Example House",)
        assert 'rigor: "strict"' in folder.joinpath("plan/project.yaml").read_text("utf-8")
        assert "Cost centre 0000." in folder.joinpath("docs/house/privacy.md").read_text("utf-8")
        assert 'owner: "group:payments"' in folder.joinpath("catalog-info.yaml").read_text("utf-8")
    assert born[2].joinpath("README.md").read_text("utf-8") == "# Tariffs\n\nOurs.\n"

    agreed = born[0] / "docs/house/privacy.md"
    agreed.write_text(agreed.read_text("utf-8").replace("Agreed by:\nTODO", "Agreed by: Ana"), "utf-8")
    commit(born[0], "Privacy is agreed")
    capsys.readouterr()
    assert [cli.run(["update", "--check", str(folder)]) for folder in born] == [0, 0, 0], capsys.readouterr()

    page = served.folder / "documents/privacy.md"
    page.write_text(page.read_text("utf-8").replace("# Privacy", "# Privacy and rights"), "utf-8")
    preset = served.folder / "preset.yaml"
    preset.write_text(preset.read_text("utf-8").replace("currency: CHF", "currency: EUR"), "utf-8")
    served.release("v2")

    for folder in born:
        assert cli.run(["update", "--check", str(folder)]) == 1
        assert cli.run(["update", str(folder)]) == 0
        assert "currency: CHF becomes EUR, as the presets have it." in capsys.readouterr().err
        assert folder.joinpath("docs/house/privacy.md").read_text("utf-8").startswith("# Privacy and rights\n")
        commit(folder, "Take the house's second version")
        assert cli.run(["update", "--check", str(folder)]) == 0
    assert "Agreed by: Ana" in agreed.read_text("utf-8")
    assert born[2].joinpath("README.md").read_text("utf-8") == "# Tariffs\n\nOurs.\n"

    for folder in born:  # what each pipeline leaves
        folder.joinpath("status.json").write_text(status(Repo(folder), as_json=True).text, "utf-8")
    board, scorecard = tmp_path / "board.html", tmp_path / "scorecard.json"
    assert cli.run(["board", str(teams), "--no-run", "--output", str(board), "--facts", str(scorecard)]) == 0

    shown = board.read_text("utf-8")
    assert [name for name in ("Parcels", "Claims", "Tariffs") if name not in shown] == []
    told = json.loads(scorecard.read_text("utf-8"))
    jsonschema.validate(told, FACTS)
    cards = {card["entity"].removeprefix("component:default/"): card for card in told["repositories"]}
    assert {name: card["gates"]["X.house_privacy"] for name, card in cards.items()} == {
        "parcels": "pass",
        "claims": "blocked",
        "tariffs": "blocked",
    }
    assert {card["facts"]["rigor"] for card in cards.values()} == {"strict"}
    assert [card["notes"] for card in cards.values()] == [[], [], []]
