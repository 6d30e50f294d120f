{% set one = capability_files[place] %}
"""One capability: what it takes, what it finds out, and its rule; how it is called and kept stands elsewhere.

Its function checks the request and gives it back: what it is for is still to be written, into its body. Until then gate
T3.1 waits, as no scenario can tell what is offered from what was asked.
"""

{% if one.noun %}
from dataclasses import dataclass
{% if 'date' in one.imports %}
from datetime import date
{% endif %}
{% if 'Decimal' in one.imports %}
from decimal import Decimal
{% endif %}

{% endif %}
from ..contract import Outcome, Request{{ ', judged' if answers.ml_component }}{{ ', without' if answers.dependencies }}

TITLE = {{ one.capability | python }}  # in the team's words
MEETS = "{{ one.id }}"
{% if one.query %}
QUERY = True  # it only answers: asked with GET, and nothing is kept of it; a first guess, by its verb
{% endif %}
{% if one.noun %}


@dataclass(frozen=True, kw_only=True)
class {{ one.type }}:
    """What is known of the {{ one.noun }}; its number or name is the subject. The fields are a first guess."""

{% for part in one.fields %}
    {{ part.name }}: {{ part.type }} = {{ part.default }}
{% endfor %}


@dataclass(frozen=True, kw_only=True)
class {{ one.takes }}({{ one.type }}, Request):
    """What somebody sends."""


@dataclass(frozen=True, kw_only=True)
class {{ one.gives }}({{ one.type }}, Outcome):
    """What is kept of it, and what the rule finds out: a field of its own, with a default."""
{% else %}
# A first guess: it takes a subject and a note, until a class made of Request says what else; and it gives what was
# asked, until a class made of Outcome says what its rule finds out.
{% endif %}


def {{ one.function }}(request: {{ one.takes }}) -> {{ one.gives }}:
{% if answers.deliverable == 'library' %}
    """Meets {{ one.id }}.

    >>> {{ one.function }}({{ one.takes }}("A-17")).subject
    'A-17'
    """
{% else %}
    """Meets {{ one.id }}."""
{% endif %}
{% if one.noun %}
    {{ 'outcome = ' if answers.ml_component else 'return ' }}{{ one.gives }}.of(
{% for given in one.carried_out.split(', ') %}
        {{ given }},
{% endfor %}
{% for part in one.fields %}
        {{ part.name }}=request.{{ part.name }},
{% endfor %}
    )
{% if answers.ml_component %}
    return judged(outcome, request.facts)
{% endif %}
{% elif answers.ml_component %}
    return judged(Outcome.of({{ one.carried_out }}), request.facts)
{% else %}
    return Outcome.of({{ one.carried_out }})
{% endif %}
