"""Renew docs/demo.svg: run the real `mlscaffold demo` on a terminal of its own, and draw what it showed.

`python docs/record_demo.py [--python FILE]`; further arguments go to the demo. rich draws the picture (cookiecutter
brings it); the font that it would fetch from a remote address is left out, so a page with the picture asks nobody.
"""

import fcntl
import io
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

PICTURE = Path(__file__).with_name("demo.svg")
COLUMNS, ROWS = 100, 60
PROMPT = "\x1b[32m$\x1b[0m \x1b[1mmlscaffold demo\x1b[0m"


def shown(arguments: Sequence[str]) -> list[str]:
    """The lines that are left on the terminal when the demo has ended, with their colours."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    surroundings = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "COLUMNS")}
    command = [sys.executable, "-c", "from mlscaffold.cli import main; main()", "demo", *arguments]
    with subprocess.Popen(
        command, stdin=theirs, stdout=theirs, env=surroundings | {"TERM": "xterm-256color"}
    ) as process:
        os.close(theirs)
        text = b""
        while True:
            try:
                piece = os.read(ours, 65536)
            except OSError:  # Linux says so when the other end has been closed
                break
            if not piece:
                break
            text += piece
    os.close(ours)
    if process.returncode:
        sys.exit(f"The demo ended with exit code {process.returncode}; the picture stays as it was.")
    # A line that was written over shows what was written last.
    return [line.rstrip("\r").rpartition("\r")[2] for line in text.decode().rstrip("\n").split("\n")]


def drawn(lines: Sequence[str]) -> str:
    """The lines as an SVG that fetches nothing."""
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True, color_system="standard")
    for line in lines:
        console.print(Text.from_ansi(line), soft_wrap=True)
    picture = console.export_svg(title="mlscaffold demo", theme=MONOKAI, unique_id="demo")
    picture = re.sub(r"@font-face \{.*?\}\s*|<!-- .*? -->\s*", "", picture, flags=re.DOTALL)
    return picture.replace("Fira Code, monospace", "Menlo, Consolas, 'DejaVu Sans Mono', monospace")


if __name__ == "__main__":
    PICTURE.write_text(drawn([PROMPT, *shown(sys.argv[1:])]), "utf-8")
    print(f"{PICTURE}: {PICTURE.stat().st_size / 1000:.0f} kB")
