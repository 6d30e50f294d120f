"""docs/updates.md says what the saved comparison says, and every change of it can be told apart."""

import json

from updates_compared import CHANGES, PAGE, SAVED, TOOLS, Outcome, trees, written

KEPT = json.loads(SAVED.read_text("utf-8"))


def test_the_page_says_what_was_saved() -> None:
    """Table, versions and day; `python tests/updates_compared.py` writes them anew."""
    text = PAGE.read_text("utf-8")

    assert text == written(text, KEPT)


def test_every_tool_was_given_every_change() -> None:
    """Twenty, each with pages of its own, and none is left out for anybody."""
    names = [change.name for change in CHANGES]

    assert len(names) == len({change.folder for change in CHANGES}) == 20
    assert {tool: list(found) for tool, found in KEPT["outcomes"].items()} == dict.fromkeys(TOOLS, names)
    old, new = trees(CHANGES, {})
    assert {path.partition("/")[0] for path in old.keys() | new.keys() if old.get(path) != new.get(path)} == {
        change.folder for change in CHANGES if change.folder not in ("h", "o")
    }


def test_nothing_is_lost_here() -> None:
    """What the page is for."""
    assert not [name for name, one in KEPT["outcomes"]["mlscaffold"].items() if "lost" in Outcome(**one).cell()]
