"""Repositories that stand, for tests of replanning: rendered once, copied for each test; renders are remembered."""

import functools
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

from material import sample_answers
from mlscaffold import answers, render, vcs, yamltext
from mlscaffold.answers import Answers

FACTS = {"positive_share": "0.2", "miss_cost": "20"}
SURROUNDINGS = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": os.devnull}
_real_generate = render.generate


def remembered(folder: Path) -> Callable[[Answers, Path], Path]:
    """`render.generate` that renders each set of answers once and copies it afterwards."""

    @functools.cache
    def kept(texts: str) -> Path:
        target = folder / str(len(list(folder.iterdir())))
        return _real_generate(Answers(json.loads(texts)), target)

    def generate(complete: Answers, output: Path) -> Path:
        tree = kept(json.dumps(complete.raw, sort_keys=True))
        return Path(shutil.copytree(tree, output / tree.name))

    return generate


def git(folder: Path, *arguments: str, check: bool = True) -> str:
    """git's output, without anybody's settings."""
    identity = {f"GIT_{who}_{what}": "ana@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    env = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")} | SURROUNDINGS | identity
    return subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=check, env=env).stdout


def commit(folder: Path, message: str = "edited") -> None:
    """Commit everything that git sees."""
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", message)


def edit(folder: Path, path: str, old: str, new: str) -> None:
    """Change a text in a file, which must be there."""
    file = folder / path
    text = file.read_bytes().decode("utf-8")
    assert old in text, f"{path} has no {old}"
    file.write_bytes(text.replace(old, new).encode("utf-8"))


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder by its path, but for git's own; a link by where it leads."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if name.split("/")[0] == ".git":
            continue
        if path.is_symlink():
            found[name] = b"-> " + os.readlink(path).encode()
        elif path.is_file():
            found[name] = path.read_bytes()
    return found


def facts_of(folder: Path) -> dict[str, str]:
    """The answers that plan/project.yaml, plan/plan.json and the record agree on; an assertion where they do not."""
    texts: dict[str, str] = yamltext.load(folder.joinpath("plan/project.yaml").read_text("utf-8"))
    state = json.loads(folder.joinpath(".mlscaffold/state.json").read_text("utf-8"))
    assert state["answers"] == texts, "the record tells of other answers than the tree"
    return texts


def whole(complete: Mapping[str, str]) -> Answers:
    """The complete answers behind recorded texts."""
    return answers.complete(complete)


def born(parent: Path, name: str = "ml-default", *, history: bool = True) -> Path:
    """A sample's repository, committed once."""
    folder = render.render(sample_answers(name), parent)
    if history:
        vcs.create(folder, "Start")
    return folder
