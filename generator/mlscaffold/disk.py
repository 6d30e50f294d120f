"""Files that are on the disk, not only in memory that a power cut empties, before anything relies on them."""

import os
from pathlib import Path


def flush(path: Path) -> None:
    """Wait until a file's bytes are on the disk."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def flush_folder(folder: Path) -> None:
    """Wait until the names in a folder are on the disk: of files that came, went or were renamed there."""
    if os.name != "posix":  # elsewhere a folder cannot be opened, and the system keeps names with the files
        return
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def put_in_place(part: Path, target: Path) -> None:
    """Rename a finished file over its target on the same disk; after a power cut the target is the old file or this."""
    flush(part)
    os.replace(part, target)
    flush_folder(target.parent)
