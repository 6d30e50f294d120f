"""Load and drills on the real product of a repository, whatever it delivers: they are seen red."""

import shutil
from pathlib import Path

from planrun.repository import Repo
from planrun_software import harness
from planrun_software.drills import rollback
from planrun_software.measuring.load import load
from planrun_software.self_test.conftest import SAMPLE, Box
from planrun_software.traceability.offered import SAMPLES

drive = harness.of(Repo(SAMPLE))


def test_load_is_red_where_the_plan_is_missed(box: Box) -> None:
    """The real product, an objective that nothing can meet: the command fails, and so does the gate."""
    shutil.copytree(SAMPLE / SAMPLES, box.root / SAMPLES, dirs_exist_ok=True)
    box.answer("p95_ms", "0.001")

    outcome = load(Repo(box.root), requests=20)

    assert outcome.code == 1
    assert "at most 0.001 ms" in outcome.text
    assert box.state("T3.3").state == "fail"


def test_a_release_that_does_not_start_fails_the_drill(tmp_path: Path) -> None:
    """The drill runs the release; it does not take its word for it."""
    package = tmp_path / "src" / drive.package
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("raise SystemExit(3)\n", "utf-8")

    assert rollback.fault(drive.repo, tmp_path, tmp_path / "src", 1).startswith("it did not start: ")
    assert rollback.fault(drive.repo, tmp_path, drive.source, 1) == ""
