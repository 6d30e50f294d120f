"""What a command says when it ends: an outcome, or expected trouble with its remedy."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Outcome:
    """What a command has to say, and its exit code."""

    text: str
    code: int = 0


class Trouble(Exception):
    """Expected trouble: one sentence that names what is wrong, and the remedy. The command exits with `code`.

    `also` are lines on what else was seen before it stopped, which a person should not lose.
    """

    code = 1

    def __init__(self, sentence: str, remedy: str = "") -> None:
        super().__init__(sentence)
        self.sentence, self.remedy = sentence, remedy
        self.also: tuple[str, ...] = ()


class Blocked(Trouble):
    """Something that has to come first is missing, stale, unsigned or assumed."""

    code = 2


# What libraries raise where memory ends, and what would need less; a kind adds what its own libraries raise.
MEMORY_ENDS: dict[type[Exception], str] = {MemoryError: "Run it where more memory is free"}


def memory_ended(command: str, error: Exception) -> Trouble:
    """One sentence for a command that took more memory than there is, and what would take less."""
    remedy = next(remedy for kind, remedy in MEMORY_ENDS.items() if isinstance(error, kind))
    why = next((f": {line.rstrip('.')}" for line in str(error).splitlines() if line.strip()), "")
    return Trouble(f"{command} needs more memory than is free here{why}.", remedy)


def counted(number: int, what: str) -> str:
    """1 worker, 2 workers."""
    return f"{number} {what}{'' if number == 1 else 's'}"
