"""A team's modules: known by what they say, kept as they were, and told with their own line where they break."""

from pathlib import Path

import pytest

from planrun.rooms import KEPT, Rooms
from planrun.trouble import Trouble

FEATURES = '"""Ours."""\nfrom .helpers import SCALE\n\n\ndef steps():\n    return SCALE\n'


@pytest.fixture
def rooms(tmp_path: Path) -> Rooms:
    """A room that imports a module beside it."""
    made = Rooms(tmp_path, "ours")
    made.folder.mkdir(parents=True)
    made.folder.joinpath("__init__.py").write_text("")
    made.folder.joinpath("helpers.py").write_text("SCALE = 2\n")
    made.folder.joinpath("features.py").write_text(FEATURES)
    return made


def again(rooms: Rooms) -> Rooms:
    """The same package after an edit."""
    return Rooms(rooms.root, rooms.package)


def test_only_what_changes_a_result_is_another_content(rooms: Rooms) -> None:
    """Comments, docstrings and layout are not; the code is, and the module that it imports."""
    first, file = rooms.content("features"), rooms.folder / "features.py"
    file.write_text(
        '"""Mine."""\n\nfrom .helpers import SCALE  # why\n\n\ndef steps():\n    """Why."""\n    return SCALE\n'
    )
    assert rooms.content("features") == first
    rooms.folder.joinpath("helpers.py").write_text("SCALE = 3\n")
    assert rooms.content("features") != first
    assert rooms.content("models") == ""


def test_an_entry_of_a_table_counts_with_what_it_leads_to(rooms: Rooms) -> None:
    """Another entry's code is none of its own."""
    text = "def one():\n    return LOW\n\n\ndef two():\n    return 5\n\n\nLOW = 1\nTABLE = {'a': one, 'b': two}\n"
    file = rooms.folder / "models.py"
    file.write_text(text)
    first = rooms.content("models", "TABLE.a")
    file.write_text(text.replace("return 5", "return 6"))
    assert rooms.content("models", "TABLE.a") == first
    file.write_text(text.replace("LOW = 1", "LOW = 2"))

    assert rooms.content("models", "TABLE.a") != first


def test_what_was_kept_goes_on_whatever_the_code_says_later(rooms: Rooms) -> None:
    """With the module that it imports; and an edit of the copy is seen."""
    digest = rooms.keep("features")
    rooms.folder.joinpath("features.py").write_text("def steps(:\n")
    rooms.folder.joinpath("helpers.py").unlink()
    assert again(rooms).kept("features", digest).steps() == 2
    assert sorted(path.name for path in (rooms.root / KEPT / digest).iterdir() if path.suffix) == [
        "features.py", "helpers.py",
    ]  # fmt: skip
    (rooms.root / KEPT / digest / "helpers.py").write_text("SCALE = 9\n")

    with pytest.raises(Trouble, match="is not what was kept under this name"):
        again(rooms).kept("features", digest)


def test_a_copy_that_is_missing_is_told(rooms: Rooms) -> None:
    with pytest.raises(Trouble, match=r"registry/rooms/0123456789ab/features\.py is missing") as missing:
        rooms.kept("features", "0123456789ab")

    assert missing.value.remedy == "git checkout registry/rooms"


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("def steps(:\n", "src/ours/features.py, line 1: invalid syntax"),
        ("\nraise ValueError('no good')\n", "src/ours/features.py, line 2: no good."),
        ("import nothing_like_it\n", "src/ours/features.py, line 1: No module named 'nothing_like_it'."),
        ("from ours.helpers import SCALE\n", "src/ours/features.py, line 1: it imports ours by its full name."),
    ],
)
def test_a_room_that_breaks_is_told_with_its_line(code: str, told: str, rooms: Rooms) -> None:
    """Not the engine's."""
    rooms.root.joinpath("plan").mkdir()
    rooms.root.joinpath("plan/project.yaml").write_text("kind: toy\n")
    rooms.folder.joinpath("features.py").write_text(code)
    with pytest.raises(Trouble) as broken:
        again(rooms).room("features")

    assert broken.value.sentence.startswith(told)


def test_a_room_that_reads_a_file_beside_it_cannot_be_kept(rooms: Rooms) -> None:
    rooms.folder.joinpath("features.py").write_text("PLACE = __file__\n")
    with pytest.raises(Trouble, match="line 1: it reads a file beside it"):
        again(rooms).keep("features")


def test_two_repositories_live_in_one_process(rooms: Rooms, tmp_path: Path) -> None:
    """Rooms of one name do not see each other, and an edited room is a new module."""
    other = Rooms(tmp_path / "other", "ours")
    other.folder.mkdir(parents=True)
    other.folder.joinpath("checks.py").write_text("VALUE = 2\n")
    rooms.folder.joinpath("checks.py").write_text("VALUE = 1\n")
    found = [one.room("checks") for one in (rooms, other)]
    rooms.folder.joinpath("checks.py").write_text("VALUE = 10\n")

    assert [one.VALUE for one in (*found, again(rooms).room("checks")) if one] == [1, 2, 10]
    assert rooms.room("models") is None
