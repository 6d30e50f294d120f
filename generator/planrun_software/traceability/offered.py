"""What the product offers and what stands for it, read from the source: nothing is run to know."""

import ast
from pathlib import Path

from planrun.repository import Repo
from planrun.trouble import Blocked, Trouble

from planrun_software.traceability.requirements import requirements

SAMPLES = "tests/samples"  # a file for each capability


def offered(repo: Repo) -> list[str]:
    """The capabilities by function: those that a requirement names, then those with a file that none names."""
    names = [str(row.get("function", "")) for row in requirements(repo) if row.get("kind") == "capability"]
    names += [name for folder in sorted(repo.root.glob("src/*/capabilities")) for name in named(folder)]
    return list(dict.fromkeys(filter(None, names)))


def sampled(repo: Repo) -> list[str]:
    """The capabilities that have a sample: a file of their name, and a function of it inside. `Blocked` without any.

    Raises `Trouble` for a sample that is not Python.
    """
    folder = repo.root / SAMPLES
    if not folder.is_dir():
        raise Blocked(f"There is no {SAMPLES}, so nothing stands for a capability.", f"git checkout {SAMPLES}")
    return [name for name in named(folder) if _defines(folder / f"{name}.py", name)]


def unread(repo: Repo) -> list[str]:
    """Files in which capabilities or samples stood together: Python takes the folder of that name, and not them."""
    found = [*sorted(repo.root.glob("src/*/capabilities.py")), repo.root / f"{SAMPLES}.py"]
    return [file.relative_to(repo.root).as_posix() for file in found if file.is_file()]


def named(folder: Path) -> list[str]:
    """What the modules of a folder are called, but for private ones."""
    return sorted(file.stem for file in folder.glob("*.py") if not file.stem.startswith("_"))


def _defines(file: Path, name: str) -> bool:
    """Whether a module has a function of this name. `Trouble` where it is not Python."""
    try:
        module = ast.parse(file.read_text("utf-8"), file.name)
    except SyntaxError as error:
        told = f"{file.name} is not Python: {error.msg} in line {error.lineno}."
        raise Trouble(told, f"Correct {file.name}.") from error
    return any(isinstance(node, ast.FunctionDef) and node.name == name for node in module.body)
