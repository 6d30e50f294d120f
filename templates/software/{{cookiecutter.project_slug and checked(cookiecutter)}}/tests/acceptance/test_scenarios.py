{% set first = (plan.requirements | first).function %}
{% set shown = plan.requirements | selectattr('priority', 'equalto', 'must') | selectattr('verification', 'equalto', 'test') | list %}
{% set faults = shown | selectattr('kind', 'equalto', 'fault') | list %}
{% set soft = (plan.slo.soft.value or '').split(', ') %}
"""One scenario for every must requirement that a test shows: the running product, given, when, then.

The words are those of plan/requirements.yaml at the project's start; where the two differ, that file is right.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from {{ answers.package_name }}.drive import Product
from {{ answers.package_name }}.repo import Repo


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """The product, running as its users meet it."""
    with Product(tmp_path_factory.mktemp("product")) as running:
        yield running


@pytest.fixture(scope="module")
def limit_seconds() -> float:
    """How long an answer may take by the plan; `load` shows it for the share that the requirement names."""
    return int(Repo(Path(__file__).parents[2]).answers["p95_ms"]) / 1000
{% for requirement in shown if requirement.kind == 'capability' %}


@pytest.mark.req("{{ requirement.id }}")
def {{ requirement.test }}(product: Product, limit_seconds: float) -> None:
    # Given {{ requirement.scenario.given | quoted }}
    subjects = ["A-17", "née 名前", "=1+1", "a" * 200]

    # When {{ requirement.scenario.when | quoted }}
    replies = [product.perform("{{ requirement.function }}", subject) for subject in subjects]
    again = [product.perform("{{ requirement.function }}", subject) for subject in subjects]

    # Then {{ requirement.scenario.then | quoted }}
    assert [(subject, "{{ requirement.function }}") for subject in subjects] == [
        (reply.body.get("subject"), reply.body.get("capability")) for reply in replies
    ]
    assert [reply.body for reply in replies] == [reply.body for reply in again]
    assert min(reply.seconds for reply in replies + again) <= limit_seconds
{% endfor %}
{% for requirement in shown if requirement.kind == 'input' %}


@pytest.mark.req("{{ requirement.id }}")
@pytest.mark.parametrize("subject", ["", "   ", "a" * 201, "bell \a"], ids=["none", "blank", "overlong", "unprintable"])
def {{ requirement.test }}(product: Product, subject: str) -> None:
    # Given {{ requirement.scenario.given | quoted }}
    product.perform("{{ first }}", "A-17")
    before = product.kept()

    # When {{ requirement.scenario.when | quoted }}
    reply = product.perform("{{ first }}", subject)

    # Then {{ requirement.scenario.then | quoted }}
    assert reply.refused
    assert "subject" in str(reply.body)
    assert before == product.kept()
{% endfor %}
{% for requirement in faults[:answers.dependencies | length] %}
{% set system = (answers.dependencies | list)[loop.index0] %}


@pytest.mark.req("{{ requirement.id }}")
def {{ requirement.test }}(tmp_path: Path, limit_seconds: float) -> None:
    # Given {{ requirement.scenario.given | quoted }}
    with Product(tmp_path, {{ system | identifier | upper }}_URL="http://127.0.0.1:9") as product:
        # When {{ requirement.scenario.when | quoted }}
        replies = [product.perform("{{ first }}", "A-17") for _ in range(3)]
        kept = product.kept()

    # Then {{ requirement.scenario.then | quoted }}
{% if system in soft %}
    assert all(reply.ok and reply.body["degraded"] == ["{{ system | identifier }}"] for reply in replies)
    assert len(kept) <= 1
{% else %}
    assert all(reply.refused and "{{ system | identifier }}" in str(reply.body) for reply in replies)
    assert kept == []
{% endif %}
    assert min(reply.seconds for reply in replies) <= limit_seconds
{% endfor %}
{% for requirement in faults[answers.dependencies | length:] %}


@pytest.mark.req("{{ requirement.id }}")
def {{ requirement.test }}(tmp_path: Path, limit_seconds: float) -> None:
    # Given {{ requirement.scenario.given | quoted }}
    log = tmp_path / "log"
    with Product(tmp_path, MODEL_URL="http://127.0.0.1:9", PREDICTION_LOG=str(log)) as product:
        # When {{ requirement.scenario.when | quoted }}
        replies = [product.perform("{{ first }}", f"A-{number}") for number in range(3)]

    # Then {{ requirement.scenario.then | quoted }}
    assert all(reply.ok and "without the model" in reply.body["degraded"] for reply in replies)
    assert sum(file.read_text("utf-8").count('"rule"') for file in log.glob("*.jsonl")) == len(replies)
    assert min(reply.seconds for reply in replies) <= limit_seconds
{% endfor %}
