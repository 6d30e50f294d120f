"""Answers joined with the labels that came late, and the verdict on live quality."""

import math
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

import duckdb
import pandas as pd
from planrun.command import COMMAND
from planrun.repository import Repo
from planrun.trouble import Blocked, Trouble

from planrun_ml.measuring.deciding import accepted_by
from planrun_ml.measuring.metrics import OWN, Metric, score
from planrun_ml.release.prediction_log import GRACE, case_of, disputed, labelled, many, odd_labels
from planrun_ml.watching import quality


# ------------------------------------------------------------------------------------------------ late labels
def judge(repo: Repo, con: duckdb.DuckDBPyConnection, card: Mapping[str, Any], moment: datetime) -> dict[str, Any]:
    """What late labels say about the version that answers: value, rows, and the verdict of each test."""
    due = moment - timedelta(days=float(repo.answers["label_delay_days"])) - GRACE
    asked = f"select distinct id from log where model = '{card['version']}' and made_at <= timestamp '{due}'"
    counted = f"select count(*), count(*) filter (where id in (select id from labels)) from ({asked})"
    expected, received = con.execute(counted).fetchall()[0]
    name, planned, rows = card["metric"], repo.number("monitor.floor"), labelled(con, card)
    # the plan's floor is in units of the metric that decides now
    floor = card["floor"] if planned is None or name != repo.answers["metric"] else planned
    facts = {"metric": name, "due": expected, "received": received, "healthy": card["healthy"]["value"]}
    facts |= {"floor": floor, "rows": len(rows), "value": None, "needed": 0, "verdicts": []}
    facts |= {"unit": "labels", "odd": odd_labels(con), "disputed": _disputes(con)}
    try:
        facts |= _judged(repo, card, accepted_by(repo, card), floor, rows)
        return facts | {"reason": "; ".join(filter(None, (facts["reason"], facts["disputed"])))}
    except Trouble as wrong:  # a team's own metric that gives no number: all other signals go on
        if isinstance(wrong, Blocked) or not name.startswith(OWN):
            raise
        return facts | {"reason": wrong.sentence.removesuffix("."), "step": wrong.remedy}


def _disputes(con: duckdb.DuckDBPyConnection) -> str:
    """How many answers have two labels that differ, and so are in no figure; "" where there is none."""
    found = disputed(con)
    if not found:
        return ""
    first, said = next(iter(found.items()))
    many_of = many(len(found), "answer")
    return (
        f"{many_of} with two different labels in no figure, such as {first} ({said}): {COMMAND} label settle ID LABEL"
    )


def _judged(
    repo: Repo, card: Mapping[str, Any], metric: Metric, floor: float | None, rows: pd.DataFrame
) -> dict[str, Any]:
    """What there is to say of these labelled answers against a floor, by the metric the version was accepted by."""
    facts: dict[str, Any] = {"unit": metric.labels}
    if floor is None:
        said = f"{metric.name} has no floor to hold it against: measure the baseline, then replan"
        return facts | {"reason": said}
    alpha, power = false_alarms(repo), repo.needed("acceptance.power")
    held = quality.bounds(metric, card["healthy"], floor, alpha, power)
    facts["needed"] = held.needed
    if not len(rows):
        return facts | {"reason": "no label has come back for an answer of this version"}
    case = case_of(card, rows)
    value = score(metric, case)
    facts["value"] = value if math.isfinite(value) else None
    days = rows["made_at"].dt.strftime("%Y-%m-%d").to_numpy()
    found = quality.verdicts(metric, case, days, held, alpha, power, repo.needed("monitor.cusum_h"))
    order = ("decayed", "healthy", "open")
    first = min((verdict for verdict in found if verdict.counts), key=lambda verdict: order.index(verdict.state))
    said = f"{first.test}: {first.reason}"
    if facts["value"] is not None:
        said = f"{metric.name} {value:.4g}, floor {floor:.4g}; {said}"
    return facts | {"verdicts": [asdict(verdict) for verdict in found], "reason": said}


def false_alarms(repo: Repo) -> float:
    """The chance of one in a daily look at quality: as rare as the plan lets the CUSUM be, a twelfth of the budget."""
    return min(repo.needed("acceptance.alpha"), float(repo.answers["false_alerts_per_month"]) / 365)
