"""What a software product's pyproject.toml lists by the answers: what it needs, what its developers need, commands."""

import json
from collections.abc import Mapping
from typing import Any

from mlscaffold.answers import Answers
from mlscaffold.catalogue.keys import PlanKey
from mlscaffold.rendering.forms import called_for, is_served, lines, stores
from mlscaffold.rendering.settings import settings

LICENSES = {"mit": "MIT", "apache-2.0": "Apache-2.0", "bsd-3-clause": "BSD-3-Clause"}


class Packages:
    """The lists of one product."""

    def __init__(self, answers: Answers, plan: Mapping[PlanKey, Any]) -> None:
        served, web = is_served(answers), answers.deliverable == "web-app"
        kept = served and stores(answers)
        calls = bool(answers.dependencies or answers.ml_component)
        configured = bool(settings(answers, plan))
        self.license = LICENSES.get(answers.license, "")
        self.needed = called_for(
            (answers.deliverable == "cli", "typer>=0.15"),
            (served, "fastapi>=0.143"),
            (served, "prometheus-client>=0.21"),
            (configured, "pydantic-settings>=2.7"),
            (configured, "python-dotenv>=1"),
            (served, "structlog>=24.4"),
            (served, "uvicorn>=0.30"),
            (web, "jinja2>=3.1"),
            (web, "python-multipart>=0.0.9"),
            (kept, "alembic>=1.13"),
            (kept or calls, "httpx>=0.27"),
            (kept, "sqlalchemy>=2.0"),
            (calls, "stamina>=24.2"),
        )
        self.development = called_for(
            (True, "hatchling>=1.25"),
            (served and not kept and not calls, "httpx>=0.27"),
            (True, "mypy>=1.11"),
            (answers.rigor != "light", "pip-audit>=2.7"),
            (True, "pre-commit>=4"),
            (True, "pytest>=8"),
            (True, "ruff>=0.6"),
            (answers.ci == "github", "zizmor>=1"),
        )
        # What a team may go without: the driver of its production database, and where traces and figures are sent.
        otlp = ["opentelemetry-exporter-otlp-proto-http>=1.44", "opentelemetry-sdk>=1.44"]
        extras = called_for(
            (kept, ("postgres", ["pg8000>=1.31"])), (served or answers.deliverable == "batch", ("otel", otlp))
        )
        self.extras = dict(extras)
        self.extra_lines = lines(f"{name} = {json.dumps(wanted)}" for name, wanted in self.extras.items())
        self.scripts = _scripts(answers)


def _scripts(answers: Answers) -> dict[str, str]:
    """The commands that are installed, each with its function below the package; a library has none."""
    if answers.deliverable == "cli":
        return {answers.project_slug: "run:main", answers.package_name: "run:main"}
    return {} if answers.deliverable == "library" else {answers.package_name: "__main__:main"}
