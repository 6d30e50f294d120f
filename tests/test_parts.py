"""`make test-all` leaves no slow test out: its parts are named once, listed in the Makefile, and cover everything."""

import re
import subprocess
import sys
from pathlib import Path

import parts
import pytest
from material import ROOT
from parts import PARTS

FILES = sorted(path.relative_to(ROOT).as_posix() for path in ROOT.glob("tests/test_*.py"))


def test_the_makefile_lists_the_parts() -> None:
    """Every part with the words that parts.py has for it, in the same order."""
    head = ROOT.joinpath("Makefile").read_text("utf-8").partition("\nPYTHON ?=")[0]

    assert re.findall(r"^#   (\S+) +(.*)$", head, re.MULTILINE) == [(name, part.about) for name, part in PARTS.items()]


def test_every_slow_test_belongs_to_one_part() -> None:
    """A file with slow tests that no part names would never run; one that two parts name would run twice."""
    slow = [name for name in FILES if re.search(r"\bmark\.slow\b|\bmostly_slow\(", (ROOT / name).read_text("utf-8"))]
    named = [name for part in PARTS.values() for name in part.files]

    assert sorted(named) == slow


def test_programs_of_a_part_exist() -> None:
    """A part that is no list of files starts a program of ours."""
    started = [part.command[0] for part in PARTS.values() if part.command]

    assert [name for name in started if not ROOT.joinpath(name).is_file()] == []


def test_a_part_that_does_not_exist_is_said() -> None:
    """One sentence with the names there are, and nothing is run."""
    done = subprocess.run(
        [sys.executable, ROOT / "tests/parts.py", "hostil"], capture_output=True, text=True, check=False
    )

    assert done.returncode == 2
    assert done.stderr == f'There is no part "hostil" in make test-all: choose from {", ".join(PARTS)}.\n'


def test_every_part_runs_and_the_failed_ones_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """A failure does not stop the parts after it, and one that takes too long has failed."""
    programs = {"good": "print('ran')", "bad": "raise SystemExit(3)", "endless": "import time; time.sleep(60)"}
    for name, text in programs.items():
        tmp_path.joinpath(f"{name}.py").write_text(text)
    made = {name: parts.Part(name, command=(str(tmp_path / f"{name}.py"),)) for name in ("bad", "endless", "good")}
    monkeypatch.setattr(parts, "PARTS", made)
    monkeypatch.setattr(parts, "MOST_MINUTES", 0.05)

    code = parts.main([])

    told = capfd.readouterr()
    assert code == 1
    assert "ran" in told.out
    assert told.err == "Not passed: bad, endless. Run one again with make test-all PART=bad.\n"
