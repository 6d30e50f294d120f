"""What the product offers and what stands for it, read from the source: nothing is run to know."""

import ast
from collections.abc import Iterator
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


def after(folder: Path, name: str) -> tuple[str, ...]:
    """What has to be done before a sample of this folder can be: its `AFTER`, and theirs, in the order of doing.

    Empty for a capability without a sample. Raises `Trouble` for a sample that is not Python, for what is no name of a
    capability with a sample, and for what comes before itself.
    """
    return tuple(dict.fromkeys(_before(folder, name, ())))


def _before(folder: Path, name: str, later: tuple[str, ...]) -> Iterator[str]:
    path = f"{SAMPLES}/{name}.py"
    for earlier in _declared(folder / f"{name}.py"):
        if earlier in (*later, name):
            raise Trouble(f"{path}: AFTER names {earlier}, which comes before itself.", f"Correct AFTER in {path}.")
        if not (folder / f"{earlier}.py").is_file():
            raise Trouble(f"{path}: AFTER names {earlier!r}, which has no sample.", f"Correct AFTER in {path}.")
        yield from _before(folder, earlier, (*later, name))
        yield earlier


def _declared(file: Path) -> tuple[str, ...]:
    """The names in a sample's `AFTER`. `Trouble` where it is neither a text nor several."""
    if not file.is_file():
        return ()
    for node in _parsed(file).body:
        if isinstance(node, ast.Assign) and [ast.unparse(target) for target in node.targets] == ["AFTER"]:
            if names := _texts(node.value):
                return names
            told = f"{SAMPLES}/{file.name}: AFTER is {ast.unparse(node.value)}, and names no capability."
            raise Trouble(told, f'Write AFTER = "the_capability" into {SAMPLES}/{file.name}, or take it out.')
    return ()


def _texts(value: ast.expr) -> tuple[str, ...]:
    """The texts in an expression that holds texts alone; none of any other."""
    parts = value.elts if isinstance(value, ast.Tuple | ast.List) else [value]
    texts = [part.value for part in parts if isinstance(part, ast.Constant) and isinstance(part.value, str)]
    return tuple(texts) if len(texts) == len(parts) else ()


def unread(repo: Repo) -> list[str]:
    """Files in which capabilities or samples stood together: Python takes the folder of that name, and not them."""
    found = [*sorted(repo.root.glob("src/*/capabilities.py")), repo.root / f"{SAMPLES}.py"]
    return [file.relative_to(repo.root).as_posix() for file in found if file.is_file()]


def named(folder: Path) -> list[str]:
    """What the modules of a folder are called, but for private ones."""
    return sorted(file.stem for file in folder.glob("*.py") if not file.stem.startswith("_"))


def _defines(file: Path, name: str) -> bool:
    """Whether a module has a function of this name. `Trouble` where it is not Python."""
    return any(isinstance(node, ast.FunctionDef) and node.name == name for node in _parsed(file).body)


def _parsed(file: Path) -> ast.Module:
    """A sample as it is written. `Trouble` where it is not Python."""
    try:
        return ast.parse(file.read_text("utf-8"), file.name)
    except SyntaxError as error:
        told = f"{file.name} is not Python: {error.msg} in line {error.lineno}."
        raise Trouble(told, f"Correct {file.name}.") from error
