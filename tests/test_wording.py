"""Numbers in documents: the words where one is missing, the digits it supports, and the mark where it is assumed."""

import ast
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from material import SAMPLES, sample_answers
from mlscaffold import answers, render, wording
from mlscaffold.context import plan_of
from mlscaffold.planning import absence
from mlscaffold.planning.number import entries

Rendered = Callable[[str], Path]
KINDS = (absence.NOT_YET, absence.NEVER, absence.CANNOT, absence.DOES_NOT)
TASKS = ("binary", "multiclass", "regression", "ranking", "forecast")


def plans() -> Iterator[tuple[str, dict[str, Any]]]:
    """The plan of each sample, and of default answers to each task."""
    for name in SAMPLES:
        yield name, plan_of(sample_answers(name))
    for task in TASKS:
        yield task, plan_of(complete(task=task))


def complete(**texts: str) -> answers.Answers:
    """Default answers of an ML project, some of them given."""
    return answers.complete({"kind": "ml", "kind_reason": "a test", "project_name": "Plain"} | texts)


def test_a_number_that_is_missing_says_which_of_four_things_it_is() -> None:
    """Not yet measured and by what, never, cannot be shown, or does not apply and why; each of them is met."""
    met = set()
    for name, plan in plans():
        for key, entry in entries(plan):
            if entry["value"] is None and not entry.get("words"):
                found = entry["absent"]
                met.add(found["kind"])
                assert found["kind"] in KINDS, f"{name}: {key}"
                assert found["why"], f"{name}: {key}"
                assert wording.number(entry).startswith(f"{found['kind']} ("), f"{name}: {key}"

    assert met >= {absence.NOT_YET, absence.CANNOT, absence.DOES_NOT}


@pytest.mark.parametrize(
    ("key", "note", "kind"),
    [
        ("acceptance.threshold", "Only a yes-or-no decision has a threshold.", absence.DOES_NOT),
        ("slices.alpha", "No segments are named.", absence.DOES_NOT),
        ("test.mde_available", "With these few cases not even a perfect model could be told apart.", absence.CANNOT),
        ("monitor.drift_window", "The reference of 442 rows is too short to tell a shift from noise.", absence.CANNOT),
        ("curve.a", "Measured in the data audit, on at least four table sizes.", absence.NOT_YET),
        ("acceptance.payback_months", "It never pays back: a month is worth less than it costs.", absence.NEVER),
    ],
)  # fmt: skip
def test_each_note_has_its_word(key: str, note: str, kind: str) -> None:
    """The four are not mixed up."""
    assert absence.absent(key, note)["kind"] == kind


def test_days_are_whole_and_shares_have_the_digits_they_support() -> None:
    """44.8 working days are 45, a computed 50.6 % is 51 %; what a person typed stays as it was typed."""
    days = {"value": 44.8, "unit": "working days"}
    share = {"value": 0.5064, "unit": "share", "provenance": "computed"}

    assert wording.number(days) == "45"
    assert wording.number(days | {"value": 0.028}) == "less than 1"
    assert wording.percent(share) == "51 %"
    assert wording.percent(share | {"value": 0.0167}) == "1.7 %"
    assert wording.percent(share | {"value": 0.125, "provenance": "answered"}) == "12.5 %"


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (1136, "rows", "1,136 rows"),
        (0.55, "share", "55 %"),
        (0.05, "probability", "0.05"),
        (1, "workers", "1 worker"),
        (44.8, "working days", "45 working days"),
        (1.2, "working days", "1 working day"),
        (0.3, "person-days", "less than 1 person-day"),
        (0.3, "requests", "less than 1 request"),
        (3, None, "3"),
        (True, "", "yes"),
        ("2026-03-02", "", "2026-03-02"),
        (None, "rows", wording.UNKNOWN),
    ],
)
def test_a_number_of_its_own_line_has_its_unit(value: Any, unit: str | None, text: str) -> None:
    """In the singular where it is one, and in none where it needs none."""
    assert wording.measure({"value": value, "unit": unit}) == text


def test_lists_and_months_are_counted_as_people_count() -> None:
    """A list is its parts; a month counts from its beginning."""
    assert wording.number([1225, True, "both"]) == "1,225, yes, both"
    assert wording.number({"value": 2.2, "unit": "months"}) == "3"
    assert wording.number({"value": 2.2, "unit": "weeks"}) == "2"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Submit an order", "submit_an_order"),
        ("Größe", "groe"),
        ("9 lives", "_9_lives"),
        ("a1", "a1"),
        ("x", "x"),
        ("class", "_class"),
        ("?!", "item"),
        ("a" * 59 + " b", "a" * 59),
    ],
)
def test_any_text_has_a_name_in_python(text: str, name: str) -> None:
    """One that Python takes, of at most sixty letters."""
    assert wording.identifier(text) == name
    assert name.isidentifier()


def test_a_label_of_a_drawing_ends_where_it_should() -> None:
    """What would end or split it is a space, and there is always a word."""
    assert wording.mermaid('Pay "now"; [later](x)\n or {never}|*') == "Pay now later x or never"
    assert wording.mermaid("x" * 90) == "x" * 80
    assert wording.mermaid("#") == "item"


def test_a_metric_is_written_as_people_write_it() -> None:
    """Ours by the catalogue, a team's own without its sign."""
    assert wording.metric_name("roc_auc") == "ROC AUC"
    assert wording.metric_name("own:refund_share") == "refund share"


class Page(dict[str, Any]):
    """A context in which a page is written: its variables, its name, and an environment."""

    def __init__(self, name: str, **variables: Any) -> None:
        super().__init__(variables)
        self.parent, self.environment = {wording.PAGE: name}, SimpleNamespace()


def test_where_a_number_comes_from_is_worked_out_on_its_page() -> None:
    """Meaning, value, formula by a link from where the page lies, inputs that are known, marks, and the note."""
    share = {
        "value": 0.55, "unit": "share", "formula": "F05", "meaning": "Recall aimed at.", "note": "As asked.",
        "inputs": {"gain": 0.1, "spread": None}, "assumed_inputs": ("gain",),
    }  # fmt: skip
    days = {"value": 1, "unit": "days", "formula": "", "meaning": "Wait", "inputs": {}}
    block = wording.fold(Page("our-docs/docs/decisions/0001.md", answers={}), share, days)  # type: ignore[arg-type]

    assert "- Recall aimed at: **55 %** ([F05](../formulas.md#f05); gain 0.1*). As asked.\n" in block
    assert "- Wait: **1 day** (answer)\n" in block
    assert "(formulas.md#f05)" not in block
    assert "([F05](formulas.md#f05);" in wording.fold(Page("ours/docs/03.md", answers={}), share)  # type: ignore[arg-type]


def test_a_fact_knows_whether_somebody_confirmed_it() -> None:
    """An open default rests on itself; a count that nobody made is none."""
    page: Any = Page(
        "docs/00.md",
        plan={"assumptions": [{"key": "miss_cost"}, {"key": "past_cases"}]},
        answers={"miss_cost": 1.0, "past_cases": 0, "day_rate": 600.0, "labelled_cases": 0},
    )

    assert wording.fact(page, "miss_cost") == {"value": 1.0, "unit": "", "rests_on": ["miss_cost"]}
    assert wording.fact(page, "day_rate") == {"value": 600.0, "unit": "", "rests_on": []}
    assert wording.fact(page, "labelled_cases") == {"value": 0, "unit": "", "rests_on": []}
    assert wording.number(wording.fact(page, "past_cases")) == "nobody has counted them"


def test_the_last_lines_name_every_default_once() -> None:
    """In the order of their marks, those that nobody knows as such; then the page begins anew."""
    page: Any = Page("docs/00.md", plan={"assumptions": [{"key": "miss_cost"}]})
    marks = [wording.mark(page, {"value": 1, "rests_on": keys}) for keys in (["miss_cost"], ["icc", "miss_cost"], [])]

    assert marks == [wording.MARK, wording.MARK, ""]
    assert wording.assumed_here(page)
    assert ": `miss_cost`, `icc` (not known yet: give it). " in wording.footnote(page)
    assert not wording.assumed_here(page)


@pytest.fixture(params=["ml-default", "ml-invoices", "sw-orders", "sw-default"])
def shown(request: pytest.FixtureRequest, rendered: Rendered, monkeypatch: pytest.MonkeyPatch) -> tuple[str, list[Any]]:
    """Each number that the pages of a sample show: the entry, and the text that was written for it."""
    written: list[Any] = []
    plain = wording.mark

    def noted(context: Any, value: Any) -> str:
        said = plain(context, value)
        if isinstance(value, dict) and ".md" in str(context.name):
            written.append((value, said))
        return said

    monkeypatch.setattr(wording, "mark", noted)
    name = str(request.param)
    folder = render.render(sample_answers(name), Path(str(rendered(name)) + "-again"))
    return folder.name, written


def test_what_rests_on_an_unconfirmed_default_carries_the_mark(shown: tuple[str, list[Any]]) -> None:
    """Every number of the pages, and none else."""
    name, written = shown

    assert len(written) > 50, name
    for value, said in written:
        assert said == (wording.MARK if value.get("rests_on") else ""), f"{name}: {value}"
        concluded = value.get("absent", {}).get("kind") in (absence.NEVER, absence.CANNOT)
        assert not value.get("rests_on") or value.get("value", True) is not None or concluded, f"{name}: {value}"


def test_confirmed_answers_leave_no_mark(tmp_path: Path) -> None:
    """A person who vouches for everything reads pages without a star and without the note."""
    known = sample_answers("ml-default")
    keys = [row["key"] for row in plan_of(known)["assumptions"]]
    sure = answers.complete(dict(known.raw) | {"confirmed": "; ".join(keys), "current_value": "0.5"})
    text = "\n".join(page.read_text("utf-8") for page in render.render(sure, tmp_path).rglob("*.md"))

    assert "rests on defaults" not in text
    assert not re.search(r"\d\*(?!\*)", text)


EMPHASIS = re.compile(r"\*\*[^*\n]+\*\*|\*(?:blocks|advises)\*")


def test_a_page_with_a_mark_says_how_to_confirm_it(rendered: Rendered) -> None:
    """The last lines name each default, and both ways to settle it; a page without a mark has no such lines."""
    for name in ("ml-default", "sw-default"):
        for page in (*rendered(name).rglob("docs/*.md"), rendered(name) / "README.md"):
            text = re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.S)
            body, _, note = text.partition("\n\\* rests on defaults that nobody has confirmed: ")
            assert bool(note) == bool(re.search(r"[\w%]\*(?!\*)", EMPHASIS.sub("", body))), page.name
            assert not note or "mlscaffold replan --set KEY=VALUE" in note, page.name
            assert not note or "`.venv/bin/planrun confirm KEY`" in note, page.name


@pytest.mark.parametrize(
    "text",
    [
        "Plain",
        'Say "no"',
        "It's",
        """Both "it's" and 'so'""",
        """Say "it's" or "no\"""",
        'A \\" in it',
        "{{ 7*7 }} \\",
        "名前\n2",
    ],
)
def test_a_text_in_python_is_the_text_and_its_formatter_agrees(text: str) -> None:
    """Whatever quotes, backslashes, braces, line ends and scripts a team types."""
    written = wording.as_python(text)
    line = f"TITLE = {written}\n"
    formatter = [sys.executable, "-m", "ruff", "format", "--isolated", "-"]
    done = subprocess.run(formatter, input=line, capture_output=True, text=True, check=True)

    assert ast.literal_eval(written) == text
    assert done.stdout == line


def test_a_count_that_nobody_made_is_no_zero(tmp_path: Path) -> None:
    """The default of no cases is an unknown on every page; a person who confirms it is told 0."""
    told = {
        name: render.render(complete(task="binary", **texts), tmp_path / name).joinpath("docs/00-charter.md")
        for name, texts in (("unsaid", {}), ("confirmed", {"confirmed": "labelled_cases,past_cases"}))
    }

    assert "| Labels exist | nobody has counted them; " in told["unsaid"].read_text("utf-8")
    assert "| Labels exist | 0 of 0 past cases; " in told["confirmed"].read_text("utf-8")


@pytest.mark.parametrize("value", [6e-06, 1.5e-07, -2e-09, 1e22, 0.25, 3])
def test_a_number_is_one_to_json_and_to_yaml(value: float) -> None:
    """YAML 1.1 reads 6e-06 as a word: a share of six in a million was a text in `ops/`."""
    text = wording.as_json(value)

    assert json.loads(text) == yaml.safe_load(text) == value
    assert isinstance(yaml.safe_load(text), (int, float))
