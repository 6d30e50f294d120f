"""One capability: what it takes, what it finds out, and its rule; how it is called and kept stands elsewhere.

Its function checks the request and gives it back: what it is for is still to be written, into its body. Until then gate
T3.1 waits, as no scenario can tell what is offered from what was asked.
"""

{{ one.imports }}

from ..contract import {{ one.shared }}

{{ one.constants }}


@dataclass(frozen=True, kw_only=True)
class {{ one.type }}:
    """What is known of the {{ one.noun }}; its number or name is the subject. The fields are a first guess."""

{{ one.declared }}


@dataclass(frozen=True, kw_only=True)
class {{ one.takes }}({{ one.type }}, Request):
    """What somebody sends."""


@dataclass(frozen=True, kw_only=True)
class {{ one.gives }}({{ one.type }}, Outcome):
    """What is kept of it, and what the rule finds out: a field of its own, with a default."""


def {{ one.function }}(request: {{ one.takes }}) -> {{ one.gives }}:
{{ one.body }}
