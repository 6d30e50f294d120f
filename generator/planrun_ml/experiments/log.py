"""docs' table of experiments, written from the records."""

from planrun.files import as_text, write_text
from planrun.repository import Repo

from planrun_ml.data.lock import lock_sha
from planrun_ml.experiments.records import all_records, champion, counted, standing
from planrun_ml.experiments.stop_rules import stop_rule
from planrun_ml.measuring.telling import difference_told, value_told
from planrun_ml.pages import tables

LOG = "evidence/experiments.md"


def write_log(repo: Repo) -> str:
    """evidence/experiments.md, from the records alone: a row each, the champion, and what one more may give."""
    found, lock, rule = all_records(repo), lock_sha(repo), stop_rule(repo)
    rows = [
        "# Experiments",
        "",
        "| Record | Change | Score | Against the baseline | Learned |",
        "|---|---|---|---|---|",
    ]
    here = {record["id"] for record in counted(repo, lock)}
    again = {record["again"]: record["id"] for record in found if record.get("again")}
    for record in found:
        change = "; ".join(record["change"])
        learned = record["learned"] if record["id"] in here else "Of other data, or of another engine: not counted."
        learned = f"Measured again as {again[record['id']]}." if record["id"] in again else learned
        scores = value_told(record["metric"]), difference_told(record["vs_baseline"])
        rows.append(tables.row(record["id"], change, *scores, learned))
    found = standing(found)
    helped = sum(((record["vs_champion"] or record["vs_baseline"])["low"] or 0) > 0 for record in found)
    left, best = max(0, round(repo.number("iterations.max") or 0) - len(found)), champion(repo, lock)
    rate = helped / len(found) if len(found) >= 5 else float(repo.answers["success_rate"])
    said = (
        f"Champion: {best['id'] if best else 'none yet'}. {helped} of {len(found)} helped beyond doubt. {left} are left"
    )
    said += f"; the chance that one of them helps is {chance_of_success(rate, left):.0%}."
    said += f" Stop rule {rule}" if rule else ""
    write_text(repo.root / LOG, as_text("\n".join([*rows, "", said, ""])))
    return said


def chance_of_success(rate: float, tries: int) -> float:
    """F29. The chance of at least one improvement in so many experiments that each improve at this rate."""
    return 1 - (1 - rate) ** tries
