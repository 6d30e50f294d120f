{% set first = (plan.requirements | rejectattr('kind', 'equalto', 'fault') | first).function %}
"""One scenario for every must requirement that a test shows: the running product, given, when, then.

The words are those of plan/requirements.yaml at the project's start; where the two differ, that file is right.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from {{ answers.package_name }}.drive import Product
from {{ answers.package_name }}.repo import Repo

SUBJECTS = ("A-17", "née 名前", "  padded  ", 'it\'s "quoted" \\ {braces}', "=1+1", "x" * 200)
UNUSABLE = ("", "   ", "x" * 201, "line\nbreak")


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """The product, running as its users meet it."""
    with Product(tmp_path_factory.mktemp("product")) as running:
        yield running


@pytest.fixture(scope="module")
def limit_seconds() -> float:
    """How long an answer may take by the plan; `make load` shows it for the share that the requirement names."""
    return int(Repo(Path(__file__).parents[2]).answers["p95_ms"]) / 1000
{% for requirement in plan.requirements if requirement.priority == 'must' and requirement.verification == 'test' %}


@pytest.mark.req("{{ requirement.id }}")
{% if requirement.kind == 'fault' %}
def test_{{ requirement.id | identifier }}_{{ requirement.function }}(tmp_path: Path) -> None:
    # Given {{ requirement.scenario.given | quoted }}
    with Product(tmp_path, {{ requirement.capability | identifier | upper }}_URL="http://127.0.0.1:9") as product:
        # When {{ requirement.scenario.when | quoted }}
        reply = product.perform("{{ first }}", "A-17")

    # Then {{ requirement.scenario.then | quoted }}
    assert reply.ok
    assert "{{ requirement.capability | identifier }}" in reply.body["degraded"]
{% else %}
def test_{{ requirement.id | identifier }}_{{ requirement.function }}(product: Product, limit_seconds: float) -> None:
    # Given {{ requirement.scenario.given | quoted }}
    subjects = [*SUBJECTS, "{{ requirement.id }}"]

    # When {{ requirement.scenario.when | quoted }}
    replies = [product.perform("{{ requirement.function }}", subject) for subject in subjects]
    refusals = [product.perform("{{ requirement.function }}", subject) for subject in UNUSABLE]

    # Then {{ requirement.scenario.then | quoted }}
    assert [subject.strip() for subject in subjects] == [reply.body.get("subject") for reply in replies]
    assert all(reply.ok and reply.body["capability"] == "{{ requirement.function }}" for reply in replies)
    assert min(reply.seconds for reply in replies) <= limit_seconds
    assert all(refusal.refused and not refusal.ok for refusal in refusals)
{% endif %}
{% endfor %}
