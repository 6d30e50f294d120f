{% set one = capability_files[place] %}
"""Requests that stand for one capability: scenarios, contract tests, load and drills ask these.

Another number is another request. What it takes beside a subject and a note goes in here, and nowhere else in tests.
"""

from typing import Any


def {{ one.function }}(number: int) -> dict[str, Any]:
    """{{ one.id }}; a first guess, as its fields are."""
{% if one.noun %}
    return {
        "subject": f"A-{number}",
        "note": "née 名前",
{% for part in one.fields %}
        "{{ part.name }}": {{ part.sample }},
{% endfor %}
    }
{% else %}
    return {"subject": f"A-{number}", "note": "née 名前"}
{% endif %}
