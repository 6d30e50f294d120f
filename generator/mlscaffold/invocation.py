"""How this program is called here: whatever is printed to be typed again must run in the person's own shell."""

import functools
import json
import os
import shlex
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

NAME = "mlscaffold"
DISTRIBUTION = "mlscaffold-planner"


def command() -> str:
    """The command as this person can type it, from any folder and quoted for a shell.

    `mlscaffold` where the shell finds this very program under that name; else the runner that fetched it (uvx, pipx
    run), the module of a named Python, or the program's whole path.
    """
    return _command(sys.argv[0], os.environ.get("PATH", ""), "UV_RUN_RECURSION_DEPTH" in os.environ)


def quoted(arguments: Sequence[str]) -> str:
    """Arguments as a shell reads them back; no name on Windows can hold the quote that is put around it."""
    if os.name == "nt":
        return " ".join(f'"{word}"' if " " in word or not word else word for word in arguments)
    return shlex.join(arguments)


@functools.lru_cache(maxsize=8)
def _command(program: str, path: str, by_uv_run: bool) -> str:
    called = Path(program).stem if os.name == "nt" else Path(program).name
    if called in ("__main__", "__main__.py"):
        return quoted([_python(path), "-m", NAME])
    if called != NAME:
        return NAME  # part of another program, such as a test: nobody typed us
    fetched = _fetched_by()
    if fetched:
        return quoted([*fetched, NAME])
    whole = shutil.which(program) or os.path.abspath(program)
    found = None if by_uv_run else shutil.which(NAME, path=path)  # uv run puts its own folder on the path
    return NAME if found and os.path.samefile(found, whole) else quoted([os.path.abspath(whole)])


def _python(path: str) -> str:
    """This interpreter, by its short name where the shell finds it under one."""
    names = ("python", "python3", "py")
    short = next((name for name in names if shutil.which(name, path=path) == sys.executable), None)
    return short or sys.executable


def _fetched_by() -> list[str]:
    """The words before the name where a runner keeps this program in a cache of its own; [] where it is installed.

    Such a cache is on nobody's path, may be gone tomorrow, and uvx hides that by putting it on ours.
    """
    here = Path(sys.prefix)
    if "archive-v0" in here.parts or "environments-v2" in here.parts:
        beside = Path(os.environ.get("UV", "uv")).with_name("uvx")
        return ["uvx" if shutil.which("uvx") or not beside.is_file() else str(beside), "--from", _source()]
    if (here / "pipx_metadata.json").is_file() and here.parent.name != "venvs":
        return ["pipx", "run", "--spec", _source()]
    return []


def _source() -> str:
    """Where the installer got this program from, as it is given to an installer again (PEP 610)."""
    from importlib import metadata  # late: it is slow, and only what a runner fetched needs it

    text = metadata.distribution(DISTRIBUTION).read_text("direct_url.json")
    origin = json.loads(text) if text else {}
    url = str(origin.get("url", DISTRIBUTION))
    if "vcs_info" in origin:
        vcs = origin["vcs_info"]
        wanted = vcs.get("requested_revision")
        return f"{vcs['vcs']}+{url}{f'@{wanted}' if wanted else ''}"
    if url.startswith("file://"):
        from urllib.request import url2pathname

        return url2pathname(url.removeprefix("file://"))
    return url
