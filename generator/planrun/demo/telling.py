"""The story as lines: a running clock, a command, and what came of it."""

import contextlib
import textwrap
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

NAME = 15  # letters for a command's name
CLOCK = 6  # letters for the clock
TICK = 0.2  # seconds between two movements of the clock
STYLES = {"bold": "1", "dim": "2", "good": "32", "bad": "31", "name": "36"}


@dataclass
class Step:
    """A command that is running, and what will be said of it."""

    text: str = ""
    mood: str = ""

    def says(self, text: str, mood: str = "") -> None:
        """What came of it; `mood` is "good" or "bad" for a verdict that opens the text in capitals."""
        self.text, self.mood = text, mood


@dataclass
class Telling:
    """Where lines go. `write` takes text as it is; `live` moves the clock of the running line; `colour` paints."""

    write: Callable[[str], None]
    live: bool
    colour: bool
    width: int
    began: float = field(default_factory=time.monotonic)
    _paused: float = 0.0

    def opens(self, paragraphs: Sequence[str]) -> None:
        """What the screen is about."""
        title, *rest = paragraphs
        self._line(self._painted(title, "bold"))
        for paragraph in rest:
            self._lines(_wrapped(paragraph, self.width))
        self._line("")

    def chapter(self, title: str) -> None:
        """A heading between steps."""
        self._line(self._painted(title, "bold"))

    def note(self, text: str) -> None:
        """A sentence between steps."""
        self._lines(_wrapped(text, self.width))

    @contextlib.contextmanager
    def step(self, name: str, *, counted: bool = True) -> Iterator[Step]:
        """One command: its line shows the moving clock while it runs, and what it `says` when it has ended.

        What is not `counted` stops the story's clock: it is no part of the story.
        """
        step, since = Step(), time.monotonic()
        with self._ticking(name):
            yield step
        self._finished(name, step)
        if not counted:
            self._paused += time.monotonic() - since

    def closes(self, results: Sequence[tuple[str, str]]) -> None:
        """The last lines: a label and a result each."""
        self._line("")
        wide = max(len(label) for label, _ in results) + 2
        for label, text in results:
            first, *rest = _wrapped(text, self.width - wide)
            self._line(self._painted(f"{label:<{wide}}", "bold") + first)
            self._lines(" " * wide + line for line in rest)

    def points(self, cpu: float, left: str, onward: str) -> None:
        """How long it took, what is left, and where to go on."""
        self._line("")
        self.note(f"{self.seconds():.0f} s, {cpu:.0f} s of them at work on a processor. {left}")
        self.note(onward)

    def seconds(self) -> float:
        """How long the story has been going on."""
        return time.monotonic() - self.began - self._paused

    # ------------------------------------------------------------------------------------------------ one line
    def _finished(self, name: str, step: Step) -> None:
        wrapped = _wrapped(step.text, self.width - CLOCK - NAME)
        word, _, rest = (wrapped or [""])[0].partition(" ")
        first = f"{self._painted(word, step.mood)} {rest}" if step.mood else (wrapped or [""])[0]
        self._line(f"{self._painted(self._clock(), 'dim')}{self._painted(f'{name:<{NAME}}', 'name')}{first}")
        self._lines(" " * (CLOCK + NAME) + line for line in wrapped[1:])

    def _clock(self) -> str:
        minutes, seconds = divmod(int(self.seconds()), 60)
        return f"{minutes:>2}:{seconds:02d} "

    @contextlib.contextmanager
    def _ticking(self, name: str) -> Iterator[None]:
        """Keep the running line's clock moving; the line is wiped at the end, whatever happened."""
        if not self.live:
            yield
            return
        ended = threading.Event()

        def tick() -> None:
            while True:
                self.write(f"\r{self._painted(self._clock(), 'dim')}{self._painted(name, 'name')} …")
                if ended.wait(TICK):
                    return

        ticker = threading.Thread(target=tick, daemon=True)
        ticker.start()
        try:
            yield
        finally:
            ended.set()
            ticker.join()
            self.write(f"\r{' ' * (CLOCK + len(name) + 2)}\r")

    def _painted(self, text: str, style: str) -> str:
        return f"\x1b[{STYLES[style]}m{text}\x1b[0m" if self.colour and style else text

    def _line(self, text: str) -> None:
        self.write(f"{text}\n")

    def _lines(self, lines: Iterator[str] | Sequence[str]) -> None:
        for line in lines:
            self._line(line)


def _wrapped(text: str, width: int) -> list[str]:
    """Lines of a paragraph. A path or an option stays whole, so that it can be copied."""
    return textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False)
