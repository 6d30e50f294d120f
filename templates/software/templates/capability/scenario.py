"""The scenario of one capability, in the words that plan/requirements.yaml had at the project's start."""

import pytest

{% if served %}
from planrun_software.harness import http
from planrun_software.harness.http import Service as Product
{% else %}
from planrun_software import harness
from planrun_software.harness.deliverable import Product
{% endif %}

drive = {{ 'http.Own' if served else 'harness' }}.here(__file__)


@pytest.mark.req("{{ one.id }}")
def {{ one.test }}(product: Product, limit_seconds: float) -> None:
    # Given {{ one.scenario.given | quoted }}
    name = "{{ one.function }}"
    subjects = ["A-17", "née 名前", "=1+1", "a" * 200]

    # When {{ one.scenario.when | quoted }}
    replies = [drive.asked(product, name, subject=subject) for subject in subjects]
    again = [drive.asked(product, name, subject=subject) for subject in subjects]

    # Then {{ one.scenario.then | quoted }}
    shown = [(reply.body.get("subject"), reply.body.get("capability")) for reply in replies]
    assert shown == [(subject, name) for subject in subjects]
    assert [reply.body for reply in replies] == [reply.body for reply in again]
    assert min(reply.seconds for reply in replies + again) <= limit_seconds  # most of them: `make load`
    # What its rule finds out is looked at here, once it is written: gate T3.1 waits for that.
