"""What the product offers and what stands for it, read from the source: nothing is run to know."""

import ast
from pathlib import Path

from planrun.repository import Repo
from planrun.trouble import Blocked, Trouble

from planrun_software.traceability.requirements import requirements

SAMPLES = "tests/samples.py"


def offered(repo: Repo) -> list[str]:
    """The capabilities by function: those that a requirement names, then those in CAPABILITIES that none names."""
    names = [str(row.get("function", "")) for row in requirements(repo) if row.get("kind") == "capability"]
    for file in sorted(repo.root.glob("src/*/capabilities.py")):
        names += keys_of(file, "CAPABILITIES")
    return list(dict.fromkeys(filter(None, names)))


def sampled(repo: Repo) -> list[str]:
    """The capabilities that have a sample. `Blocked` where there is no file of samples."""
    if not (repo.root / SAMPLES).is_file():
        raise Blocked(f"There is no {SAMPLES}, so nothing stands for a capability.", f"git checkout {SAMPLES}")
    return keys_of(repo.root / SAMPLES, "SAMPLES")


def keys_of(file: Path, name: str) -> list[str]:
    """The keys of a dictionary that a module writes out under a name; none where it holds no such name."""
    try:
        module = ast.parse(file.read_text("utf-8"), file.name)
    except SyntaxError as error:
        told = f"{file.name} is not Python: {error.msg} in line {error.lineno}."
        raise Trouble(told, f"Correct {file.name}.") from error
    for node in module.body:
        if isinstance(node, ast.Assign | ast.AnnAssign) and isinstance(node.value, ast.Dict):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            if any(isinstance(target, ast.Name) and target.id == name for target in targets):
                keys = [key.value for key in node.value.keys if isinstance(key, ast.Constant)]
                return [key for key in keys if isinstance(key, str)]
    return []
