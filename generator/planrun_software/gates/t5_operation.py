"""T5: error budget, postmortems, reviews."""

from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path

from planrun.gates import Result, blocked, failed, gate, passed
from planrun.repository import Repo
from planrun.signing.people import decides, waiving
from planrun.trouble import Trouble, counted

from planrun_software.gates.t4_rehearsals import made, to_count


@gate("T5.1")
def budget(repo: Repo) -> Result:
    found = repo.evidence("error_budget", made(repo, "budget"))
    if found is None:
        return blocked("It is not live yet, or nobody counts.", to_count(repo))
    age = (date.today() - date.fromisoformat(found["on"])).days
    if age > 1:
        return failed(f"No data for {counted(age, 'day')}, which counts as a spent budget.", to_count(repo))
    if found["left"] <= 0:
        return failed(
            f"{found['failed']} of {found['total']} failed: the budget is spent.",
            decides(repo, "po", f"merge repairs only, until: {to_count(repo)}; or {waiving('T5.1')}"),
        )
    return passed(f"{found['left']:.0%} of the error budget is left on {found['on']}.")


@gate("T5.2")
def postmortems(repo: Repo) -> Result:
    open_ones = _pages(repo, "ops/postmortems", ("owner:", "due:"))
    if open_ones:
        return blocked(
            f"{open_ones[0]} has no action with an owner and a date.", f"Complete ops/postmortems/{open_ones[0]}."
        )
    pages = len(list((repo.root / "ops").glob("postmortems/*.md")))
    return passed(f"{counted(pages, 'postmortem')}, each with owned actions.")


@gate("T5.3")
def reviews(repo: Repo) -> Result:
    today, start = date.today(), date.fromisoformat(repo.answers["start_date"])
    held = sorted(_day(path) for path in (repo.root / "ops").glob("reviews/*.md"))
    due = max([start, *(day for day in held if day <= today)]) + timedelta(days=91)
    early = f" {held[-1]} is still to come, so its page does not count." if held and held[-1] > today else ""
    if today > due + timedelta(days=30):
        return failed(f"The quarterly review was due on {due}.{early}", "Write ops/reviews/YYYY-MM-DD.md.")
    if today > due:
        return blocked(f"The quarterly review is due since {due}.{early}", "Write ops/reviews/YYYY-MM-DD.md.")
    return passed(f"The next quarterly review is due by {due}.{early}")


def _day(page: Path) -> date:
    """The day that a page is named by."""
    try:
        return date.fromisoformat(page.stem[:10])
    except ValueError:
        told = f"ops/reviews/{page.name} is not named by the day of a review."
        raise Trouble(told, "Name it YYYY-MM-DD.md, or keep it elsewhere.") from None


def _pages(repo: Repo, folder: str, words: Iterable[str]) -> list[str]:
    """Pages of a folder that miss one of these words."""
    pages = sorted((repo.root / folder).glob("*.md"))
    return [page.name for page in pages if not all(word in page.read_text("utf-8").lower() for word in words)]
