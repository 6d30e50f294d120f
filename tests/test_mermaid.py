"""Every picture in the rendered documents is drawn by the real Mermaid in a real browser.

`MERMAID_PICTURES=folder pytest tests/test_mermaid.py` also leaves a screenshot of all of them there, to be looked at.
"""

import json
import os
import re
import shutil
import subprocess
import urllib.parse
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from material import ROOT, SAMPLES

pytestmark = pytest.mark.slow

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--virtual-time-budget=60000",
    "--timeout=120000",
)
MERMAID = "mermaid@11"  # the major version that GitHub and GitLab draw with

Draw = Callable[[Mapping[str, str]], dict[str, dict[str, Any]]]


@pytest.fixture(scope="session")
def browser() -> str:
    """A Chromium, wherever it is called what."""
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip(f"no browser: none of {', '.join(BROWSERS)} is installed")
    return found


@pytest.fixture(scope="session")
def mermaid(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Mermaid's own bundle for browsers, from npm."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("no npm: Mermaid cannot be installed")
    folder = tmp_path_factory.mktemp("npm")
    folder.joinpath("package.json").write_text("{}")
    install = [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(folder), MERMAID]
    done = subprocess.run(install, cwd=folder, capture_output=True, text=True, timeout=300)
    if done.returncode:
        pytest.skip(f"npm could not install {MERMAID}: {done.stderr.strip().splitlines()[-1:]}")
    return folder / "node_modules" / "mermaid" / "dist" / "mermaid.min.js"


@pytest.fixture
def draw(browser: str, mermaid: Path, tmp_path: Path) -> Draw:
    """`draw({name: text})` gives for each name the error, the size and the words of its picture."""

    def draw_all(blocks: Mapping[str, str]) -> dict[str, dict[str, Any]]:
        page = write_page(tmp_path / "page", mermaid, blocks)
        command = [browser, *FLAGS, f"--user-data-dir={tmp_path / 'profile'}"]
        dom = subprocess.run(
            [*command, "--dump-dom", page.as_uri()], capture_output=True, text=True, check=True, timeout=300
        ).stdout
        if pictures := os.environ.get("MERMAID_PICTURES"):
            shot = f"--screenshot={Path(pictures).resolve() / 'mermaid.png'}"
            subprocess.run([*command, shot, "--window-size=1500,30000", page.as_uri()], check=True, timeout=300)
        return {found["name"]: found for found in results(dom)}

    return draw_all


def test_every_picture_is_drawn(draw: Draw, rendered: Callable[[str], Path]) -> None:
    """All Mermaid blocks of all samples of both templates: no error, a visible size, and their own labels."""
    blocks = {name: text for sample in SAMPLES for name, text in pictures_of(rendered(sample), sample)}
    blocks = {name: text for text, name in {text: name for name, text in blocks.items()}.items()}
    drawn = draw(blocks)

    assert len(blocks) > 10
    assert set(drawn) == set(blocks)
    assert {name: found["error"] for name, found in drawn.items() if found["error"]} == {}
    assert [name for name, found in drawn.items() if found["width"] < 100 or found["height"] < 50] == []
    assert [name for name, found in drawn.items() if missing_labels(blocks[name], found["words"])] == []


def test_a_picture_that_cannot_be_drawn_is_noticed(draw: Draw) -> None:
    """A broken block gives an error, and its neighbour is drawn all the same."""
    drawn = draw({"broken": "flowchart LR\n  a[one] --> --> b", "whole": "flowchart LR\n  a[one] --> b[two]"})

    assert drawn["broken"]["error"]
    assert drawn["whole"]["error"] is None


def test_a_missing_label_is_noticed() -> None:
    """A word of the source that is not in the picture is reported."""
    drawing = 'flowchart LR\n  a["One (thing)"] --> b{Two?} --> c([Three])'

    assert missing_labels(drawing, "One (thing) Three") == ["Two?"]


# ------------------------------------------------------------------------------------------------- blocks and pages


def pictures_of(repository: Path, sample: str) -> Iterator[tuple[str, str]]:
    """Name and text of each Mermaid block below a repository."""
    for path in sorted(repository.rglob("*.md")):
        blocks = re.findall(r"^```mermaid\n(.*?)^```$", path.read_text("utf-8"), flags=re.M | re.S)
        for number, text in enumerate(blocks, 1):
            yield f"{sample}/{path.relative_to(repository)}/{number}", text


def missing_labels(text: str, words: str) -> Sequence[str]:
    """The node labels of a flowchart's source that the picture does not show."""
    if not text.startswith("flowchart"):
        return []
    found = re.findall(r'\w[\[({]+(?:"([^"]+)"|([^"\[\](){}|]+))[\])}]', text)
    plain = re.sub(r"\s", "", words)
    return [label for pair in found if re.sub(r"\s", "", label := "".join(pair)) not in plain]


def write_page(folder: Path, mermaid: Path, blocks: Mapping[str, str]) -> Path:
    """A page that draws the blocks, beside Mermaid's bundle."""
    folder.mkdir(exist_ok=True)
    shutil.copy(mermaid, folder / "mermaid.min.js")
    listed = [{"name": name, "text": text} for name, text in blocks.items()]
    folder.joinpath("blocks.js").write_text(f"const blocks = {json.dumps(listed)};\n", "utf-8")
    return Path(shutil.copy(ROOT / "tests" / "mermaid" / "page.html", folder / "page.html"))


def results(dom: str) -> list[dict[str, Any]]:
    """What the page says of each block; an error where it never finished."""
    found = re.search(r'id="result">([^<]*)<', dom)
    assert found, f"the page was not drawn to its end: {dom[:300]}"
    listed: list[dict[str, Any]] = json.loads(urllib.parse.unquote(found[1]))
    return listed
