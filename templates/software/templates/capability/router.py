{% set path = '/' ~ one.function | replace('_', '-') %}
"""How one capability is asked over HTTP."""

from fastapi import {{ 'APIRouter, Depends' if one.approves else 'APIRouter' }}
from fastapi.responses import JSONResponse

{{ one.router_imports }}
{% if one.query %}
from ..routing import Reading, answered

router = APIRouter()


@router.get(
    "{{ path }}",
    operation_id="{{ one.function }}",
    summary=TITLE,
    **answered("{{ one.function }}"),
)
def ask(read: Reading, subject: str, note: str = "") -> JSONResponse:
    """It only answers, and nothing is kept of it."""
    return read("{{ one.function }}", {{ one.takes }}(subject, note))
{% else %}
from ..routing import Once, described

router = APIRouter()


@router.{{ 'patch' if one.change else 'post' }}(
    "{{ path }}",
    operation_id="{{ one.function }}",
    summary=TITLE,
{% if one.approves %}
    dependencies=[Depends(requires(NEEDS))],
{% endif %}
    **described("{{ one.function }}"),
)
def ask(body: {{ one.takes }}, once: Once) -> JSONResponse:
    """Done once: whoever asks the same again has the first answer."""
    return once("{{ one.function }}", body)
{% endif %}
