"""What changed for users between two versions, as CHANGELOG.md tells it, and what a team has to do about it."""

import re
from dataclasses import dataclass
from pathlib import Path

PACKED = "_changelog.md"  # beside this file in an installed package; a checkout has it at its top
HEADING = re.compile(r"^## \[(Unreleased|\d+\.\d+\.\d+)\](?: - \d{4}-\d{2}-\d{2})?$", re.MULTILINE)
TO_DO = "To do"  # the section of a version that tells a team what to do


@dataclass(frozen=True)
class Release:
    """One version's part: `to_do` for a team that updates, and the rest under its headings."""

    version: str
    to_do: str
    changes: str


def changelog() -> str:
    """The text of CHANGELOG.md, from the package or the checkout; nothing in a fork that keeps none."""
    places = (Path(__file__).with_name(PACKED), Path(__file__).parents[2] / "CHANGELOG.md")
    return next((path.read_text("utf-8") for path in places if path.is_file()), "")


def between(text: str, older: str, newer: str) -> list[Release]:
    """The versions after `older` up to `newer`, newest first.

    What stands under Unreleased belongs to `newer` where that has no heading of its own: a checkout between releases.
    """
    parts = HEADING.split(text)[1:]
    found = dict(zip(parts[::2], parts[1::2], strict=True))
    wanted = [name for name in found if name != "Unreleased" and numbers(older) < numbers(name) <= numbers(newer)]
    if newer not in found and "Unreleased" in found:
        wanted.insert(0, "Unreleased")
    return [release for name in wanted if (release := _release(name, found[name])).changes or release.to_do]


def numbers(version: str) -> tuple[int, ...]:
    """A version's numbers, by which 0.10.0 is newer than 0.9.0; what is no number counts as none."""
    return tuple(int(digits) for digits in re.findall(r"\d+", version))


def _release(version: str, body: str) -> Release:
    sections = re.split(r"^### (.+)$", body, flags=re.MULTILINE)
    named = {title.strip(): text.strip() for title, text in zip(sections[1::2], sections[2::2], strict=True)}
    to_do = named.pop(TO_DO, "")
    told = [sections[0].strip(), *(f"{title}\n{text}" for title, text in named.items() if text)]
    return Release(version, to_do, "\n\n".join(part for part in told if part))
