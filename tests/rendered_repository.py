"""Run a rendered repository's package with this project's interpreter, so that few samples need a `make setup`."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any


def run(
    folder: Path, *arguments: str, module: str | None = None, timeout: int = 600
) -> subprocess.CompletedProcess[str]:
    """`python -m <package> …` in the folder; `module` runs another module, such as pytest."""
    package = next(path.name for path in folder.joinpath("src").iterdir() if path.joinpath("gates.py").is_file())
    surroundings = {key: value for key, value in os.environ.items() if key != "PYTEST_ADDOPTS"}
    return subprocess.run(
        [sys.executable, "-m", module or package, *arguments],
        cwd=folder,
        env=surroundings | {"PYTHONPATH": "src", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=timeout,
    )


def states(folder: Path) -> dict[str, str]:
    """Every gate's state, as `status` tells it."""
    return {row["id"]: row["state"] for row in told(folder)["gates"]}


def told(folder: Path) -> dict[str, Any]:
    """What `status --json` says: phases, the one next step, and every gate."""
    done = run(folder, "status", "--json")
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))
