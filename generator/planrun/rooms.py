"""The rooms of a team: modules of its own package that the engine calls, each of which may be absent.

A room is loaded from its file under a name of its own, never as the installed package: so two repositories live in one
process, and an edited room is a new module.
"""

import ast
import hashlib
import importlib.util
import sys
from functools import cached_property
from pathlib import Path
from types import ModuleType

from planrun.files import canonical, named
from planrun.trouble import Trouble


class Rooms:
    """The rooms of one repository. `package` is the name of the team's package below `src/`."""

    def __init__(self, root: Path, package: str) -> None:
        self.root, self.package = root, package
        self.folder = root / "src" / package

    def room(self, name: str) -> ModuleType | None:
        """The module `name` of the team's package; None where there is none.

        Raises `Trouble`, with file and line, where it cannot be imported.
        """
        path = self.folder / f"{name}.py"
        if not path.is_file():
            return None
        full = f"{self._alias}.{name}"
        if full not in sys.modules:
            _refuse_own_name(path, self.package)
            try:
                importlib.import_module(full)
            except Exception as error:  # whatever a team's module does while it is imported
                sys.modules.pop(full, None)
                raise _told(path, error) from error
        return sys.modules[full]

    def content(self, name: str) -> str:
        """Twelve digits for what a room says, with the modules of its package that it imports; "" where there is none.

        Comments, docstrings and layout do not count, because they change no result.
        """
        path = self.folder / f"{name}.py"
        if not path.is_file():
            return ""
        said: dict[str, str] = {}
        waiting = [name]
        while waiting:
            one = waiting.pop()
            source = self.folder.joinpath(*one.split(".")).with_suffix(".py")
            if one in said or not source.is_file():
                continue
            tree = _parsed(source)
            said[one] = ast.dump(_bare(tree))
            waiting += _relative(tree)
        return canonical(said)[:12]

    @cached_property
    def _alias(self) -> str:
        """A package that stands for the team's, whose name says where it lies and what it holds."""
        files = sorted(self.folder.rglob("*.py"))
        content = b"".join(path.read_bytes() for path in files)
        name = f"team_{hashlib.sha256(str(self.folder).encode() + content).hexdigest()[:12]}"
        if name not in sys.modules:
            package = ModuleType(name)
            package.__path__ = [str(self.folder)]
            sys.modules[name] = package
        return name


def _parsed(path: Path) -> ast.Module:
    try:
        return ast.parse(path.read_text("utf-8"))
    except (SyntaxError, UnicodeDecodeError) as error:
        raise _told(path, error) from error


def _refuse_own_name(path: Path, package: str) -> None:
    """An absolute import of the own package would bypass the room's own name. Raises `Trouble` with the line."""
    for node in ast.walk(_parsed(path)):
        modules = [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []
        modules += [one.name for one in node.names] if isinstance(node, ast.Import) else []
        if any(module.partition(".")[0] == package for module in modules):
            sentence = f"{named(path)}, line {getattr(node, 'lineno', 1)}: it imports {package} by its full name."
            raise Trouble(sentence, "Write a relative import: from .module import name")


def _relative(tree: ast.Module) -> list[str]:
    """The modules of its own package that a module imports, as `from .helpers import scale` does."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level == 1:
            found += [node.module] if node.module else [one.name for one in node.names]
    return found


def _bare(tree: ast.Module) -> ast.Module:
    """The tree without docstrings."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            first = node.body[0] if node.body else None
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                node.body = node.body[1:] or [ast.Pass()]
    return tree


def _told(path: Path, error: Exception) -> Trouble:
    """Where a room broke, and how: its own line, not the engine's."""
    line = getattr(error, "lineno", None)
    if line is None:
        frame = error.__traceback__
        while frame is not None:
            if Path(frame.tb_frame.f_code.co_filename) == path:
                line = frame.tb_lineno
            frame = frame.tb_next
    what = str(error).splitlines()[0] if str(error) else type(error).__name__
    if isinstance(error, SyntaxError):
        what = error.msg
    where = f"{named(path)}, line {line}" if line else named(path)
    return Trouble(f"{where}: {what.rstrip('.')}.", f"Correct {named(path)}.")
