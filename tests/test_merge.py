"""Three versions of a folder's files, and what a merge makes of them: every case by itself, nothing rendered."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from mlscaffold.errors import InTheWay
from mlscaffold.repository import lineends
from mlscaffold.repository.journal import Change
from mlscaffold.repository.merge import Merged, marked, three_way
from mlscaffold.vcs import File

PAGE = "".join(f"line {number}\n" for number in range(12))
FIRST, LAST = PAGE.replace("line 0\n", "first\n"), PAGE.replace("line 11\n", "last\n")
LONG = b"often\r\n" * 150 + b"less\n" * 100  # so long that a comparison may leave out lines that come often
OTHER = PAGE.replace("line 0\n", "other\n")


def files(texts: Mapping[str, str]) -> dict[str, File]:
    """A render: paths and what stands in them."""
    return {path: File(text.encode()) for path, text in texts.items()}


def put(folder: Path, texts: Mapping[str, str]) -> None:
    """The team's files on the disk."""
    for path, text in texts.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(text.encode())


def merge(
    folder: Path,
    base: Mapping[str, str],
    disk: Mapping[str, str],
    theirs: Mapping[str, str],
    own: tuple[str, ...] = (),
    computed: tuple[str, ...] = (),
    elsewhere: Mapping[str, str] | None = None,
) -> Merged:
    """The new render merged into what lies on the disk."""
    put(folder, disk)
    return three_way(folder, files(base), files(theirs), own=own, computed=computed, elsewhere=elsewhere)


def result(merged: Merged) -> dict[str, str | None]:
    """What each path becomes; None where it goes."""
    return {change.path: None if change.content is None else change.content.decode() for change in merged.changes}


def left(merged: Merged) -> tuple[object, ...]:
    """What is left to people."""
    return merged.conflicts, merged.deleted, merged.kept, merged.beside


NOTHING = ({}, (), (), ())


def test_a_file_that_the_new_plan_no_longer_has_goes(tmp_path: Path) -> None:
    """Where the team left it as it was; what it held is known, so that a run that breaks off can put it back."""
    merged = merge(tmp_path, {"a": PAGE, "b": PAGE}, {"a": PAGE, "b": PAGE}, {"a": PAGE})

    assert merged.changes == (Change("b", None, PAGE.encode()),)
    assert left(merged) == NOTHING


def test_a_file_that_the_new_plan_no_longer_has_stays_where_the_team_wrote_in_it(tmp_path: Path) -> None:
    """It is kept as it is, and said."""
    merged = merge(tmp_path, {"a": PAGE}, {"a": FIRST}, {})

    assert merged.changes == ()
    assert left(merged) == ({}, (), ("a",), ())


def test_a_new_file_comes(tmp_path: Path) -> None:
    """With its bit of execution, and nothing seen in its place."""
    put(tmp_path, {"a": PAGE})
    merged = three_way(
        tmp_path, files({"a": PAGE}), files({"a": PAGE}) | {"run": File(b"#!\n", True)}, own=(), computed=()
    )

    assert merged.changes == (Change("run", b"#!\n", None, True),)
    assert left(merged) == NOTHING


def test_edits_of_different_lines_are_both_in_the_result(tmp_path: Path) -> None:
    """The team's first line and the plan's last."""
    merged = merge(tmp_path, {"a": PAGE}, {"a": FIRST}, {"a": LAST})

    assert merged.changes == (Change("a", LAST.replace("line 0\n", "first\n").encode(), FIRST.encode(), False),)
    assert left(merged) == NOTHING


def test_what_is_no_text_holds_no_marks() -> None:
    """Compiled Python keeps the marks that its source spells out; nobody could choose between them there."""
    text = b"one\n<<<<<<< yours\ntwo\n=======\nthree\n>>>>>>> the-new-plan\n"

    assert marked(text)
    assert not marked(b"\xe3\0\0" + text)


def test_edits_of_one_line_are_marked(tmp_path: Path) -> None:
    """Both texts stand between marks, and git's index gets all three sides."""
    merged = merge(tmp_path, {"a": PAGE}, {"a": FIRST}, {"a": OTHER})
    text = result(merged)["a"] or ""

    assert marked(text.encode())
    assert "first\n" in text
    assert "other\n" in text
    sides = {number: file.content.decode() for number, file in merged.conflicts["a"].items()}
    assert sides == {1: PAGE, 2: FIRST, 3: OTHER}
    assert (merged.deleted, merged.kept, merged.beside) == ((), (), ())


@pytest.mark.parametrize(("new", "said"), [(PAGE, ()), (LAST, ("a",))])
def test_what_the_team_deleted_stays_deleted_and_is_said_where_the_plan_changed_it(
    tmp_path: Path, new: str, said: tuple[str, ...]
) -> None:
    """A page that stayed as it was is not worth a word."""
    merged = merge(tmp_path, {"a": PAGE}, {}, {"a": new})

    assert merged.changes == ()
    assert left(merged) == ({}, said, (), ())


def test_a_page_under_a_new_name_is_followed(tmp_path: Path) -> None:
    """The plan's change lands where the team has put the page, as long as that file is named as the team's."""
    merged = merge(tmp_path, {"a": PAGE}, {"b": PAGE}, {"a": LAST}, own=("b",))

    assert merged.changes == (Change("b", LAST.encode(), PAGE.encode(), False),)
    assert left(merged) == NOTHING


@pytest.mark.parametrize("base", [{"a": "\0" + PAGE}, {}])
def test_two_versions_that_cannot_be_marked_lie_side_by_side(base: dict[str, str], tmp_path: Path) -> None:
    """The team's bytes stay, the plan's lie under a free name beside them; both may be new."""
    merged = merge(tmp_path, base, {"a": "\0" + FIRST}, {"a": "\0" + OTHER})
    (beside,) = merged.beside

    assert result(merged) == {beside: "\0" + OTHER}
    assert set(merged.conflicts) == {"a"}
    assert (merged.deleted, merged.kept) == ((), ())


def test_a_computed_file_is_written_from_the_answers(tmp_path: Path) -> None:
    """Whatever stands there now gives way; the same bytes, or the same with other line ends, are no change."""
    computed = ("changed", "gone", "new", "same", "windows")
    disk = {"changed": FIRST, "gone": PAGE, "same": PAGE, "windows": PAGE.replace("\n", "\r\n")}
    base = dict.fromkeys(("changed", "gone", "same", "windows"), PAGE)
    new = dict.fromkeys(("changed", "new", "same", "windows"), PAGE)
    merged = merge(tmp_path, base, disk, new, computed=computed)

    assert merged.changes == (
        Change("changed", PAGE.encode(), FIRST.encode(), False),
        Change("new", PAGE.encode(), None, False),
    )
    assert left(merged) == NOTHING


def test_windows_line_ends_stay(tmp_path: Path) -> None:
    """In a file that has them, and in a new one where most files have them."""
    crlf = PAGE.replace("\n", "\r\n")
    merged = merge(tmp_path, {"a": PAGE}, {"a": crlf}, {"a": LAST, "new": FIRST})

    assert result(merged) == {"a": LAST.replace("\n", "\r\n"), "new": FIRST.replace("\n", "\r\n")}


def test_a_file_of_the_teams_in_the_place_of_a_new_one_is_merged_with_it(tmp_path: Path) -> None:
    """It was on no list, and its text is not written over."""
    merged = merge(tmp_path, {}, {"a": FIRST}, {"a": OTHER})

    assert "first\n" in (result(merged)["a"] or "")
    assert set(merged.conflicts) == {"a"}


def test_a_folder_in_the_place_of_a_new_file_is_refused(tmp_path: Path) -> None:
    """Merged or computed; nothing can be written there."""
    put(tmp_path, {"a/b": PAGE})

    with pytest.raises(InTheWay, match="a"):
        merge(tmp_path, {}, {}, {"a": PAGE})
    with pytest.raises(InTheWay, match="a"):
        merge(tmp_path, {"a": PAGE}, {}, {"a": PAGE}, computed=("a",))


@pytest.mark.parametrize(("new", "said"), [({"a": PAGE}, ()), ({"a": LAST}, ("a",)), ({}, ())])
def test_a_page_that_became_a_folder_is_left_alone(tmp_path: Path, new: dict[str, str], said: tuple[str, ...]) -> None:
    """And said where the plan changed it."""
    merged = merge(tmp_path, {"a": PAGE}, {"a/b": FIRST}, new)

    assert merged.changes == ()
    assert left(merged) == ({}, said, (), ())


def test_results_name_the_place_where_a_file_lies(tmp_path: Path) -> None:
    """Of a render in a monorepo some files lie at its top."""
    merged = merge(tmp_path / "in", {"a": PAGE}, {"../top": PAGE}, {"a": LAST}, elsewhere={"a": "../top"})

    assert result(merged) == {"../top": LAST}


DUTIES = """# Governance

| Asked | Answered by | Owner | Stands |
|---|---|---|---|
| Who decides? | docs/00-charter.md | po | {stands} |
"""
BORN = "open: not looked at yet"


@pytest.mark.parametrize("stands", ["open with po", "there: signed 2026-03-02", "there: a \\| b"])
def test_what_was_found_of_a_duty_is_no_edit(stands: str, tmp_path: Path) -> None:
    """`planrun govern` wrote it and writes it again: the new page is taken whole, and keeps the mode the team gave."""
    page, new = DUTIES.format(stands=BORN), DUTIES.format(stands=BORN).replace("# Governance", "# Duties")
    path = "docs/governance.md"
    put(tmp_path, {path: DUTIES.format(stands=stands)})
    (tmp_path / path).chmod(0o755)
    merged = merge(tmp_path, {path: page}, {}, {path: new})

    assert result(merged) == {path: new}
    assert left(merged) == NOTHING
    assert [change.executable for change in merged.changes] == [True]


def test_what_a_team_says_of_a_duty_is_an_edit(tmp_path: Path) -> None:
    """In words of its own, or in a table of its own: it stays under the new heading."""
    page, own = DUTIES.format(stands=BORN), DUTIES.format(stands="settled with legal")
    told = own.replace("Answered by", "Told by").replace("settled with legal", "there: in the safe")

    for at, disk in enumerate((own, told)):
        new = {"docs/governance.md": page.replace("# Governance", "# Duties")}
        merged = merge(tmp_path / str(at), {"docs/governance.md": page}, {"docs/governance.md": disk}, new)
        assert result(merged) == {"docs/governance.md": disk.replace("# Governance", "# Duties")}


def test_what_the_team_made_executable_stays_so(tmp_path: Path) -> None:
    """The plan changes a text, not a bit that it never set."""
    put(tmp_path, {"a": PAGE})
    (tmp_path / "a").chmod(0o755)

    assert merge(tmp_path, {"a": PAGE}, {}, {"a": LAST}).changes == (Change("a", LAST.encode(), PAGE.encode(), True),)


def test_a_large_file_is_no_page_under_a_new_name(tmp_path: Path) -> None:
    """Up to a million bytes a file of the team's is held against the pages that are missing; beyond that it is not."""
    for size, found in ((1_000_000, {"b"}), (1_000_001, set())):
        text = PAGE + "x" * (size - len(PAGE))
        merged = merge(tmp_path, {"a": text}, {"b": text}, {"a": text.replace("line 0\n", "first\n")}, own=("b",))

        assert {change.path for change in merged.changes} == found


def test_a_page_that_became_a_link_is_left_alone_and_said(tmp_path: Path) -> None:
    """It counts as deleted: nothing is written through it, and nothing is refused."""
    put(tmp_path, {"b": PAGE})
    (tmp_path / "a").symlink_to("b")
    merged = merge(tmp_path, {"a": PAGE}, {}, {"a": LAST})

    assert merged.changes == ()
    assert left(merged)[1:] == (("a",), (), ())


# ------------------------------------------------------------------------------------------------ line ends


@pytest.mark.parametrize(
    ("own", "crlf", "merged", "restored"),
    [
        (None, False, b"new\n", b"new\n"),
        (None, True, b"new\n", b"new\r\n"),
        (b"one line", True, b"a\nb", b"a\r\nb"),
        (b"one line", False, b"a\nb", b"a\nb"),
        (b"a\nb\n", True, b"a\nnew\n", b"a\nnew\n"),
        (b"a\r\nb\r\n", False, b"a\nnew\n", b"a\r\nnew\r\n"),
        (b"a\r\nb\nc\r\n", False, b"a\nb\nnew\nc\nend", b"a\r\nb\nnew\r\nc\r\nend"),
        (b"a\r\nb\nc\n", True, b"a\nb\nnew\nc\n", b"a\r\nb\nnew\nc\n"),
        (b"a\r\nb\n", True, b"a\nb\nnew\n", b"a\r\nb\nnew\n"),
        (LONG, True, b"new\n" + LONG.replace(b"\r", b""), b"new\r\n" + LONG),
        (b"a\0\r\n", True, b"new\n", b"new\n"),
        (b"a\r\n", True, b"new\0\n", b"new\0\n"),
    ],
)
def test_a_merged_text_gets_its_own_line_ends(own: bytes | None, crlf: bool, merged: bytes, restored: bytes) -> None:
    """Those of the file; line by line where they are mixed, a new line as most; bytes that are no text stay."""
    assert lineends.restored(merged, own, crlf=crlf) == restored


@pytest.mark.parametrize(("zero", "text"), [(7999, False), (8000, True)])
def test_a_text_is_what_git_takes_for_one(zero: int, text: bool) -> None:
    """No zero byte among the first 8,000; only a text's line ends are made one kind."""
    content = b"\r\n" * (zero // 2) + b"x" * (zero % 2) + b"\0\r\n"

    assert lineends.is_text(content) is text
    assert (lineends.plain(content) == content) is not text


@pytest.mark.parametrize(
    ("contents", "mostly"),
    [
        ([], False),
        ([b"a\r\n"], True),
        ([b"a\r\n", b"a\n"], False),
        ([b"a\r\n", b"a\r\n", b"a\n"], True),
        ([b"a\r\n", b"no end", b"binary\0\n", b"neither"], True),
        ([b"binary\0\r\n", b"a\n"], False),
    ],
)
def test_most_files_decide_for_a_new_one(contents: list[bytes], mostly: bool) -> None:
    """More than half of those that are texts and have lines."""
    assert lineends.mostly_crlf(contents) is mostly
