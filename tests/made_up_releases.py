"""Releases that are made up in this process: another number, and other pages and engine for the same answers.

What stands in for a release is what its templates would render: lines more in many pages, pages that come, go or get
another name, and modules of the engine that do. `tests/releases.py` makes real ones, which takes a minute.
"""

import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from mlscaffold import __version__, cli, render, update
from mlscaffold.answers import Answers
from mlscaffold.repository import record

LAST = 4
TOLD = (".md", ".py", ".yaml", ".toml", ".yml")
GONE = ("docs/limits.md", "engine/planrun/yaml_rows.py", "docs/glossary.md", "engine/planrun/remark.py")


class MadeUp:
    """The version that is installed, by its count from this one on; `generate` renders what it would."""

    def __init__(self, generate: Callable[[Answers, Path], Path], patch: pytest.MonkeyPatch) -> None:
        self._generate = generate
        self._patch = patch
        self.installed = 0
        patch.setattr(render, "generate", self.generate)

    def install(self, count: int) -> str:
        """Have another version from now on; its number."""
        self.installed = count
        number = number_of(count)
        for module in (render, record, update, cli):
            self._patch.setattr(module, "__version__", number)
        return number

    def generate(self, answers: Answers, output: Path) -> Path:
        """What the installed version renders."""
        tree = self._generate(answers, output)
        for count in range(1, self.installed + 1):
            _release(tree, count)
        return tree

    def install_what_wrote(self, folder: Path) -> int:
        """Have the version that a repository's record tells of; its count."""
        told = json.loads(folder.joinpath(record.STATE).read_text("utf-8"))["version"]
        count = next(count for count in range(LAST + 1) if number_of(count) == told)
        self.install(count)
        return count


def number_of(count: int) -> str:
    """This version's number for 0, and those after it."""
    major, minor, last = __version__.split(".")
    return f"{major}.{int(minor) + count}.{last}"


def _release(tree: Path, count: int) -> None:
    computed = {tree / name for name in update.COMPUTED}
    for path in render.files_of(tree):
        name = path.relative_to(tree).as_posix()
        drawn = hashlib.sha256(f"{count} {name}".encode()).digest()
        if path.suffix in TOLD and path not in computed and drawn[0] < (40 if render.is_engine(name) else 150):
            lines = path.read_bytes().splitlines(keepends=True)
            lines.insert(drawn[1] % (len(lines) + 1), f"# released-{count}-in-{name}\n".encode())
            path.write_bytes(b"".join(lines))
    tree.joinpath(GONE[count - 1]).unlink(missing_ok=True)
    tree.joinpath(f"docs/added-{count}.md").write_text(f"# Added\n\nreleased-{count}-in-it\n" * 5, "utf-8")
    tree.joinpath(f"engine/planrun/added_{count}.py").write_text(f'"""Added by {count}."""\n', "utf-8")
    if tree.joinpath(f"docs/added-{count - 1}.md").is_file():
        shutil.move(tree / f"docs/added-{count - 1}.md", tree / f"docs/moved-{count - 1}.md")
