"""Whether what acceptance is held to is still what was signed, and which numbers moved since."""

import json
from typing import Any

from planrun import git
from planrun.files import canonical, read_json
from planrun.repository import Repo, digested

from planrun_ml.acceptance.agreed import DOCUMENT, THRESHOLDS, agreed, moved, signed_text

PLAN = "plan/plan.json"


def moved_since(repo: Repo, *paths: str) -> dict[str, tuple[str, str]]:
    """The numbers that judge and moved since a file was last committed, old and new by their keys.

    `paths` are a signature, or evidence, of this repository; the first of them since which something moved counts. What
    git does not tell is not known: then nothing is said to have moved. Raises `Blocked` as `Repo.plan` does.
    """
    found = ((_plan_of(repo, path)) for path in paths)
    return next((changes for then in found if then and (changes := moved(then, repo.plan))), {})


def _plan_of(repo: Repo, path: str) -> dict[str, Any]:
    """The plan in the commit that last wrote a file; empty where no commit did, or none is there."""
    commit = (git.git(repo.root, "log", "-1", "--format=%H", "--", path) or "").strip()
    try:
        plan = json.loads(git.contents(repo.root, PLAN, [commit])[commit]) if commit else {}
    except ValueError:  # plan.json was not in that commit
        return {}
    return plan if isinstance(plan, dict) else {}


@digested(THRESHOLDS)
def _thresholds(repo: Repo) -> str:
    return canonical(agreed(read_json(repo.root / PLAN, "mlscaffold replan")))


@digested(DOCUMENT)
def _document(repo: Repo) -> str:
    """Hash of what is signed of the page; "" where there is none."""
    return canonical(signed_text(repo.text(DOCUMENT))) if repo.root.joinpath(DOCUMENT).is_file() else ""
