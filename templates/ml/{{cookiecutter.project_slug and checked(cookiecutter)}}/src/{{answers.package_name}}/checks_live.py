"""Gates of operation (G5) and of every retrained candidate (G6). Silence is a failure, not a quiet pass."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from . import accept, decay, registry
from .files import Blocked, read_yaml
from .gates import OPEN, Result, blocked, failed, gate, passed, state_of, warned
from .promote import AUDITED
from .registry import champion_entry
from .repo import Repo
from .signing import signable, signed

MONITOR, RETRAIN, TRIAGE = "make monitor", "make retrain", "make triage"
REVIEW_DAYS, OVERDUE_DAYS = 90, 30


# ------------------------------------------------------------------------------------------------ operation
@gate("G5.1", "Every signal reports")
def reported(repo: Repo) -> Result:
    champion_entry(repo)
    settings, found = read_yaml(repo.root / "ops/monitors.yaml"), repo.evidence("monitor")
    if found is None:
        return failed("The monitor has never reported; no data is a failure.", MONITOR)
    hours = _age(found["at"]) / timedelta(hours=1)
    if hours > 1.5 * float(settings["every_hours"]):
        return failed(
            f"The monitor is silent for {hours:.0f} hours; it must report every {settings['every_hours']}.", MONITOR
        )
    seen = found["signals"]
    missing = [signal["name"] for signal in settings["signals"] if signal["name"] not in seen]
    if missing:
        return failed(f"{', '.join(missing)} did not report.", MONITOR)
    bad = [f"{name}: {signal['reason']}" for name, signal in seen.items() if signal["state"] in ("alarm", "silent")]
    if bad:
        return failed(f"{'; '.join(bad)}.", TRIAGE)
    soft = [f"{name}: {signal['reason']}" for name, signal in seen.items() if signal["state"] == "warn"]
    said = f"All {len(seen)} signals reported on {found['at'][:16]}."
    return warned(f"{said} {'; '.join(soft)}.", TRIAGE) if soft else passed(said)


@gate("G5.2", "Age of the champion")
def age(repo: Repo) -> Result:
    entry, cap = champion_entry(repo), repo.entry("retrain.cap_days")
    since = registry.promoted_at(registry.read(repo.root), entry["version"])
    days = (datetime.now(UTC).replace(tzinfo=None) - since).days
    said = f"{entry['version']} is {days} days old"
    if cap["value"] is None:
        return warned(f"{said}; the plan sets no limit. {cap.get('note') or ''}".strip())
    return failed(f"{said}; the limit is {cap['value']:.0f}.", RETRAIN) if days > cap["value"] else passed(f"{said}.")


@gate("G5.3", "Quality floor")
def floor(repo: Repo) -> Result:
    found = _live(repo)
    verdicts = {verdict["test"]: verdict for verdict in found["verdicts"]}
    decayed = [f"{name}: {verdict['reason']}" for name, verdict in verdicts.items() if verdict["state"] == "decayed"]
    if decayed:
        return failed(f"{found['metric']} is below what was accepted. {'; '.join(decayed)}.", TRIAGE)
    if any(verdict["state"] == "healthy" for name, verdict in verdicts.items() if decay.counts(name, verdict["state"])):
        return passed(f"{found['reason']}.")
    missing = max((verdict["missing"] for verdict in verdicts.values()), default=1)
    return blocked(f"Not known: {found['reason']}.", f"Put about {missing:,} more labels (id, label) into labels/")


@gate("G5.4", "Feedback")
def feedback(repo: Repo) -> Result:
    found = _live(repo)
    share = 0.8 * float(repo.answers["label_return_share"])
    said = f"{found['received']:,} of {found['due']:,} due labels came back"
    if not found["due"]:
        return blocked(f"No label is due before {repo.answers['label_delay_days']} days.", "Wait for labels")
    if found["received"] < share * found["due"]:
        return blocked(f"{said}: quality is unknown.", "Put labels (id, label) into labels/")
    return passed(f"{said}.")


@gate("G5.5", "Reviews")
def reviews(repo: Repo) -> Result:
    entry = champion_entry(repo)
    days = [_date(path.name[:10]) for path in (repo.root / "docs/decisions").glob("*review*.md")]
    first = registry.promoted_at(registry.read(repo.root), entry["version"]).date()
    due = max([day for day in days if day], default=first) + timedelta(days=REVIEW_DAYS)
    late = (date.today() - due).days
    step = f"Write docs/decisions/{date.today()}-review.md"
    if late > OVERDUE_DAYS:
        return failed(f"The review of {due} is {late} days overdue.", step)
    return blocked(f"The review of {due} is due.", step) if late > 0 else passed(f"The next review is due on {due}.")


def _live(repo: Repo) -> dict[str, Any]:
    entry, found = champion_entry(repo), repo.evidence("live_quality")
    if found is None or found["version"] != entry["version"]:
        raise Blocked(f"Nobody has looked at late labels for {entry['version']}.", MONITOR)
    return found


def _age(moment: str) -> timedelta:
    return datetime.now(UTC) - datetime.fromisoformat(moment)


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


# ------------------------------------------------------------------------------------------------ candidates
def candidate(repo: Repo) -> dict[str, Any]:
    """Evidence about the challenger, or about the champion it became. Raises `Blocked` without any."""
    found = repo.fresh(accept.CANDIDATE, RETRAIN)
    book = registry.read(repo.root)
    known = [registry.version_of(book, alias) for alias in ("challenger", "champion")]
    challenger = known[0]
    if found["version"] not in known or (challenger and found["version"] != challenger):
        raise Blocked(f"evidence/candidate.json is about {found['version']}, not about {challenger}.", RETRAIN)
    if found["version"] == found["champion"]:
        raise Blocked("The candidate was compared with itself.", RETRAIN)
    return found


@gate("G6.1", "New data audited")
def new_data(repo: Repo) -> Result:
    candidate(repo)
    shut = [row for row in (state_of(repo, id) for id in AUDITED) if row.state not in OPEN]
    if any(row.state == "fail" for row in shut):
        return failed(f"{', '.join(row.id for row in shut)}: {shut[0].reason}", shut[0].next_step)
    if shut:
        return blocked(f"{', '.join(row.id for row in shut)}: {shut[0].reason}", shut[0].next_step)
    return passed(f"{', '.join(AUDITED)} are open on the new data.")


@gate("G6.2", "Not worse than the champion")
def not_worse(repo: Repo) -> Result:
    found = candidate(repo)
    again = accept.judged(repo, found)
    typed = [key for key in ("verdict", "vs_champion", "result") if again[key] != found[key]]
    if typed:
        return failed(f"{', '.join(typed)} in evidence/candidate.json do not follow from the predictions.", RETRAIN)
    said = f"{found['version']} against {found['champion']}: {again['sentence']}"
    if again["verdict"] == "fail":
        return failed(said, f"Keep {found['champion']}")
    return (
        blocked(said, "Add labelled rows, then: make retrain") if again["verdict"] == "inconclusive" else passed(said)
    )


@gate("G6.3", "Segments of the candidate")
def segments(repo: Repo) -> Result:
    facts = candidate(repo)
    files, alpha = facts["predictions"], facts["alpha"]
    found = accept.slices(repo, files["candidate"], files["champion"], facts["threshold"], alpha)
    if not found:
        return passed("No segment was named.")
    worse = [name for name, entry in found.items() if entry["state"] == "fail"]
    unsure = [name for name, entry in found.items() if entry["state"] == "inconclusive"]
    if worse:
        return failed(f"Worse in {', '.join(worse)}.", "Keep the champion")
    if unsure:
        return blocked(f"Too few rows in {', '.join(unsure)}.", "Add labelled rows there, then: make retrain")
    return passed(f"Not worse in any of {len(found)} segments.")


def _ready(repo: Repo) -> None:
    candidate(repo)


signable("G6.4", ("evidence/candidate.json",), ("expert",), _ready)
signable("G6.5", ("evidence/candidate.json",), ("mle",), _ready)


@gate("G6.4", "Changed decisions read")
def behaviour(repo: Repo) -> Result:
    candidate(repo)
    return signed(repo, "G6.4")


@gate("G6.5", "Candidate signed")
def approved(repo: Repo) -> Result:
    candidate(repo)
    automatic = read_yaml(repo.root / "ops/rollout.yaml").get("promotion", {}).get("automatic") == "yes"
    if automatic and repo.answers["consequence"] == "cosmetic":
        return passed("Errors are cosmetic, and the team lets retraining promote by itself.")
    return signed(repo, "G6.5")


@gate("G6.6", "Version numbers")
def versions(repo: Repo) -> Result:
    champion_entry(repo)
    problems = registry.version_problems(registry.read(repo.root))
    if problems:
        return failed(f"{'; '.join(problems)}.", "make retrain registers the version that fits")
    return passed("Each version's number says what changed.")
