"""The rendered products under other people's tools: schemathesis on the interface, bandit on the code, axe on pages."""

import hashlib
import html
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest
from test_board_browser import axe, browser
from test_mermaid import FLAGS

__all__ = ["axe", "browser"]
pytestmark = pytest.mark.slow

Rendered = Callable[[str], Path]
BIN = Path(sys.executable).parent
SERVED = ["sw-default", "sw-orders", "sw-model", "sw-rates", "sw-web-app", "sw-rooms"]
EXAMPLES = 1_000
TOKENS = {"ana": b"secret", "bo": b"another"}


def surroundings(folder: Path, data: Path) -> dict[str, str]:
    """What a rendered product finds in its environment: all it keeps is below `data`, and ana and bo have tokens."""
    return os.environ | {
        "PYTHONPATH": str(folder / "src"),
        "DEPENDENCIES": "stand-in",
        "DATABASE_URL": f"sqlite:///{(data / 'asked.db').as_posix()}",
        "ACCESS_LOG": str(data / "access"),
        "ACCESS_ROLES": "bo=approver bo=eraser",  # nobody approves their own: what ana submits, bo is asked to approve
        "ACCESS_TOKENS": " ".join(f"{name}={hashlib.sha256(key).hexdigest()}" for name, key in TOKENS.items()),
        "MODEL_URL": "http://127.0.0.1:9",
        "BACKUPS": str(data),
    }


# What a rule refuses of a request that is well formed is answered with 422 and a sentence, and is no fault here.
FUZZ = """
import importlib, sys
import hypothesis, schemathesis
from schemathesis.config import SchemathesisConfig
package, wanted = sys.argv[1], int(sys.argv[2])
app = importlib.import_module(f"{package}.api").create_app()
app.state.store.migrate()
config = SchemathesisConfig.from_dict(
    {"checks": {"positive_data_acceptance": {"expected-statuses": ["2xx", "3xx", 404, 409, 422]}}}
)
schema = schemathesis.openapi.from_asgi("/openapi.json", app, config=config)
operations = [found.ok() for found in schema.get_all_operations()]
varied = [one.label for one in operations if one.body or one.query or one.headers or one.path_parameters]
each = 3 * wanted // (2 * len(varied))  # of some there are fewer to be had
asked, failed = 0, []
for operation in operations:

    @hypothesis.settings(max_examples=each if operation.label in varied else 1, deadline=None, database=None,
                         derandomize=True, suppress_health_check=list(hypothesis.HealthCheck))
    @hypothesis.given(case=operation.as_strategy())
    def ask(case):
        global asked
        asked += 1
        word = "another" if "403" in operation.definition.raw["responses"] else "secret"  # of whoever may approve
        case.call_and_validate(headers={"Authorization": f"Bearer {word}"})

    try:
        ask()
    except BaseException as problem:
        failed.append(f"{operation.label}: {problem}")
print(asked, "asked of", len(operations), "operations")
sys.exit("\\n".join(failed) or None)
"""


@pytest.mark.skipif(find_spec("schemathesis") is None, reason="schemathesis is not installed here")
@pytest.mark.parametrize("name", SERVED)
def test_the_interface_is_what_its_description_says(name: str, rendered: Rendered, tmp_path: Path) -> None:
    """A thousand requests made from the OpenAPI, good and bad ones: no server error, and every answer is described."""
    folder = rendered(name)
    package = next(path.parent.name for path in folder.glob("src/*/__main__.py"))
    words = [sys.executable, "-c", FUZZ, package, str(EXAMPLES)]
    done = subprocess.run(
        words,
        cwd=tmp_path,
        env=surroundings(folder, tmp_path),
        capture_output=True,
        text=True,
        check=False,
        timeout=1500,
    )

    assert done.returncode == 0, done.stderr[-4000:]
    assert int(done.stdout.split()[0]) >= EXAMPLES


@pytest.mark.skipif(not (BIN / "bandit").is_file(), reason="bandit is not installed here")
@pytest.mark.parametrize("name", [*SERVED, "sw-batch", "sw-photos", "sw-cli", "sw-library"])
def test_bandit_finds_nothing_of_weight(name: str, rendered: Rendered) -> None:
    """Nothing of medium or high severity in the product."""
    words = [str(BIN / "bandit"), "--quiet", "--recursive", "-ll", "--format", "json", "src"]
    done = subprocess.run(words, cwd=rendered(name), capture_output=True, text=True, check=False, timeout=300)
    found = json.loads(done.stdout)

    assert [(row["filename"], row["line_number"], row["test_id"]) for row in found["results"]] == []
    assert found["metrics"]["_totals"]["loc"] > 50


PAGES = """
import json, sys
from fastapi.testclient import TestClient
from importlib import import_module
from pathlib import Path
package, folder = sys.argv[1], Path(sys.argv[2])
app = import_module(f"{package}.pages").create_app()
capabilities = import_module(f"{package}.capabilities")
first = next(name for name in capabilities.CAPABILITIES if name not in capabilities.QUERIES | capabilities.CHANGES)
with TestClient(app, base_url="https://testserver") as client:
    if (login := client.get("/login")).status_code == 200:  # where data are about people
        (folder / "login.html").write_text(login.text, "utf-8")
        (folder / "nobody.html").write_text(client.post("/login", data={"token": "wrong"}).text, "utf-8")
        client.post("/login", data={"token": "secret"})
    for name in ("empty", "done", "refused"):
        subject = {"empty": None, "done": "A-17", "refused": " "}[name]
        form = {"capability": first, "subject": subject, "note": ""}
        page = client.post("/", data=form) if subject else client.get("/")
        (folder / f"{name}.html").write_text(page.text, "utf-8")
"""
ASK_AXE = """
axe.run(document).then(found => {
  const told = found.violations.flatMap(one => one.nodes.map(node => `${one.id}: ${node.html}`));
  document.body.dataset.found = JSON.stringify({told, passed: found.passes.length});
}).catch(error => { document.body.dataset.found = JSON.stringify({told: [String(error)], passed: 0}); });
"""


def found_by_axe(browser: str, axe: str, page: Path) -> tuple[list[str], int]:
    """What axe-core has against a page, and how many of its rules the page keeps."""
    text = page.read_text("utf-8")
    assert "</body>" in text
    page.write_text(text.replace("</body>", f"<script>{axe}</script><script>{ASK_AXE}</script></body>"), "utf-8")
    command = [browser, *FLAGS, f"--user-data-dir={page.with_suffix('.profile')}", "--dump-dom", page.as_uri()]
    dom = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300).stdout
    found = re.search(r'<body[^>]* data-found="([^"]*)"', dom)
    assert found, dom[-2000:]
    said = json.loads(html.unescape(found[1]))
    return said["told"], int(said["passed"])


@pytest.mark.parametrize(("name", "count"), [("sw-web-app", 5), ("sw-rooms", 3)])
def test_axe_finds_nothing_on_a_page(
    name: str, count: int, rendered: Rendered, browser: str, axe: str, tmp_path: Path
) -> None:
    """Sign in, a wrong token, the empty page, one with records, one with a refusal: 0 violations each."""
    folder = rendered(name)
    words = [
        sys.executable,
        "-c",
        PAGES,
        next(path.parent.name for path in folder.glob("src/*/pages.py")),
        str(tmp_path),
    ]
    done = subprocess.run(
        words, cwd=tmp_path, env=surroundings(folder, tmp_path), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    pages = sorted(tmp_path.glob("*.html"))
    found = {page.stem: found_by_axe(browser, axe, page) for page in pages}

    assert [problem for told, _ in found.values() for problem in told] == []
    assert len(found) == count
    assert min(passed for _, passed in found.values()) > 5


def test_axe_would_see_a_field_without_a_name(rendered: Rendered, browser: str, axe: str, tmp_path: Path) -> None:
    """The same page with a field that nothing names."""
    text = (
        "<!doctype html><html lang=en><head><title>A</title></head><body><main><h1>A</h1><input></main></body></html>"
    )
    (tmp_path / "bad.html").write_text(text, "utf-8")
    told, _ = found_by_axe(browser, axe, tmp_path / "bad.html")

    assert [problem.partition(":")[0] for problem in told] == ["label"]
