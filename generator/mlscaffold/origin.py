"""Which commit the templates of this program are of, where that can be known.

A checkout asks its git. A wheel and an archive of the source keep what was known where they were built, so that every
way to install one commit records the same; no git is asked in anybody's environment.
"""

import functools
from pathlib import Path

from mlscaffold import templates, vcs

PACKED = "_commit.txt"  # beside this file, where `generator/wheel.py` has put it
OF_TEMPLATES = ("generator/mlscaffold", "templates")


@functools.cache
def commit() -> str:
    """The commit, whole; "" where nobody knows it, and where the templates are no longer as it has them."""
    packed = Path(__file__).with_name(PACKED)
    if packed.is_file():
        return packed.read_text("utf-8").strip()
    return vcs.commit_unchanged(templates.CHECKOUT, OF_TEMPLATES)


def told(known: str) -> str:
    """A commit as people read it."""
    return f"commit {known[:10]}" if known else "a commit that is not known"
