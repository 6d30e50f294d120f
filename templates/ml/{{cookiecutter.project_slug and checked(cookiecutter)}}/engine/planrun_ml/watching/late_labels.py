"""Answers joined with the labels that came late, and the verdict on live quality."""

import math
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

import duckdb
import pandas as pd
from planrun.command import COMMAND
from planrun.files import read_json
from planrun.repository import Repo
from planrun.trouble import Blocked, Trouble

from planrun_ml.measuring.deciding import accepted_by
from planrun_ml.measuring.metrics import OWN, Metric, score
from planrun_ml.measuring.stakes import planned_floor
from planrun_ml.release import registry
from planrun_ml.release.prediction_log import GRACE, case_of, disputed, labelled, many, odd_labels, open_log
from planrun_ml.watching import quality


# ------------------------------------------------------------------------------------------------ late labels
def judge(
    repo: Repo,
    con: duckdb.DuckDBPyConnection,
    card: Mapping[str, Any],
    moment: datetime,
    before: quality.Sums = (0.0, 0.0),
) -> dict[str, Any]:
    """What late labels say about the version that answers: value, rows, and the verdict of the running test.

    `before` is what the versions that answered before have shown: `carried`.
    """
    due = moment - timedelta(days=float(repo.answers["label_delay_days"])) - GRACE
    asked = f"select distinct id from log where model = '{card['version']}' and made_at <= timestamp '{due}'"
    counted = f"select count(*), count(*) filter (where id in (select id from labels)) from ({asked})"
    expected, received = con.execute(counted).fetchall()[0]
    name, rows = card["metric"], labelled(con, card)
    floor = _floor(repo, card)
    facts = {"metric": name, "due": expected, "received": received, "healthy": card["healthy"]["value"]}
    facts |= {"floor": floor, "rows": len(rows), "value": None, "needed": 0, "verdicts": []}
    facts |= {"unit": "labels", "odd": odd_labels(con), "disputed": _disputes(con)}
    try:
        facts |= _judged(repo, card, accepted_by(repo, card), floor, rows, before)
        return facts | {"reason": "; ".join(filter(None, (facts["reason"], facts["disputed"])))}
    except Trouble as wrong:  # a team's own metric that gives no number: all other signals go on
        if isinstance(wrong, Blocked) or not name.startswith(OWN):
            raise
        return facts | {"reason": wrong.sentence.removesuffix("."), "step": wrong.remedy}


def _floor(repo: Repo, card: Mapping[str, Any]) -> float | None:
    """The plan's floor, which is in units of the metric that decides now; else the version's own.

    Its own, too, while the plan only assumes a baseline: the version's is from the one that was measured.
    """
    planned = planned_floor(repo)
    own: float | None = card["floor"]
    return own if planned is None or card["metric"] != repo.answers["metric"] else planned


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
    repo: Repo, card: Mapping[str, Any], metric: Metric, floor: float | None, rows: pd.DataFrame, before: quality.Sums
) -> dict[str, Any]:
    """What there is to say of these labelled answers against a floor, by the metric the version was accepted by."""
    facts: dict[str, Any] = {"unit": metric.labels}
    if floor is None:
        said = f"{metric.name} has no floor to hold it against: measure the baseline, then replan"
        return facts | {"reason": said}
    held = bounds_of(repo, card, metric, floor)
    facts["needed"] = held.needed
    if not len(rows):
        return facts | {"reason": "no label has come back for an answer of this version"}
    case = case_of(card, rows)
    value = score(metric, case)
    facts["value"] = value if math.isfinite(value) else None
    days = rows["made_at"].dt.strftime("%Y-%m-%d").to_numpy()
    found = quality.verdict(metric, case, days, held, before).verdict
    said = f"{found.test}: {found.reason}"
    if facts["value"] is not None:
        said = f"{metric.name} {value:.4g}, floor {floor:.4g}; {said}"
    return facts | {"verdicts": [asdict(found)], "reason": said}


def bounds_of(repo: Repo, card: Mapping[str, Any], metric: Metric, floor: float) -> quality.Bounds:
    """What a version's late labels are held against, by the plan's limit, risk and power."""
    limit, alpha, power = (repo.needed(key) for key in ("monitor.cusum_h", "acceptance.alpha", "acceptance.power"))
    return quality.bounds(metric, card["healthy"], floor, limit, alpha, power)


def carried(repo: Repo, card: Mapping[str, Any], types: Mapping[str, str], until: datetime) -> quality.Sums:
    """The sums of the running test over the versions that answered before, each held to its own card.

    So that retraining more often than labels come back does not blind it. A version that was promoted after an alarm
    begins anew, and so does one that is judged by another metric than the one before.
    """
    sums: quality.Sums = (0.0, 0.0)
    book = registry.read(repo.root)
    for version, since, end in spans(book, until):
        old = read_json(repo.root / book["models"][version]["files"]["card"]["path"])
        floor = _floor(repo, old)
        if old["kind"] != "model" or old["metric"] != card["metric"] or floor is None:
            sums = (0.0, 0.0)
            continue
        with open_log(repo.root, old, types, since, end) as con:
            rows = labelled(con, old)
        if not len(rows):
            continue
        metric, days = accepted_by(repo, old), rows["made_at"].dt.strftime("%Y-%m-%d").to_numpy()
        seen = quality.verdict(metric, case_of(old, rows), days, bounds_of(repo, old, metric, floor), sums)
        sums = (0.0, 0.0) if seen.verdict.state == "decayed" else seen.sums
    return sums


def spans(book: Mapping[str, Any], until: datetime) -> list[tuple[str, datetime, datetime]]:
    """Which version answered from when to when, in the year before the one that began at `until`; oldest first."""
    began = [
        (event["version"], datetime.fromisoformat(event["at"]).astimezone(UTC).replace(tzinfo=None))
        for event in book["events"]
        if event["what"] in ("promoted", "rolled back")
    ]
    ends = [at for _, at in began[1:]] + [until]
    return [
        (version, since, end)
        for (version, since), end in zip(began, ends, strict=True)
        if since < end <= until and until - end < timedelta(days=365)
    ]
