"""Where a board's repositories come from: working copies, git addresses, and what `status --json` left in files.

Reading runs nothing of a repository's own. Gates are judged by its engine alone, so their states come from a status
file, or from the working copy's own `planrun status --json` where that may be run.
"""

import json
import os
import re
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from mlscaffold import vcs
from mlscaffold.board import forms, standing
from mlscaffold.errors import MlscaffoldError, NoBoardSource, NotAStatus

PLAN, STATUS = "plan/project.yaml", "status.json"
ADDRESS = re.compile(r"(?:[a-z][a-z0-9+.-]*://|[\w.-]+@[\w.-]+:)\S+")
DEPTH = 3  # folders below one that is named, among which repositories are looked for
PATIENCE = 180.0  # seconds that a repository's own status may take
JUDGED = ("phases", "present", "next", "gates", "engine")  # what only an engine can say


@dataclass(frozen=True)
class Seen:
    """One repository as the board shows it: where it was found, what it says, and what stood in the way.

    `facts` have the form of `docs/status.schema.json`, without the gates where nothing has judged them.
    """

    where: str
    facts: Mapping[str, Any]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Place:
    """A working copy, a project in a bare repository, or a status file; `shown` is how the board calls it."""

    kind: str
    path: Path
    shown: str
    ref: str = "HEAD"


def read(
    named: Sequence[str], *, run: bool, today: date, say: Callable[[str], None] = lambda sentence: None
) -> list[Seen]:
    """Every repository that these folders, files and git addresses lead to, in order.

    With `run`, a working copy that has an environment of its own and no status file is asked for its gates. One that
    cannot be read is among them with the reason. Raises `NoBoardSource` where a name leads to nothing.
    """
    with tempfile.TemporaryDirectory(prefix="mlscaffold-board-") as scratch:
        asked = list(named) or ["."]
        with ThreadPoolExecutor(8) as pool:  # git waits for the network, not for this program
            fetched = list(pool.map(lambda one: _fetched(one[1], Path(scratch, str(one[0])), say), enumerate(asked)))
        places, failed = [], []
        for name, found in zip(asked, fetched, strict=True):
            if isinstance(found, Seen):
                failed.append(found)
            else:
                places += _distinct(found, name)
        seen = _all(places, today)
    if run:
        seen = _with_gates(places, seen, say)
    return [*seen, *failed]


def _distinct(found: Sequence[_Place], name: str) -> list[_Place]:
    if not found:
        raise NoBoardSource(name)
    return list(dict.fromkeys(found))


def _all(places: Sequence[_Place], today: date) -> list[Seen]:
    """Facts of all places; of many by as many processes as there are cores, since parsing is what takes the time."""
    if len(places) < 24:
        return [seen for place in places for seen in _seen(place, today)]
    with ProcessPoolExecutor(max_workers=min(os.cpu_count() or 1, 8)) as pool:
        found = pool.map(_seen, places, [today] * len(places), chunksize=8)
        return [seen for several in found for seen in several]


# ---------------------------------------------------------------------------------------------------------- where it is


def _fetched(name: str, into: Path, say: Callable[[str], None]) -> list[_Place] | Seen:
    """The places that a name leads to; an address is fetched first. One that does not answer is shown as such."""
    address, _, ref = name.partition("#")
    if ADDRESS.fullmatch(address):
        shown = re.sub(r"(?<=//)[^/@]*@", "", address)  # whoever reads the board needs no name and no password
        say(f"Fetching {shown}")
        try:
            vcs.fetch(address, ref, into)
        except MlscaffoldError as error:
            return Seen(shown, {}, (str(error).replace(address, shown),))
        return [_Place("bare", into, shown)]
    if ref and _is_bare(Path(address)):
        return [_Place("bare", Path(address).resolve(), name, ref)]
    path = Path(name)
    if path.is_file():
        return [_Place("status", path.resolve(), name)]
    return list(_below(path, name)) if path.is_dir() else []


def _below(folder: Path, name: str) -> Iterator[_Place]:
    """The repository that a folder is or lies in; or else every one, and every status file, some folders below."""
    here = folder.resolve()
    if _is_bare(here):
        yield _Place("bare", here, name)
        return
    if around := next((above for above in (here, *here.parents) if (above / PLAN).is_file()), None):
        yield _Place("copy", around, name if around == here else str(around))
        return
    for inner, folders, files in os.walk(here):
        path = Path(inner)
        depth = len(path.relative_to(here).parts)
        if path != here and (path / PLAN).is_file():
            yield _Place("copy", path, _under(name, here, path))
            folders[:] = []
        elif path != here and _is_bare(path):
            yield _Place("bare", path, _under(name, here, path))
            folders[:] = []
        else:
            folders[:] = sorted(one for one in folders if not one.startswith(".") and depth < DEPTH)
            for file in sorted(files):
                if file.endswith(".json") and _is_status(path / file):
                    yield _Place("status", path / file, _under(name, here, path / file))


def _under(name: str, here: Path, path: Path) -> str:
    return (Path(name) / path.relative_to(here)).as_posix()


def _is_bare(folder: Path) -> bool:
    return all((folder / part).exists() for part in ("HEAD", "objects", "refs"))


def _is_status(path: Path) -> bool:
    """Whether a file among others is meant for a board: a status has phases and gates."""
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(found, dict) and {"phases", "gates"} <= found.keys()


# --------------------------------------------------------------------------------------------------------- what it says


def _seen(place: _Place, today: date) -> list[Seen]:
    """What a place says, or why it cannot be read."""
    try:
        if place.kind == "status":
            return [Seen(place.shown, read_status(place.path))]
        return [_copy(place, today)] if place.kind == "copy" else list(_bare(place, today))
    except (MlscaffoldError, OSError) as error:
        return [Seen(place.shown, {}, (str(error),))]


def read_status(path: Path) -> dict[str, Any]:
    """What `status --json` wrote. Raises `NotAStatus` where it is something else, or of a later form."""
    try:
        found = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise NotAStatus(path, error.strerror or str(error)) from error
    except ValueError as error:
        raise NotAStatus(path, "it is not JSON") from error
    return checked(found, path)


def checked(found: Any, path: Path) -> dict[str, Any]:
    """A status whose parts have the form that the board reads. Raises `NotAStatus`."""
    if isinstance(found, dict) and found.get("schema", 0) not in (0, standing.SCHEMA):
        raise NotAStatus(path, f"its schema is {found['schema']!r}, and this version reads {standing.SCHEMA}")
    if odd := forms.misfit(found, forms.STATUS):
        raise NotAStatus(path, odd)
    return dict(found)


def _copy(place: _Place, today: date) -> Seen:
    """A working copy: its files as they lie there, and the gates of the status file that it may hold."""
    facts = standing.standing(
        standing.Folder(place.path), today, _week_ago(place.path, "HEAD", "./plan/plan.json", today)
    )
    facts |= _commit(place.path, "HEAD")
    status = place.path / STATUS
    if not status.is_file():
        return Seen(place.shown, facts)
    try:
        told = read_status(status)
    except NotAStatus as error:
        return Seen(place.shown, facts, (str(error),))
    judged = {key: told[key] for key in JUDGED if key in told} | {"at": str(told.get("at", ""))}
    of, here = (told.get("commit") or {}).get("sha", ""), facts["commit"]["sha"]
    older = (f"Gates are those of commit {of[:10]}; {here[:10]} is checked out.",) if of and of != here else ()
    return Seen(place.shown, facts | judged, older)


def _bare(place: _Place, today: date) -> Iterator[Seen]:
    """Every project in the commit of a bare repository."""
    commit = _commit(place.path, place.ref)
    sha = commit["commit"]["sha"]
    if not sha:
        yield Seen(place.shown, {}, (f"{place.shown} holds no commit {place.ref}.",))
        return
    paths = vcs.committed_paths(place.path, sha)
    tops = sorted(path.removesuffix(PLAN) for path in paths if path == PLAN or path.endswith(f"/{PLAN}"))
    if not tops:
        yield Seen(place.shown, {}, (f"{place.shown} holds no plan/project.yaml, so nobody planned it here.",))
    for top in tops:
        wanted = [path for path in paths if path.startswith(top) and _told_in(path.removeprefix(top))]
        found = vcs.contents(place.path, sha, wanted)
        files = standing.Stored({path.removeprefix(top): content for path, content in found.items()})
        facts = standing.standing(files, today, _week_ago(place.path, sha, f"{top}plan/plan.json", today)) | commit
        shown = f"{place.shown} ({top.rstrip('/')})" if top else place.shown
        status = files.read(STATUS)
        if status is not None:
            try:
                told = checked(json.loads(status), Path(shown, STATUS))
            except (ValueError, NotAStatus) as error:
                yield Seen(shown, facts, (f"{STATUS}: {error}",))
                continue
            facts |= {key: told[key] for key in (*JUDGED, "at") if key in told}
        yield Seen(shown, facts)


def _told_in(path: str) -> bool:
    """Whether a file holds facts; pictures and pages beside the evidence hold none."""
    told = path.endswith((".json", ".yaml")) or path == "evidence/test_access.log"
    return path == STATUS or (path.startswith(standing.WHERE) and told)


def _commit(repository: Path, ref: str) -> dict[str, Any]:
    found = vcs.commit_of(repository, ref) or vcs.Commit("", "", "")
    return {"commit": {"sha": found.sha, "at": found.at, "branch": found.branch}}


def _week_ago(repository: Path, ref: str, plan: str, today: date) -> standing.Stored | None:
    """The plan as history holds it from a week before."""
    commit = vcs.commit_before(repository, ref, f"{today - standing.WEEK}T23:59:59Z")
    content = vcs.contents(repository, commit, [plan]) if commit else {}
    return standing.Stored({"plan/plan.json": content[plan]}) if plan in content else None


# ---------------------------------------------------------------------------------------- a working copy's own engine


def _with_gates(places: Sequence[_Place], seen: list[Seen], say: Callable[[str], None]) -> list[Seen]:
    """The same, with the gates of each working copy that has none yet and can judge them itself."""
    by_name = {place.shown: place for place in places if place.kind == "copy"}
    waiting = [one for one in seen if one.where in by_name and "gates" not in one.facts]
    programs = {one.where: _program(by_name[one.where].path) for one in waiting}
    able = [one for one in waiting if programs[one.where]]
    if len(able) > 1:
        say(f"Asking {len(able)} working copies for their gates.")
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        told = dict(
            zip([one.where for one in able], pool.map(lambda one: _asked(by_name[one.where].path), able), strict=True)
        )
    return [_added(one, told[one.where]) if one.where in told else one for one in seen]


def _added(seen: Seen, told: dict[str, Any] | str) -> Seen:
    if isinstance(told, str):
        return replace(seen, notes=(*seen.notes, told))
    return replace(seen, facts={**seen.facts} | {key: told[key] for key in (*JUDGED, "at") if key in told})


def _program(root: Path) -> Path | None:
    """The engine's command in the working copy's own environment; never one that came with a clone."""
    path = root / ".venv" / ("Scripts/planrun.exe" if os.name == "nt" else "bin/planrun")
    return path if path.is_file() and path.relative_to(root).as_posix() not in vcs.tracked(root) else None


def _asked(root: Path) -> dict[str, Any] | str:
    """What the repository's own `planrun status --json` says, or in a sentence why it does not."""
    program = _program(root)
    assert program is not None, "only asked where there is one"
    try:
        done = subprocess.run(
            [str(program), "status", "--json"], cwd=root, capture_output=True, encoding="utf-8", timeout=PATIENCE
        )
    except subprocess.TimeoutExpired:
        return f"Its own status took longer than {PATIENCE:.0f} seconds, so its gates are not shown."
    except (OSError, UnicodeDecodeError) as error:
        return f"Its own status could not be run: {error}."
    if done.returncode:
        why = (done.stderr.strip() or done.stdout.strip() or f"exit code {done.returncode}").splitlines()[-1]
        return f"Its own status ended with: {why}"
    try:
        return checked(json.loads(done.stdout), Path(program))
    except (ValueError, NotAStatus) as error:
        return f"Its own status cannot be read: {error}"


def now() -> datetime:
    """This moment; the only clock of the board."""
    return datetime.now(UTC)
