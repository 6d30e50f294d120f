"""Which engine this is: an edit, a file that came and one that went are named; what programs leave there is not."""

import json
from pathlib import Path

import pytest

import planrun
from planrun import identity
from planrun.tests.toy import KIND, PACKAGE


@pytest.fixture
def released(toy_package: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A kind's package with the list of its files, as a release has it; the shared package is left out."""
    import sys

    package = sys.modules[PACKAGE]
    monkeypatch.setattr(identity, "packages", lambda kind: (package,))
    toy_package.joinpath("one.py").write_text("ONE = 1\n")
    listed = {"version": "1.0", "files": identity.manifest_of(package)}
    toy_package.joinpath(identity.MANIFEST).write_text(json.dumps(listed))
    return toy_package


def test_an_edit_of_the_engine_is_named(released: Path) -> None:
    assert identity.edited(KIND) == []
    assert identity.told(KIND) == f"planrun {planrun.__version__}, as it was released"
    before = identity.engine_sha256(KIND)
    released.joinpath("one.py").write_bytes(b"ONE = 1\r\n")
    released.joinpath("__pycache__").mkdir()
    released.joinpath("__pycache__/one.pyc").write_text("")
    assert identity.edited(KIND) == [], "line ends and caches are no edit"
    released.joinpath("one.py").write_text("ONE = 2\n")
    released.joinpath("two.py").write_text("")
    released.joinpath("__init__.py").unlink()
    identity.engine_sha256.cache_clear()

    names = [f"{PACKAGE}/{name}" for name in ("__init__.py", "one.py", "two.py")]
    assert identity.edited(KIND) == names
    assert identity.told(KIND) == f"planrun {planrun.__version__}, edited here: {', '.join(names)}"
    assert identity.engine_sha256(KIND) != before


@pytest.mark.parametrize("text", ["", "[]", '{"version": "1.0"}', '{"files": 3}'])
def test_a_list_that_lists_nothing_is_an_edit(text: str, released: Path) -> None:
    """Nothing can be held against it."""
    released.joinpath(identity.MANIFEST).write_text(text)

    assert identity.edited(KIND) == [f"{PACKAGE}/{identity.MANIFEST}"]


def test_without_a_list_it_is_the_source(released: Path) -> None:
    released.joinpath(identity.MANIFEST).unlink()

    assert identity.edited(KIND) is None
    assert identity.facts(KIND)["state"] == "source"
