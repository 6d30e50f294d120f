"""The rooms of a team: modules of its own package that the engine calls, each of which may be absent.

A room is loaded from its file under a name of its own, never as the installed package: so two repositories live in one
process, and an edited room is a new module.
"""

import ast
import hashlib
import importlib.util
import shutil
import sys
import tempfile
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from types import ModuleType

from planrun.files import canonical, named, put_folder_in_place
from planrun.trouble import Trouble

KEPT = "registry/rooms"  # below it a copy of each room that shaped a result, in a folder named by what it says


class Rooms:
    """The rooms of one repository. `package` is the name of the team's package below `src/`.

    A room that shapes a model is kept: what was trained with it goes on with the copy, whatever the code says later.
    """

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

    def content(self, name: str, part: str = "") -> str:
        """Twelve digits for what a room says, with the modules of its package that it imports; "" where there is none.

        Comments, docstrings and layout do not count, because they change no result. `part` names an entry of a table,
        such as `FAMILIES.boosted`: then that entry alone counts, and what of the module it leads to.
        """
        path = self.folder / f"{name}.py"
        return _content(self.folder, name, part) if path.is_file() else ""

    def keep(self, name: str, part: str = "") -> str:
        """Keep a copy of a room under `registry/rooms/`, with the modules it imports; what `content` says of it.

        Raises `Trouble` where the room cannot be imported, or reads a file beside it, which no copy would have.
        """
        if self.room(name) is None:
            return ""
        digest, files = self.content(name, part), _closure(self.folder, name)
        for path in files.values():
            _refuse_own_name(path, self.package)
            _refuse_files_beside(path)
        target = self.root / KEPT / digest
        if not (target / f"{name}.py").is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(dir=target.parent, prefix=".") as scratch:
                for path in files.values():
                    copy = Path(scratch, "room", path.relative_to(self.folder))
                    copy.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(path, copy)
                put_folder_in_place(Path(scratch, "room"), target)
        return digest

    def kept_files(self, name: str, digest: str) -> list[Path]:
        """The files of a kept room. Raises `Trouble` where it is not there."""
        folder = self.root / KEPT / digest
        if not digest or not (folder / f"{name}.py").is_file():
            raise Trouble(f"{KEPT}/{digest}/{name}.py is missing.", f"git checkout {KEPT}")
        return list(_closure(folder, name).values())

    def kept(self, name: str, digest: str, part: str = "") -> ModuleType:
        """The module of a kept room. Its own name holds the digest, so that a model file can name its classes.

        Raises `Trouble` where the copy is missing, says something else by now, or cannot be imported.
        """
        path = self.kept_files(name, digest)[0]
        if _content(path.parent, name, part) != digest:
            raise Trouble(f"{named(path)} is not what was kept under this name.", f"git checkout {KEPT}")
        alias = package_of(digest)
        package = sys.modules.setdefault(alias, ModuleType(alias))
        package.__path__ = list(dict.fromkeys([*getattr(package, "__path__", []), str(path.parent)]))
        try:
            return importlib.import_module(f"{alias}.{name}")
        except Exception as error:  # whatever a team's module does while it is imported
            sys.modules.pop(f"{alias}.{name}", None)
            raise _told(path, error) from error

    def imports(self, name: str, digest: str, part: str = "") -> set[str]:
        """The packages that a kept room imports, by the first word of each module's name."""
        folder = self.kept_files(name, digest)[0].parent
        return {
            module.partition(".")[0]
            for _, nodes in _said(folder, name, part)
            for node in nodes
            for module in _absolute(node)
        }

    def told(self, error: Exception, name: str, digest: str) -> Trouble | None:
        """What went wrong in a kept room's own code, with file and line; None where its code had no part in it."""
        for path in self.kept_files(name, digest):
            if _line(path, error) is not None:
                live = self.folder / path.relative_to(self.root / KEPT / digest)
                same = live.is_file() and live.read_bytes() == path.read_bytes()
                return _told(path, error, live if same else path)
        return None

    def trouble(self, name: str, error: Exception) -> Trouble:
        """What a call into the room `name` ended with, told with the room's own line."""
        return _told(self.folder / f"{name}.py", error)

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


def _refuse_files_beside(path: Path) -> None:
    """A kept copy holds modules alone. Raises `Trouble` with the line where a module asks for its own place."""
    for node in ast.walk(_parsed(path)):
        if isinstance(node, ast.Name) and node.id == "__file__":
            sentence = f"{named(path)}, line {node.lineno}: it reads a file beside it, which a version would not keep."
            raise Trouble(sentence, "Write what it reads into the module, or let it arrive as a column.")


def package_of(digest: str) -> str:
    """The name of the package that a kept room is imported as."""
    return f"team_{digest}"


def _content(folder: Path, name: str, part: str) -> str:
    return canonical({module: [_plain(node) for node in nodes] for module, nodes in _said(folder, name, part)})[:12]


def _plain(node: object) -> object:
    """Code as plain data, the same under every version of Python: fields that hold nothing are left out."""
    if isinstance(node, ast.AST):
        fields = {key: _plain(value) for key, value in ast.iter_fields(node) if value is not None and value != []}
        return {"": type(node).__name__, **fields}
    if isinstance(node, list):
        return [_plain(one) for one in node]
    return f"{type(node).__name__} {node!r}"


def _closure(folder: Path, name: str) -> dict[str, Path]:
    """A module and those of its package that it imports, directly or not: dotted name → file, the module first."""
    return {module: _source(folder, module) for module, _ in _said(folder, name, "")}


def _said(folder: Path, name: str, part: str) -> Iterator[tuple[str, list[ast.AST]]]:
    """Each module that counts, with what of it counts: of the first one what `part` leads to, where it is named."""
    seen: set[str] = set()
    waiting = [name]
    while waiting:
        module = waiting.pop()
        source = _source(folder, module)
        if module in seen or not source.is_file():
            continue
        seen.add(module)
        tree = _bare(_parsed(source))
        nodes: list[ast.AST] = _entry(tree, part) if part and module == name else [tree]
        yield module, nodes
        package = module.split(".") if source.name == "__init__.py" else module.split(".")[:-1]
        waiting += [one for node in nodes for one in _relative(node, package)]


def _source(folder: Path, module: str) -> Path:
    """The file of a module of the package: `a/b.py`, or `a/b/__init__.py`."""
    path = folder.joinpath(*module.split("."))
    package = path / "__init__.py"
    return package if package.is_file() else path.with_suffix(".py")


def _relative(node: ast.AST, package: list[str]) -> list[str]:
    """The modules of its own package that code may import, as `from .helpers import scale` does."""
    found: list[str] = []
    for one in ast.walk(node):
        if isinstance(one, ast.ImportFrom) and 0 < one.level <= len(package) + 1:
            base = package[: len(package) + 1 - one.level] + (one.module or "").split(".")
            base = [word for word in base if word]
            found += [".".join(base[: n + 1]) for n in range(len(base))]
            found += [".".join([*base, alias.name]) for alias in one.names]
    return found


def _absolute(node: ast.AST) -> list[str]:
    """The modules of other packages that code imports."""
    found: list[str] = []
    for one in ast.walk(node):
        if isinstance(one, ast.Import):
            found += [alias.name for alias in one.names]
        elif isinstance(one, ast.ImportFrom) and not one.level and one.module:
            found.append(one.module)
    return found


def _entry(tree: ast.Module, part: str) -> list[ast.AST]:
    """An entry of a module's table and every statement that it leads to; all of it where there is no such entry.

    What binds no name at the top of the module may change anything, so it always counts.
    """
    table, _, key = part.partition(".")
    value = next((one for node in tree.body if table in _bound(node) for one in _values(node, key)), None)
    if value is None:
        return [tree]
    chosen = [node for node in tree.body if not _bound(node)]
    waiting: list[ast.AST] = [value, *chosen]
    while waiting:
        names = {one.id for one in ast.walk(waiting.pop()) if isinstance(one, ast.Name)}
        led = [node for node in tree.body if node not in chosen and names & _bound(node)]
        chosen += led
        waiting += led
    return [value, *(node for node in tree.body if node in chosen)]


def _values(node: ast.stmt, key: str) -> list[ast.expr]:
    """The value under a key of the dictionary that a statement assigns."""
    held = getattr(node, "value", None)
    pairs = zip(held.keys, held.values, strict=True) if isinstance(held, ast.Dict) else ()
    return [value for name, value in pairs if isinstance(name, ast.Constant) and name.value == key]


def _bound(node: ast.stmt) -> set[str]:
    """The names that a statement at the top of a module gives a meaning; none for one that does something else."""
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return {node.name}
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return {alias.asname or alias.name.partition(".")[0] for alias in node.names} - {"*"}
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return {target.id for target in targets if isinstance(target, ast.Name)}


def _bare(tree: ast.Module) -> ast.Module:
    """The tree without docstrings."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            first = node.body[0] if node.body else None
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                node.body = node.body[1:] or [ast.Pass()]
    return tree


def _line(path: Path, error: Exception) -> int | None:
    """The last line of a file that an error went through; None where it did not."""
    line, frame = None, error.__traceback__
    while frame is not None:
        if Path(frame.tb_frame.f_code.co_filename) == path:
            line = frame.tb_lineno
        frame = frame.tb_next
    return line


def _told(path: Path, error: Exception, shown: Path | None = None) -> Trouble:
    """Where a room broke, and how: its own line, not the engine's. `shown` is where a person finds the file."""
    line = getattr(error, "lineno", None) if isinstance(error, SyntaxError) else _line(path, error)
    what = str(error).splitlines()[0] if str(error) else type(error).__name__
    if isinstance(error, SyntaxError):
        what = error.msg
    file = named(shown or path)
    remedy = f"Correct {file}."
    if isinstance(error, ModuleNotFoundError) and error.name:
        remedy = f"Add {error.name} to pyproject.toml, then: make setup; or correct {file}."
    return Trouble(f"{file}, line {line}: {what.rstrip('.')}." if line else f"{file}: {what.rstrip('.')}.", remedy)
