"""The product's own commands, such as `run`: they need nothing of this repository, only the installed package."""

import argparse
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.util import find_spec

COMMANDS = {  # name: the module and the function behind it, and what it does
    "run": ("run", "run", "the product itself; words after -- are its own"),
    "settings": ("settings", "settings_command", "every setting, with its default and what it is"),
    "backup": ("run", "backup", "keep what it remembers in a file; old files are removed"),
    "restore": ("run", "restore", "bring a backup back"),
    "migrate": ("maintenance", "migrate_command", "bring the tables up to date; --new and --merge write a migration"),
    "expire": ("maintenance", "expire_command", "delete what has been kept for too long"),
    "deliver": ("outbox", "deliver_command", "send what the work has left to be told"),
    "token": ("access", "token_command", "a caller's token, and its hash for ACCESS_TOKENS"),
    "forget": ("deletion", "forget_command", "delete everything that is known about a subject"),
    "waiting": ("review", "waiting_command", "the warnings that wait for a person"),
    "decide": ("review", "decide_command", "confirm a warning, or overrule it"),
    "labels": ("review", "labels_command", "what people decided, for the model's repository"),
}


def main(words: Sequence[str] | None = None) -> None:
    """Run one command and exit with its code: 0 done, 1 not done, 2 wrong usage."""
    words = sys.argv[1:] if words is None else list(words)
    known = _known()
    if find_spec(f"{__package__}.settings"):
        import_module(".settings", __package__).take_file()
    if not words or words[0] not in known:
        _parser(known).parse_args(words[:1] or ["--help"])
    try:
        sys.exit(known[words[0]](*[word for word in words[1:] if word != "--"]))
    except KeyboardInterrupt:
        sys.exit(130)


def _known() -> dict[str, Callable[..., int]]:
    """The commands that this product has, as its modules say."""
    found = {}
    for name, (module, function, _) in COMMANDS.items():
        if find_spec(f"{__package__}.{module}"):
            command = getattr(import_module(f".{module}", __package__), function, None)
            if command is not None:
                found[name] = command
    return found


def _parser(known: dict[str, Callable[..., int]]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=f"python -m {__package__}", description="The product's own commands.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    for name in known:
        commands.add_parser(name, help=COMMANDS[name][2])
    return parser


if __name__ == "__main__":
    main()
