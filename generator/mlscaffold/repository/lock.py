"""One writer at a time. The lock is the system's own on an open folder: it ends with its process, however that ends."""

import contextlib
import json
import os
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from mlscaffold import render
from mlscaffold.errors import Busy, CannotChange

PATIENCE = 10.0  # seconds; a replan takes one or two
WORK = f"{render.RECORD}/work"  # ignored by git from its first file on, and gone after every run


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold the repository's record alone. Raises `Busy` where somebody else still holds it after `PATIENCE` seconds."""
    until = time.monotonic() + PATIENCE
    while (held := _taken(folder)) is None:
        if time.monotonic() > until:
            raise Busy(folder, _holder(folder))
        time.sleep(0.05)
    try:
        yield
    finally:
        os.close(held)  # which gives the lock back


def workshop(folder: Path) -> Path:
    """The folder that a run writes in before it changes anything: on the same disk, and never in git's sight."""
    work = folder / WORK
    who = {"process": os.getpid(), "machine": socket.gethostname(), "since": time.strftime("%H:%M:%S")}
    try:
        work.mkdir(exist_ok=True)
        work.joinpath(".gitignore").write_text("*\n")
        work.joinpath("holder.json").write_text(json.dumps(who), "utf-8")
    except OSError as error:
        raise CannotChange(folder, error.strerror or str(error)) from error
    return work


def _holder(folder: Path) -> str:
    """Who wrote itself down as the holder; empty where nobody has, yet."""
    try:
        who = json.loads(folder.joinpath(WORK, "holder.json").read_text("utf-8"))
        return f"process {who['process']} on {who['machine']}, since {who['since']}"
    except (OSError, ValueError, KeyError, TypeError):  # it has just gone, or has not come that far
        return ""


if sys.platform == "win32":
    import msvcrt

    def _taken(folder: Path) -> int | None:
        folder.joinpath(WORK).mkdir(exist_ok=True)
        opened = os.open(folder / WORK / "lock", os.O_RDWR | os.O_CREAT)
        try:
            msvcrt.locking(opened, msvcrt.LK_NBLCK, 1)
        except OSError:
            os.close(opened)
            return None
        return opened

else:
    import fcntl

    def _taken(folder: Path) -> int | None:
        """The open folder with the lock on it; None where another process has it."""
        place = folder / render.RECORD
        try:
            opened = os.open(place, os.O_RDONLY | os.O_DIRECTORY)
        except OSError as error:
            raise CannotChange(folder, error.strerror or str(error)) from error
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
            still_there = os.path.samestat(os.fstat(opened), os.stat(place))
        except BlockingIOError:
            still_there = False
        except OSError as error:  # a network disk that knows no locks
            os.close(opened)
            raise CannotChange(folder, f"it cannot be locked ({error.strerror})") from error
        if not still_there:  # held, or a checkout has put another folder in its place meanwhile
            os.close(opened)
            return None
        return opened
