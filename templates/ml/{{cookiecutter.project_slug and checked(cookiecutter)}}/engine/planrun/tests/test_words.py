"""Steps that a program can follow, rows that git can merge, remarks that are text, and who may type what."""

from datetime import date
from typing import Any
from xml.etree import ElementTree

import pytest

from planrun import agents, cli, junit, remark, steps
from planrun.command import COMMAND
from planrun.files import rows_of
from planrun.tests.toy import Toy
from planrun.trouble import Blocked, counted
from planrun.yaml_rows import write_rows


@pytest.mark.parametrize(
    ("text", "kind", "more"),
    [
        ("make audit", "command", {"command": "make audit"}),
        ("make experiment ARGS='--model linear'", "command", {"command": "make experiment ARGS='--model linear'"}),
        (f"{COMMAND} confirm --all", "command", {"command": f"{COMMAND} confirm --all"}),
        ("git checkout docs/page.md", "command", {"command": "git checkout docs/page.md"}),
        ("mlscaffold replan --set rows=7", "command", {"command": "mlscaffold replan --set rows=7"}),
        ("mlscaffold replan --set rows=…", "person", {"then": "mlscaffold replan --set rows=…"}),
        (f"{COMMAND} waive G1.2 --reason …", "person", {"who": ["the team"]}),
        (
            f"Ana Abel or Bo types: {COMMAND} sign G3",
            "person",
            {"who": ["Ana Abel", "Bo"], "command": f"{COMMAND} sign G3"},
        ),
        (f"Ana types: {COMMAND} waive G1.2 --reason …", "person", {"who": ["the team"]}),
        ("Answer section 2 of docs/00-charter.md", "edit", {"files": ["docs/00-charter.md"]}),
        ("Ask whoever knows", "person", {"who": ["the team"]}),
    ],
)
def test_a_sentence_is_followed_as_what_it_is(text: str, kind: str, more: dict[str, object]) -> None:
    """A word that is left open makes it nobody's command."""
    found = steps.told(text)

    assert (found["kind"], found["text"]) == (kind, text)
    assert more.items() <= found.items()


def test_a_step_brings_its_facts() -> None:
    """However it is printed, and through a row that holds a text."""
    assert steps.told(steps.rows_missing(11.6, "Label more"))["rows"] == 12
    assert steps.told(steps.until(date(2026, 3, 2), "Wait"))["until"] == "2026-03-02"
    asked = steps.told(steps.asked_of(["Ana"], "Ana decides", "make it"))
    assert (asked["kind"], asked["who"], asked["command"]) == ("person", ["Ana"], "make it")
    assert f"{steps.until(date(2026, 3, 2), 'Wait')}" == "Wait"


def test_rows_are_written_so_that_they_are_read_back(toy: Toy) -> None:
    """Whatever the texts hold; the comment that the file opened with stays."""
    toy.write("gates/list.yaml", "# Ours.\n[]\n")
    rows = [{"name": 'é "quoted": no', "why": "a\nb\\c #d"}, {"name": "", "why": "- x"}]
    write_rows(toy.repo, "gates/list.yaml", rows, "# Another.")

    assert rows_of(toy.root, "gates/list.yaml") == rows
    assert toy.root.joinpath("gates/list.yaml").read_text().startswith("# Ours.\n- name: ")
    write_rows(toy.repo, "gates/new.yaml", [], "# New.")
    assert toy.root.joinpath("gates/new.yaml").read_text() == "# New.\n[]\n"


GATE: dict[str, Any] = {"id": "G1.2", "title": "T", "state": "fail", "reason": "", "blocking": True, "next": None}
FACTS: dict[str, Any] = {
    "project": {"name": "Toy", "slug": "toy"}, "next": None, "headline": [], "phases": [], "commit": {"sha": ""},
}  # fmt: skip


def test_a_remark_shows_what_people_typed_as_text() -> None:
    """No markup, no row torn apart, nobody called."""
    evil = GATE | {"reason": "a | b\n<b>x</b> @ana #7 [l](https://x.org) `c`"}
    text = remark.markdown(FACTS | {"gates": [evil]})
    [row] = [line for line in text.splitlines() if line.startswith("| fail")]

    assert text.splitlines()[0] == remark.mark("toy") == "<!-- gates of toy -->"
    assert "a \\| b &lt;b&gt;x&lt;/b&gt; @\u200bana #\u200b7 \\[l\\](https:\u200b//x.org) \\`c\\`" in row
    assert "0 of 1 blocking gates are open" in text


def test_a_remark_has_room_for_so_much() -> None:
    """What is left out is counted."""
    rows = [GATE | {"id": f"G1.{number}", "reason": "x" * 1000} for number in range(100)]
    text = remark.markdown(FACTS | {"gates": rows})

    assert len(text) <= remark.MOST
    assert "more lines have no room here" in text


def test_a_report_is_red_where_a_gate_blocks_and_fails() -> None:
    """What waits, is waived or advises is skipped with its reason; what passes or warns says nothing."""
    step = {"kind": "run", "text": "make audit"}
    rows = [
        GATE | {"reason": "Half <is> missing.\x0b", "next": step},
        GATE | {"id": "G1.3", "state": "blocked", "reason": "Not audited.", "next": step},
        GATE | {"id": "G1.4", "state": "waived", "reason": "Until May."},
        GATE | {"id": "G1.5", "blocking": False, "reason": "Few rows."},
        GATE | {"id": "G2.1", "state": "pass"},
        GATE | {"id": "G2.2", "state": "warn", "reason": "Soon."},
    ]
    facts = FACTS | {"gates": rows, "at": "2026-03-02T10:00:00.123+00:00", "phases": [{"id": "G1", "title": "Data"}]}
    root = ElementTree.fromstring(junit.junit(facts))
    cases = {case.get("name"): case for case in root.iter("testcase")}
    told = {name: [(one.tag, one.get("message")) for one in case] for name, case in cases.items()}

    assert told == {
        "G1.2 T": [("failure", "Half <is> missing.\ufffd")],
        "G1.3 T": [("skipped", "blocked: Not audited. Next: make audit")],
        "G1.4 T": [("skipped", "waived: Until May.")],
        "G1.5 T": [("skipped", "fail, advises: Few rows.")],
        "G2.1 T": [],
        "G2.2 T": [],
    }
    assert cases["G1.2 T"][0].text == "Half <is> missing.\ufffd\nNext: make audit"
    assert cases["G1.2 T"].get("classname") == "G1 Data"
    assert [dict(suite.attrib) for suite in root] == [
        {"name": "G1 Data", "errors": "0", "time": "0", "timestamp": "2026-03-02T10:00:00"}
        | {"tests": "4", "failures": "1", "skipped": "3"},
        {"name": "G2", "errors": "0", "time": "0", "timestamp": "2026-03-02T10:00:00"}
        | {"tests": "2", "failures": "0", "skipped": "0"},
    ]
    assert dict(root.attrib) == {"name": "Toy", "tests": "6", "failures": "1", "errors": "0", "skipped": "3"}


def test_an_agent_puts_nobodys_name_to_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(agents.VARIABLE, raising=False)  # whoever runs the tests may be one
    agents.refuse("sign puts a person's name to something", "sign G1")
    monkeypatch.setenv(agents.VARIABLE, "helper")
    with pytest.raises(Blocked, match="says that an agent types here") as refused:
        agents.refuse("sign puts a person's name to something", "planrun sign G1")

    assert refused.value.remedy.endswith(": planrun sign G1")


def test_outside_a_repository_one_sentence_says_so(
    toy: Toy, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 1, on standard error, with what to do next."""
    monkeypatch.chdir(toy.root.parent)
    assert cli.main(["status"]) == 1
    said = capsys.readouterr()

    assert said.out == ""
    assert said.err.endswith("is not inside a planned repository.\nNext: Change into the folder that holds plan/.\n")


@pytest.mark.parametrize(("number", "told"), [(0, "0 gates"), (1, "1 gate"), (2, "2 gates")])
def test_counted(number: int, told: str) -> None:
    assert counted(number, "gate") == told
