"""`rollback-drill`: back to the release before on the same data, timed."""

import tempfile
import time
from datetime import date
from pathlib import Path
from typing import Any

from planrun import git
from planrun.repository import Repo
from planrun.trouble import Blocked, Outcome, counted

from planrun_software import harness
from planrun_software.drills.releases import release_before, unpacked
from planrun_software.harness.deliverable import sample_of, samples_in
from planrun_software.traceability.offered import SAMPLES, after

MIGRATIONS = "src/*/migrations/versions/*.py"
MEASURED = ("src/", f"{SAMPLES}/", "engine/")


def rollback(repo: Repo, to: str = "") -> Outcome:
    """Run the present release, go back to the one before on the same data, and time it until work is done again.

    Raises `Blocked` where the source has changes that no commit holds.
    """
    if moved := git.changed(repo.root, ["src", SAMPLES]):
        told = f"{moved[0]} is not committed, and a release is a commit."
        raise Blocked(told, 'git add --all && git commit -m "What the drill leaves"')
    before = release_before(repo.root, to, repo.answers["project_slug"])
    with tempfile.TemporaryDirectory() as scratch:
        data = Path(scratch, "data")
        data.mkdir()
        new, old = (unpacked(repo.root, name, Path(scratch, name)) for name in (git.head(repo.root), before))
        same = git.git(repo.root, "diff", "--name-only", before, "HEAD", "--", "src") == ""
        between = git.git(repo.root, "diff", "--name-only", "--diff-filter=A", before, "HEAD", "--", MIGRATIONS) or ""
        fault_before = fault(repo, data, new, 1)
        started = time.perf_counter()
        fault_after = fault(repo, data, old, 2)
        seconds = time.perf_counter() - started
    facts: dict[str, Any] = {
        "from": git.head(repo.root),
        "to": before,
        "seconds": round(seconds, 2),
        "limit_minutes": float(repo.answers.get("rollback_minutes", "15")),
        "same_code": same,
        "migrations": between.split(),
        "worked_before": not fault_before,
        "worked_after": not fault_after,
        "faults": [told for told in (fault_before, fault_after) if told],
        "on": date.today().isoformat(),
    }
    repo.write_evidence("rollback_drill", facts, MEASURED)
    good = not facts["faults"] and seconds <= facts["limit_minutes"] * 60
    told = f"From HEAD to {before[:10]} in {seconds:.1f} s (limit {facts['limit_minutes']:g} min): "
    return Outcome(
        told
        + (
            "work went on" + (" (both hold the same code)." if same else _over(between.split()))
            if good
            else _failed(fault_before, fault_after)
        ),
        0 if good else 1,
    )


def _over(migrations: list[str]) -> str:
    """What lies between the two releases: the older one ran on tables that these had changed."""
    return f" on tables that {counted(len(migrations), 'migration')} had changed." if migrations else "."


def _failed(before: str, after: str) -> str:
    """When the drill failed, and of what."""
    if before:
        return f"before going back, {before}"
    return f"after going back, {after}" if after else "it took too long."


def fault(repo: Repo, data: Path, release: Path, number: int) -> str:
    """Why a release does not do its first capability on this data, asked by its own samples; empty where it does."""
    drive = harness.of(repo)
    own = release.parent / SAMPLES
    folder = own if own.is_dir() else repo.root / SAMPLES
    samples = samples_in(folder)
    name = drive.first if drive.first in samples else next(iter(samples), drive.first)
    try:
        with drive.product(data, source=release) as product:
            for one in (*after(folder, name), name):
                reply = product.perform(one, sample_of(samples, one, number))
                if not reply.ok:
                    return f"{one} was not carried out: {reply.body.get('detail', reply.body)}"
    except (OSError, RuntimeError) as error:
        return f"it did not start: {(str(error).strip().splitlines() or [''])[-1]}"
    return ""
