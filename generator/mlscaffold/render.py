"""Templates become trees: rendered beside the target under a temporary name, then moved into place in one step."""

import contextlib
import hashlib
import io
import json
import os
import re
import shutil
import tarfile
import tempfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from mlscaffold import __version__, context, house, origin, templates
from mlscaffold.answers import Answers
from mlscaffold.errors import BrokenTemplate, CannotWrite, TargetExists, TargetIsLink
from mlscaffold.rendering import house_rules

STAGING = ".mlscaffold-tmp-"
JOURNAL = "journal.json"  # in the staging folder: what is being put among files that were there before
RECORD = ".mlscaffold"


def render(answers: Answers, output: Path) -> Path:
    """Write the repository into `output`/<slug> and return that folder.

    Raises `TargetExists`, `CannotWrite` or `BrokenTemplate`; after any of them, or an interrupt, nothing is left.
    """
    target: Path = output / answers.project_slug
    refuse_if_in_the_way(target)
    with staging(output, target) as scratch:
        tree = generate(answers, scratch)
        write_record(tree, tree, answers)
        _move(tree, target)
    return target


def preview(answers: Answers) -> list[tuple[str, int]]:
    """Every file that `render` would write, as (path, bytes), without touching the output folder."""
    with tempfile.TemporaryDirectory() as folder:
        tree = generate(answers, Path(folder))
        write_record(tree, tree, answers)
        return file_sizes(tree)


def file_sizes(tree: Path) -> list[tuple[str, int]]:
    """Every file below a folder as (path, bytes)."""
    return [(path.relative_to(tree).as_posix(), path.stat().st_size) for path in files_of(tree)]


def files_of(tree: Path) -> list[Path]:
    """The files of a tree, sorted by path: what a template can hold, without git's own and what programs left."""
    return templates.files_of(tree)


def is_engine(path: str) -> bool:
    """Whether a file is the engine's: no plan changes it, so no record keeps it and no replan merges it."""
    return path.startswith("engine/")


def engine_of(tree: Path) -> dict[str, bytes]:
    """The engine in a tree: path from its root → content with line feeds alone; empty where there is none."""
    folder = tree / "engine"
    found = templates.files_of(folder) if folder.is_dir() else []
    return {path.relative_to(tree).as_posix(): path.read_bytes().replace(b"\r\n", b"\n") for path in found}


def engine_sha256(engine: Mapping[str, bytes]) -> str:
    """One SHA-256 for an engine, by which a later update knows whether it is as it was delivered."""
    hashes = {path: hashlib.sha256(content).hexdigest() for path, content in engine.items()}
    return hashlib.sha256(json.dumps(hashes, sort_keys=True).encode()).hexdigest()


def refuse_if_in_the_way(target: Path) -> None:
    """Raise `TargetExists` unless the target is free or an empty folder, but for git's own part of it.

    Raises `TargetIsLink` where it is a link.
    """
    if target.is_symlink():
        raise TargetIsLink(target)
    if target.exists() and not target.is_dir():
        raise TargetExists(target, [target.name])
    in_the_way = sorted(path.name for path in target.iterdir() if path.name != ".git") if target.is_dir() else []
    if in_the_way:
        raise TargetExists(target, in_the_way)


# ------------------------------------------------------------------------------------------------------- generating


def generate(answers: Answers, output: Path) -> Path:
    """Render the template of `answers.kind` into `output`; the rendered folder's path.

    Raises `BrokenTemplate` where a page of it cannot be rendered.
    """
    from jinja2 import TemplateError

    from mlscaffold import pages

    context.plan_of(answers)  # a fault of the plan shows itself here, and is not blamed on the template
    with templates.template(answers.kind) as template:
        settings = json.loads((template / "cookiecutter.json").read_text("utf-8"))
        texts = {"cookiecutter": context.to_cookiecutter(answers, settings)}
        try:
            tree = pages.write(template, texts, output)
        except (TemplateError, ArithmeticError, LookupError, TypeError, ValueError) as error:
            raise BrokenTemplate(_told(error)) from error  # the latter come from expressions inside a template
    _with_the_houses_pages(tree, answers)
    return tree


def _with_the_houses_pages(tree: Path, answers: Answers) -> None:
    """What presets change and add. Raises `UnreadablePreset`."""
    from mlscaffold import pages

    over = house.in_force()
    if not over.names:
        return
    present = [path.relative_to(tree).as_posix() for path in templates.files_of(tree)]
    told = [path for path in present if path in ("README.md", house_rules.GATES) or re.match(r"docs/.*\.md$", path)]
    texts = {path: (tree / path).read_text("utf-8") for path in told}
    for path, text in house_rules.dressed(texts, present, answers, context.plan_of(answers), over).items():
        (tree / path).parent.mkdir(parents=True, exist_ok=True)
        pages.put(tree / path, text.encode())


def _told(error: Exception) -> str:
    """The first line of a template error, with the file and line where Jinja knows them."""
    cause = getattr(error, "error", None) or error
    message = getattr(error, "message", None) or str(cause)
    where = getattr(cause, "filename", None) or getattr(cause, "name", None)
    line = getattr(cause, "lineno", None)
    place = f" ({where}{f', line {line}' if line else ''})" if where else ""
    detail = f": {cause}" if cause is not error and str(cause) not in message else ""
    return f"{str(message).splitlines()[0]}{detail}{place}"


# ---------------------------------------------------------------------------------------------------------- staging


@contextlib.contextmanager
def staging(output: Path, target: Path) -> Iterator[Path]:
    """A temporary folder on the target's own disk, gone afterwards whatever happened.

    Raises `CannotWrite` where the disk does not let it.
    """
    made = [folder for folder in (output, *output.parents) if not os.path.lexists(folder)]
    try:
        output.mkdir(parents=True, exist_ok=True)
        sweep(output)
        scratch = Path(tempfile.mkdtemp(prefix=f"{STAGING}{os.getpid()}-", dir=output))
    except OSError as error:
        _remove_empty(made)
        raise CannotWrite(target, error.strerror or str(error)) from error
    try:
        yield scratch
    except OSError as error:
        raise CannotWrite(target, error.strerror or str(error)) from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
        _remove_empty(made)


def _remove_empty(folders: Iterable[Path]) -> None:
    """Take back the parents that were made for a project which did not come to be."""
    for folder in folders:
        with contextlib.suppress(OSError):
            folder.rmdir()


def sweep(output: Path) -> None:
    """Remove what a killed run left behind: staging folders whose process is gone."""
    for left in output.glob(f"{STAGING}*"):
        process = left.name.removeprefix(STAGING).partition("-")[0]
        if process.isdigit() and not _alive(int(process)) and _is_ours(left):
            undo(left / JOURNAL)
            shutil.rmtree(left, ignore_errors=True)


def _is_ours(left: Path) -> bool:
    """Whether this person made a folder: what others left, in a folder that all may write to, is theirs."""
    return not left.is_symlink() and (os.name == "nt" or left.stat().st_uid == os.getuid())


def undo(journal: Path) -> None:
    """Take back what an unfinished run had put among somebody's files; what was edited since, stays."""
    if not journal.is_file():
        return
    made = json.loads(journal.read_text("utf-8"))
    for name, digest in made["files"].items():
        path = Path(name)
        if path.is_file() and not path.is_symlink() and hashlib.sha256(path.read_bytes()).hexdigest() == digest:
            path.unlink()
    _remove_empty(Path(name) for name in reversed(made["folders"]))


def _alive(process: int) -> bool:
    if os.name == "nt":  # signal 0 would end the process there
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _move(tree: Path, target: Path) -> None:
    if target.is_dir():
        target.rmdir()  # empty; `placing` writes into a folder that holds something
    tree.rename(target)


# ----------------------------------------------------------------------------------------------------------- record


def write_record(folder: Path, tree: Path, answers: Answers, notes: Mapping[str, Any] | None = None) -> None:
    """Keep the pristine render `tree` inside the repository at `folder`: a replan compares the team's work with it.

    `notes` are kept beside it: `declined` paths, which stay their owner's, and `hosted` ones, which lie elsewhere.
    """
    files = [path for path in files_of(tree) if not is_engine(path.relative_to(tree).as_posix())]
    state = {
        "template": answers.kind,
        "version": __version__,
        "template_sha256": templates.fingerprint(answers.kind),
        "template_commit": origin.commit(),
        "engine_sha256": engine_sha256(engine_of(tree)),
        "answers": answers.recorded,
        **({"presets": list(house.in_force().sources)} if house.in_force().sources else {}),
        "files": {path.relative_to(tree).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files},
        **(notes or {}),
    }
    archive = _archive(tree, files)
    record = folder / RECORD
    record.mkdir(exist_ok=True)
    record.joinpath("base.tar.gz").write_bytes(archive)
    record.joinpath("state.json").write_bytes((json.dumps(state, indent=2, ensure_ascii=False) + "\n").encode())


def _archive(tree: Path, files: list[Path]) -> bytes:
    """A tar.gz of the files that is the same bytes for the same tree: no times, owners or machine names."""
    tar_bytes = io.BytesIO()
    with tarfile.open(fileobj=tar_bytes, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for path in files:
            entry = tarfile.TarInfo(path.relative_to(tree).as_posix())
            content = path.read_bytes()
            entry.size = len(content)
            entry.mode = 0o755 if templates.is_script(content) else 0o644
            tar.addfile(entry, io.BytesIO(content))
    packer = zlib.compressobj(level=9, wbits=31)
    return packer.compress(tar_bytes.getvalue()) + packer.flush()
