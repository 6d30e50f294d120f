"""One writer at a time. The lock is the system's own on an open file: it ends with its process, however that ends."""

import contextlib
import json
import os
import shutil
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from mlscaffold import render
from mlscaffold.errors import Busy, CannotChange

if TYPE_CHECKING:
    from filelock import BaseFileLock

PATIENCE = 10.0  # seconds; a replan takes one or two
WORK = f"{render.RECORD}/work"  # ignored by git from its first file on, and gone after every run
HELD = f"{render.RECORD}/held"  # the same for the folder of the lock's file


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold the repository's record alone.

    Raises `Busy` where somebody else still holds it after `PATIENCE` seconds, `CannotChange` where nothing can be
    locked there.
    """
    try:
        lock = _taken(folder)
    except (OSError, NotImplementedError) as error:  # no right to write, or a network disk that knows no locks
        raise CannotChange(folder, f"it cannot be locked ({getattr(error, 'strerror', None) or error})") from error
    place = folder / HELD
    try:
        yield
    finally:
        # Removed while it is held: whoever waits sees that its file is gone, and opens the next one.
        shutil.rmtree(place, ignore_errors=True)
        lock.release()
        with contextlib.suppress(OSError):  # Windows keeps an open file until here; or the next one is already at work
            place.rmdir()


def _taken(folder: Path) -> "BaseFileLock":
    """The lock, held. Raises `Busy`, and what the file system says against a file there.

    A lock that is not returned is given back by its own end.
    """
    from filelock import FileLock, Timeout  # imported late: it is slow, and most commands take no lock

    place = folder / HELD
    until = time.monotonic() + PATIENCE
    while True:
        try:
            _own_folder(folder, place)
            lock = FileLock(place / "lock", fallback_to_soft=False)
            lock.acquire(timeout=max(0.0, until - time.monotonic()))
            place.joinpath(".gitignore").write_text("*\n")  # again: the holder before may have taken it away
            return lock
        except Timeout:
            raise Busy(folder, _holder(folder)) from None
        except FileNotFoundError:  # the holder before has just taken the folder away
            if time.monotonic() > until:
                raise


def workshop(folder: Path) -> Path:
    """The folder that a run writes in before it changes anything: on the same disk, and never in git's sight.

    Raises `CannotChange` where it cannot be made.
    """
    work = folder / WORK
    who = {"process": os.getpid(), "machine": socket.gethostname(), "since": time.strftime("%H:%M:%S")}
    try:
        _own_folder(folder, work)
        work.joinpath("holder.json").write_text(json.dumps(who), "utf-8")
    except OSError as error:
        raise CannotChange(folder, error.strerror or str(error)) from error
    return work


def _own_folder(folder: Path, place: Path) -> None:
    """Make a folder of ours inside the record, which git ignores from its first file on.

    Raises `CannotChange` where a link would lead our files elsewhere.
    """
    if place.is_symlink():
        raise CannotChange(folder, f"{place.relative_to(folder).as_posix()} is a link")
    made = not place.is_dir()
    place.mkdir(exist_ok=True)
    try:
        place.joinpath(".gitignore").write_text("*\n")
    except OSError:  # a full disk: what git would see is not left behind, unless it is somebody else's
        if made:
            shutil.rmtree(place, ignore_errors=True)
        raise


def _holder(folder: Path) -> str:
    """Who wrote itself down as the holder; empty where nobody has, yet."""
    try:
        who = json.loads(folder.joinpath(WORK, "holder.json").read_text("utf-8"))
        return f"process {who['process']} on {who['machine']}, since {who['since']}"
    except (OSError, ValueError, KeyError, TypeError):  # it has just gone, or has not come that far
        return ""
