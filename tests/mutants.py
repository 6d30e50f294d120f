"""Plants faults in the code that decides, one at a time, and says which of them no test notices.

`python tests/mutants.py [--seed 2026-11] [--count 400] [--workers 2] [--only GROUP …]` works on copies of this tree
in a temporary folder. `tests/mutants.yaml` says where faults are planted and which tests have to see them,
`tests/mutants_argued.yaml` which survivors are argued, `docs/mutants.md` what the figures mean.
What no test sees may still be refused by the type check of `make lint`, which is run then.
Exit code 0; 1 for a survivor that nobody argued or a score below the one in docs/mutants.md; 2 where it cannot run.

The kinds of fault are mutmut's. Its runner is not used: it leaves out every decorated function, and each gate is one;
it plants all mutants there are, not a sample; and it has one choice of tests for the whole project. Cosmic Ray has the
latter two limits as well, and no faults in texts, which is what an escape consists of.
"""

import argparse
import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from itertools import accumulate
from pathlib import Path
from queue import SimpleQueue

import forking
import libcst as cst
import yaml
from libcst.metadata import MetadataWrapper, PositionProvider
from mutmut.mutation.mutators import mutation_operators, operator_assignment

ROOT = Path(__file__).resolve().parent.parent
TABLE, ARGUED, PAGE = "tests/mutants.yaml", "tests/mutants_argued.yaml", "docs/mutants.md"
LEFT_OUT = shutil.ignore_patterns(".git", ".venv", "__pycache__", ".*_cache")
LEAST = re.compile(r"At least \*\*(\d+) %\*\*")
PROSE = re.compile(r"[^\W\d_]{2}\W* \W*[^\W\d_]{2}")  # two words: a sentence for people, which other tests hold
SKIPPED = (
    cst.Annotation, cst.Decorator, cst.Import, cst.ImportFrom, cst.BaseParenthesizableWhitespace,
    cst.TrailingWhitespace, cst.EmptyLine, cst.LeftParen, cst.RightParen, cst.Comma, cst.AssignEqual, cst.Dot,
    cst.Colon,
)  # fmt: skip
LIBRARIES = (
    "cookiecutter.main",
    "hypothesis",
    "pytest",
    "questionary",
    "statsmodels.api",
    "statsmodels.stats.multitest",
)
SLACK, SLOWER = 30, 10  # seconds, and how many times as long as without a fault, before tests count as hung
QUIETLY = ("-x", "-q", "-m", "not slow", "-p", "no:cacheprovider", "-p", "no:xdist", "--hypothesis-seed=0")
MOST_CLEAN = 600
KILLED, REFUSED, SURVIVED, TIMED_OUT = "killed", "refused", "survived", "timed out"


@dataclass(frozen=True)
class Target:
    """The words for pytest that run what has to see a fault in a group of modules."""

    group: str
    tests: tuple[str, ...]
    sample: str = ""  # the engine's own repository of this kind, where the tests need one


@dataclass(frozen=True)
class Mutant:
    """One fault: where it is, by a name that survives a move, what it changes, and the piece of text that does so."""

    target: Target
    path: str
    function: str
    diff: str
    start: int
    end: int
    piece: str

    @property
    def key(self) -> tuple[str, str]:
        """What a survivor is known by: its content, wherever it stands."""
        return self.function, self.diff


# ------------------------------------------------------------------------------------------------ planting
class _Faults(cst.CSTVisitor):
    """Every fault of a module: the node, what takes its place, and the function that it is in."""

    def __init__(self) -> None:
        self.found: list[tuple[cst.CSTNode, cst.CSTNode, str]] = []
        self._names: list[str] = []

    def on_visit(self, node: cst.CSTNode) -> bool:
        if isinstance(node, SKIPPED):
            return False
        if isinstance(node, cst.Expr) and isinstance(node.value, cst.SimpleString | cst.ConcatenatedString):
            return False  # a docstring
        if isinstance(node, cst.FunctionDef | cst.ClassDef):
            self._names.append(node.name.value)
        for kind, operator in mutation_operators:
            # A constant that is None breaks every import, and a type that is None breaks nothing at all.
            if isinstance(node, kind) and (self._names or operator is not operator_assignment):
                self.found += [(node, other, ".".join(self._names)) for other in _wanted(node, operator(node))]
        return True

    def on_leave(self, original_node: cst.CSTNode) -> None:
        if isinstance(original_node, cst.FunctionDef | cst.ClassDef):
            self._names.pop()


def _wanted(node: cst.CSTNode, others: Iterable[cst.CSTNode]) -> list[cst.CSTNode]:
    if isinstance(node, cst.SimpleString):
        return [] if PROSE.search(node.value) else list(others)[:1]  # one fault a text is enough
    return list(others)


def faults(target: Target, path: str, text: str) -> list[Mutant]:
    """Each fault that can be planted in a module, the same text twice only once."""
    wrapper, visitor = MetadataWrapper(cst.parse_module(text), unsafe_skip_copy=True), _Faults()
    spans = wrapper.resolve(PositionProvider)
    wrapper.module.visit(visitor)
    lines = text.splitlines(keepends=True)
    starts = [0, *accumulate(map(len, lines))]
    stem = Path(path).stem if Path(path).stem != "__init__" else Path(path).parent.name
    found = {}
    for node, other, names in visitor.found:
        if node not in spans:
            continue
        first, last = spans[node].start, spans[node].end
        start, end = starts[first.line - 1] + first.column, starts[last.line - 1] + last.column
        bare = {name: () for name in ("lpar", "rpar") if getattr(other, name, ())}  # the old ones stay where they are
        piece = wrapper.module.code_for_node(other.with_changes(**bare)).strip()
        within = text[start:end]
        margins = len(within) - len(within.lstrip()), len(within) - len(within.rstrip())
        piece = within[: margins[0]] + piece + within[len(within) - margins[1] :]
        old = "".join(lines[first.line - 1 : last.line])
        new = old[: first.column] + piece + lines[last.line - 1][last.column :]
        diff = _lines("-", old) + "\n" + _lines("+", new)
        if old != new:
            made = Mutant(target, path, f"{stem}.{names}".rstrip("."), diff, start, end, piece)
            found.setdefault((first.line, new), made)
    return list(found.values())


def planted(mutant: Mutant, text: str) -> str:
    """The module's text with the fault in it."""
    return text[: mutant.start] + mutant.piece + text[mutant.end :]


def _lines(sign: str, text: str) -> str:
    return "\n".join(sign + line.strip() for line in text.splitlines())


def chosen(mutants: Iterable[Mutant], shares: Mapping[str, float], count: int, seed: str) -> list[Mutant]:
    """`count` of the mutants, each group by its share: those that come first when shuffled by the seed.

    The order depends on seed and content alone, so that an edit elsewhere leaves the month's sample as it was.
    """

    def place(mutant: Mutant) -> str:
        return hashlib.sha256("\0".join((seed, *mutant.key)).encode()).hexdigest()

    shuffled = sorted(mutants, key=place)
    taken = []
    for group, share in shares.items():
        own = [mutant for mutant in shuffled if mutant.target.group == group]
        taken += own[: round(count * share / sum(shares.values()))]
    return sorted(taken, key=place)


# ------------------------------------------------------------------------------------------------ running
class Unfit(Exception):
    """Tests that say nothing about faults."""


class Tree:
    """A copy of the project in which faults are planted, and tests run in forks that have the libraries loaded."""

    def __init__(self, root: Path, folder: Path) -> None:
        self.root = Path(shutil.copytree(root, folder / "tree", ignore=LEFT_OUT))
        self._folder = folder
        self._forks = forking.Forks(*LIBRARIES)
        self._clean: dict[Target, float] = {}
        settings = self.root / "pyproject.toml"
        self._is_typed = settings.is_file() and "[tool.mypy]" in settings.read_text("utf-8")

    def judge(self, mutant: Mutant) -> str:
        """Whether a test notices the fault, or else the type check. Raises `Unfit` where either fails without it."""
        if mutant.target not in self._clean:
            self._clean[mutant.target] = self._seconds_clean(mutant.target)
        file = self.root / mutant.path
        whole = file.read_bytes()
        try:
            file.write_bytes(planted(mutant, whole.decode()).encode())
            done = self._pytest(mutant.target, SLACK + SLOWER * self._clean[mutant.target])
            if done.returncode:
                return KILLED
            return REFUSED if self._is_typed and self._mypy() else SURVIVED
        except subprocess.TimeoutExpired:
            return TIMED_OUT
        finally:
            file.write_bytes(whole)

    def check_types(self) -> None:
        """Raises `Unfit` where the types do not hold without any fault."""
        if self._is_typed and (said := self._mypy()):
            raise Unfit(f"Without a fault, mypy complains:\n{said[-2000:]}")

    def _mypy(self) -> str:
        """What the type check of `make lint` says of the tree; "" where it finds nothing."""
        words = [sys.executable, "-m", "mypy", "--cache-dir", str(self._folder / "types")]
        done = subprocess.run(words, cwd=self.root, capture_output=True, text=True, check=False)
        return done.stdout + done.stderr if done.returncode else ""

    def close(self) -> None:
        """End the process that forks."""
        self._forks.close()

    def _seconds_clean(self, target: Target) -> float:
        started = time.monotonic()
        try:
            done = self._pytest(target, MOST_CLEAN)
        except subprocess.TimeoutExpired as late:
            raise Unfit(f"Without a fault, pytest {shlex.join(target.tests)} takes over {MOST_CLEAN} s.") from late
        if done.returncode:
            said = shlex.join(target.tests), done.returncode, done.stdout[-2000:] + done.stderr[-1000:]
            raise Unfit("Without a fault, pytest {} ends with {}:\n{}".format(*said))
        return time.monotonic() - started

    def _pytest(self, target: Target, limit: float) -> subprocess.CompletedProcess[str]:
        surroundings = dict(os.environ) | {
            "PYTHONPATH": str(self.root / "generator"),
            "PYTHONDONTWRITEBYTECODE": "1",  # two faults of one second and one length would share their compiled file
            "PLANRUN_SAMPLE": str(self._sample(target.sample)) if target.sample else "",
        }
        words = (*QUIETLY, f"--basetemp={self._folder / 'tests'}", *target.tests)
        # Not `pytest`, which a fork may not run: it complains of libraries that are loaded, and nobody reads it here.
        return self._forks.run("pytest.__main__", words, self.root, surroundings, limit)

    def _sample(self, kind: str) -> Path:
        """The example that the engine of a kind carries in its template."""
        (source,) = self.root.glob(f"templates/{kind}/*/engine/planrun_{kind}/example.json")
        folder = self._folder / kind
        for name, text in json.loads(source.read_text("utf-8")).items() if not folder.is_dir() else ():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, "utf-8")
        return folder


def judged(sample: Sequence[Mutant], root: Path, workers: int) -> Iterator[tuple[Mutant, str]]:
    """Each mutant with what became of it, in order; each worker has a tree of its own."""
    with tempfile.TemporaryDirectory(prefix="mutants-") as scratch:
        trees = [Tree(root, Path(scratch, str(number))) for number in range(workers)]
        idle: SimpleQueue[Tree] = SimpleQueue()

        def judge(mutant: Mutant) -> str:
            tree = idle.get()
            try:
                return tree.judge(mutant)
            finally:
                idle.put(tree)

        for tree in trees:
            tree.check_types()
            idle.put(tree)
        pool = ThreadPoolExecutor(workers)
        try:
            yield from zip(sample, pool.map(judge, sample), strict=True)
        finally:
            pool.shutdown(cancel_futures=True)
            for tree in trees:
                tree.close()


# ------------------------------------------------------------------------------------------------ telling
def targets(root: Path) -> tuple[dict[str, float], dict[str, Target]]:
    """The share of each group, and each module with its target: the first whose pattern it matches."""
    table = yaml.safe_load((root / TABLE).read_text("utf-8"))
    found: dict[str, Target] = {}
    for row in table["targets"]:
        target = Target(row["group"], tuple(shlex.split(row["tests"])), row.get("sample", ""))
        for pattern in row["files"].split():
            for path in sorted(root.glob(pattern)):
                found.setdefault(path.relative_to(root).as_posix(), target)
    return table["shares"], found


def main(words: list[str], root: Path = ROOT) -> int:
    """Plant, run, tell."""
    asked = _asked(words)
    shares, modules = targets(root)
    shares = {group: share for group, share in shares.items() if group in (asked.only or shares)}
    mutants = [
        mutant
        for path, target in modules.items()
        if target.group in shares
        for mutant in faults(target, path, (root / path).read_text("utf-8"))
    ]
    sample = chosen(mutants, shares, asked.count, asked.seed)
    print(f"Seed {asked.seed}: {len(sample)} of {len(mutants)} mutants in {len(modules)} modules.", flush=True)
    states: dict[Mutant, str] = {}
    try:
        for mutant, state in judged(sample, root, asked.workers):
            states[mutant] = state
            print(f"{len(states):4} {state:9} {mutant.function}", flush=True)
            if state == SURVIVED:
                print(mutant.diff, flush=True)
    except Unfit as trouble:
        print(trouble, file=sys.stderr)
        return 2
    return _verdict(root, states)


def _asked(words: list[str]) -> argparse.Namespace:
    reader = argparse.ArgumentParser(prog="mutants.py", description=(__doc__ or "").partition("\n")[0])
    reader.add_argument("--seed", default=f"{date.today():%Y-%m}", help="the month, so that each has another sample")
    reader.add_argument("--count", type=int, default=400)
    reader.add_argument("--workers", type=int, default=2)
    reader.add_argument("--only", nargs="*", help="groups of tests/mutants.yaml")
    return reader.parse_args(words)


def _verdict(root: Path, states: Mapping[Mutant, str]) -> int:
    """The figures, every survivor that nobody argued, and the exit code."""
    argued = {(row["function"], row["diff"].strip()) for row in yaml.safe_load((root / ARGUED).read_text("utf-8"))}
    survived = [mutant for mutant, state in states.items() if state == SURVIVED]
    open_ones = [mutant for mutant in survived if mutant.key not in argued]
    score = 1 - len(survived) / len(states) if states else 0.0
    (least,) = map(int, LEAST.findall((root / PAGE).read_text("utf-8")))
    for mutant in open_ones:
        print(f"\n{mutant.path}: {mutant.function}\n{mutant.diff}")
    counts = Counter(states.values())
    print(
        f"\n{len(states)} run, {counts[KILLED]} killed, {counts[REFUSED]} refused by the type check, "
        f"{counts[TIMED_OUT]} timed out, {len(survived)} survived, "
        f"{len(survived) - len(open_ones)} of them argued. Score {score:.1%}, at least {least} % is asked."
    )
    return int(bool(open_ones) or 100 * score < least)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
