"""A template's files, written as cookiecutter writes them and at a part of its cost.

cookiecutter compiles every path as a template, and brings clocks and terminals that no page needs. What Jinja has
compiled is kept as Python keeps compiled modules, by the same rules and as one of them. The other door is cookiecutter
itself, and a test holds both to the same bytes.
"""

import contextlib
import hashlib
import importlib.util
import json
import marshal
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from types import CodeType
from typing import Any

import jinja2
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from jinja2.bccache import Bucket, BytecodeCache

from mlscaffold import templates
from mlscaffold.context import PlanExtension
from mlscaffold.errors import BrokenTemplate

PACKAGE = Path(__file__).parent
STANDS_FOR = PACKAGE / "rendering" / "compiled"  # a module for each kind: installers remove its compiled file with it


def write(template: Path, texts: Mapping[str, Any], output: Path) -> Path:
    """Write a template's files into a folder of their own in `output`, and return that.

    `texts` is what cookiecutter gives a template: all answers below `cookiecutter`. Raises `BrokenTemplate` for a link
    and for a name that leads elsewhere, before anything is written, and what Jinja and expressions raise.
    """
    env = environment(texts["cookiecutter"])
    source = next(path for path in sorted(template.iterdir()) if path.name.startswith("{{"))
    _files(template / templates.PARTS)  # a page that includes a link would show a stranger's file
    with Compiled(template.name) as kept:
        names = _Names(env, texts, kept)
        tree = output / names.of(source.name)
        tree.mkdir(parents=True)
        places = {path: names.of(path) for path in _files(source)}
        env.bytecode_cache = kept
        env.loader = FileSystemLoader([source, template / templates.PARTS])
        for folder in dict.fromkeys(name.rpartition("/")[0] for name in places.values()):
            (tree / folder).mkdir(parents=True, exist_ok=True)
        for path, name in places.items():
            if name:
                put(tree / name, _content(env, texts, source, path))
    return tree


def put(place: Path, content: bytes) -> None:
    """Write a file that is executable or not by what it says: installers and FAT disks change a template's modes."""
    place.write_bytes(content)
    if templates.is_script(content):
        mode = place.stat().st_mode
        place.chmod(mode | (mode & 0o444) >> 2)


def environment(settings: Mapping[str, Any]) -> Environment:
    """Jinja as cookiecutter sets it up for our templates, with the one filter of its own that they use."""
    env = Environment(  # noqa: S701  (what is rendered is files of a repository)
        extensions=[PlanExtension],
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        **settings.get("_jinja2_env_vars", {}),
    )
    env.filters["jsonify"] = lambda value, indent=4: json.dumps(value, sort_keys=True, indent=indent)
    return env


def _files(folder: Path) -> list[str]:
    """The files of a template below a folder. Raises `BrokenTemplate` for a link among them."""
    if not folder.is_dir():
        return []
    found = []
    for path, entry in templates.entries_of(folder):
        if entry.is_symlink():
            raise BrokenTemplate(f"{folder.name}/{path} is a symbolic link, which could lead outside")
        found.append(path)
    return found


def _content(env: Environment, texts: Mapping[str, Any], source: Path, path: str) -> bytes:
    """A file's rendered content; the engine as it lies there, with the line ends that every system writes."""
    if templates.is_copied(path):
        return (source / path).read_bytes().replace(b"\r\n", b"\n")
    try:
        page = env.get_template(path)
    except UnicodeDecodeError:  # a picture
        return (source / path).read_bytes()
    return page.render(**texts).encode()


class _Names:
    """What paths of a template become; what holds no expression is not asked of Jinja."""

    def __init__(self, env: Environment, texts: Mapping[str, Any], kept: "Compiled") -> None:
        self.env, self.texts, self.kept = env, texts, kept
        self.known: dict[str, str] = {}

    def of(self, path: str) -> str:
        """A path as it is to be called; "" where the file is not called for.

        Raises `BrokenTemplate` where a part of it leads out of its folder.
        """
        if "{" not in path:
            return path
        parts = path.split("/")
        names = [self._part(part) for part in parts]
        for part, name in zip(parts, names, strict=True):
            if name in (".", "..") or "/" in name or "\\" in name or (name == "" and part != parts[-1]):
                raise BrokenTemplate(f"{path} is named {name}, which leads outside its folder")
        return "/".join(names) if names[-1] else ""

    def _part(self, part: str) -> str:
        if "{" not in part:
            return part
        if part not in self.known:
            code = self.kept.code(self.env, part)
            page = self.env.template_class.from_code(self.env, code, self.env.make_globals(None))
            self.known[part] = page.render(**self.texts)
        return self.known[part]


# -------------------------------------------------------------------------------------------- what Jinja has compiled


class Compiled(BytecodeCache):
    """What Jinja has made of a kind's pages and names, kept from run to run as the compiled file of the kind's module.

    Python decides whether anything is kept there, and where (`PYTHONDONTWRITEBYTECODE`, `PYTHONPYCACHEPREFIX`); a place
    that cannot be written to is left alone, and a template without a module has none. What was made by another Jinja,
    Python or state of our modules is not used: compiling works out what is constant, by our filters too.
    """

    def __init__(self, kind: str) -> None:
        source = STANDS_FOR / f"{kind}.py"
        place = importlib.util.cache_from_source(str(source), optimization="")  # by the one name that pip looks for
        self.place = Path(place) if source.is_file() else None
        self.made_by = _made_by()
        self.known: dict[str, tuple[str, CodeType]] = {}
        self.grown = False

    def __enter__(self) -> "Compiled":
        """Read what is there."""
        if self.place is None:
            return self
        with contextlib.suppress(OSError, EOFError, ValueError, TypeError):
            told = self.place.read_bytes()
            head, content = told[:32], told[32:]
            if head == hashlib.sha256(self.made_by + content).digest():
                self.known = marshal.loads(content)  # noqa: S302  (as Python reads the file beside it)
        return self

    def __exit__(self, failed: object, *_: object) -> None:
        """Keep what is new, whole or not at all."""
        if failed or self.place is None or not self.grown or sys.dont_write_bytecode:
            return
        content = marshal.dumps(self.known)
        with contextlib.suppress(OSError):
            self.place.parent.mkdir(parents=True, exist_ok=True)
            _put(self.place, hashlib.sha256(self.made_by + content).digest() + content)

    def code(self, env: Environment, name: str) -> CodeType:
        """A name that holds an expression, compiled."""
        known = self.known.get(name)
        if known is None or known[0]:
            self.known[name] = known = ("", env.compile(name))
            self.grown = True
        return known[1]

    def load_bytecode(self, bucket: Bucket) -> None:
        """Jinja asks for a page; what was made of another text does not count."""
        checksum, code = self.known.get(bucket.key, ("", None))
        if code is not None and checksum == bucket.checksum:
            bucket.code = code

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Jinja has compiled a page."""
        if bucket.code is not None:
            self.known[bucket.key] = (bucket.checksum, bucket.code)
            self.grown = True

    def get_cache_key(self, name: str, filename: str | None = None) -> str:
        """By its name alone: an installation unpacks its templates into another folder each time."""
        del filename
        return f"{name}\n"


def _made_by() -> bytes:
    """What compiled pages depend on beside their text: Python, Jinja and the state of our modules."""
    told = [jinja2.__version__, sys.version]
    for folder, folders, files in os.walk(PACKAGE):
        folders[:] = sorted(name for name in folders if name != "__pycache__")
        for name in sorted(files):
            if name.endswith((".py", ".yaml")):
                seen = os.stat(os.path.join(folder, name))
                told.append(f"{folder}/{name} {seen.st_mtime_ns} {seen.st_size}")
    return hashlib.sha256("\n".join(told).encode("utf-8", "surrogateescape")).digest()


def _put(place: Path, content: bytes) -> None:
    """Write a file in one step, as readable as any other. Raises `OSError`; then nothing is left."""
    beside = place.with_name(f".{place.name}-{os.getpid()}")
    try:
        beside.write_bytes(content)
        beside.replace(place)
    except OSError:
        beside.unlink(missing_ok=True)
        raise
