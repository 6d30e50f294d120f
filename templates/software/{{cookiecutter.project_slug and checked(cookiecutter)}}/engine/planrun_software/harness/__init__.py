"""The product as its callers meet it, whatever is delivered; tests, load and drills drive it through here."""

import importlib
from pathlib import Path

from planrun.repository import Repo

from planrun_software.harness.deliverable import Harness, Reply

__all__ = ["Harness", "Reply", "here", "of"]
MODULES = {
    "service": "http",
    "web-app": "http",
    "cli": "command",
    "library": "library",
    "batch": "job",
}


def of(repo: Repo) -> Harness:
    """The harness of a repository's product, by what its answers deliver."""
    module = importlib.import_module(f"{__name__}.{MODULES[repo.answers['deliverable']]}")
    harness: Harness = module.Own(repo)
    return harness


def here(file: str) -> Harness:
    """The harness of the repository that a file belongs to: `harness.here(__file__)`, in its tests."""
    return of(Repo.here(Path(file).parent))
