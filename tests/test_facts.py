"""What templates find prepared: each fact once, by a name, and no template that works it out again."""

import re
from collections import Counter
from pathlib import Path

import pytest
from material import ROOT, SAMPLES, sample_answers
from mlscaffold import context
from mlscaffold.rendering.facts import FACTS

SET = re.compile(r"\{%-? set (\w+) = (.*?) -?%\}", re.DOTALL)


def sets(kind: str) -> list[tuple[Path, str, str]]:
    """Every name that a template of a kind sets, and to what."""
    files = [path for path in (ROOT / "templates" / kind).rglob("*") if path.is_file()]
    texts = {path: path.read_text("utf-8") for path in files if "engine" not in path.parts and path.suffix != ".pyc"}
    return [(path, name, value) for path, text in texts.items() for name, value in SET.findall(text)]


def again(kind: str, found: list[tuple[Path, str, str]]) -> set[str]:
    """Names that are prepared and yet set in a template, and dictionaries that more than one template sets."""
    shadowing = {name for _, name, _ in found if name in FACTS[kind]}
    tables = Counter(value for value in {(path, value) for path, _, value in found if value.startswith("{")})
    values = Counter(value for _, value in tables)
    return shadowing | {name for _, name, value in found if values[value] > 1}


@pytest.mark.parametrize("kind", sorted(FACTS))
def test_what_is_prepared_is_set_in_no_template(kind: str) -> None:
    """One fact, one place."""
    assert again(kind, sets(kind)) == set()


def test_a_fact_that_is_set_again_is_seen() -> None:
    """The guard itself: a name that is prepared, and a table in two files."""
    table = "{'a': 1}[answers.kind]"
    found = [(Path("a.md"), "served", "x"), (Path("a.md"), "table", table), (Path("b.md"), "table", table)]

    assert again("software", found) == {"served", "table"}
    assert again("software", found[1:2]) == set()


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_every_fact_holds_for_every_sample(name: str) -> None:
    """A test's scenario is in one row at most, and every must requirement that a test shows is in one."""
    given = sample_answers(name)
    plan = context.plan_of(given)
    facts = {key: fact(given, plan) for key, fact in FACTS[given.kind].items()}
    owners = {role: handle for role, handle in given.code_owners.items() if handle}

    assert facts["ml"] == (given.kind == "ml")
    assert all(handles for path, _, handles in facts["reviews"] if path == "*") or not owners
    if given.kind == "software":
        grouped = [one["id"] for one in facts["scenarios"].rows]
        shown = [one for one in plan["requirements"] if (one["priority"], one["verification"]) == ("must", "test")]
        assert len(grouped) == len(set(grouped))
        assert set(grouped) <= {one["id"] for one in shown}
        others = [one for one in facts["scenarios"].rows if one["part"].startswith("others")]
        assert len(others) == len(given.dependencies)


def test_a_review_goes_to_who_is_named_each_once() -> None:
    """A role that nobody is named for falls to the next one that can judge it."""
    given = sample_answers("ml-default")
    raw = given.raw | {"code_owners": "po=@org/product; mle=@org/model"}
    reviews = {path: handles for path, _, handles in FACTS["ml"]["reviews"](type(given)(raw), {})}

    assert reviews["*"] == reviews["/experiments/"] == reviews["/ops/"] == "@org/model"
    assert reviews["/docs/03-acceptance.md"] == "@org/product @org/model"
