"""The product's own commands, such as `run`: they need nothing of this repository, only the installed package."""

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module

{% if settings %}
from .settings import take_file

{% endif %}
COMMANDS = {  # name: the module and the function behind it, and what it does
{{ commands }}
}


def main(words: Sequence[str] | None = None) -> None:
    """Run one command and exit with its code: 0 done, 1 not done, 2 wrong usage."""
    words = sys.argv[1:] if words is None else list(words)
{% if settings %}
    take_file()
{% endif %}
    if not words or words[0] not in COMMANDS:
        _parser().parse_args(words[:1] or ["--help"])
    module, function, _ = COMMANDS[words[0]]
    command = getattr(import_module(f".{module}", __package__), function)
    try:
        sys.exit(command(*[word for word in words[1:] if word != "--"]))
    except KeyboardInterrupt:
        sys.exit(130)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog=f"python -m {__package__}", description="The product's own commands.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    for name, (*_, does) in COMMANDS.items():
        commands.add_parser(name, help=does)
    return parser


if __name__ == "__main__":
    main()
