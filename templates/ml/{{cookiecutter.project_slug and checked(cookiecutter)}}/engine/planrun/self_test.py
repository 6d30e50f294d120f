"""`self-test`: the engine's own tests; nothing that the team wrote is imported.

Each package has `tests`, of its modules alone, and the one of a kind `self_test`, on the example that the engine
carries: a repository that is worked through once, and whose gates are seen shut and open.
"""

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
from planrun import agents, identity
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
# Settings of a person's own test runs; and whether an agent types: what the sample's people sign is nobody's word.
FOREIGN = ("PYTEST_", "PYTHONPATH", "COVERAGE", "COV_", agents.VARIABLE)


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
    """pytest over both packages' tests in a process that knows neither the team's code nor its settings."""
    shared, own = (
        Path(str(one.__file__)).parent for one in (planrun, importlib.import_module(ENGINES[kind]))
    )  # each may be installed elsewhere
    homes = dict.fromkeys(str(folder.parent) for folder in (shared, own))
    kept = {key: value for key, value in os.environ.items() if not key.startswith(FOREIGN)}
    plain = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    plain["PYTHONPATH"] = os.pathsep.join(homes)
    ini = scratch / "pytest.ini"  # else the team's pyproject.toml, in a folder above, would say how
    ini.write_text("[pytest]\n", "utf-8")
    on_sample = own / "self_test"
    folders = [one for one in (shared / "tests", own / "tests", on_sample) if one.is_dir()]
    words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", str(ini)]
    words += ["--rootdir", str(own.parent), f"--confcutdir={on_sample}", f"--basetemp={scratch / 'tests'}"]
    return subprocess.run(
        [*words, *map(str, folders)], cwd=scratch, check=False, env=kept | plain | settings
    ).returncode


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
