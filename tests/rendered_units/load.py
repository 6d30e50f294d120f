"""The load test and its gate: measured for real, and seen red for a slow, failing or idle service."""

from pathlib import Path
from typing import Any

import pytest
from planrun.repository import Repo
from planrun_ml.release import prediction_log
from planrun_ml.self_test.conftest import ask, edit, evidence, forge, gate
from planrun_ml.serving import load


@pytest.fixture
def loaded(released: Path) -> Path:
    """A few seconds of the planned load; as many requests as the gate needs."""
    rate = 0.5 * 1000 / float(Repo(released).answers["service_ms"])
    code, said = ask(released, "load", "--seconds", str(1.05 * load.LEAST / min(rate, load.FLOOR)))
    assert code == 0, said
    return released


def test_the_planned_load_is_carried(loaded: Path) -> None:
    """Real requests over HTTP, within the limit, and none of them in the log that is watched."""
    found = evidence(loaded, "load")

    assert gate(loaded, "G4.3").state == "pass", gate(loaded, "G4.3").reason
    assert found["sent"] >= load.LEAST
    assert found["errors"] == 0
    assert prediction_log.last_rows(loaded / prediction_log.PREDICTIONS) == []

    forge(loaded, "load", lambda facts: facts.update(times_ms=[9e9] * 100))
    assert gate(loaded, "G4.3").state == "fail"

    edit(loaded / "plan" / "plan.json", lambda plan: plan["capacity"]["load_per_second"].update(value=1e5))
    assert gate(loaded, "G4.3").state == "blocked"


@pytest.mark.parametrize(
    ("change", "state"),
    [
        ({}, "pass"),
        ({"errors": 5}, "fail"),
        ({"times_ms": [1.0] * 90 + [9e9] * 10}, "fail"),
        ({"per_second": 0.0}, "fail"),
        ({"sent": 3}, "blocked"),
        ({"workers": 99}, "blocked"),
        ({"version": "9.9.9"}, "blocked"),
    ],
)
def test_a_test_that_shows_too_little(released: Path, change: dict[str, Any], state: str) -> None:
    """Slow answers, errors, a slower pace than planned, too few requests, other workers, another version."""
    repo = Repo(released)
    facts = {"version": "1.0.0", "workers": int(repo.needed("capacity.workers")), "sent": 100, "errors": 0, "cores": 2}
    facts |= {"limit_ms": float(repo.answers["latency_ms"]), "per_second": 1e6, "times_ms": [1.0] * 100}
    repo.write_evidence("load", facts | change, load.measured(repo, "1.0.0"))

    assert gate(released, "G4.3").state == state


def test_nothing_was_asked(released: Path) -> None:
    """Not run is never pass; code that changed after the test is not the code that was tested."""
    assert gate(released, "G4.3").state == "blocked"
    assert ask(released, "load", "--seconds", "0")[0] == 1


def test_a_service_that_fails(released: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody answers on the port: every request is an error, and the command says so."""
    monkeypatch.setattr(load, "_post", lambda *_: False)
    code, said = ask(released, "load", "--seconds", "1")

    assert code == 1
    assert "requests failed" in said
