"""The plan's numbers of a running service: capacity.* of both kinds, slo.* of software."""

import math
from collections.abc import Mapping
from typing import Any

from mlscaffold.answers import Answers
from mlscaffold.planning import reliability
from mlscaffold.planning.number import Number, Numbers, whole
from mlscaffold.planning.reliability import MOST_WORKERS

CACHE_HITS = 0.4  # the share of hits behind `workers_cached`, to show what a cache would be worth
# Google's Site Reliability Workbook, chapter 5: budget share, long window (hours), short window (minutes).
BURN = (("page", 0.02, 1, 5), ("page", 0.05, 6, 30), ("ticket", 0.10, 72, 360))


# ------------------------------------------------------------------------------------------------------- capacity


def capacity(answers: Answers) -> Numbers:
    """The numbers of capacity.*: workers for the peak of an online service, or the length of a batch run."""
    average = answers.daily_volume / 86400
    rate = average * answers.peak_factor * answers.load_factor
    service = answers.service_ms / 1000
    given = {name: answers[name] for name in ("daily_volume", "peak_factor", "load_factor", "service_ms")}
    numbers: Numbers = {
        "capacity.peak_per_second": Number(
            average * answers.peak_factor,
            inputs={"daily_volume": answers.daily_volume, "peak_factor": answers.peak_factor},
        ),
        "capacity.load_per_second": Number(rate, inputs=given),
        "capacity.run_minutes": Number(
            answers.daily_volume * service / 60,
            inputs={"daily_volume": answers.daily_volume, "service_ms": answers.service_ms},
        ),
    }
    sized = _online if is_online(answers) else _offline
    return numbers | sized(answers, rate, service, given)


def is_online(answers: Answers) -> bool:
    """Whether somebody waits for each answer, rather than for the end of a run."""
    return (
        answers.serving in ("api", "alert") if answers.kind == "ml" else answers.deliverable in ("service", "web-app")
    )


def _online(answers: Answers, rate: float, service: float, given: dict[str, Any]) -> Numbers:
    key = "latency_ms" if answers.kind == "ml" else "p95_ms"
    limit = answers[key] / 1000
    hits = answers.cache_hit_share
    given = given | {key: answers[key], "cache_hit_share": hits, "busy_share": answers.busy_share}
    busy = answers.busy_share
    workers = reliability.workers_needed(rate * (1 - hits), service, limit, busy)
    cached = reliability.workers_needed(rate * (1 - max(hits, CACHE_HITS)), service, limit, busy)
    note, remedy = _impossible(answers, key, workers)
    single = "One is enough for the load; a second one keeps answering while the first is replaced."
    return {
        "capacity.workers": Number(workers, inputs=given, note=single if workers == 1 else note, remedy=remedy),
        "capacity.workers_cached": Number(cached, inputs=given | {"hits": max(hits, CACHE_HITS)}, note=note),
        "capacity.workers_queued": Number(max(1, whole(rate / answers.peak_factor * service / busy)), inputs=given),
        "capacity.utilisation": Number(
            rate * (1 - hits) * service / workers if workers else None, inputs=given | {"workers": workers}, note=note
        ),
        "capacity.wait95": Number(
            1000 * reliability.wait_quantile(workers, rate * (1 - hits), service) if workers else None,
            inputs=given | {"workers": workers},
            note=note,
        ),
    }


def _impossible(answers: Answers, key: str, workers: int | None) -> tuple[str | None, str | None]:
    if workers is None and answers.service_ms > answers[key]:
        note = f"One answer takes {answers.service_ms:,.15g} ms, longer than the {answers[key]:,} ms it may take."
        return note, f"Lower service_ms, or allow more in {key}: no number of workers makes one answer faster."
    if workers is None:
        note = f"The peak would keep more than {MOST_WORKERS:,} workers busy at once."
        return note, "Check daily_volume, peak_factor, load_factor and service_ms: one of them is far from real."
    if answers.worker_limit is not None and workers > answers.worker_limit:
        note = f"The hosting gives {answers.worker_limit:,} workers, and {workers:,} are needed."
        return note, "Raise worker_limit, cache answers (cache_hit_share), or make one answer faster (service_ms)."
    return None, None


def _offline(answers: Answers, rate: float, service: float, given: dict[str, Any]) -> Numbers:
    busy = answers.daily_volume * answers.load_factor * service / 86400
    fits = busy < MOST_WORKERS
    note = None if fits else f"A day's results would keep more than {MOST_WORKERS:,} workers busy."
    remedy = None if fits else "Check daily_volume, load_factor and service_ms: one of them is far from real."
    later = "Nothing waits in a queue: results are computed in runs, or on the caller's machine."
    without_a_queue = Number(None, inputs={"load_per_second": rate}, note=later)
    return {
        "capacity.workers": Number(max(1, whole(busy)) if fits else None, inputs=given, note=note, remedy=remedy),
        "capacity.workers_cached": without_a_queue,
        "capacity.workers_queued": without_a_queue,
        "capacity.utilisation": without_a_queue,
        "capacity.wait95": without_a_queue,
    }


# ----------------------------------------------------------------------------------------------------- objectives


def objectives(answers: Answers) -> Numbers:
    """The numbers of slo.* (software): what is promised, what may fail, what dependencies allow, how it is shown."""
    promised = answers.is_asked("slo_percent")
    objective = round(answers.slo_percent / 100, 12) if promised else None
    chain = {name: percent / 100 for name, percent in answers.dependencies.items()}
    what = {"cli": "command-line program"}.get(answers.deliverable, answers.deliverable)
    none = None if promised else f"A {what} runs where it is called, so it promises no availability."
    days = answers.slo_window_days
    given = {"slo_percent": answers.slo_percent, "slo_window_days": days} if promised else {}
    volume = {"daily_volume": answers.daily_volume}
    numbers = _ceiling(answers, chain, objective)
    shown: Numbers = {
        "slo.objective": Number(objective, inputs=given, provenance=answers.provenance("slo_percent"), note=none),
        "slo.budget_minutes": Number(
            None if objective is None else reliability.error_budget(objective, days * 1440), inputs=given, note=none
        ),
        "slo.budget_requests": Number(
            None if objective is None else reliability.error_budget(objective, days * answers.daily_volume),
            inputs=given | volume,
            note=none,
        ),
        "slo.demo_requests": Number(
            None if objective is None else reliability.no_failures(1 - objective),
            inputs=given | {"confidence": 0.95},
            note=none,
        ),
        "slo.demo_samples": Number(reliability.no_failures(0.01), inputs={"quantile": 0.99, "confidence": 0.95}),
        "slo.demo_samples_p95": Number(reliability.no_failures(0.05), inputs={"quantile": 0.95, "confidence": 0.95}),
    }
    return numbers | shown


def _ceiling(answers: Answers, chain: Mapping[str, float], objective: float | None) -> Numbers:
    ceiling = reliability.in_series(chain.values())
    soft = reliability.softened(chain, objective) if objective is not None else []
    left = reliability.in_series(share for name, share in chain.items() if name not in soft)
    given: dict[str, Any] = {"dependencies": answers.raw["dependencies"]}
    alone = None if chain else "No dependency is named, so nothing but the service itself limits it."
    names = ", ".join(soft)
    note = remedy = None
    if soft:
        note = (
            f"An objective of {answers.slo_percent:g} % is above the {100 * ceiling:.5g} % that its dependencies allow."
        )
        remedy = f"Let {names} fail without failing a request, or lower slo_percent to {_below(ceiling)}."
    return {
        "slo.ceiling": Number(ceiling, inputs=given, note=note or alone, remedy=remedy),
        "slo.soft": Number(
            names or None, inputs=given | {"slo_percent": answers.slo_percent}, note=None if soft else "None."
        ),
        "slo.ceiling_soft": Number(left, inputs=given | {"soft": names}),
    }


def _below(ceiling: float) -> str:
    """The largest percentage with two decimals (more where needed) that lies below the ceiling."""
    for digits in range(2, 7):
        percent = math.floor(ceiling * 100 * 10**digits + 1e-9) / 10**digits
        if percent > 0:
            return f"{percent:.{digits}f}".rstrip("0").rstrip(".")
    return "what you have measured"


def burn_alerts(answers: Answers) -> list[dict[str, Any]]:
    """slo.burn: alerts on how fast the error budget goes; each needs its long and its short window to burn too fast.

    Left out where the window is not longer than the alert's, or where even total failure burns too slowly. Below
    `guard` results in the long window a single failure would alarm, so the alert waits for more.
    """
    if not answers.is_asked("slo_percent"):
        return []
    allowed = 1 - answers.slo_percent / 100
    found = []
    for severity, share, hours, minutes in BURN:
        multiplier = round(reliability.burn_multiplier(share, answers.slo_window_days, hours), 6)
        if multiplier * allowed >= 1 or hours >= answers.slo_window_days * 24:
            continue
        found.append(
            {
                "severity": severity,
                "share": share,
                "window_hours": hours,
                "short_minutes": minutes,
                "multiplier": multiplier,
                "error_rate": round(multiplier * allowed, 12),
                "guard": whole(1 / (multiplier * allowed)),
                "formula": "F33",
            }
        )
    return found
