"""Run a rendered repository's package with this project's interpreter, so that few samples need a `make setup`."""

import json
import os
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

from forking import FORKED
from planrun import environment


def run(
    folder: Path, *arguments: str, module: str | None = None, timeout: int = 600, **settings: str
) -> subprocess.CompletedProcess[str]:
    """`planrun …` in the folder; `module` runs another module, such as pytest, `settings` are further variables."""
    surroundings = {key: value for key, value in os.environ.items() if key != "PYTEST_ADDOPTS"} | {
        "PYTHONPATH": os.pathsep.join(str(folder.resolve() / name) for name in ("src", "engine")),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    return FORKED.run(module or "planrun", arguments, folder, surroundings | settings, timeout)


def run_engine_tests(folder: Path, *files: Path, timeout: int = 900) -> subprocess.CompletedProcess[str]:
    """The tests that a repository's engine ships, with that repository as their sample; or, with their fixtures, ours.

    `planrun self-test` runs them on the engine's own sample; here they see every task, rigor and form.
    """
    package = next(path.parent for path in (folder / "engine").glob("planrun_*/self_test"))
    words = ["-q", "-p", "no:cacheprovider"]
    if files:
        words += ["-p", f"{package.name}.self_test.conftest", *map(str, files)]
    else:
        words += ["-c", os.devnull, "--rootdir", str(package), f"--confcutdir={package}", str(package / "self_test")]
    return run(folder, *words, module="pytest", timeout=timeout, PLANRUN_SAMPLE=str(folder.resolve()))


def run_product(folder: Path, *arguments: str, timeout: int = 600) -> subprocess.CompletedProcess[str]:
    """`python -m <package> …`: the product's own commands."""
    package = next(path.parent.name for path in folder.glob("src/*/__init__.py"))
    return run(folder, *arguments, module=package, timeout=timeout)


def stand_in(folder: Path) -> None:
    """An environment in `.venv` that is this project's interpreter, for tests that type what the pages say."""
    bin = folder / ".venv" / "bin"
    bin.mkdir(parents=True)
    python = f'PYTHONPATH=src:engine exec "{sys.executable}" -B'
    for name, start in (("python", python), ("planrun", f"{python} -m planrun")):
        bin.joinpath(name).write_text(f'#!/bin/sh\n{start} "$@"\n', "utf-8")
        bin.joinpath(name).chmod(0o755)
    bin.parent.joinpath("ready").touch()


def freeze(folder: Path) -> None:
    """Both locks as `make setup` leaves them, without hashes: each package at its version.

    What pyproject.toml asks for and this project's own environment does not have is pinned to a version that is none.
    """
    here = {found.name.lower(): found.version for found in metadata.distributions() if found.name}
    for lock, asked in environment.asked(folder).items():
        pins = {re.split(r"[^\w.-]", text)[0].lower(): "0" for text in asked.requirements} | here
        lines = [f"{environment.SOURCE}{requirement}" for requirement in asked.requirements]
        lines += [f"{name}=={pins[name]}" for name in sorted(pins)]
        (folder / lock).write_text("\n".join(lines) + "\n", "utf-8")
    if (folder / ".venv/ready").is_file():
        (folder / ".venv/ready").touch()  # the environment is as new as the locks


def states(folder: Path) -> dict[str, str]:
    """Every gate's state, as `status` tells it."""
    return {row["id"]: row["state"] for row in told(folder)["gates"]}


def told(folder: Path) -> dict[str, Any]:
    """What `status --json` says: phases, the one next step, and every gate."""
    done = run(folder, "status", "--json")
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


LOOK = "    # What its rule finds out is looked at here"
CONTRACT = "from ..contract import "
RULED = """@dataclass(frozen=True, kw_only=True)
class Ruled({gives}):
    \"\"\"What the rule finds out.\"\"\"

    letters: int = 0


def """


def write_the_rules(folder: Path) -> None:
    """One for each capability of a software repository, and what its scenario looks at, as the README says where."""
    for module in folder.glob("src/*/capabilities/[!_]*.py"):
        module.write_text(ruled(module.read_text("utf-8")), "utf-8")
    counted = '    assert [4, 6, 4, 200] == [reply.body["letters"] for reply in replies]\n'
    for scenario in folder.glob("tests/acceptance/test_*.py"):
        looks = scenario.read_text("utf-8")
        scenario.write_text(looks.replace(LOOK, counted + LOOK), "utf-8")


def ruled(text: str) -> str:
    """A capability's module as it is born, with a rule that counts letters."""
    gives = re.findall(r"\) -> (\w+):", text)[0]
    assert text.count(f"{gives}.of(") == 1
    text = text.replace("\ndef ", "\n" + RULED.format(gives=gives), 1).replace(f") -> {gives}:", ") -> Ruled:")
    if "import dataclass\n" not in text:
        text = text.replace(CONTRACT, f"from dataclasses import dataclass\n\n{CONTRACT}", 1)
    start, _, call = text.partition(f"{gives}.of(")
    call = call.replace("\n    )", "\n        letters=len(request.subject),\n    )", 1)
    call = re.sub(r'^("\w+", request(?:, without\(\))?)\)', r"\1, letters=len(request.subject))", call)
    return f"{start}Ruled.of({call}"
