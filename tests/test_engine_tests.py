"""The engine's own tests run from its source: nothing is rendered for them, and nothing installed.

Those of the modules alone are among `make test` as they are; these are the ones that work on the example that the
engine of a kind carries, in a process of their own, as `planrun self-test` starts them.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from material import ROOT, mostly_slow
from planrun import self_test
from planrun.example import EXAMPLE
from planrun.files import write_text
from planrun.rigor import ENGINES

GENERATOR = ROOT / "generator"


def carried(kind: str, folder: Path) -> Path:
    """The example that the engine of a kind carries, as its files."""
    template = next((ROOT / "templates" / kind).glob("{{*"))
    for name, text in json.loads((template / "engine" / ENGINES[kind] / EXAMPLE).read_text("utf-8")).items():
        write_text(folder / name, text)
    return folder


@pytest.mark.parametrize("kind", mostly_slow(ENGINES, "software"))
def test_a_kinds_tests_run_on_the_example_that_it_carries(kind: str, tmp_path: Path) -> None:
    """Every one passes, asserts something, and none is skipped."""
    sample, report = carried(kind, tmp_path / "sample"), tmp_path / "report.json"
    code = self_test._tests(kind, tmp_path, {self_test.SAMPLE: str(sample), self_test.REPORT: str(report)})
    found = json.loads(report.read_text("utf-8"))

    assert code == 0
    assert self_test.problems(found) == []
    assert found["passed"] > 100


@pytest.mark.parametrize("package", ["planrun", "planrun_ml", "planrun_software"])
def test_tests_of_modules_know_the_engine_alone(package: str, tmp_path: Path) -> None:
    """Collected with a copy of the engine on the path and nothing else of this project, nor a sample."""
    packages = dict.fromkeys(("planrun", package))
    for name in packages:
        (tmp_path / name).symlink_to(GENERATOR / name)
    words = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", "-c", os.devnull]
    words += ["--rootdir", str(tmp_path), f"--confcutdir={tmp_path / package}", str(tmp_path / package / "tests")]
    surroundings = {"PYTHONPATH": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1", "PATH": os.environ["PATH"]}
    done = subprocess.run(words, cwd=tmp_path, env=surroundings, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
