"""The changelog between two versions, as an update tells it."""

from material import ROOT
from mlscaffold import changes, report

TEXT = """# Changelog

## [Unreleased]

### Added

- Not out yet.

## [0.10.0] - 2027-02-01

### To do

- `make lock`

### Changed

- Ten.

## [0.9.0] - 2027-01-01

### To do

- `planrun baseline`

### Fixed

- Nine.

## [0.8.0] - 2026-12-01

- Eight.
"""


def test_only_what_lies_between_is_told_newest_first() -> None:
    """By number, so that 0.10.0 comes after 0.9.0; what is not out belongs to no version that has a heading."""
    assert [one.version for one in changes.between(TEXT, "0.8.0", "0.10.0")] == ["0.10.0", "0.9.0"]
    assert [one.version for one in changes.between(TEXT, "0.8.0", "0.9.0")] == ["0.9.0"]
    assert changes.between(TEXT, "0.10.0", "0.10.0") == []
    assert [one.version for one in changes.between(TEXT, "0.10.0", "0.11.0")] == ["Unreleased"]


def test_what_is_to_be_done_comes_first_and_oldest_first() -> None:
    """A team does the steps of 0.9.0 before those of 0.10.0."""
    told = report.releases(changes.between(TEXT, "0.8.0", "0.10.0"))
    order = ["To do since 0.9.0:\n- `planrun baseline`", "To do since 0.10.0:\n- `make lock`"]
    order += ["Changed in 0.10.0:\nChanged\n- Ten.", "Changed in 0.9.0:\nFixed\n- Nine."]

    assert told == "\n\n".join(order)
    assert report.releases([]) == ""


def test_this_checkouts_changelog_is_read() -> None:
    """Each heading of it is one."""
    text = ROOT.joinpath("CHANGELOG.md").read_text("utf-8")

    assert changes.changelog() == text
    assert len(changes.HEADING.findall(text)) == text.count("\n## ")
