"""Drafted requirements: EARS form, one per capability, dependency and quality, names that Python accepts."""

import keyword
import re
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from mlscaffold import answers as answers_module
from mlscaffold.planning.plan import compute
from mlscaffold.planning.requirements.draft import EVERY, MISSING
from mlscaffold.planning.requirements.free_text import TAKEN, identifiers, spoken

EARS = re.compile(r"(The |When .+, |While .+, |If .+, then )[^.]*\bshall\b.+\.")
AWKWARD = (
    "{{ 7*7 }}",
    "名前一覧",
    "=x y",
    'Say "hi" \\ now',
    "It shall work",
    "Print",
    "Import",
    "7 days",
    "éèà ü",
    "  a b  ",
)


def drafted(**texts: str) -> list[dict[str, Any]]:
    """The requirements of a small order service with other answers on top."""
    base = {
        "kind": "software",
        "decision": "Shop assistants see the state of an order instead of asking the warehouse.",
        "capabilities": "Submit an order; Cancel an order",
        "start_date": "2026-01-05",
    }
    found: list[dict[str, Any]] = compute(answers_module.complete(base | texts))["requirements"]
    return found


def kinds(rows: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    """The rows of one kind."""
    return [row for row in rows if row["kind"] == kind]


def test_a_capability_becomes_a_sentence_a_scenario_and_a_test() -> None:
    """The first requirement in full."""
    row = drafted()[0]

    assert row["id"] == "R-01"
    assert row["capability"] == "Submit an order"
    expected = "When a client asks the service to submit an order, the service shall return the result within 300 ms."
    assert row["text"] == expected
    assert "95 % of the results come within 300 ms" in row["fit"]
    assert set(row["scenario"]) == {"given", "when", "then"}
    assert (row["function"], row["test"]) == ("submit_an_order", "test_submit_an_order")
    assert (row["verification"], row["priority"]) == ("test", "must")


@pytest.mark.parametrize("deliverable", ["service", "web-app", "cli", "library", "batch"])
@pytest.mark.parametrize("data", ["none", "internal", "personal", "regulated"])
def test_every_requirement_is_well_formed(deliverable: str, data: str) -> None:
    """EARS pattern, "shall" once, a number or a yes in the fit criterion, a known verification, ids in a row."""
    rows = drafted(
        deliverable=deliverable,
        data_class=data,
        dependencies="payments=99.95; inventory=99.5; mail server=99.9",
        ml_component="https://models.example.org/risk",
        capabilities="Submit an order; " + "; ".join(text for text in AWKWARD if len(text.strip()) > 3),
    )

    assert [row["id"] for row in rows] == [f"R-{number:02}" for number in range(1, len(rows) + 1)]
    for row in rows:
        assert EARS.fullmatch(row["text"]), row["text"]
        assert len(re.findall(r"\bshall\b", row["text"], re.IGNORECASE)) == 1, row["text"]
        assert re.search(r"\d|Yes or no|NEEDS ANSWER", row["fit"]), row["fit"]
        assert row["verification"] in ("test", "inspection", "demonstration", "analysis")
        assert all(row["scenario"].values())
        assert row["owner"]
    assert len({row["test"] for row in rows}) == len(rows)


def test_every_dependency_has_its_failure() -> None:
    """One requirement a dependency, one for the model service; soft ones degrade, hard ones refuse."""
    rows = kinds(
        drafted(dependencies="payments=99.99; inventory=99", slo_percent="99.9", ml_component="https://m.org"), "fault"
    )

    assert [row["function"] for row in rows] == ["without_payments", "without_inventory", "without_the_model_service"]
    assert "refuse" in rows[0]["text"]
    assert "degraded" in rows[1]["text"]
    assert "fallback rule" in rows[2]["text"]
    assert "150 ms" in rows[0]["text"]
    assert kinds(drafted(), "fault") == []


def test_qualities_follow_the_answers() -> None:
    """A library has speed and keeps its names; a service promises availability, keeps data, rolls back and restores."""

    def about(**texts: str) -> list[str]:
        return [row["test"] for row in kinds(drafted(**texts), "quality")]

    assert about(deliverable="library", data_class="none") == ["test_speed", "test_deprecation"]
    assert about(deliverable="service", data_class="none") == ["test_speed", "test_availability", "test_rollback"]
    assert "test_restore" in about(data_class="internal")
    assert about(deliverable="cli", data_class="personal") == ["test_speed", "test_security"]
    assert "test_deletion" in about(data_class="personal")
    assert "test_deletion" not in about(data_class="internal")


def test_only_a_number_that_nobody_gave_is_marked() -> None:
    """Deletion has no limit among the answers; everything else is complete."""
    assert not any(MISSING in row["text"] + row["fit"] for row in drafted(data_class="internal"))
    marked = [row["test"] for row in drafted(data_class="regulated") if MISSING in row["text"] + row["fit"]]
    assert marked == ["test_deletion"]


def test_numbers_are_the_plans() -> None:
    """Objective, budget, demonstration and rollback limit stand in the sentences."""
    texts = " ".join(row["text"] + row["fit"] for row in drafted(slo_percent="99.9", rollback_minutes="20"))

    assert "99.9 %" in texts
    assert "2,995 requests without one failure" in texts
    assert "20 minutes" in texts


def test_an_objective_beyond_counting_still_has_its_sentence() -> None:
    """99.9999999999 % cannot be shown by counting; the sentence keeps every nine."""
    row = next(row for row in drafted(slo_percent="99.9999999999") if row["test"] == "test_availability")

    assert "99.9999999999 %" in row["text"]
    assert "None" not in row["fit"]


def test_limits_are_said_in_their_unit() -> None:
    """300 ms, 2.5 s, 10 minutes."""
    assert "within 300 ms" in drafted()[0]["text"]
    assert "within 2.5 s" in drafted(p95_ms="2500")[0]["text"]
    assert "within 10 minutes" in drafted(deliverable="batch", p95_ms="600000")[0]["text"]


def test_awkward_capabilities_survive_literally() -> None:
    """Braces, other scripts, a leading equals sign and quotes stay as typed in `capability`."""
    rows = drafted(capabilities="; ".join(text for text in AWKWARD if len(text.strip()) > 3))
    kept = [row["capability"] for row in kinds(rows, "capability")]

    assert kept == [text for text in AWKWARD if len(text.strip()) > 3]
    assert all(row["capability"] == EVERY for row in rows if row["kind"] != "capability")
    assert "{{ 7*7 }}" in rows[0]["text"]


TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["C"]), min_size=1, max_size=80)


@given(st.lists(TEXTS, min_size=1, max_size=12))
@example(list(AWKWARD))
@example(["list", "list", "list_2", "class", "1", "1", "名", "名"])
@settings(max_examples=150, deadline=None)
def test_names_are_python_and_all_different(texts: list[str]) -> None:
    """Identifiers, no keyword, no builtin, no duplicate, whatever the text."""
    names = identifiers(texts, "capability")

    assert len(set(names)) == len(texts)
    for name in names:
        assert name.isidentifier()
        assert name.isascii()
        assert not keyword.iskeyword(name)
        assert name not in TAKEN
        assert not name.startswith("_")


def test_capabilities_read_like_a_sentence() -> None:
    """Lower case after "to", abbreviations kept, odd texts in quotes."""
    assert spoken("Submit an order", "it") == "submit an order"
    assert spoken("SEPA export", "it") == "SEPA export"
    assert spoken("=x y", "it") == "“=x y”"
    assert spoken("It SHALL work", "do capability 3") == "do capability 3"


def test_what_guarded_data_is_promised_is_shown_by_tests() -> None:
    """Personal and regulated data: nothing of it is left to inspection. Internal data is the network's to guard."""

    def ways(**texts: str) -> dict[str, str]:
        return {row["about"]: row["verification"] for row in kinds(drafted(**texts), "quality")}

    assert ways(data_class="internal")["security"] == "inspection"
    assert "reading" not in ways(data_class="personal")
    for deliverable in ("service", "web-app", "cli", "library", "batch"):
        found = ways(deliverable=deliverable, data_class="regulated")
        assert {found[about] for about in ("security", "deletion", "reading") if about in found} == {"test"}
    assert ways(data_class="regulated")["reading"] == "test"
    assert ways(deliverable="batch", data_class="internal")["restore"] == "demonstration"


def test_a_warning_is_a_persons_to_decide() -> None:
    """Where a model judges, somebody confirms or overrules, and a test shows it."""
    row = next(row for row in drafted(ml_component="https://m.org") if row["about"] == "a person decides")

    assert (row["verification"], row["test"]) == ("test", "test_a_person_decides")
    assert not [row for row in drafted() if row["about"] == "a person decides"]


def test_a_capability_does_not_hide_the_products_own_commands() -> None:
    """`status`, `completion` and `/deletions` stay what they are, whatever a team calls its capabilities."""
    assert identifiers(["Status", "Completion", "Deletions", "Report status"], "capability") == [
        "status_it",
        "completion_it",
        "deletions_it",
        "report_status",
    ]
