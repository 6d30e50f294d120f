"""What a service or a run needs for its load: capacity.* of both kinds (F27)"""

from typing import Any

from mlscaffold.answers import Answers
from mlscaffold.catalogue.keys import AnswerKey
from mlscaffold.planning.formulas import reliability
from mlscaffold.planning.formulas.counts import whole
from mlscaffold.planning.formulas.reliability import MOST_WORKERS
from mlscaffold.planning.number import Number, Numbers

CACHE_HITS = 0.4  # the share of hits behind `workers_cached`, to show what a cache would be worth


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
