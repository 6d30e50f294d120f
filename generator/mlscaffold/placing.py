"""Where a repository is written: places that are refused, what is there already, and whose git repository it is.

What a folder holds is never overwritten, and no link is followed out of it. Either everything is written or nothing.
"""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mlscaffold import answers, hosting, questions, render, report, vcs
from mlscaffold.answers import Answers
from mlscaffold.errors import (
    AlreadyPlanned,
    BadPlace,
    ForeignPlan,
    GitFailed,
    InsideCheckout,
    OtherFolder,
    PlannedWithoutRecord,
    TargetIsLink,
)

UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f\u0085\u2028\u2029\ud800-\udfff]")
RECORDED = (f"{render.RECORD}/base.tar.gz", f"{render.RECORD}/state.json")
# Computed from the answers at every replan: a folder that has one of these has a plan.
PLANNED = (render.RECORD, "plan/plan.json", "plan/project.yaml", "plan/assumptions.yaml")


@dataclass(frozen=True)
class Place:
    """Where one repository goes.

    `host` is the top of somebody's git work tree that it will lie in, at `at`; None where it has a repository of its
    own, which is there already (`kept`) or is made. `commits` says whether the first commit is ours to make.
    """

    folder: Path
    host: Path | None = None
    at: str = ""
    kept: bool = False
    commits: bool = True
    asked_git: bool = True


@dataclass(frozen=True)
class Placed:
    """What was written: paths in the project, those left to its owner, and the files put at the host's top.

    `to_add` are the fewest paths that hold everything written and nothing that was there before; `ignored` says
    whether git would pass some of it over.
    """

    place: Place
    written: tuple[str, ...]
    declined: tuple[str, ...]
    hosted: Mapping[str, str] = field(default_factory=dict)
    to_move: Mapping[str, str] = field(default_factory=dict)
    to_add: tuple[str, ...] = ()
    ignored: bool = False


# ------------------------------------------------------------------------------------------------- which place it is


def parent(output: Path) -> Path:
    """`--output` or `--into` as a folder: `~` is the person's home, though a shell left it as it was typed.

    Raises `BadPlace` where no repository can be, `InsideCheckout` inside mlscaffold's own repository.
    """
    folder = _at_home(output)
    refuse(folder)
    return folder


def refuse(folder: Path) -> None:
    """Raise `BadPlace` or `InsideCheckout` where a repository below or at `folder` would be of no use or do harm."""
    whole = os.path.abspath(folder)
    if UNPRINTABLE.search(whole):
        raise BadPlace(whole, "it holds a line break or another character that cannot be typed in a command")
    if os.pathsep in os.path.splitdrive(whole)[1]:
        raise BadPlace(whole, f'it holds a "{os.pathsep}", and Python makes no environment in such a folder')
    checkout = checkout_above(folder)
    if checkout:
        raise InsideCheckout(Path(whole), checkout)
    if vcs.surroundings(folder).internal:
        raise BadPlace(whole, "it is where git keeps a repository's history, not a folder to work in")


def checkout_above(folder: Path) -> Path | None:
    """The checkout of mlscaffold (or of a fork) that holds a folder, known by what lies in it; None elsewhere."""
    there = folder.resolve()
    return next((path for path in (there, *there.parents) if _is_checkout(path)), None)


def find(folder: Path, *, into: bool, git: bool) -> Place:
    """The place of a repository that is to be written to `folder`, and what git has there.

    With `into` the folder may hold things, else nothing but an unborn repository. Without `git` no commit is meant.
    Raises `TargetExists`, `AlreadyPlanned` or `BadPlace`.
    Those are `PlannedWithoutRecord` and `ForeignPlan` where a plan is there, and `TargetIsLink` for a link.
    """
    if into:
        if folder.is_dir() and not folder.is_symlink():
            render.sweep(folder)  # a run that was killed may have put half of its files there
        _refuse_planned(folder)
    else:
        render.refuse_if_in_the_way(folder)
    around = vcs.surroundings(folder)
    own = os.path.lexists(folder / ".git")
    there = folder.resolve()
    if own and vcs.is_installed() and (around.top is None or around.top.resolve() != there):
        raise BadPlace(str(folder), "its .git is no repository that git can read", "Mend or remove the .git in it.")
    if own:
        newborn = around.top is not None and vcs.is_newborn(folder)
        if not into and not newborn:
            raise BadPlace(
                str(folder),
                "its repository has commits, though no files of them are there",
                "Check a branch out and add to it with --into, or choose another folder.",
            )
        return Place(folder, kept=True, commits=git and newborn and _only_git(folder), asked_git=git)
    if around.top is not None and there != around.top.resolve():
        at = there.relative_to(around.top.resolve()).as_posix()
        if not vcs.ignores(around.top, [at]):
            return Place(folder, host=around.top, at=_folder(at), commits=False, asked_git=git)
    return Place(folder, commits=git and _only_git(folder), asked_git=git)


def located(given: Answers, place: Place) -> Answers:
    """The answers with `folder` as the place has it. Raises `OtherFolder` where somebody has answered otherwise."""
    said = str(given.text("folder"))
    if place.host is None or said == place.at:
        return given
    if said:
        raise OtherFolder(said, place.at, place.host)
    return answers.complete(given.raw | {"folder": place.at})


def _folder(at: str) -> str:
    complaint = questions.check(questions.named("folder"), at)
    if complaint:
        raise BadPlace(at, f"pipelines and owners name this folder of the repository, so {complaint}")
    return at


def _only_git(folder: Path) -> bool:
    return not folder.is_dir() or all(path.name == ".git" for path in folder.iterdir())


def _refuse_planned(folder: Path) -> None:
    if folder.is_symlink():
        raise TargetIsLink(folder)
    if folder.exists() and not folder.is_dir():
        raise BadPlace(str(folder), "it is a file", "Name a folder with --into.")
    found = next((name for name in PLANNED if os.path.lexists(folder / name)), None)
    if not found:
        return
    if found == render.RECORD:
        raise AlreadyPlanned(folder, found)
    raise PlannedWithoutRecord(folder, found) if _is_ours(folder) else ForeignPlan(folder, found)


def _is_ours(folder: Path) -> bool:
    """Whether a plan of ours lies in a folder, whatever became of its record: answers with a kind, or what follows."""
    texts = {name: _start_of(folder / name) for name in PLANNED[1:]}
    answers = texts["plan/project.yaml"]
    written = all(re.search(rf"^{key}:", answers, re.MULTILINE) for key in ("kind", "project_slug", "rigor"))
    return written or '"answers_sha256"' in texts["plan/plan.json"]


def _start_of(path: Path) -> str:
    """The first characters of a text, where the answers and a plan's own names stand; nothing of what is none."""
    try:
        with path.open(encoding="utf-8") as file:
            return file.read(20_000)
    except (OSError, ValueError):
        return ""


def _is_checkout(folder: Path) -> bool:
    parts = ("cookiecutter.json", "generator/mlscaffold/questions.yaml", "templates/ml/cookiecutter.json")
    return all(folder.joinpath(part).is_file() for part in parts)


def _at_home(path: Path) -> Path:
    if not str(path).startswith("~"):
        return path
    try:
        return path.expanduser()
    except RuntimeError as error:
        raise BadPlace(str(path), "there is no such person's home; for a folder of that name write ./ first") from error


# ------------------------------------------------------------------------------------------------------------ writing


def write(
    given: Answers,
    place: Place,
    *,
    host_files: bool = False,
    begin: Callable[[Path], None] = lambda folder: None,
) -> Placed:
    """Render a repository into its place: what is there stays, and its version of the template becomes a proposal.

    `begin` starts the history of the folder it is given: of a new one before it gets its name, so that nobody ever
    finds it without.

    With `host_files`, what the code host reads at the top of the repository around it is put there, under the
    project's name. Raises `CannotWrite` or `BrokenTemplate`; after any of them, or an interrupt, all is as it was.
    """
    folder, among_others = place.folder, place.folder.is_dir()
    with render.staging(folder if folder.is_dir() else folder.parent, folder) as scratch:
        tree = render.generate(given, scratch)
        rendered = [path.relative_to(tree).as_posix() for path in render.files_of(tree)]
        declined = tuple(path for path in rendered if not _is_free(folder, path, tree / path))
        tops = dict(hosting.moves(set(rendered) - set(declined), given.project_slug)) if place.host else {}
        hosted = {path: top for path, top in tops.items() if host_files and _is_open(place.host, top)}
        notes = {"declined": list(declined), "hosted": hosted}
        render.write_record(tree, tree, given, {key: value for key, value in notes.items() if value})
        moves = {path: folder / path for path in (*rendered, *RECORDED)}
        moves |= {path: folder / report.PROPOSALS / path for path in declined}
        moves |= {path: Path(str(place.host), top) for path, top in hosted.items()}
        to_add = _fewest(folder, list(moves.values()))
        if among_others or hosted:
            _add(tree, moves, scratch)
        else:
            _begin_nothing_left(begin, tree)
            tree.rename(folder)
    if among_others or hosted:
        begin(folder)  # once the staging folder, which lies in it, is gone: everything there is committed
    return Placed(
        place,
        written=tuple(path for path in rendered if path not in declined and path not in hosted),
        declined=declined,
        hosted=hosted,
        to_move={path: top for path, top in tops.items() if path not in hosted},
        to_add=to_add,
        ignored=bool(
            not place.commits
            and (place.kept or place.host)
            and vcs.ignores(folder, [os.path.relpath(place, folder) for place in moves.values()])
        ),
    )


def _begin_nothing_left(begin: Callable[[Path], None], tree: Path) -> None:
    try:
        begin(tree)
    except GitFailed as error:
        error.hint = "Nothing was written. Mend that, or write the files alone with --no-git."
        raise


def _fewest(folder: Path, places: Iterable[Path]) -> tuple[str, ...]:
    """The paths from `folder` to add to git: of each file the highest folder that is not there yet, or the file."""
    root = Path(os.path.abspath(folder))
    highest = set() if os.path.lexists(root) else {"."}
    for place in (Path(os.path.abspath(place)) for place in places):
        inside = [up for up in (place, *place.parents) if root in up.parents]
        if inside and "." in highest:
            continue
        fresh = [up for up in inside if not os.path.lexists(up)] if inside else []
        highest.add(os.path.relpath(fresh[-1] if fresh else place, root).replace(os.sep, "/"))
    return tuple(sorted(highest))


def _is_free(folder: Path, path: str, ours: Path) -> bool:
    """Whether a file may be written there: nothing is in its way, or the same bytes are; no link leads elsewhere."""
    parts = Path(path).parts
    above = [folder.joinpath(*parts[:length]) for length in range(1, len(parts))]
    if any(step.is_symlink() or (os.path.lexists(step) and not step.is_dir()) for step in above):
        return False
    there = folder / path
    if not os.path.lexists(there):
        return True
    return not there.is_symlink() and there.is_file() and there.read_bytes() == ours.read_bytes()


def _is_open(top: Path | None, path: str) -> bool:
    """Whether a file may go to the top of a host: neither it, nor what would hide it or be hidden by it, is there."""
    assert top is not None, "only a host has a top"
    steps = [top.joinpath(*Path(path).parts[:length]) for length in range(1, len(Path(path).parts))]
    linked = any(step.is_symlink() or (os.path.lexists(step) and not step.is_dir()) for step in steps)
    return not linked and not any(os.path.lexists(top / rival) for rival in hosting.rivals(path))


def _add(tree: Path, moves: Mapping[str, Path], scratch: Path) -> None:
    """Put files of `tree` where they go, all or none; a journal lets the next run undo what a kill cut short."""
    journal = scratch / render.JOURNAL
    made = {str(place): _sha256(tree / path) for path, place in moves.items() if not os.path.lexists(place)}
    folders = sorted({str(up) for place in moves.values() for up in place.parents if not os.path.lexists(up)})
    journal.write_text(json.dumps({"files": made, "folders": folders}), "utf-8")
    try:
        for path, place in moves.items():
            if str(place) in made:
                place.parent.mkdir(parents=True, exist_ok=True)
                _link(tree / path, place)
    except BaseException:
        render.undo(journal)
        raise
    journal.unlink()  # from here on everything stays


def _link(source: Path, place: Path) -> None:
    """Give a file its place in one step, and only if nothing has come there meanwhile."""
    try:
        os.link(source, place)
    except FileExistsError:
        raise
    except OSError:  # a file system without links, or another one: never over a file, though not in one step
        with place.open("xb") as file, source.open("rb") as content:
            shutil.copyfileobj(content, file)
        shutil.copymode(source, place)


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
