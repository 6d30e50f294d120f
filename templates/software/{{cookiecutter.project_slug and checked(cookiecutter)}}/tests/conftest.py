"""What every test here takes for granted: git as nobody has set it up, whoever runs them and wherever."""

import os
from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session", autouse=True)
def _git(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A name that is nobody's, and no hooks, keys, templates or other places."""
    settings = tmp_path_factory.mktemp("git") / "config"
    settings.write_text("[user]\n\tname = Test Person\n\temail = test@example.org\n")
    with pytest.MonkeyPatch.context() as surroundings:
        for name in [name for name in os.environ if name.startswith("GIT_") and name != "GIT_EXEC_PATH"]:
            surroundings.delenv(name)
        surroundings.setenv("GIT_CONFIG_GLOBAL", str(settings))
        surroundings.setenv("GIT_CONFIG_NOSYSTEM", "1")
        yield
