"""`budget`: what is left of the error budget."""

import http.client
import re
import urllib.request
from datetime import date

from planrun.command import COMMAND
from planrun.repository import Repo
from planrun.trouble import Blocked, Outcome, Trouble

QUOTED = r'"(?:\\.|[^"\\])*"'  # a label's value may hold braces, as the route /warnings/{id} does
METRIC = re.compile(
    rf'^requests_total\{{(?:{QUOTED}|[^"}}])*?\bstatus="(\d)\d\d"(?:{QUOTED}|[^"}}])*\}} (\S+)', re.MULTILINE
)


def budget(repo: Repo, total: int | None = None, failed: int | None = None, metrics: str = "") -> Outcome:
    """What is left of the error budget, from counts of the window or from a page of metrics that holds them.

    Raises `Blocked` without a service level, `Trouble` for counts that are missing or make no share.
    """
    if not repo.answers.get("slo_percent"):
        raise Blocked("Nothing is promised here that could be spent: there is no service level.")
    total, failed = counted(metrics) if metrics else (total, failed)
    if total is None or failed is None:
        raise Trouble(
            "Both counts are needed, or a page that holds them.", f"{COMMAND} budget --total 120000 --failed 37"
        )
    if not 0 <= failed <= total or total == 0:
        raise Trouble(f"{failed} failures among {total} make no share.", f"{COMMAND} budget --total 120000 --failed 37")
    most = allowed(float(repo.answers["slo_percent"]), total)
    left = round(1 - failed / most, 9)  # a spent budget is none, whatever binary fractions leave of it
    facts = {"total": total, "failed": failed, "left": left, "on": date.today().isoformat()}
    repo.write_evidence("error_budget", facts)
    told = f"{left:.0%} of the error budget is left" if left > 0 else "the error budget is spent, so merge repairs only"
    return Outcome(f"{failed} of {total} failed, and {most:.6g} may: {told}.", 0 if left > 0 else 1)


def counted(metrics: str) -> tuple[int, int]:
    """Requests, and how many failed (5xx), by the counters at a URL in the Prometheus text format.

    Raises `Trouble` for what is no URL, `Blocked` where it does not answer or counts no requests.
    """
    if not metrics.startswith(("http://", "https://")):
        raise Trouble(f"{metrics!r} is no URL.", f"{COMMAND} budget --metrics https://…/metrics")
    try:
        with urllib.request.urlopen(metrics, timeout=30) as page:
            text = page.read().decode()
    except (OSError, http.client.HTTPException, ValueError) as problem:
        raise Blocked(f"{metrics} does not answer: {problem}.", "Find out why: no data counts as spent.") from None
    rows = METRIC.findall(text)
    if not rows:
        raise Blocked(f"{metrics} holds no requests_total.", "Find out why: no data counts as spent.")
    return round(sum(float(n) for _, n in rows)), round(sum(float(n) for kind, n in rows if kind == "5"))


def allowed(percent: float, total: int) -> float:
    """F33. How many of `total` requests may fail under an objective of so many per cent."""
    return (1 - percent / 100) * total
