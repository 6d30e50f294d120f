{% set soft = (plan.slo.soft.value or '').split(', ') %}
"""One scenario for every must requirement that is of no single capability: the running product, given, when, then.

The words are those of plan/requirements.yaml at the project's start; where the two differ, that file is right.
"""

{% if served and scenarios.security %}
import json
{% endif %}
{% if scenarios.others or scenarios.model or scenarios.person or scenarios.security or scenarios.reading or scenarios.deletion %}
from pathlib import Path

{% endif %}
import pytest

{% set needed = [
  'deletion' if answers.deliverable == 'batch' and scenarios.deletion else '',
  'ledger' if answers.deliverable == 'batch' and scenarios.deletion else '',
  'review' if answers.ml_component and not served else '',
] | select | list %}
{% if served %}
from planrun_software.harness import http
from planrun_software.harness.http import Service as Product
{% else %}
from planrun_software import harness
from planrun_software.harness.deliverable import Product
{% endif %}
{% if needed %}

from {{ answers.package_name }} import {{ needed | join(', ') }}
{% endif %}

drive = {{ 'http.Own' if served else 'harness' }}.here(__file__)
FIRST = "{{ first_done }}"
{% for requirement in scenarios.input %}


@pytest.mark.req("{{ requirement.id }}")
@pytest.mark.parametrize("subject", ["", "   ", "a" * 201, "bell \a"], ids=["none", "blank", "overlong", "unprintable"])
def {{ requirement.test }}(product: Product, subject: str) -> None:
    # Given {{ requirement.scenario.given | quoted }}
    product.perform(FIRST, drive.sample(FIRST, subject="A-17"))
    before = product.kept()

    # When {{ requirement.scenario.when | quoted }}
    reply = product.perform(FIRST, drive.sample(FIRST, subject=subject))

    # Then {{ requirement.scenario.then | quoted }}
    assert reply.refused
    assert "subject" in str(reply.body)
    assert before == product.kept()
{% endfor %}
{% for requirement in scenarios.others %}
{% set system = (answers.dependencies | list)[loop.index0] %}


@pytest.mark.req("{{ requirement.id }}")
def {{ requirement.test }}(tmp_path: Path, limit_seconds: float) -> None:
    # Given {{ requirement.scenario.given | quoted }}
    with drive.product(tmp_path, {{ system | identifier | upper }}_URL="http://127.0.0.1:9") as product:
        # When {{ requirement.scenario.when | quoted }}
        replies = [product.perform(FIRST, drive.sample(FIRST, subject="A-17")) for _ in range(3)]
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
{% for requirement in scenarios.model %}


@pytest.mark.req("{{ requirement.id }}")
def {{ requirement.test }}(tmp_path: Path, limit_seconds: float) -> None:
    # Given {{ requirement.scenario.given | quoted }}
    log = tmp_path / "log"
    with drive.product(tmp_path, MODEL_URL="http://127.0.0.1:9", PREDICTION_LOG=str(log)) as product:
        # When {{ requirement.scenario.when | quoted }}
        replies = [product.perform(FIRST, drive.sample(FIRST, subject=f"A-{number}")) for number in range(3)]

    # Then {{ requirement.scenario.then | quoted }}
    assert all(reply.ok and "the model" in reply.body["degraded"] for reply in replies)
    assert all(reply.body["judgement"]["decided_by"] == "rule" for reply in replies)
    assert sum(file.read_text("utf-8").count('"rule"') for file in log.glob("*.jsonl")) == len(replies)
    assert min(reply.seconds for reply in replies) <= limit_seconds
{% endfor %}
{% for requirement in scenarios.person %}


@pytest.mark.req("{{ requirement.id }}")
{% if served %}
def {{ requirement.test }}(product: Product) -> None:
    # Given {{ requirement.scenario.given | quoted }}
    warned = product.perform(FIRST, drive.sample(FIRST, subject="A-18")).body["judgement"]["id"]
    waiting = product.ask("GET", "/warnings").body["value"]

    # When {{ requirement.scenario.when | quoted }}
    reply = product.ask("POST", f"/warnings/{warned}", {"decision": "overrule", "by": "Ana"})

    # Then {{ requirement.scenario.then | quoted }}
    assert warned in [warning["id"] for warning in waiting]
    assert reply.ok
    assert warned not in [warning["id"] for warning in product.ask("GET", "/warnings").body["value"]]
    assert f"{warned},no" in product.ask("GET", "/labels").body["value"].splitlines()
{% else %}
def {{ requirement.test }}(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given {{ requirement.scenario.given | quoted }}
    monkeypatch.setenv("PREDICTION_LOG", str(tmp_path))
    with drive.product(tmp_path, MODEL_URL="http://127.0.0.1:9") as product:
        warned = product.perform(FIRST, drive.sample(FIRST, subject="A-18")).body["judgement"]["id"]
    waiting = review.waiting()

    # When {{ requirement.scenario.when | quoted }}
    review.decide(warned, "overrule", "Ana")

    # Then {{ requirement.scenario.then | quoted }}
    assert [warned] == [warning["id"] for warning in waiting]
    assert review.waiting() == []
    assert {warned: "no"} == review.labels()
{% endif %}
{% endfor %}
{% for requirement in scenarios.security %}


@pytest.mark.req("{{ requirement.id }}")
{% if served %}
def {{ requirement.test }}(tmp_path: Path) -> None:
    # Given {{ requirement.scenario.given | quoted }}
    with drive.product(tmp_path) as product:
        product.perform(FIRST, drive.sample(FIRST, subject="Erika Muster"))

        # When {{ requirement.scenario.when | quoted }}
        replies = [product.ask("GET", "/records", token=token) for token in ("", "guessed")]
        replies += [product.ask("POST", f"/{FIRST.replace('_', '-')}", drive.sample(FIRST), token="guessed")]
        kept = product.kept()

    # Then {{ requirement.scenario.then | quoted }}
    text = "".join(file.read_text("utf-8") for file in tmp_path.glob("access-*"))
    attempts = [line for line in map(json.loads, text.splitlines()) if line["status"] == 401]
    assert all(reply.refused and "Erika" not in str(reply.body) for reply in replies)
    assert ["Erika Muster"] == [record["subject"] for record in kept]
    assert [None] * 3 == [attempt["caller"] for attempt in attempts]
{% else %}
def {{ requirement.test }}(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    # Given {{ requirement.scenario.given | quoted }}
    person = "Erika Muster 1975"
    subjects = [person, f"{person} \a", f"{person} {'x' * 200}"]

    # When {{ requirement.scenario.when | quoted }}
    with drive.product(tmp_path) as product:
        requests = [drive.sample(FIRST, subject=subject, note=subject) for subject in subjects]
        replies = [product.perform(FIRST, request) for request in requests]
    said = [reply.body["detail"] for reply in replies if not reply.ok]

    # Then {{ requirement.scenario.then | quoted }}
    assert [True, False, False] == [reply.ok for reply in replies]
    assert person not in "".join([*said, *capfd.readouterr()])
{% endif %}
{% endfor %}
{% for requirement in scenarios.reading %}


@pytest.mark.req("{{ requirement.id }}")
def {{ requirement.test }}(tmp_path: Path) -> None:
    # Given {{ requirement.scenario.given | quoted }}
    with drive.product(tmp_path) as product:
        key = product.perform(FIRST, drive.sample(FIRST, subject="Erika Muster")).body["key"]

        # When {{ requirement.scenario.when | quoted }}
        product.kept()

    # Then {{ requirement.scenario.then | quoted }}
    text = "".join(file.read_text("utf-8") for file in tmp_path.glob("access-*"))
    read = [line for line in map(json.loads, text.splitlines()) if line["request"] == "GET /records"]
    assert [("drill", [key])] == [(line["caller"], line["shown"]) for line in read]
    assert all(line["at"] for line in read)
    assert "Erika" not in text
{% endfor %}
{% for requirement in scenarios.deletion %}


@pytest.mark.req("{{ requirement.id }}")
{% if served %}
def {{ requirement.test }}(tmp_path: Path) -> None:
    # Given {{ requirement.scenario.given | quoted }}
    with drive.product(tmp_path) as product:
        for subject in ("Erika Muster", "Max Muster"):
            product.perform(FIRST, drive.sample(FIRST, subject=subject))
        drive.backup(tmp_path, tmp_path / "records-1.jsonl")

        # When {{ requirement.scenario.when | quoted }}
        reply = product.ask("POST", "/deletions", {"subject": "Erika Muster"})
        kept = product.kept()
        traces = [file.name for file in tmp_path.iterdir() if b"Erika" in file.read_bytes()]

    # Then {{ requirement.scenario.then | quoted }}
    assert reply.ok
    assert ["Max Muster"] == [record["subject"] for record in kept]
    assert traces == []
    again = tmp_path / "again"
    again.mkdir()
    restored = drive.restore(tmp_path / "records-1.jsonl", again)
    assert restored == sum(table.rows for table in drive.content(again).values()) > 0
{% else %}
def {{ requirement.test }}(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Given {{ requirement.scenario.given | quoted }}
    monkeypatch.setenv("BACKUPS", str(tmp_path))
    with drive.product(tmp_path) as product:
        for subject in ("Erika Muster", "Max Muster"):
            product.perform(FIRST, drive.sample(FIRST, subject=subject))
        ledger.copy(tmp_path, tmp_path / "ledger-1.db")

        # When {{ requirement.scenario.when | quoted }}
        found = deletion.forget(tmp_path, "Erika Muster")
        kept = product.kept()

    # Then {{ requirement.scenario.then | quoted }}
    assert (1, ["ledger-1.db"]) == (found["outcomes"], found["backups"])
    assert ["Max Muster"] == [outcome["subject"] for outcome in kept]
    assert not any(b"Erika" in file.read_bytes() for file in tmp_path.iterdir())
    assert ledger.bring_back(tmp_path / "ledger-1.db", tmp_path / "again") == 1
{% endif %}
{% endfor %}
