"""`load`: the service under the load that the plan computes its workers for, started as a copy and asked over HTTP.

Requests leave on a timetable and their time counts from when they were due, so a slow service cannot hide its queue by
slowing down whoever asks. The service under test has a log of its own: nothing of this reaches predictions/.
"""

import http.client
import json
import math
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from planrun.command import COMMAND
from planrun.repository import Repo
from planrun.trouble import Blocked, Outcome, Trouble

from planrun_ml.data import source as source_module
from planrun_ml.release import parity, registry
from planrun_ml.release.champion_model import load as champion_of

EVIDENCE = "load"
SECONDS = 30.0
CALLERS = 32
KEPT = 2_000
LEAST = 60  # requests below which no p95 is told
FLOOR = 10.0  # requests a second that a test asks at least, unless the workers are planned for fewer
ERROR_LIMIT = 0.001
START_SECONDS = 60.0


def load(repo: Repo, seconds: float = SECONDS) -> Outcome:
    """Ask the champion at the plan's peak times load_factor, with the plan's workers. Exit code 1 beyond a limit.

    Raises `Trouble` for a test of no length, `Blocked` where the champion cannot answer.
    """
    if not seconds > 0:
        raise Trouble(f"A test of {seconds:g} seconds asks nothing.", f"{COMMAND} load --seconds 30")
    champion = champion_of(repo.root)
    if champion.model is None and champion.card["kind"] == "model":
        raise Blocked(f"{champion.version} cannot answer: {champion.reason}.", "make promote")
    workers, planned = math.ceil(repo.needed("capacity.workers")), repo.needed("capacity.load_per_second")
    service_ms = float(repo.answers["service_ms"])
    rate = max(planned, min(FLOOR, 0.5 * workers * 1000 / service_ms))
    bodies = [json.dumps({"rows": [{"inputs": row}]}).encode() for row in parity.both_ways(repo, champion)[1]]
    with served(repo, workers) as port:
        replies, took = asked(port, bodies, rate, max(1, round(rate * seconds)))
    facts = {"version": champion.version, "workers": workers, "planned_per_second": planned}
    facts |= {"limit_ms": float(repo.answers["latency_ms"]), "cores": os.cpu_count()} | summary(replies, took)
    repo.write_evidence(EVIDENCE, facts, measured(repo, champion.version))
    wrong = problems(facts)
    mark = source_module.label(repo, source_module.source_of(repo))
    said = (
        f"{facts['sent']:,} requests, {facts['per_second']:.3g} a second, {workers} workers{mark}: "
        f"95 % within {p95(facts):.1f} ms (limit {facts['limit_ms']:g}), {facts['errors']} errors."
    )
    return Outcome("\n".join([said, *wrong, "Evidence: evidence/load.json"]), 1 if wrong else 0)


def measured(repo: Repo, version: str) -> tuple[str, ...]:
    """What a test of a version's service measures: what the version answers with, the plan's load, own endpoints."""
    room = f"src/{repo.rooms.package}/service.py"
    own = (room,) if (repo.root / room).is_file() else ()
    return (*parity.answering(repo, version), "plan/plan.json#capacity", *own)


def summary(replies: Sequence[tuple[float, bool]], took: float) -> dict[str, Any]:
    """Counts, and the times themselves: every one, or evenly thinned after sorting."""
    times = sorted(round(1000 * seconds, 1) for seconds, _ in replies)
    kept = times if len(times) <= KEPT else [times[round(n * (len(times) - 1) / (KEPT - 1))] for n in range(KEPT)]
    errors = sum(not ok for _, ok in replies)
    return {"sent": len(replies), "errors": errors, "per_second": round(len(replies) / took, 4), "times_ms": kept}


def p95(facts: dict[str, Any]) -> float:
    """The time that 95 of 100 requests did not exceed."""
    times = sorted(facts["times_ms"])
    return float(times[math.ceil(0.95 * len(times)) - 1])


def problems(facts: dict[str, Any]) -> list[str]:
    """What lies beyond a limit."""
    found = []
    if p95(facts) > facts["limit_ms"]:
        found.append(f"95 % of answers took up to {p95(facts):.1f} ms; the limit is {facts['limit_ms']:g} ms.")
    if facts["errors"] > ERROR_LIMIT * facts["sent"]:
        found.append(f"{facts['errors']} of {facts['sent']:,} requests failed; {ERROR_LIMIT:.1%} may.")
    return found


# ------------------------------------------------------------------------------------------------ asking
def asked(port: int, bodies: Sequence[bytes], rate: float, count: int) -> tuple[list[tuple[float, bool]], float]:
    """Each request's seconds since it was due and whether it was answered; and how long asking took."""
    for body in bodies[:5]:  # a first request builds what later ones use
        _post(port, body)
    start = time.perf_counter() + 0.05

    def one(number: int) -> tuple[float, bool]:
        due = start + number / rate
        time.sleep(max(0.0, due - time.perf_counter()))
        ok = _post(port, bodies[number % len(bodies)])
        return time.perf_counter() - due, ok

    with ThreadPoolExecutor(CALLERS) as pool:
        replies = list(pool.map(one, range(count)))
    return replies, max(count / rate, time.perf_counter() - start)


def _post(port: int, body: bytes) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("POST", "/v1/predict", body, {"content-type": "application/json"})
        reply = connection.getresponse()
        reply.read()
        return reply.status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


@contextmanager
def served(repo: Repo, workers: int) -> Iterator[int]:
    """The champion's service on a free port, from a copy of what it needs.

    Raises `Trouble` where it does not start.
    """
    with tempfile.TemporaryDirectory() as folder, socket.socket() as free:
        root = _copy(repo, Path(folder))
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
        free.close()
        words = [sys.executable, "-m", "planrun", "serve", "--port", str(port), "--workers", str(workers)]
        process = subprocess.Popen(words, cwd=root, stderr=subprocess.DEVNULL)
        try:
            _wait(process, port)
            yield port
        finally:
            process.terminate()
            process.wait()


def _copy(repo: Repo, root: Path) -> Path:
    for name in ("plan", "registry", "ops", "src"):
        shutil.copytree(repo.root / name, root / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(repo.root / "pyproject.toml", root)
    entry = registry.entry_of(registry.read(repo.root), "champion") or {}
    for held in entry["files"].values():
        if not Path(held["path"]).is_absolute() and not (root / held["path"]).exists():
            (root / held["path"]).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(repo.root / held["path"], root / held["path"])
    return root


def _wait(process: subprocess.Popen[bytes], port: int) -> None:
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise Trouble("The service did not start.", "make serve shows why.")
