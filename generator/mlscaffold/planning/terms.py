"""The words that rows of catalogue/numbers.yaml leave open in their units and meanings."""

from collections.abc import Mapping

from mlscaffold.answers import Answers
from mlscaffold.planning.acceptance import labels, metrics
from mlscaffold.planning.operations.capacity import is_online


def terms(answers: Answers) -> Mapping[str, str]:
    """Each word by the name that a row has for it, as these answers make it."""
    online = "keep the limit in the load test", "finish a day's results within the day"
    both = {"currency": answers.currency, "workers_do": online[0] if is_online(answers) else online[1]}
    return both | (_ml(answers) if answers.kind == "ml" else _software(answers))


def _ml(answers: Answers) -> dict[str, str]:
    metric = metrics.of(answers)
    return {
        "gate": "G1",
        "a_run": "a day's results",
        "metric": metric.title,
        "better": metric.better,
        "counted_on": metric.counted_on,
        "payback_months": f"{answers.payback_limit_months:g}",
        "looks": f"{answers.test_looks}",
        "half_width": f"{labels.AGREEMENT_HALF_WIDTH:g}",
    }


def _software(answers: Answers) -> dict[str, str]:
    runs = "runs" if answers.deliverable == "batch" else "requests"
    run = "a run's rows" if answers.deliverable == "batch" else "a day's results"
    return {"gate": "T1", "runs": runs, "Runs": runs.capitalize(), "a_run": run}
