"""A kind that no engine has, git as nobody has set it up, and a repository of that kind for each test."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from planrun import catalogue, gates, identity, rigor
from planrun.signing import signatures
from planrun.tests.toy import KIND, LISTED, PACKAGE, Toy

SETTINGS = "[user]\n\tname = Ana\n\temail = ana@example.org\n"


@pytest.fixture(autouse=True)
def _git(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ana is at work; no hooks, keys, templates or other places of whoever runs the tests."""
    settings = tmp_path_factory.mktemp("git") / "config"
    settings.write_text(SETTINGS)
    for name in [name for name in os.environ if name.startswith("GIT_") and name != "GIT_EXEC_PATH"]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")


@pytest.fixture(autouse=True)
def toy_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of a package for the invented kind, which has no gate but those that a test registers."""
    folder = tmp_path / "installed" / PACKAGE
    folder.mkdir(parents=True)
    folder.joinpath("__init__.py").write_text("")
    package, own = ModuleType(PACKAGE), ModuleType(f"{PACKAGE}.gates")
    package.__file__, package.__path__, own.__path__ = str(folder / "__init__.py"), [str(folder)], []
    for module in (package, own):
        monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setitem(rigor.ENGINES, KIND, PACKAGE)
    monkeypatch.setitem(rigor.STAGES, KIND, tuple(dict.fromkeys(id.partition(".")[0] for id in LISTED)))
    monkeypatch.setitem(catalogue.GATES, KIND, LISTED)
    monkeypatch.setattr(gates, "GATES", {})
    monkeypatch.setattr(signatures, "SIGNABLES", {})
    identity.engine_sha256.cache_clear()
    yield folder
    identity.engine_sha256.cache_clear()


@pytest.fixture
def toy(tmp_path: Path) -> Toy:
    """A repository with answers, a sealed plan, a list of gates and one commit."""
    made = Toy(tmp_path / "repository")
    made.answer()
    made.write("plan/gates.yaml", "blocking: []\ntitles: {}\n")
    made.write("docs/page.md", "# A page\n")
    made.git("init", "--quiet", "--template=", "--initial-branch=main")
    made.commit()
    return made
