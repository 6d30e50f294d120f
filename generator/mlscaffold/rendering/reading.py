"""Who reads which page, and how long that takes: each page says so of itself, and onboarding of all of them."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mlscaffold.answers import Answers
from mlscaffold.catalogue.keys import PlanKey

# Silent reading of plain prose goes at some 238 words a minute (Brysbaert 2019, a meta-analysis of 190 studies); tables
# and figures that are compared with each other take longer. What the pace should be here is a proposal.
WORDS_A_MINUTE = 200
LENGTH = "\ue0f0"  # stands in a page for its own length until all of its words are there; no text of a person holds it
UNREAD = re.compile(r"\A---\n.*?^---$|<details>.*?</details>|^```.*?^```", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Reader:
    """A role, the pages that it must read, and those that are worth it next; a page by its name without the ending."""

    who: str
    must: tuple[str, ...]
    then: tuple[str, ...] = ()


BOTH = (
    Reader("OPS", ("04-operations",), ("05-risks",)),
    Reader("expert", ("00-charter",), ("03-acceptance",)),
    Reader("whoever joins", ("onboarding", "handbook")),
    Reader("whoever decides or waits", ("plan-on-a-page",)),  # it links the one section that a point leads to
)
READERS: dict[str, tuple[Reader, ...]] = {
    "ml": (
        Reader("PO", ("plan-on-a-page", "00-charter", "03-acceptance"), ("05-risks",)),
        Reader("DS", ("01-data-audit", "02-iteration-plan"), ("03-acceptance",)),
        Reader("MLE", ("06-interface", "04-operations"), ("02-iteration-plan",)),
        Reader("SWE", ("06-interface",), ("04-operations",)),
        Reader("DE", ("01-data-audit",), ("04-operations",)),
        *BOTH,
    ),
    "software": (
        Reader("PO", ("plan-on-a-page", "00-charter", "01-requirements", "03-acceptance"), ("05-risks",)),
        Reader("SWE", ("01-requirements", "06-architecture", "02-iterations"), ("03-acceptance", "04-operations")),
        *BOTH,
    ),
}
TITLES = {
    "plan-on-a-page": "the plan on a page",
    "onboarding": "this page",
    "handbook": "handbook",
    "00-charter": "charter",
    "01-data-audit": "data audit",
    "01-requirements": "requirements",
    "02-iteration-plan": "iteration plan",
    "02-iterations": "iterations",
    "03-acceptance": "acceptance",
    "04-operations": "operations",
    "05-risks": "risks",
    "06-architecture": "architecture",
    "06-interface": "interface",
}


def paths(answers: Answers, plan: Mapping[PlanKey, Any]) -> list[dict[str, str]]:
    """A row for each reader of this kind's pages: who it is, what is read, and what comes next."""
    del plan
    return [
        {"who": reader.who[0].upper() + reader.who[1:], "must": _linked(reader.must), "then": _linked(reader.then)}
        for reader in READERS[answers.kind]
    ]


def for_whom(page: str, kind: str) -> str:
    """The line of a page that says who reads it and how long it takes; the length follows by `timed`."""
    first = [reader.who for reader in READERS[kind] if page in reader.must]
    next_ = [reader.who for reader in READERS[kind] if page in reader.then]
    parts = [f"for {_listed(first)}" if first else "", f"later for {_listed(next_)}" if next_ else ""]
    told = "; ".join(filter(None, parts))
    return f"{told[0].upper()}{told[1:]}: {LENGTH}."


def timed(page: str) -> str:
    """A finished page with its length in minutes where its line on readers has a place for it."""
    if LENGTH not in page:
        return page
    minutes = math.ceil(words(page.replace(LENGTH, "1 minute")) / WORDS_A_MINUTE)
    return page.replace(LENGTH, f"{minutes} minute{'s' if minutes > 1 else ''}")


def words(page: str) -> int:
    """How many words of a page are read: without folds, pictures and blocks of what is typed, and without addresses."""
    shown = re.sub(r"\]\([^)]*\)", "]", UNREAD.sub("", page))
    return sum(1 for part in shown.split() if re.search(r"\w", part))


def _linked(pages: Sequence[str]) -> str:
    return ", ".join(TITLES[page] if page == "onboarding" else f"[{TITLES[page]}]({page}.md)" for page in pages) or "–"


def _listed(names: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))
