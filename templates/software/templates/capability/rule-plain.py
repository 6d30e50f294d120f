"""One capability: what it takes, what it finds out, and its rule; how it is called and kept stands elsewhere.

Its function checks the request and gives it back: what it is for is still to be written, into its body. Until then gate
T3.1 waits, as no scenario can tell what is offered from what was asked.
"""

from ..contract import {{ one.shared }}

{{ one.constants }}
{% if served %}
# A first guess: it takes a subject and a note, until a class made of Request says what else, and its router takes that
# class; it gives what was asked, until a class made of Outcome says what its rule finds out.
{% else %}
# A first guess: it takes a subject and a note, until a class made of Request says what else; and it gives what was
# asked, until a class made of Outcome says what its rule finds out.
{% endif %}


def {{ one.function }}(request: Request) -> Outcome:
{{ one.body }}
