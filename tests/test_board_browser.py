"""The board in a real browser: it sorts, filters, unfolds and prints by the keyboard, and axe-core finds nothing.

`BOARD_PICTURES=folder pytest tests/test_board_browser.py` also leaves screenshots there, to be looked at.
"""

import base64
import hashlib
import html
import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from mlscaffold import cli
from mlscaffold.board import page
from test_board import facts_of
from test_mermaid import FLAGS, browser

__all__ = ["browser"]
pytestmark = pytest.mark.slow

AXE = "axe-core@4"
WIDTHS = {"desktop": (1280, 900), "phone": (390, 800)}
NARROWEST = 500  # a headless window; what is to be narrower is laid out so


@pytest.fixture(scope="session")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """axe-core's own bundle, from npm."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("no npm: axe-core cannot be installed")
    folder = tmp_path_factory.mktemp("axe")
    folder.joinpath("package.json").write_text("{}")
    install = [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(folder), AXE]
    done = subprocess.run(install, cwd=folder, capture_output=True, text=True, timeout=300)
    if done.returncode:
        pytest.skip(f"npm could not install {AXE}: {done.stderr.strip().splitlines()[-1:]}")
    return folder.joinpath("node_modules/axe-core/axe.min.js").read_text("utf-8")


@pytest.fixture
def board(tmp_path: Path) -> str:
    """A board of three repositories: one in alarm, one late, one at work."""
    gate = {"id": "G1.3", "title": "Data quality", "state": "fail", "reason": "Half is missing.", "blocking": True}
    task = {"id": "a", "title": "A", "start": "2026-02-16", "end": "2026-03-20", "critical": True}
    schedule = {
        "start": "2026-02-16",
        "p50": "2090-03-20",
        "p80": "2090-04-30",
        "deadline": "2090-04-20",
        "tasks": [task],
    }
    gain = {"value": 0.1, "low": 0.05, "high": 0.2}
    threshold = {
        "name": "Gain",
        "needed": 0.1,
        "better": "higher",
        "unit": "recall",
        "at": "",
        "verdict": "inconclusive",
    }
    rich = {
        "phases": [{"id": "T1", "title": "Requirements signed", "state": "open", "open": 3}],
        "present": "T1",
        "next": {
            "kind": "command",
            "text": "Read plan/assumptions.yaml, then: planrun confirm",
            "owner": "software engineer",
        },
        "headline": [{"label": "Release", "text": "soon"}],
        "thresholds": [threshold | gain],
        "experiments": [{"id": f"000{number}-a", "gain": gain, "decision": "keep"} for number in range(3)],
        "monitors": {
            "at": "2026-03-01",
            "signals": [
                {"name": name, "state": "ok", "reason": "none moved"} for name in ("drift", "quality", "labels")
            ],
        },
        "budgets": [
            {"name": "Experiments", "used": 10, "limit": 30, "unit": "experiments"},
            {"name": "Error budget", "used": 100, "limit": 216, "unit": "minutes"},
        ],
        "assumptions": [{"key": "team", "value": "po=?:1"}],
        "schedule": schedule | {"p80": "2090-04-01"},
    }
    found = {
        "Anna": facts_of("Anna", **rich),
        "Berta": facts_of("Berta", schedule=schedule),
        "Carla": facts_of("Carla") | {"gates": [gate]},
    }
    for name, facts in found.items():
        tmp_path.joinpath(f"{name}.json").write_text(json.dumps(facts))
    output = tmp_path / "board.html"
    assert cli.run(["board", *(str(tmp_path / f"{name}.json") for name in found), "--output", str(output)]) == 0
    return output.read_text("utf-8")


def asked(browser: str, folder: Path, content: str, script: str, *flags: str) -> Any:
    """What a script finds on the page; the page's policy is told of it, since it lets no other in."""
    added = f"(async () => {{ {script} }})().then(found => {{ document.body.dataset.found = JSON.stringify(found); }})"
    added += ".catch(error => { document.body.dataset.found = JSON.stringify(String(error)); });"
    digest = base64.b64encode(hashlib.sha256(added.encode()).digest()).decode()
    content = content.replace("script-src 'sha256-", f"script-src 'sha256-{digest}' 'sha256-", 1)
    path = folder / "asked.html"
    path.write_text(content.replace("</body>", f"<script>{added}</script></body>"), "utf-8")
    command = [browser, *FLAGS, f"--user-data-dir={folder / 'profile'}", *flags, "--dump-dom", path.as_uri()]
    dom = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300).stdout
    found = re.search(r'<body data-found="([^"]*)"', dom)
    assert found, dom[-2000:]
    return json.loads(html.unescape(found[1]))


def test_rows_sort_and_filter_without_a_server(browser: str, board: str, tmp_path: Path) -> None:
    """By a press of a focused button, by words, by a choice; what is hidden is hidden below too."""
    found = asked(
        browser,
        tmp_path,
        board,
        """
        const texts = (where) => [...document.querySelectorAll(where)].map(one => one.textContent);
        const rows = () => texts('#overview tbody tr:not([hidden]) th a');
        const ones = () => texts('details.one:not([hidden]) h2');
        const heads = [...document.querySelectorAll('#overview th button')];
        const type = (id, value) => {
          document.getElementById(id).value = value;
          document.getElementById(id).dispatchEvent(new Event('input'));
        };
        const told = [rows()];
        heads[0].focus(); document.activeElement.click(); told.push(rows(), ones());
        heads[0].click(); told.push(rows());
        heads[5].click(); told.push(rows());
        type('find', 'HALF is missing'); told.push(rows(), ones(), document.getElementById('count').textContent);
        type('find', ''); type('state', 'late'); told.push(rows());
        document.getElementById('filter').reset();
        await new Promise(done => setTimeout(done));
        told.push(rows().length);
        location.hash = document.querySelector('#overview a').getAttribute('href');
        await new Promise(done => setTimeout(done, 50));
        told.push(document.activeElement.tagName, document.querySelectorAll('details[open]').length);
        dispatchEvent(new Event('beforeprint')); told.push(document.querySelectorAll('details[open]').length);
        dispatchEvent(new Event('afterprint')); told.push(document.querySelectorAll('details[open]').length);
        return told;
        """,
    )

    assert found == [
        ["Carla", "Berta", "Anna"],
        ["Anna", "Berta", "Carla"], ["Anna", "Berta", "Carla"],
        ["Carla", "Berta", "Anna"],
        ["Anna", "Berta", "Carla"],  # by P80; the one without a date comes last
        ["Carla"], ["Carla"], "1 of 3 repositories",
        ["Berta"],
        3,
        "SUMMARY", 1,
        3, 1,
    ]  # fmt: skip


def test_a_phone_can_sort_too(browser: str, board: str, tmp_path: Path) -> None:
    """Its buttons are on the screen and large enough for a finger; the keyboard would else be where nobody sees it."""
    wide, high = WIDTHS["phone"]
    found = asked(
        browser,
        tmp_path,
        board,
        f"""
        document.documentElement.style.width = '{wide}px';
        return [...document.querySelectorAll('#overview th button')].map(one => {{
          const at = one.getBoundingClientRect();
          return at.left >= 0 && at.right <= {wide} && at.height >= 24 && at.width >= 24;
        }});
        """,
        f"--window-size={NARROWEST},{high}",
    )

    assert found == [True] * len(page.COLUMNS)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_axe_finds_nothing(browser: str, board: str, axe: str, dark: bool, width: str, tmp_path: Path) -> None:
    """Folded out, at both widths, and nothing is wider than the screen, the overview's last column included."""
    wide, high = WIDTHS[width]
    flags = [
        f"--window-size={max(wide, NARROWEST)},{high}",
        *(["--blink-settings=preferredColorScheme=0"] if dark else []),
    ]
    if pictures := os.environ.get("BOARD_PICTURES"):
        path = tmp_path / "seen.html"
        path.write_text(board.replace('<details class="one"', '<details open class="one"'), "utf-8")
        name = Path(pictures, f"board-{width}{'-dark' if dark else ''}.png").absolute()
        subprocess.run([browser, *FLAGS, *flags, f"--screenshot={name}", path.as_uri()], check=True, timeout=300)
    found = asked(
        browser,
        tmp_path,
        board,
        f"""
        {axe};
        document.documentElement.style.width = '{wide}px';
        document.querySelectorAll('details').forEach(one => {{ one.open = true; }});
        const result = await axe.run(document, {{resultTypes: ['violations']}});
        const table = document.getElementById('overview').parentElement;
        const fits = document.body.scrollWidth <= {wide} && document.documentElement.scrollWidth <= innerWidth
          && table.scrollWidth <= table.clientWidth;
        const seen = [document.body.clientWidth, matchMedia('(prefers-color-scheme: dark)').matches];
        return [result.violations.map(one => one.id), fits, ...seen];
        """,
        *flags,
    )

    assert found == [[], True, wide, dark]


@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="pdftotext, which reads a printed page, is not installed")
def test_on_paper_the_overview_is_a_table_with_its_heads_on_every_page(browser: str, tmp_path: Path) -> None:
    """A sheet is as narrow as a phone and is none: 120 repositories take a few pages, not one each."""
    files = []
    for number in range(120):
        files.append(tmp_path / f"{number}.json")
        files[-1].write_text(json.dumps(facts_of(f"Number {number}")))
    output = tmp_path / "board.html"
    assert cli.run(["board", *map(str, files), "--output", str(output)]) == 0
    printed = [f"--print-to-pdf={tmp_path / 'board.pdf'}", "--no-pdf-header-footer"]
    surroundings = [f"--user-data-dir={tmp_path / 'profile'}", output.as_uri()]
    subprocess.run([browser, *FLAGS, *printed, *surroundings], check=True, capture_output=True, timeout=120)
    words = ["pdftotext", "-layout", str(tmp_path / "board.pdf"), "-"]
    told = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    row = re.compile(r"^ *(Number \d+) +open +G1 Data ready", re.MULTILINE)
    overview, _, _ = told.partition("Phases, gates and the next step")  # where the first of them is told at length
    pages = [sheet for sheet in overview.split("\f") if row.search(sheet)]
    heads = [next(line for line in sheet.splitlines() if line.strip()).split()[:3] for sheet in pages[1:]]

    assert len({name for sheet in pages for name in row.findall(sheet)}) == 120
    assert 2 < len(pages) <= 5
    assert heads == [["Repository", "State", "Phase"]] * len(heads)
