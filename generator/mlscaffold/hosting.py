"""A project below the top of somebody's repository: which of its files the code host reads only at the top.

A code host looks for pipelines, owners and forms in fixed places of a repository. Below the top of a larger one they
are without effect until they stand there, under a name that tells whose they are.
"""

from collections.abc import Iterable
from pathlib import PurePosixPath

# Where each code host looks for owners, in its order: one of them hides the others.
OWNERS = {
    "github": (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS"),
    "gitlab": ("CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS"),
}
GITLAB_TOP = ".gitlab-ci.top.yml"  # a job that starts the project's own pipeline, for the top's .gitlab-ci.yml


def at_top(path: str, slug: str) -> str | None:
    """Where a file of the project is read at the top of its host's repository; None for a file that stays.

    `path` is the file's path in the project, with slashes. A name that can tell whose it is does.
    """
    name = PurePosixPath(path).name
    if path.startswith((".github/workflows/", ".github/ISSUE_TEMPLATE/")):
        return f"{path.removesuffix(name)}{slug}-{name}"
    return {
        ".github/PULL_REQUEST_TEMPLATE.md": f".github/PULL_REQUEST_TEMPLATE/{slug}.md",
        ".github/CODEOWNERS": ".github/CODEOWNERS",
        ".github/dependabot.yml": ".github/dependabot.yml",
        "docs/CODEOWNERS": ".gitlab/CODEOWNERS",
        GITLAB_TOP: ".gitlab-ci.yml",
    }.get(path)


def rivals(top_path: str) -> tuple[str, ...]:
    """Paths at the top that the code host would no longer read, or read instead, if this one were written."""
    if top_path == ".github/dependabot.yml":
        return (top_path, ".github/dependabot.yaml")
    if top_path.startswith(".github/workflows/"):
        return (top_path, f"{top_path.removesuffix('.yml')}.yaml")
    owners = [places for places in OWNERS.values() if top_path in places]
    return tuple(dict.fromkeys(path for places in owners for path in places)) or (top_path,)


def moves(paths: Iterable[str], slug: str) -> list[tuple[str, str]]:
    """(path in the project, path at the top) of each file that belongs to the top."""
    return [(path, place) for path in sorted(paths) if (place := at_top(path, slug))]


def below(pattern: str, folder: str) -> str:
    """A line of CODEOWNERS for files of a project that lies in `folder` of its repository ("" at the top)."""
    if not folder:
        return pattern
    return f"/{folder}/" if pattern == "*" else f"/{folder}{pattern}"
