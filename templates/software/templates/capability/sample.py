"""Requests that stand for one capability: scenarios, contract tests, load and drills ask these.

Another number is another request. What it takes beside a subject and a note goes in here, and nowhere else in tests;
`AFTER = "another_capability"` has that one's sample of the same number and subject carried out before it.
"""

from typing import Any


def {{ one.function }}(number: int) -> dict[str, Any]:
    """{{ one.id }}; a first guess, as its fields are."""
{{ one.sample }}
