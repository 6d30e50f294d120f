"""An environment of its own that takes what it lacks from the running one: small, and soon made."""

import os
import sysconfig
import venv
from pathlib import Path

BIN = "Scripts" if os.name == "nt" else "bin"


def environment(folder: Path) -> Path:
    """Make one there, without pip; its interpreter. What is installed into it goes before what it borrows."""
    venv.create(folder, symlinks=os.name != "nt")
    (packages,) = folder.joinpath("lib" if os.name != "nt" else "Lib").rglob("site-packages")
    # A path file in a path file is not read: an editable installation of this very checkout stays out.
    packages.joinpath("borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n", "utf-8")
    return folder / BIN / "python"
