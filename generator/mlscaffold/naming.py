"""What a project may not be called: its name becomes a folder, a package, a command and a distribution."""

import functools
import keyword
import re
import sys

from mlscaffold import patterns

# Modules that Python gained or gave up from 3.11 on: a name must not depend on which of them is running here.
COMES_AND_GOES = """
    aifc annotationlib asynchat asyncore audioop cgi cgitb chunk compression crypt distutils imghdr imp lib2to3 mailcap
    msilib nis nntplib ossaudiodev pipes smtpd sndhdr spwd sunau telnetlib uu xdrlib
"""

# Distributions that some rendered repository installs, and the modules they bring. A test derives the list from the
# rendered pyproject files and what is installed here, and says what is missing.
INSTALLED = """
    adbc-driver-duckdb alembic annotated-doc annotated-types anyio asn1crypto ast-serialize cachecontrol
    cachetools certifi cfgv charset-normalizer click cloudpickle colorama cyclonedx cyclonedx-python-lib
    databricks databricks-sdk dateutil distlib dnspython dotenv duckdb email-validator fastapi filelock git
    gitdb gitpython google googleapis-common-protos greenlet grpc grpc-status grpcio grpcio-status h11
    hatchling httpcore httptools httpx identify idna importlib-metadata iniconfig jinja2 joblib librt mako
    markdown-it markdown-it-py markupsafe mdurl mlflow mlflow-skinny msgpack multipart mypy mypy-extensions
    mypyc narwhals nodeenv numpy opentelemetry opentelemetry-api opentelemetry-exporter-http-transport
    opentelemetry-exporter-otlp-common opentelemetry-exporter-otlp-proto-common
    opentelemetry-exporter-otlp-proto-http opentelemetry-proto opentelemetry-sdk
    opentelemetry-semantic-conventions packaging pandas pathspec pg8000 pip-api pip-audit
    pip-requirements-parser pkg-resources platformdirs pluggy pre-commit prettytable prometheus-client
    protobuf psycopg py pyarrow pydantic pydantic-core pydantic-settings pygments pyspark pyspark-client
    pytest python-dateutil python-discovery python-dotenv python-multipart pyyaml requests rich ruff
    scikit-learn scipy scramp setuptools shellingham sklearn skops smmap sqlalchemy sqlparse stamina
    starlette structlog tenacity threadpoolctl toml tomli tomli-w tomlkit trove-classifiers typer
    types-pyyaml typing-extensions typing-inspection tzdata urllib3 uvicorn uvloop virtualenv watchfiles
    wcwidth websockets yaml yaml-stubs zipp zizmor zstandard
"""

# Distributions, packages and commands of mlscaffold: the engine is in every repository, the generator often beside it.
OWN = "mlscaffold mlscaffold-planner mlscaffold-planrun planrun planrun-ml planrun-software"

# What a rendered repository has of its own: folders, modules of its tests, what its .gitignore leaves out.
OF_THE_REPOSITORY = """
    tests test docs src plan data gates ops engine conftest browser model-stand-in
    samples dist build access backups predictions results store registry evidence experiments notebooks
    site-packages
"""

# Commands that an activated environment, the Makefile or its recipes need under these names.
COMMANDS = """
    activate deactivate python python3 pip pip3 uv uvx wheel git make sh bash env py
"""

# Windows keeps these for devices, with any ending and in any folder.
DEVICES = frozenset(
    {"con", "prn", "aux", "nul", *(f"{port}{number}" for port in ("com", "lpt") for number in range(10))}
)


def problem(slug: str) -> str | None:
    """Why a project cannot have this short name; None where it can."""
    package = slug.replace("-", "_")
    if slug in DEVICES:
        return f"Windows keeps {slug} for a device and has no folder of that name, so choose a different name"
    if slug in _slugs(INSTALLED.split()):
        return f"the repository installs {slug}, which its own package would hide, so choose a different name"
    if slug in OWN.split():
        return f"mlscaffold's own parts are called {slug}, so choose a different name"
    if slug in _slugs(COMMANDS.split()):
        return f"a command called {package} would stand in front of the one of that name, so choose a different name"
    if slug.startswith("test-"):
        return f"the modules of a repository's tests are called test_…, as {package} would be; choose a different name"
    if slug in reserved():
        return f"a Python package called {package} would hide another one, so choose a different name"
    return None


@functools.cache
def reserved() -> frozenset[str]:
    """Every short name that is refused."""
    python = [*keyword.kwlist, *sys.stdlib_module_names, *COMES_AND_GOES.split()]
    others = [*INSTALLED.split(), *OWN.split(), *OF_THE_REPOSITORY.split(), *COMMANDS.split(), *DEVICES]
    return _slugs([*python, *others])


def _slugs(names: list[str]) -> frozenset[str]:
    return frozenset(slug for slug in (name.replace("_", "-") for name in names) if re.fullmatch(patterns.SLUG, slug))
