"""What a role has to read: little, with its length said, and what is true of every project in one page only."""

import math
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from mlscaffold.rendering import reading as planned
from mlscaffold.rendering.reading import READERS
from reading import READABLE, count, of_a_role, share, shown, the_same

Rendered = Callable[[str], Path]

LEAD, MOST = 600, 5000  # words: what decides first, and what nobody has more of
SHARED = {"ml": 0.39, "software": 0.34}  # headings, questions and rules that a gate reads are alike everywhere
LENGTH = re.compile(r"^(?:For|Later for) [^\n:]+: (\d+) minutes?\.$", re.MULTILINE)


def kind_of(sample: str) -> str:
    """A sample's kind, by its name."""
    return "ml" if sample.startswith("ml-") else "software"


@pytest.mark.parametrize("name", READABLE)
def test_nobody_reads_more_than_a_short_evening(name: str, rendered: Rendered) -> None:
    """Whoever decides has one page of 600 words, and no role has more than 5,000, what comes later included."""
    roles = of_a_role(rendered(name), kind_of(name))

    assert count(shown(rendered(name) / "docs/plan-on-a-page.md")) <= LEAD
    assert roles["whoever decides or waits"] <= LEAD
    assert {who: words for who, words in roles.items() if words > MOST} == {}


@pytest.mark.parametrize("name", READABLE)
def test_a_page_says_for_whom_and_how_long_it_takes(name: str, rendered: Rendered) -> None:
    """Every page that a role has to read, in its first line, counted here anew; and every role finds its pages."""
    pages = {page for reader in READERS[kind_of(name)] for page in (*reader.must, *reader.then)}
    said, took = {}, {}
    for page in sorted(pages):
        path = rendered(name) / f"docs/{page}.md"
        said[page] = [int(minutes) for minutes in LENGTH.findall(path.read_text("utf-8"))]
        took[page] = [math.ceil(count(shown(path)) / 200)]
    onboarding = (rendered(name) / "docs/onboarding.md").read_text("utf-8")

    assert said == took
    assert [reader.who for reader in READERS[kind_of(name)] if f"| {reader.who[0].upper()}" not in onboarding] == []


@pytest.mark.parametrize("kind", ["ml", "software"])
def test_the_handbook_is_one_text_for_all_projects_of_a_kind(kind: str, rendered: Rendered) -> None:
    """No answer moves a letter of it, so that who knows it once need not read it again."""
    pages = {(rendered(name) / "docs/handbook.md").read_bytes() for name in READABLE if kind_of(name) == kind}

    assert len(pages) == 1
    assert not re.search(r"\b[GT]\d\.\d", pages.pop().decode())  # a gate weighs differently in each of them


@pytest.mark.parametrize("kind", ["ml", "software"])
def test_the_other_pages_say_what_is_this_projects_own(kind: str, rendered: Rendered) -> None:
    """Of all pages but the handbook and those that are looked things up in."""
    pages = the_same([rendered(name) for name in READABLE if kind_of(name) == kind])

    assert len(pages) > 8
    assert share(pages) <= SHARED[kind], pages


@pytest.mark.parametrize(("words", "minutes"), [(1, "1 minute"), (194, "1 minute"), (195, "2 minutes")])
def test_a_length_is_rounded_up_and_counts_what_is_read(words: int, minutes: str) -> None:
    """Six words are its own line; folds, pictures and addresses are not read."""
    unread = "<details>\nnot these words\n</details>\n\n```mermaid\nnor these\n```\n"
    line = planned.for_whom("06-interface", "ml")
    page = planned.timed(f"{line}\n{unread}" + "[word](an/address.md) " * words)

    assert line.startswith("For MLE and SWE: ")
    assert page.startswith(f"For MLE and SWE: {minutes}.\n")
    assert planned.timed("No length is asked for.\n") == "No length is asked for.\n"
