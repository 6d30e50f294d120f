"""A real terminal without a screen: a program on a pseudo-terminal, drawn into cells, its keys typed by a script.

A step of a script is one reply, the keys that end one prompt. Nothing is timed: the prompt library switches paste marks
on where a prompt begins, so the next reply is typed when that has been seen, or when the program has ended.
"""

import codecs
import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from erbsland.ansi_convert import Terminal as Cells

PROMPT, PATIENCE = b"\x1b[?2004h", 60.0
UNFINISHED = re.compile(r"\x1b(\[[0-9;?]*)?\Z")  # a control sequence whose last letter has not come yet
# Before the program: the terminal is made the one whose Ctrl-C reaches it and all that it starts.
OURS = "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execvp(sys.argv[1], sys.argv[1:])"
NAMES = {
    "\r": "⏎",
    "\x1b[B": "↓",
    "\x1b[A": "↑",
    "\t": "⇥",
    "\x7f": "⌫",
    "\x03": "^C",
    "\x15": "^U",
    "\x1b[200~": "[paste:",
    "\x1b[201~": "]",
    "\n": "⏎",
}


class Drawn:
    """What a terminal of that size shows; it answers, into `reply`, the program's question where the cursor is."""

    def __init__(self, columns: int, lines: int, reply: int) -> None:
        self.cells = Cells(columns, lines, back_buffer_height=5000)
        self.reply = reply
        self.letters = codecs.getincrementaldecoder("utf-8")("replace")
        self.begun = ""

    def feed(self, data: bytes) -> None:
        """Draw what the program wrote; a letter or a sequence that is cut in two waits for its other half."""
        text = self.begun + self.letters.decode(data)
        cut = UNFINISHED.search(text)
        self.begun = cut[0] if cut else ""
        self.cells.write(text.removesuffix(self.begun))
        while self.cells.responses:
            os.write(self.reply, self.cells.responses.pop(0).encode())

    def lines_so_far(self) -> list[str]:
        """Every line since the start, those that have scrolled away included, without blanks at their ends."""
        lines = ["".join(cell.text for cell in row).rstrip() for row in self.cells.screen.all_rows()]
        while lines and not lines[-1]:
            lines.pop()
        return lines


class Terminal:
    """One program in a terminal of a size; `transcript` is all that was shown, with the keys where they were typed."""

    def __init__(self, program: Sequence[str], columns: int, cwd: Path, environment: Mapping[str, str]) -> None:
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        self.screen = Drawn(columns, 24, self.master)
        self.prompts = 0
        self.transcript: list[str] = []
        self.seen: list[str] = []
        self.process = subprocess.Popen(
            [sys.executable, "-c", OURS, *program],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            cwd=cwd,
            env=environment,
            start_new_session=True,
        )
        os.close(slave)
        self.wait_for_prompt(1)

    def wait_for_prompt(self, number: int) -> None:
        """Draw what comes until that many prompts were begun, or the program has ended."""
        until = time.monotonic() + PATIENCE
        while self.prompts < number and self.draw(0.5):
            if time.monotonic() > until:
                raise AssertionError("no prompt:\n" + "\n".join(self.screen.lines_so_far()))
        while self.draw(0.03, idle_is_end=True):
            pass
        self._note()

    def draw(self, seconds: float, idle_is_end: bool = False) -> bool:
        """Draw what the program writes within that time; False at its end (or when it is idle)."""
        ready, _, _ = select.select([self.master], [], [], seconds)
        if not ready:
            return not idle_is_end and self.process.poll() is None
        try:
            data = os.read(self.master, 65536)
        except OSError:  # how Linux says that nobody is at the other end any more
            return False
        self.prompts += data.count(PROMPT)
        self.screen.feed(data)
        return bool(data)

    def type(self, reply: str) -> None:
        """Type one reply, and wait for what follows it."""
        self.transcript.append(f"⌨ {_named(reply)}")
        expected = self.prompts + 1
        os.write(self.master, reply.encode())
        self.wait_for_prompt(expected)

    def end(self) -> int:
        """The exit code, after all was drawn."""
        until = time.monotonic() + PATIENCE
        while self.draw(0.5):
            if time.monotonic() > until:
                raise AssertionError("it did not end:\n" + "\n".join(self.screen.lines_so_far()))
        self._note()
        return self.process.wait(timeout=PATIENCE)

    def close(self) -> None:
        """Stop what still runs."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(timeout=PATIENCE)
        os.close(self.master)

    def _note(self) -> None:
        """Add the lines that are new, or that look different from what was there."""
        lines = self.screen.lines_so_far()
        same = next((at for at, (old, new) in enumerate(zip(self.seen, lines, strict=False)) if old != new), None)
        start = min(len(self.seen), len(lines)) if same is None else same
        self.transcript += lines[start:]
        self.seen = lines


def _named(keys: str) -> str:
    return re.sub("|".join(map(re.escape, NAMES)), lambda found: NAMES[found[0]], keys)
