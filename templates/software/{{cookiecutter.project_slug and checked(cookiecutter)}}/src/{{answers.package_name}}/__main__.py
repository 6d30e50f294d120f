"""The product's own commands, such as `run`: they need nothing of this repository, only the installed package."""

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module

{% if settings %}
from .settings import take_file

{% endif %}
COMMANDS = {  # name: the module and the function behind it, and what it does
    "run": ("run", "run", "the product itself; words after -- are its own"),
{% if settings %}
    "settings": ("settings", "settings_command", "every setting, with its default and what it is"),
{% endif %}
{% if stores or answers.deliverable == 'batch' %}
    "backup": ("run", "backup", "keep what it remembers in a file; old files are removed"),
    "restore": ("run", "restore", "bring a backup back"),
{% endif %}
{% if stores and served %}
    "migrate": ("maintenance", "migrate_command", "bring the tables up to date; --new and --merge write a migration"),
    "expire": ("maintenance", "expire_command", "delete what has been kept for too long"),
    "deliver": ("outbox", "deliver_command", "send what the work has left to be told"),
{% endif %}
{% if lets_in %}
    "token": ("access", "token_command", "a caller's token, and its hash for ACCESS_TOKENS"),
{% endif %}
{% if stores and guarded %}
    "forget": ("deletion", "forget_command", "delete everything that is known about a person"),
{% endif %}
{% if answers.ml_component %}
    "waiting": ("review", "waiting_command", "the warnings that wait for a person"),
    "decide": ("review", "decide_command", "confirm a warning, or overrule it"),
    "labels": ("review", "labels_command", "what people decided, for the model's repository"),
{% endif %}
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
