"""Speed and reliability shown, not promised: the product is started, asked often enough, and compared with the plan.

Requests leave on a fixed timetable and their time counts from when they were due, so a slow product cannot hide its
queue by slowing down whoever asks.
"""

import http.client
import math
import re
import tempfile
import time
import urllib.request
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

SECONDS = 30.0  # a plan of few requests a second is asked faster, to end within this
PATIENCE = 120.0  # a plan that needs longer than this at its own rate is one of few requests
STEADY = 10.0  # the least time under load: a shorter one has shown no queue
WORKERS = re.compile(r"^workers (\d+)", re.MULTILINE)
METRIC = re.compile(r'^requests_total\{[^}]*\bstatus="(\d)\d\d"[^}]*\} (\S+)', re.MULTILINE)
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
    planned_per_second: float = 0.0  # the peak times the load factor


def target_of(repo: Repo) -> Target:
    """The plan's figures for this product."""
    asked = repo.answers.get("slo_percent", "")
    shown = [drive.SAMPLES, "slo.demo_requests"] if asked else [drive.SAMPLES]
    requests, planned = math.ceil(max(repo.needed(key) for key in shown)), repo.needed("capacity.load_per_second")
    limit, objective = float(repo.answers["p95_ms"]), float(asked) / 100 if asked else None
    if drive.PARALLEL == 1:
        return Target(requests, None, 1, limit, objective)
    rate = planned if requests / planned <= PATIENCE else requests / SECONDS
    workers = math.ceil(repo.needed("capacity.workers"))
    return Target(max(requests, math.ceil(rate * STEADY)), rate, workers, limit, objective, planned)


def load(repo: Repo, requests: int | None = None) -> Outcome:
    """Ask the product as often as the plan wants, and write down what came of it beside what was asked."""
    target = target_of(repo)
    if requests is not None and requests < 1:
        raise Trouble(f"{requests} requests show nothing.", "load --requests 1000, or load for the plan's number")
    try:
        with tempfile.TemporaryDirectory() as folder, drive.Product(Path(folder), workers=target.workers) as product:
            for number in range(5):
                product.perform(next(iter(CAPABILITIES)), f"warm-up {number}")
            started = time.perf_counter()
            replies = _ask(product, requests or target.requests, target.per_second)
            seconds = time.perf_counter() - started
    except RuntimeError as problem:
        raise Trouble(str(problem), "make run shows why.") from problem
    facts = judged(replies, target) | {"seconds": round(seconds, 1), "on": date.today().isoformat()}
    repo.write_evidence("load", facts, MEASURED)
    return Outcome(_told(facts), {"pass": 0, "fail": 1}.get(facts["verdict"], 2))


def budget(repo: Repo, total: int | None = None, failed: int | None = None, metrics: str = "") -> Outcome:
    """What is left of the error budget, from counts of the window or from a page of metrics that holds them."""
    if not repo.answers.get("slo_percent"):
        raise Blocked("Nothing is promised here that could be spent: there is no service level.")
    total, failed = counted(metrics) if metrics else (total, failed)
    if total is None or failed is None:
        raise Trouble("Both counts are needed, or a page that holds them.", "budget --total 120000 --failed 37")
    if not 0 <= failed <= total or total == 0:
        raise Trouble(f"{failed} failures among {total} make no share.", "budget --total 120000 --failed 37")
    allowed = (1 - float(repo.answers["slo_percent"]) / 100) * total
    left = 1 - failed / allowed
    facts = {"total": total, "failed": failed, "left": left, "on": date.today().isoformat()}
    repo.write_evidence("error_budget", facts)
    told = f"{left:.0%} of the error budget is left" if left > 0 else "the error budget is spent, so merge repairs only"
    return Outcome(f"{failed} of {total} failed, and {allowed:.6g} may: {told}.", 0 if left > 0 else 1)


def counted(metrics: str) -> tuple[int, int]:
    """Requests, and how many failed (5xx), by the counters at a URL in the Prometheus text format."""
    if not metrics.startswith(("http://", "https://")):
        raise Trouble(f"{metrics!r} is no URL.", "budget --metrics https://…/metrics")
    try:
        with urllib.request.urlopen(metrics, timeout=30) as page:
            text = page.read().decode()
    except (OSError, http.client.HTTPException, ValueError) as problem:
        raise Blocked(f"{metrics} does not answer: {problem}.", "Find out why: no data counts as spent.") from None
    rows, workers = METRIC.findall(text), WORKERS.search(text)
    if workers and int(workers[1]) > 1:
        remedy = "Count where all pass, such as the load balancer: budget --total 120000 --failed 37"
        raise Blocked(f"{metrics} shows one of {workers[1]} workers, and each counts for itself.", remedy)
    if not rows:
        raise Blocked(f"{metrics} holds no requests_total.", "Find out why: no data counts as spent.")
    return round(sum(float(n) for _, n in rows)), round(sum(float(n) for kind, n in rows if kind == "5"))


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


def judged(replies: Sequence[drive.Reply], target: Target) -> dict[str, Any]:
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
