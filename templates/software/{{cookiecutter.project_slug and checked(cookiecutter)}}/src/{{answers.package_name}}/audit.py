"""What can be seen by reading: secrets in files, weak or unpinned packages, tests that could never fail."""

import ast
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from . import files
from .files import Blocked, Outcome, Trouble, counted
from .repo import Repo

LOCK = "requirements.lock"
SECRET = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----"
    r"|\bAKIA[0-9A-Z]{16}\b"
    r"|\bgh[pousr]_[A-Za-z0-9]{36}\b"
    r"|\bglpat-[A-Za-z0-9_-]{20}\b"
    r"|\bxox[abprs]-[A-Za-z0-9-]{10,}"
    r"|(?i:password|secret|api_?key|token)[\"']?\s*[:=]\s*[\"'][^\"'\s{}$]{12,}[\"']"
)


def audit(repo: Repo) -> Outcome:
    """Look for secrets in the files that git keeps and for known weaknesses, and write down what was found."""
    if repo.answers.get("rigor") == "light":
        raise Blocked("What the audit needs is not installed at rigor light.", step(repo))
    kept = (files.git(repo.root, "ls-files") or "").splitlines()
    if not kept:
        raise Blocked("There is no history that says which files are kept.", "git init")
    secrets = [found for name in kept for found in secrets_in(repo.root, name)]
    packages, advisories, unknown = _weaknesses(repo.root)
    facts = {"secrets": secrets, "advisories": advisories, "unknown": unknown, "files": len(kept), "packages": packages}
    repo.write_evidence("audit", facts | {"on": date.today().isoformat()}, [LOCK])
    told = [*secrets, *advisories, f"{counted(len(secrets), 'possible secret')} in {counted(len(kept), 'file')}."]
    told += [f"{len(advisories)} of {counted(packages, 'package')} with a known weakness."]
    if unknown:
        told.append(f"{len(unknown)} more could not be looked up, first {unknown[0]}: no answer is no pass.")
    return Outcome("\n".join(told), 1 if secrets or advisories else 2 if unknown else 0)


def step(repo: Repo) -> str:
    """How to get the audit's evidence."""
    return "make audit" if repo.answers.get("rigor") != "light" else "mlscaffold replan --set rigor=standard"


def secrets_in(root: Path, name: str) -> list[str]:
    """Places in one file that look like a secret, as file:line."""
    try:
        lines = (root / name).read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return []
    return [f"{name}:{number}" for number, line in enumerate(lines, 1) if SECRET.search(line)]


def _weaknesses(root: Path) -> tuple[int, list[str], list[str]]:
    """How many locked packages were looked up, those with a known weakness, and those nobody could say anything of."""
    if not (root / LOCK).is_file():
        raise Blocked(f"{LOCK} is missing.", "make setup")
    words = ["-m", "pip_audit", "--requirement", LOCK, "--disable-pip", "--no-deps", "--format", "json"]
    done = subprocess.run([sys.executable, *words], cwd=root, capture_output=True, text=True, check=False)
    try:
        rows = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError, TypeError):
        reason = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise Blocked(f"The advisories could not be read: {reason}", "Try again with a network.") from None
    known = [row for row in rows if "vulns" in row]
    weak = [f"{row['name']} {row['version']}: {row['vulns'][0]['id']}" for row in known if row["vulns"]]
    return len(known), weak, [row["name"] for row in rows if "vulns" not in row]


# ---------------------------------------------------------------------------------------------------- lock file
def unpinned(root: Path) -> list[str]:
    """Direct dependencies of pyproject.toml, developers' included, that the lock file does not hold at one version.

    Those that only some machines need (`; python_version < …`) are not asked for.
    """
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))
    wanted = [*project["project"].get("dependencies", []), *project.get("dependency-groups", {}).get("dev", [])]
    pinned = {_plain(line) for line in (root / LOCK).read_text("utf-8").splitlines() if re.search(r"==| @ ", line)}
    return [_plain(text) for text in wanted if isinstance(text, str) and ";" not in text and _plain(text) not in pinned]


def loose(root: Path) -> str:
    """What is wrong with the lock file, in words."""
    if not (root / LOCK).is_file():
        return f"{LOCK} is missing. Run: make setup"
    names = ", ".join(unpinned(root))
    return f"{LOCK} does not pin {names}, which pyproject.toml asks for. Run: make lock" if names else ""


def _plain(requirement: str) -> str:
    """A package's name as every index spells it."""
    return re.sub(r"[-_.]+", "-", re.split(r"[^\w.-]", requirement.strip(), maxsplit=1)[0]).lower()


# ---------------------------------------------------------------------------------------------------- tests
@dataclass(frozen=True)
class Marked:
    """One test that names the requirements it shows; `empty` where nothing in it could fail."""

    file: str
    name: str
    ids: tuple[str, ...]
    empty: bool

    @property
    def key(self) -> str:
        """How pytest and the evidence call it."""
        return f"{self.file}::{self.name}"


FUNCTIONS = ast.FunctionDef | ast.AsyncFunctionDef


def marked_tests(root: Path) -> list[Marked]:
    """Every test below tests/ that carries @pytest.mark.req(…), itself or by its class, found in its source."""
    return [test for file in sorted(root.glob("tests/**/test_*.py")) for test in _marked(root, file)]


def _marked(root: Path, file: Path) -> Iterator[Marked]:
    name = file.relative_to(root).as_posix()
    try:
        yield from _below(ast.parse(file.read_text("utf-8"), name), name, "", ())
    except SyntaxError as error:
        raise Trouble(f"{name} is not Python: {error.msg} in line {error.lineno}.", f"Correct {name}.") from error


def _below(node: ast.Module | ast.ClassDef, file: str, prefix: str, ids: tuple[str, ...]) -> Iterator[Marked]:
    for part in node.body:
        if isinstance(part, FUNCTIONS | ast.ClassDef):
            own = (*ids, *(text for mark in part.decorator_list for text in _ids(mark)))
            if isinstance(part, ast.ClassDef):
                yield from _below(part, file, f"{prefix}{part.name}::", own)
            elif own and part.name.startswith("test"):
                yield Marked(file, prefix + part.name, own, not any(_could_fail(part)))


def _ids(mark: ast.expr) -> list[str]:
    """The ids of @pytest.mark.req(…), however pytest was imported."""
    if not (isinstance(mark, ast.Call) and isinstance(mark.func, ast.Attribute) and mark.func.attr == "req"):
        return []
    return [str(part.value) for part in mark.args if isinstance(part, ast.Constant)]


def _could_fail(test: FUNCTIONS) -> Iterator[bool]:
    """For each assertion of a test, whether it could fail; those of a function inside count where it is named again."""
    own = list(_own(test))
    called = {node.id for node in own if isinstance(node, ast.Name)}
    own += [deep for node in own if isinstance(node, FUNCTIONS) and node.name in called for deep in ast.walk(node)]
    fixed = _fixed(own)
    for node in own:
        if isinstance(node, ast.Assert):
            yield _open(node.test, fixed)
        elif isinstance(node, ast.Call):  # pytest.raises, mock.assert_called_with, self.assertEqual
            yield re.search(r"(^|\.)(raises|warns|assert\w+)$", ast.unparse(node.func)) is not None


def _own(node: ast.AST) -> Iterator[ast.AST]:
    """What runs when a function runs: not the inside of the functions it only defines."""
    for part in ast.iter_child_nodes(node):
        yield part
        if not isinstance(part, FUNCTIONS | ast.ClassDef | ast.Lambda):
            yield from _own(part)


def _fixed(nodes: list[ast.AST]) -> set[str]:
    """Names that a test sets to constants, and to nothing else."""
    given = [(target, node.value) for node in nodes if isinstance(node, ast.Assign) for target in node.targets]
    plain = [(target, value) for target, value in given if isinstance(target, ast.Name)]
    set_otherwise = {node for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    fixed = {target.id for target, _ in plain} - {node.id for node in set_otherwise - {target for target, _ in plain}}
    while moved := {target.id for target, value in plain if target.id in fixed and _rests(value, fixed)}:
        fixed -= moved
    return fixed


def _rests(value: ast.AST, fixed: set[str]) -> bool:
    """Whether an expression rests on anything that ran or was handed in."""
    return any(
        isinstance(node, ast.Call | ast.Await) or (isinstance(node, ast.Name) and node.id not in fixed)
        for node in ast.walk(value)
    )


def _open(claim: ast.expr, fixed: set[str]) -> bool:
    """Whether a claim could turn out false: `… or True` cannot, nor can a tuple."""
    if isinstance(claim, ast.BoolOp):
        parts = [_open(value, fixed) for value in claim.values]
        return all(parts) if isinstance(claim.op, ast.Or) else any(parts)
    return not isinstance(claim, ast.Tuple | ast.List | ast.Dict) and _rests(claim, fixed)
