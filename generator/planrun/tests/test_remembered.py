"""What is remembered counts in the copy where it was worked out, and never as anything else than it was."""

import json
from pathlib import Path

import pytest

from planrun import remembered
from planrun.files import canonical
from planrun.tests.toy import Toy


def forget(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in another process."""
    monkeypatch.setattr(remembered, "_here", {})
    remembered._key.cache_clear()


def test_it_is_known_in_the_next_process(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    """For exactly what it was about; and git sees none of it where caches are ignored."""
    remembered.remember(toy.root, {"rows": 7}, "count", "abc")
    forget(monkeypatch)

    assert remembered.recall(toy.root, "count", "abc") == {"rows": 7}
    assert remembered.recall(toy.root, "count", "abd") is None


def test_an_entry_that_was_edited_or_moved_counts_for_nothing(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    remembered.remember(toy.root, "pass", "gate", "one")
    cache = toy.root / remembered.CACHE
    [(name, entry)] = json.loads(cache.read_text()).items()
    for forged in ({name: entry | {"said": "fail"}}, {canonical(["gate", "two"]): entry}, [1]):
        cache.write_text(json.dumps(forged))
        forget(monkeypatch)
        assert remembered.recall(toy.root, "gate", "one") is None
        assert remembered.recall(toy.root, "gate", "two") is None


def test_a_cache_from_another_copy_opens_nothing(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    """It was made with that copy's key."""
    remembered.remember(toy.root, "pass", "gate")
    (toy.root / ".git" / remembered.KEY).write_text("0" * 64)
    forget(monkeypatch)

    assert remembered.recall(toy.root, "gate") is None


def test_without_git_it_lives_as_long_as_the_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    remembered.remember(tmp_path, "pass", "gate")
    assert remembered.recall(tmp_path, "gate") == "pass"
    forget(monkeypatch)

    assert remembered.recall(tmp_path, "gate") is None
    assert not (tmp_path / remembered.CACHE).exists()


def test_the_oldest_go_first(toy: Toy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembered, "MOST", 2)
    for number in range(3):
        remembered.remember(toy.root, number, "about", number)
    forget(monkeypatch)

    assert [remembered.recall(toy.root, "about", number) for number in range(3)] == [None, 1, 2]
