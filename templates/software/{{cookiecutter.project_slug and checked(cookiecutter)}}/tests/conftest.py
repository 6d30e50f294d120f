"""What every test here takes for granted: git as nobody has set it up, whoever runs them and wherever; and the product."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from planrun.repository import Repo
{% if served %}
from planrun_software.harness import http
from planrun_software.harness.http import Service as Product
{% else %}
from planrun_software import harness
from planrun_software.harness.deliverable import Product
{% endif %}


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


@pytest.fixture(scope="session")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    """The product, running as its users meet it."""
    drive = {{ 'http.Own' if served else 'harness' }}.here(__file__)
    with drive.product(tmp_path_factory.mktemp("product"){{ ', MODEL_URL="http://127.0.0.1:9"' if answers.ml_component }}) as running:
        yield running


@pytest.fixture(scope="session")
def limit_seconds() -> float:
    """How long an answer may take by the plan; `load` shows it for the share that the requirement names."""
    return int(Repo.here(Path(__file__).parent).answers["p95_ms"]) / 1000
