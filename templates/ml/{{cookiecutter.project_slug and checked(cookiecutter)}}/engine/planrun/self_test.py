"""`self-test`: the engine's own tests, on the example that it carries; nothing that the team wrote is imported."""

import importlib
import importlib.util
import inspect
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import planrun
from planrun import identity
from planrun.catalogue import AnswerKey
from planrun.command import COMMAND
from planrun.example import unpack
from planrun.repository import ENGINE, Repo
from planrun.rigor import ENGINES
from planrun.trouble import Outcome, Trouble, counted

if TYPE_CHECKING:
    import pytest

EVIDENCE = "self-test"
SAMPLE, REPORT = "PLANRUN_SAMPLE", "PLANRUN_REPORT"  # how a run of the tests knows its sample, and where it reports to
# Answers that say which extras are installed: the sample takes them over.
FORMS: tuple[AnswerKey, ...] = ("serving", "tracking")
FOREIGN = ("PYTEST_", "PYTHONPATH", "COVERAGE", "COV_")  # settings of a person's own test runs


def run(repo: Repo) -> Outcome:
    """Run the engine's tests and write evidence/self-test.json: the engine's version, its hash, how each test ended.

    Exit code 1 where a test failed, was skipped or asserts nothing. Raises `Trouble` where they cannot be started.
    """
    kind = repo.answers["kind"]
    if importlib.util.find_spec("pytest") is None:
        raise Trouble("pytest is not installed here, and the engine's tests run with it.", "make setup")
    with tempfile.TemporaryDirectory() as scratch:
        taken = {key: repo.answers[key] for key in FORMS if key in repo.answers}
        sample = unpack(kind, Path(scratch, "sample"), taken)
        report = Path(scratch, "report.json")
        code = _tests(kind, Path(scratch), {SAMPLE: str(sample), REPORT: str(report)})
        if not report.is_file():
            raise Trouble(f"The engine's tests broke off with exit code {code}, see above.", "make setup")
        found = json.loads(report.read_text("utf-8"))
    repo.write_evidence(EVIDENCE, {"engine": identity.facts(kind), **found}, (ENGINE,))
    idle = problems(found)
    if idle:
        return Outcome(f"FAIL {identity.told(kind)}: {idle[0]}; {counted(len(idle), 'test')} in all.", 1)
    return Outcome(f"PASS {identity.told(kind)}: {counted(found['passed'], 'test')} of its own passed on its sample.")


def problems(found: dict[str, Any]) -> list[str]:
    """The tests of a report that are no pass, each with how it ended; a report of no test is one."""
    bad = [f"{name} {end}" for end in ("failed", "skipped", "empty") for name in found[end]]
    return bad or ([] if found["passed"] else ["no test ran"])


def remedy() -> str:
    """What to type where the engine's tests have not run."""
    return f"{COMMAND} self-test"


def _tests(kind: str, scratch: Path, settings: dict[str, str]) -> int:
    """pytest over the kind's tests in a process that knows neither the team's code nor its settings."""
    package = importlib.import_module(ENGINES[kind])
    folder = Path(str(package.__file__)).parent
    homes = dict.fromkeys(str(Path(str(one.__file__)).parents[1]) for one in (planrun, package))
    kept = {key: value for key, value in os.environ.items() if not key.startswith(FOREIGN)}
    own = {"PYTHONPATH": os.pathsep.join(homes), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    ini = scratch / "pytest.ini"  # else the team's pyproject.toml, in a folder above, would say how
    ini.write_text("[pytest]\n", "utf-8")
    tests = str(folder / "self_test")
    words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", str(ini), "--rootdir", str(folder)]
    words += [f"--confcutdir={tests}", f"--basetemp={scratch / 'tests'}", tests]
    return subprocess.run(words, cwd=scratch, check=False, env=kept | own | settings).returncode


# ------------------------------------------------------------------------------------------------ inside the run
def sample() -> Path:
    """The repository that the tests work on copies of. Raises `Trouble` outside a run of `self-test`."""
    if SAMPLE not in os.environ:
        raise Trouble("These are the engine's own tests, and they need a sample to work on.", remedy())
    return Path(os.environ[SAMPLE])


def finish(session: "pytest.Session") -> None:
    """At the end of a run: how each test ended. One that was skipped or asserts nothing makes the run red.

    Marked `elsewhere`, a test may be skipped where what it needs is not installed.
    """
    stats = session.config.pluginmanager.getplugin("terminalreporter").stats
    ends = {"passed": ("passed",), "failed": ("failed", "error"), "skipped": ("skipped", "xfailed", "xpassed")}
    reports = {end: [report for name in names for report in stats.get(name, [])] for end, names in ends.items()}
    here = {end: [one for one in of if "elsewhere" not in getattr(one, "keywords", ())] for end, of in reports.items()}
    found = {end: {report.nodeid for report in of} for end, of in here.items()}
    sources = {item.nodeid: inspect.getsource(item.obj) for item in session.items if hasattr(item, "obj")}
    found["empty"] = {name for name in found["passed"] if not re.search(r"\b(assert|raises)(\b|_)", sources[name])}
    for name in sorted(found["skipped"] | found["empty"]):
        print(f"\n{name} was skipped or asserts nothing: that is no pass.", file=sys.stderr)
        session.exitstatus = session.exitstatus or 1
    facts = {end: sorted(names) for end, names in found.items()} | {"passed": len(found["passed"] - found["empty"])}
    if REPORT in os.environ:
        Path(os.environ[REPORT]).write_text(json.dumps(facts), "utf-8")
