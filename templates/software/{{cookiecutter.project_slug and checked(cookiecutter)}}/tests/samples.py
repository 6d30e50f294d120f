"""Requests that stand for each capability, declared once: scenarios, contract tests, load and drills ask these.

Each function gives what a caller sends; another number gives another request. Where a capability takes more than a
subject and a note, what it takes goes in here, and nowhere else in tests. A capability without a sample shuts gate T2.6.
"""

from collections.abc import Callable
from typing import Any
{% for requirement in drafts.offered %}


def {{ requirement.function }}(number: int) -> dict[str, Any]:
    """{{ requirement.id }}; a first guess, as its fields are."""
    return {"subject": f"A-{number}", "note": "née 名前"}
{% endfor %}


SAMPLES: dict[str, Callable[[int], dict[str, Any]]] = {
{% for requirement in drafts.offered %}
    "{{ requirement.function }}": {{ requirement.function }},
{% endfor %}
}
