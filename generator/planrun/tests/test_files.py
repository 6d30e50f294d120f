"""What is read is told where it is wrong, and what is written is there whole or not at all."""

import hashlib
import os
from pathlib import Path

import pytest

from planrun import files
from planrun.tests.toy import Toy
from planrun.trouble import Blocked, Trouble


def test_a_hash_of_data_does_not_depend_on_their_layout() -> None:
    """The order of keys is layout; the order of a list, and a number beside its text, are not."""
    assert files.canonical({"a": 1, "b": [1, 2]}) == files.canonical({"b": [1, 2], "a": 1})
    assert files.canonical([1, 2]) != files.canonical([2, 1])
    assert files.canonical({"a": 1}) != files.canonical({"a": "1"})


def test_a_text_has_one_hash_whatever_its_line_ends(tmp_path: Path) -> None:
    """Also where a block that is read ends between the two characters; bytes that are no text keep each of theirs."""
    line = "x" * ((1 << 20) - 1)
    plain, edited = tmp_path / "plain.txt", tmp_path / "edited.txt"
    plain.write_bytes(f"{line}\nsecond\n".encode())
    edited.write_bytes(f"{line}\r\nsecond\r\n".encode())
    assert files.sha256(plain) == files.sha256(edited) == hashlib.sha256(plain.read_bytes()).hexdigest()
    plain.write_bytes(b"\0a\nb")
    edited.write_bytes(b"\0a\r\nb")

    assert files.sha256(plain) != files.sha256(edited)


@pytest.mark.parametrize(
    ("path", "left"),
    [
        ("src/__pycache__/a.pyc", True), (".cache/a.json", True), ("src/a.py~", True), ("src/.a.py.swp", True),
        ("a.egg-info/PKG-INFO", True), ("docs/page.md.orig", True), ("src/a.py", False), ("docs/a.orig.md", False),
    ],
)  # fmt: skip
def test_what_programs_leave_behind_is_known(path: str, left: bool) -> None:
    assert files.left_over(Path(path)) == left


def test_a_missing_file_is_told_with_what_brings_it_back(toy: Toy) -> None:
    """Git where a commit holds it; the command that makes it where none does."""
    toy.root.joinpath("plan/plan.json").unlink()
    with pytest.raises(Blocked, match=r"^plan/plan\.json is missing\.$") as missing:
        files.read_json(toy.root / "plan/plan.json", "mlscaffold replan")
    with pytest.raises(Blocked) as never:
        files.read_json(toy.root / "plan/other.json", "make other")

    assert missing.value.remedy == "git checkout plan/plan.json"
    assert never.value.remedy == "make other"


@pytest.mark.parametrize(("text", "told"), [("{", "is not JSON"), ("[1]", "is not JSON"), ("", "is not JSON")])
def test_torn_json_is_told(text: str, told: str, toy: Toy) -> None:
    """Not a traceback, and nobody takes it for missing."""
    toy.write("plan/plan.json", text)
    with pytest.raises(Trouble, match=told) as torn:
        files.read_json(toy.root / "plan/plan.json")

    assert not isinstance(torn.value, Blocked)
    assert torn.value.remedy == "git checkout plan/plan.json"


def test_scalars_of_yaml_are_the_texts_that_were_typed(tmp_path: Path) -> None:
    """A country is no refusal, a version no number, a day no date."""
    path = tmp_path / "a.yaml"
    path.write_text("country: no\nversion: 1.10\nday: 2026-01-01\n")

    assert files.read_yaml(path) == {"country": "no", "version": "1.10", "day": "2026-01-01"}


def test_yaml_that_is_none_names_its_line(toy: Toy) -> None:
    toy.write("plan/gates.yaml", "blocking: []\ntitles: [\n")
    with pytest.raises(Trouble, match=r"^plan/gates\.yaml is not YAML: line 3: "):
        files.read_mapping(toy.root / "plan/gates.yaml")
    toy.write("plan/gates.yaml", "- a\n")
    with pytest.raises(Trouble, match=r"is no list of `key: value` lines"):
        files.read_mapping(toy.root / "plan/gates.yaml")


def test_a_row_that_has_no_fields_is_told(toy: Toy) -> None:
    """Rows below a key as well as rows of the whole file; a file that is not there has none."""
    assert files.rows_of(toy.root, "gates/none.yaml") == []
    toy.write("data.yaml", "sources:\n  - name: a\n  - just a word\n")
    with pytest.raises(Trouble, match=r"data\.yaml holds 'just a word' where a row of named fields belongs") as told:
        files.rows_of(toy.root, "data.yaml", "sources")

    assert "below sources:" in told.value.remedy


def test_a_write_that_fails_leaves_the_old_text_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk, say: a reader sees what was there before."""
    path = tmp_path / "folder" / "a.txt"
    files.write_text(path, "old\n")

    def full(*names: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match="no space"):
        files.write_text(path, "new\n")

    assert path.read_text() == "old\n"
    assert list(path.parent.iterdir()) == [path]


def test_what_people_say_stays_a_text_on_a_page() -> None:
    """No HTML and no image, but for the line that is the page's own."""
    page = files.as_text("<!-- ours -->\na < b <b>x</b> ![i](u)\n", "<!-- ours -->")

    assert page == "<!-- ours -->\na < b &lt;b>x&lt;/b> !\\[i](u)\n"
