"""The door to the planning engine: cookiecutter finds this module beside cookiecutter.json, wherever that lies."""
import pathlib, sys  # noqa: E401

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "generator"))
from mlscaffold.context import PlanExtension  # noqa: E402,F401
