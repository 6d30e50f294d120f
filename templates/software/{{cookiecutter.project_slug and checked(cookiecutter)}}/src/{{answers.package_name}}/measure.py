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

from . import drive
from .capabilities import CAPABILITIES
from .files import Blocked, Outcome, Trouble
from .repo import Repo

LONGEST_SECONDS = 30.0
ERROR_LIMIT = 0.001
CONFIDENCE = 0.95
MEASURED = ("src/", "plan/plan.json#slo,capacity")


@dataclass(frozen=True)
class Target:
    """What the plan asks for; None where it asks for nothing."""

    requests: int
    per_second: float | None
    workers: int
    p95_ms: float
    objective: float | None


def target_of(repo: Repo) -> Target:
    """The plan's figures for this product."""
    asked = repo.answers.get("slo_percent", "")
    shown = [drive.SAMPLES, "slo.demo_requests"] if asked else [drive.SAMPLES]
    requests = math.ceil(max(repo.needed(key) for key in shown))
    rate = repo.needed("capacity.load_per_second")
    return Target(
        requests,
        max(rate, requests / LONGEST_SECONDS) if drive.PARALLEL > 1 else None,
        math.ceil(repo.needed("capacity.workers")) if drive.PARALLEL > 1 else 1,
        float(repo.answers["p95_ms"]),
        float(asked) / 100 if asked else None,
    )


def load(repo: Repo, requests: int | None = None) -> Outcome:
    """Ask the product as often as the plan wants, and write down what came of it beside what was asked."""
    target = target_of(repo)
    count = requests or target.requests
    with tempfile.TemporaryDirectory() as folder, drive.Product(Path(folder), workers=target.workers) as product:
        _warm_up(product)
        replies = _ask(product, count, target.per_second)
    facts = judged(replies, target) | {"on": date.today().isoformat()}
    repo.write_evidence("load", facts, MEASURED)
    return Outcome(_told(facts), {"pass": 0, "fail": 1}.get(facts["verdict"], 2))


def budget(repo: Repo, total: int, failed: int) -> Outcome:
    """What is left of the error budget after so many requests in the window, of which so many failed."""
    if not repo.answers.get("slo_percent"):
        raise Blocked("Nothing is promised here that could be spent: there is no service level.")
    if not 0 <= failed <= total or total == 0:
        raise Trouble(f"{failed} failures among {total} make no share.", "budget --total 120000 --failed 37")
    allowed = (1 - float(repo.answers["slo_percent"]) / 100) * total
    left = 1 - failed / allowed
    repo.write_evidence(
        "error_budget", {"total": total, "failed": failed, "left": left, "on": date.today().isoformat()}
    )
    return Outcome(
        f"{failed} of {allowed:.1f} allowed failures: {left:.0%} of the error budget is left.", 0 if left > 0 else 1
    )


def _told(facts: dict[str, Any]) -> str:
    """Measured beside planned, one line each."""
    shown = f"{facts['objective']:.5g}" if facts["objective"] else f"{1 - ERROR_LIMIT:g}"
    rate = f"{facts['per_second']:.1f} a second" if facts["per_second"] else "one after the other"
    return "\n".join(
        [
            f"{facts['requests']} requests, {rate}, {facts['workers']} worker(s)   needed: {facts['needed']}",
            f"p50 {facts['p50_ms']} ms   p95 {facts['p95_ms']} ms (limit {facts['limit_p95_ms']:g})   p99 {facts['p99_ms']} ms",
            f"errors {facts['failures']} ({facts['error_rate']:.3%}); the true rate may be up to {facts['failure_bound']:.3%}",
            f"success asked for: {shown}   verdict: {facts['verdict']}",
        ]
    )


def judged(replies: Sequence[drive.Reply], target: Target) -> dict[str, Any]:
    """Figures of a measurement and their verdict: pass, fail, or inconclusive where it was too short to say."""
    milliseconds = sorted(reply.seconds * 1000 for reply in replies)
    failures = sum(not reply.ok for reply in replies)
    measured: dict[str, Any] = {f"p{share}_ms": round(percentile(milliseconds, share), 2) for share in (50, 95, 99)}
    measured |= {"requests": len(replies), "failures": failures, "error_rate": failures / len(replies)}
    measured |= {"per_second": target.per_second, "workers": target.workers, "needed": target.requests}
    measured |= {"limit_p95_ms": target.p95_ms, "objective": target.objective}
    measured["failure_bound"] = upper_bound(failures, len(replies))
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


def percentile(ordered: Sequence[float], share: float) -> float:
    """The nearest-rank percentile of sorted values."""
    return ordered[max(0, math.ceil(share / 100 * len(ordered)) - 1)]


def upper_bound(failures: int, trials: int) -> float:
    """The largest failure rate that such a count leaves possible (Clopper and Pearson, one-sided, 95 %)."""
    if failures >= trials:
        return 1.0
    low, high = failures / trials, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if _at_most(failures, trials, middle) > 1 - CONFIDENCE else (low, middle)
    return high


def _at_most(failures: int, trials: int, rate: float) -> float:
    """The chance of seeing no more failures than these at a given rate."""
    terms = (
        math.lgamma(trials + 1) - math.lgamma(k + 1) - math.lgamma(trials - k + 1)
        + k * math.log(rate) + (trials - k) * math.log1p(-rate)
        for k in range(failures + 1)
    )  # fmt: skip
    return sum(map(math.exp, terms))


def _warm_up(product: drive.Product) -> None:
    for number in range(5):
        product.perform(next(iter(CAPABILITIES)), f"warm-up {number}")


def _ask(product: drive.Product, count: int, per_second: float | None) -> list[drive.Reply]:
    names = list(CAPABILITIES)
    started = time.perf_counter()

    def one(number: int) -> drive.Reply:
        due = started + number / per_second if per_second else time.perf_counter()
        time.sleep(max(0.0, due - time.perf_counter()))
        late = time.perf_counter() - due
        reply = product.perform(names[number % len(names)], f"load {number}")
        return drive.Reply(reply.ok, reply.refused, reply.body, reply.seconds + late)

    with ThreadPoolExecutor(drive.PARALLEL) as callers:
        return list(callers.map(one, range(count)))
