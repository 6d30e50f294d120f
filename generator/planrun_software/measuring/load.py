"""Speed and reliability shown, not promised: the product is started, asked often enough, and compared with the plan.

Requests leave on a fixed timetable and their time counts from when they were due, so a slow product cannot hide its
queue by slowing down whoever asks.
"""

import math
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from planrun.catalogue import NumberKey
from planrun.command import COMMAND
from planrun.repository import Repo
from planrun.trouble import Outcome, Trouble

from planrun_software import harness
from planrun_software.harness.deliverable import Product, Reply
from planrun_software.measuring.bounds import percentile, upper_bound
from planrun_software.traceability.offered import SAMPLES

SECONDS = 30.0  # a plan of few requests a second is asked faster, to end within this
PATIENCE = 120.0  # a plan that needs longer than this at its own rate is one of few requests
STEADY = 10.0  # the least time under load: a shorter one has shown no queue
ERROR_LIMIT = 0.001
WARM_UP = 5  # requests that nobody counts
MEASURED = ("src/", f"{SAMPLES}/", "engine/", "plan/plan.json#slo,capacity")


@dataclass(frozen=True)
class Target:
    """What the plan asks for; None where it asks for nothing."""

    requests: int
    per_second: float | None
    workers: int
    p95_ms: float
    objective: float | None
    planned_per_second: float = 0.0  # the peak times the load factor


def target_of(repo: Repo) -> Target:
    """The plan's figures for this product."""
    asked, drive = repo.answers.get("slo_percent", ""), harness.of(repo)
    shown: list[NumberKey] = [drive.SAMPLES, "slo.demo_requests"] if asked else [drive.SAMPLES]
    requests = math.ceil(max(repo.needed(key) for key in shown))
    limit, objective = float(repo.answers["p95_ms"]), float(asked) / 100 if asked else None
    if drive.PARALLEL == 1:
        return Target(requests, None, 1, limit, objective)
    planned = repo.needed("capacity.load_per_second")
    rate = planned if requests / planned <= PATIENCE else requests / SECONDS
    workers = math.ceil(repo.needed("capacity.workers"))
    return Target(max(requests, math.ceil(rate * STEADY)), rate, workers, limit, objective, planned)


def load(repo: Repo, requests: int | None = None) -> Outcome:
    """Ask the product as often as the plan wants, and write down what came of it beside what was asked.

    Raises `Trouble` for no requests, and where the product does not start.
    """
    target, drive = target_of(repo), harness.of(repo)
    if requests is not None and requests < 1:
        raise Trouble(
            f"{requests} requests show nothing.", f"{COMMAND} load --requests 1000; or without a number: the plan's"
        )
    try:
        with tempfile.TemporaryDirectory() as folder, drive.product(Path(folder), workers=target.workers) as product:
            for number in range(WARM_UP):
                product.perform(drive.first, drive.sample(drive.first, -1 - number))
            started = time.perf_counter()
            replies = _ask(drive, product, requests or target.requests, target.per_second)
            seconds = time.perf_counter() - started
    except RuntimeError as problem:
        raise Trouble(str(problem), "make run shows why.") from problem
    facts = judged(replies, target) | {"seconds": round(seconds, 1), "on": date.today().isoformat()}
    repo.write_evidence("load", facts, MEASURED)
    return Outcome(_told(facts), {"pass": 0, "fail": 1}.get(facts["verdict"], 2))


def _told(facts: dict[str, Any]) -> str:
    """Measured beside planned, one line each."""
    allowed = 1 - facts["objective"] if facts["objective"] else ERROR_LIMIT
    rate = ("one after the other", "as it comes")
    if facts["per_second"]:
        achieved = facts["requests"] / facts["seconds"] if facts["seconds"] else math.inf
        rate = (f"{achieved:.1f}", f"{facts['planned_per_second']:.3g}, asked at {facts['per_second']:.3g}")
    rows = [
        ("", "measured", "plan"),
        ("requests", f"{facts['requests']} in {facts['seconds']:g} s", f"{facts['needed']} or more"),
        ("a second", *rate),
        ("workers", str(facts["workers"]), str(facts["workers"])),
        ("p50", f"{facts['p50_ms']} ms", "-"),
        ("p95", f"{facts['p95_ms']} ms", f"at most {facts['limit_p95_ms']:g} ms"),
        ("p99", f"{facts['p99_ms']} ms", "-"),
        ("errors", f"{facts['failures']} ({facts['error_rate']:.3%})", f"at most {allowed:.3%}"),
        ("true error rate", f"up to {facts['failure_bound']:.3%}", "95 % confidence"),
    ]
    return "\n".join([*(f"{a:<17}{b:<21}{c}".rstrip() for a, b, c in rows), f"verdict: {facts['verdict']}"])


def judged(replies: Sequence[Reply], target: Target) -> dict[str, Any]:
    """Figures of a measurement and their verdict: pass, fail, or inconclusive where it was too short to say."""
    milliseconds = sorted(reply.seconds * 1000 for reply in replies)
    failures = sum(not reply.ok for reply in replies)
    measured: dict[str, Any] = {f"p{share}_ms": round(percentile(milliseconds, share), 2) for share in (50, 95, 99)}
    measured |= {"requests": len(replies), "failures": failures, "error_rate": failures / len(replies)}
    measured |= {"per_second": target.per_second, "workers": target.workers, "needed": target.requests}
    measured |= {"limit_p95_ms": target.p95_ms, "objective": target.objective}
    bound, planned = upper_bound(failures, len(replies)), target.planned_per_second
    measured |= {"failure_bound": bound, "planned_per_second": planned}
    return measured | {"verdict": _verdict(measured)}


def _verdict(measured: dict[str, Any]) -> str:
    if measured["p95_ms"] > measured["limit_p95_ms"]:
        return "fail"
    objective = measured["objective"]
    if objective is None:
        short = measured["requests"] < measured["needed"]
        return "fail" if measured["error_rate"] > ERROR_LIMIT else "inconclusive" if short else "pass"
    if measured["error_rate"] > 1 - objective:
        return "fail"
    return "pass" if measured["failure_bound"] <= 1 - objective + 1e-9 else "inconclusive"


def _ask(drive: harness.Harness, product: Product, count: int, per_second: float | None) -> list[Reply]:
    names = list(drive.capabilities)
    requests = [drive.sample(names[number % len(names)], number) for number in range(count)]
    needing = {name for name in names if drive.before(name)}
    for number in range(count):  # what has to be there is no part of what is measured
        if names[number % len(names)] in needing:
            drive.prepare(product, names[number % len(names)], number)
    started = time.perf_counter()

    def one(number: int) -> Reply:
        due = started + number / per_second if per_second else time.perf_counter()
        time.sleep(max(0.0, due - time.perf_counter()))
        late = time.perf_counter() - due
        reply = product.perform(names[number % len(names)], requests[number])
        return Reply(reply.ok, reply.refused, reply.body, reply.seconds + late)

    with ThreadPoolExecutor(drive.PARALLEL) as callers:
        return list(callers.map(one, range(count)))
