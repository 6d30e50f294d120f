"""What a service or a run needs for its load: capacity.* of both kinds (F27)"""

from typing import Any

from mlscaffold.answers import Answers
from mlscaffold.catalogue.keys import AnswerKey, NumberKey
from mlscaffold.planning.formulas import reliability
from mlscaffold.planning.formulas.counts import whole
from mlscaffold.planning.formulas.reliability import MOST_WORKERS
from mlscaffold.planning.number import Number, Numbers

# What has no rate that could be planned, by the deliverable.
IN_RUNS = "Nothing waits in a queue: results are computed in runs."
ELSEWHERE = "Nothing waits in a queue: each call runs on its caller's machine, as often as the caller likes."
SIZED: tuple[NumberKey, ...] = (
    "capacity.workers", "capacity.workers_cached", "capacity.workers_queued", "capacity.utilisation", "capacity.wait95",
)  # fmt: skip
CACHE_HITS = 0.4  # the share of hits behind `workers_cached`, to show what a cache would be worth


def capacity(answers: Answers) -> Numbers:
    """The numbers of capacity.*: workers for the peak of an online service, or the length of a batch run.

    Everything is there by its key; what a deliverable has no use for has no value and says why.
    """
    service = answers.service_ms / 1000
    if is_online(answers):
        return _rates(answers) | _run(answers, service) | _online(answers, service)
    if answers.kind == "ml":
        return _rates(answers) | _run(answers, service) | _offline(answers, service)
    rates: Numbers = {
        "capacity.peak_per_second": Number(None, note=_unserved(answers)),
        "capacity.load_per_second": Number(None, note=_unserved(answers)),
    }
    if answers.is_asked("daily_volume"):
        return rates | _run(answers, service) | _offline(answers, service)
    return rates | {key: Number(None, note=_unserved(answers)) for key in ("capacity.run_minutes", *SIZED)}


def _rows_a_day(answers: Answers) -> int:
    """What a day carries out: of a batch job its runs with the rows of each, else the results."""
    return answers.daily_volume * (answers.rows_a_run if answers.is_asked("rows_a_run") else 1)


def _unserved(answers: Answers) -> str:
    """Why nothing arrives at a rate that could be planned."""
    return IN_RUNS if answers.kind == "ml" or answers.is_asked("rows_a_run") else ELSEWHERE


def _rates(answers: Answers) -> Numbers:
    """Results a second in the busiest hour, and in the load test (F27)."""
    average = answers.daily_volume / 86400
    peak = {"daily_volume": answers.daily_volume, "peak_factor": answers.peak_factor}
    given = peak | {"load_factor": answers.load_factor, "service_ms": answers.service_ms}
    return {
        "capacity.peak_per_second": Number(average * answers.peak_factor, inputs=peak),
        "capacity.load_per_second": Number(average * answers.peak_factor * answers.load_factor, inputs=given),
    }


def _run(answers: Answers, service: float) -> Numbers:
    """Minutes of one worker for a run: of a batch job for its rows, else for a day's results; `service` in seconds."""
    key: AnswerKey = "rows_a_run" if answers.is_asked("rows_a_run") else "daily_volume"
    given: dict[str, Any] = {key: answers[key], "service_ms": answers.service_ms}
    return {"capacity.run_minutes": Number(answers[key] * service / 60, inputs=given)}


def is_online(answers: Answers) -> bool:
    """Whether somebody waits for each answer, rather than for the end of a run."""
    return (
        answers.serving in ("api", "alert") if answers.kind == "ml" else answers.deliverable in ("service", "web-app")
    )


def _online(answers: Answers, service: float) -> Numbers:
    rate = answers.daily_volume / 86400 * answers.peak_factor * answers.load_factor
    given: dict[str, Any] = {
        name: answers[name] for name in ("daily_volume", "peak_factor", "load_factor", "service_ms")
    }
    key: AnswerKey = "latency_ms" if answers.kind == "ml" else "p95_ms"
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


def _impossible(answers: Answers, key: AnswerKey, workers: int | None) -> tuple[str | None, str | None]:
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


def _offline(answers: Answers, service: float) -> Numbers:
    """Workers that finish a day's rows within the day, with the load test's margin; `service` in seconds."""
    busy = _rows_a_day(answers) * answers.load_factor * service / 86400
    counted: tuple[AnswerKey, ...] = (
        ("daily_volume", "rows_a_run") if answers.is_asked("rows_a_run") else ("daily_volume",)
    )
    given: dict[str, Any] = {key: answers[key] for key in (*counted, "load_factor", "service_ms")}
    fits = busy < MOST_WORKERS
    note = None if fits else f"A day's results would keep more than {MOST_WORKERS:,} workers busy."
    remedy = None if fits else f"Check {', '.join(counted)}, load_factor and service_ms: one of them is far from real."
    workers = Number(max(1, whole(busy)) if fits else None, inputs=given, note=note, remedy=remedy)
    return {key: workers if key == "capacity.workers" else Number(None, note=_unserved(answers)) for key in SIZED}
