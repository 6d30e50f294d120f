"""Walks: from a random state of a repository, type what it prints as the next step, until nothing is left to type.

`python tests/walks.py [--kind ml] [--walks 20] [--seed 7]` walks from the seeds 7, 8 … and prints the history of each
walk that went wrong; a seed always gives the same walk.

A walk ends well where all gates are open, or where the next step is not a command: a file that a person has to write,
a decision of a named person, a day to wait for, rows that are missing. It goes wrong at a loop, at a command that does
not exist or is not understood, at a refusal or a gate that names no way, and at a traceback.
"""

import argparse
import json
import os
import random
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "generator"), str(ROOT / "tests")]

import rendered_repository  # noqa: E402
import walk_states  # noqa: E402
from planrun import environment  # noqa: E402
from planrun.steps import told  # noqa: E402

MOST_STEPS = 60  # a walk that is longer goes nowhere
MOST_REFUSALS = 4  # of one command in the same words
SECONDS = 1800  # for one command, on a machine that does other things too
SLOW = ("test", "check", "load", "accept", "restore-drill", "rollback-drill", "alert-test")  # of a product
TYPED = re.compile(r"(?:\.venv/bin/planrun|planrun|make|git|mlscaffold) ")
NEXT = re.compile(r"^Next: (.+?)(?:   \(\d+ of the .*)?$", re.MULTILINE)
# One that is printed; a report of tests may quote what a product that somebody broke has answered, inside a line.
TRACEBACK = re.compile(r"^Traceback \(most recent call last\)", re.MULTILINE)
SERVES = ("serve", "run")  # they answer until they are stopped
ENDS = ("green", "person", "edit", "wait", "rows", "serve")


class WentWrong(AssertionError):
    """The repository led nowhere."""


@dataclass
class Walk:
    """A repository on its way, what was typed in it, and where it stood each time."""

    folder: Path
    rng: random.Random
    short: bool = False  # it stops before a product's tests and drills, which take long
    history: list[str] = field(default_factory=list)
    seen: Counter[str] = field(default_factory=Counter)
    answered: Counter[str] = field(default_factory=Counter)

    # ------------------------------------------------------------------------------------------------- typing
    def types(self, line: str) -> subprocess.CompletedProcess[str]:
        """Type a line, whoever prints it; the command's own words are held against what may never be said."""
        done = self._run(line)
        said = f"{done.stdout}{done.stderr}"
        self.history.append(f"$ {line}   -> {done.returncode}")
        self.history += [f"    {text}" for text in said.strip().splitlines()[-14:]]
        if TRACEBACK.search(said):
            raise WentWrong(f"`{line}` ended in a traceback:\n{said[-3000:]}")
        if re.search(r"^usage: ", done.stderr, re.MULTILINE):
            raise WentWrong(f"`{line}` is not understood: {done.stderr[-600:]}")
        self.answered[f"{line}\n{said}"] += 1
        if done.returncode and self.answered[f"{line}\n{said}"] == MOST_REFUSALS:
            raise WentWrong(f"a loop: `{line}` says the same for the {MOST_REFUSALS}th time:\n{said[-2000:]}")
        return done

    def _run(self, line: str) -> subprocess.CompletedProcess[str]:
        words = shlex.split(line)
        if words[0] == "git":
            shell = ["bash", "-c", line]  # several commands of git may stand in one line
            return subprocess.run(shell, cwd=self.folder, capture_output=True, text=True, check=False, timeout=SECONDS)
        if words[0] == "mlscaffold":
            return rendered_repository.run(
                self.folder, *words[1:], module="mlscaffold", timeout=SECONDS, PYTHONPATH=str(ROOT / "generator")
            )
        if words[:2] == ["make", "setup"] or words[:2] == ["make", "lock"]:
            try:
                rendered_repository.freeze(self.folder)
            except environment.CannotInstall as error:
                told = f"{error.sentence}\nNext: {error.command}" if error.command else str(error)
                return subprocess.CompletedProcess(words, 1, "", told)
            return subprocess.CompletedProcess(words, 0, "", "")
        if words[0] == "make":
            rest = shlex.split("".join(word.removeprefix("ARGS=") for word in words[2:]))
            words = ["planrun", words[1], *rest]
        return self._planrun(*words[1:])

    def _planrun(self, *words: str) -> subprocess.CompletedProcess[str]:
        """In a fork that keeps what Python compiled, as a person's shell does."""
        paths = os.pathsep.join(str(path) for path in (self.folder / "src", self.folder / "engine", self.tools))
        return rendered_repository.run(
            self.folder, *words, timeout=SECONDS, PYTHONDONTWRITEBYTECODE="", PYTHONPATH=paths
        )

    @property
    def tools(self) -> Path:
        """Where a walk keeps what `make setup` would have brought and nobody here needs: see `walk_states.brings`."""
        return self.folder.parent / "tools"

    def exists(self, line: str) -> bool:
        """Whether there is such a command here, before it is typed."""
        words = shlex.split(line)
        if words[0] == "make":
            targets = re.findall(r"^\.PHONY: (.*)$", self.folder.joinpath("Makefile").read_text("utf-8"), re.MULTILINE)
            return words[1] in " ".join(targets).split()
        return bool(TYPED.match(line))

    # ------------------------------------------------------------------------------------------------- reading
    def status(self) -> dict[str, Any]:
        """What `status --json` says; every gate's own next step is one that leads somewhere."""
        done = self._planrun("status", "--json")
        if done.returncode:
            raise Refused(done.stderr)
        found = dict(json.loads(done.stdout))
        for gate in found["gates"]:
            if gate["state"] in ("fail", "blocked"):
                self.leads_somewhere(gate["next"], f"{gate['id']} ({gate['state']}: {gate['reason']})")
        return found

    def leads_somewhere(self, step: dict[str, Any] | None, of: str) -> None:
        """Raise `WentWrong` for a step that nobody could take."""
        problem = self.problem(step)
        if problem and not tolerated(of):
            raise WentWrong(f"{of} {problem}: {step and step['text']!r}")

    def problem(self, step: dict[str, Any] | None) -> str:
        """Why a step cannot be taken by anybody; "" where it can."""
        if not step or not step["text"].strip():
            return "names no way"
        kind = step["kind"]
        if kind == "command":
            return "" if self.exists(step["command"]) else "names a command that does not exist"
        if kind == "edit":
            files = [self.folder / name for name in step["files"]]
            return "" if any(file.exists() or file.parent.exists() for file in files) else "names no file to edit"
        if kind == "person":
            return "" if step.get("who") else "names nobody"
        if kind == "wait":
            return "" if date.fromisoformat(step["until"]) >= date.today() else "waits for a day that is over"
        return "" if kind == "rows" and step["rows"] > 0 else f"is a {kind} that asks for nothing"

    # ------------------------------------------------------------------------------------------------- walking
    def follows(self, steps: int = MOST_STEPS) -> str:
        """Type the next step until there is none; how it ended. `short` after so many steps, where fewer are asked."""
        for _ in range(steps):
            try:
                found = self.status()
            except Refused as refusal:
                way = self.takes_the_way_out("status", str(refusal))
                if ended := way if way in ("", *ENDS) else self.types_on(way):
                    return ended
                continue
            step = found["next"]
            if step is None:
                return "green"
            of = f"{found['present']}: {step['text']}"
            self.history.append(f"  next in {of}")
            self.moved_on(found, step["text"])
            if ended := self.takes(step):
                return ended
        if steps < MOST_STEPS:
            return "short"
        raise WentWrong(f"no end after {steps} steps")

    def moved_on(self, found: dict[str, Any], step: str) -> None:
        """Raise `WentWrong` where everything stands as it stood when this step was printed before."""
        stands = [[gate["id"], gate["state"], gate["reason"]] for gate in found["gates"]]
        where = json.dumps([step, stands])
        self.seen[where] += 1
        if self.seen[where] > 1:
            shut = "\n".join(f"    {id} {state}: {reason}" for id, state, reason in stands if state != "pass")
            raise WentWrong(f"a loop: after `{step}` everything is as it was before\n{shut}")

    def takes(self, step: dict[str, Any]) -> str:
        """Take one step; the kind of end where it is one."""
        if step["kind"] == "edit":
            return "" if walk_states.writes(self.folder, step["text"]) else "edit"
        if step["kind"] == "person" and step.get("command"):
            return self.types_on(step["command"]) if self.becomes_one_of(step["who"]) else "person"
        if step["kind"] != "command":
            return str(step["kind"])
        word = shlex.split(step["command"])[1]
        if word in SERVES:
            return "serve"
        if self.short and word in SLOW and not (self.folder / "data/source.yaml").is_file():
            return "short"
        return self.types_on(step["command"])

    def becomes_one_of(self, who: list[str]) -> bool:
        """Somebody of the team sits down at this machine; False where the step names roles only."""
        names = [name for name in who if name in walk_states.PEOPLE]
        if names:
            walk_states.git(self.folder, "config", "user.name", names[0])
        return bool(names)

    def types_on(self, line: str) -> str:
        """Type a command, and whatever its refusals name as the way, until one is carried out; "" then.

        A refusal may end the walk as a printed step may: the kind of that end.
        """
        typed: list[str] = []
        while True:
            done = self.types(line)
            if done.returncode == 0 or done.stdout.strip():
                return ""
            typed.append(line)
            step = self.takes_the_way_out(line, done.stderr)
            if step in ("", *ENDS):
                return step
            if step in typed and (step != line or typed.count(line) > 1):
                raise WentWrong(f"a loop: `{line}` refuses and names `{step}`, which refused before")
            line = step

    def takes_the_way_out(self, line: str, refusal: str) -> str:
        """The command that a refusal names; the kind of end where it names none; "" where it was written here."""
        ways = NEXT.findall(refusal)
        if not ways and line.startswith("mlscaffold"):
            ways = refusal.strip().splitlines()[-1:]
        if not ways:
            raise WentWrong(f"`{line}` refuses and names no way: {refusal}")
        step = told(ways[-1])
        if "git commit" in ways[-1] or "Commit" in ways[-1]:
            walk_states.chooses(self.folder)
            walk_states.commit(self.folder)
            return line
        if step["kind"] == "command":
            self.leads_somewhere(step, f"the refusal of `{line}`")
            return str(step["command"])
        if step["kind"] == "person" and step.get("command") and self.becomes_one_of(step["who"]):
            return str(step["command"])
        return "" if walk_states.writes(self.folder, ways[-1]) else str(step["kind"])


class Refused(Exception):
    """`status` itself refused."""


# ------------------------------------------------------------------------------------------------------- known faults
# Each is mended elsewhere; a line goes with its mending.
KNOWN: dict[str, str] = {}


def tolerated(of: str) -> bool:
    return any(re.search(pattern, of) for pattern in KNOWN)


# ------------------------------------------------------------------------------------------------------------ running
def walk(kind: str, seed: int, stock: walk_states.Stock, place: Path, steps: int = MOST_STEPS) -> tuple[str, Walk]:
    """One walk of a kind of repository: how it ended, and the walk. An `AssertionError` says its seed and history."""
    rng = random.Random(f"{kind} {seed}")
    few = rng.randrange(2) if steps < MOST_STEPS else None  # a short walk renders no repository of its own
    variant, folder = stock.copy(kind, rng, place, few)
    one = Walk(folder, rng, steps < MOST_STEPS, [f"a {kind} repository: {variant}"])
    walk_states.brings(one.tools, network=seed % 2 == 0)
    try:
        for deed in walk_states.deeds(kind, rng, short=steps < MOST_STEPS):
            one.history.append(f"* {deed.__name__}")
            deed(one)
        one.history.append("--- from here on the next step is followed")
        ended = one.follows(steps)
    except (AssertionError, subprocess.TimeoutExpired) as error:
        history = "\n".join(one.history)
        again = f"python tests/walks.py --kind {kind} --seed {seed} --walks 1"
        raise WentWrong(f"{error}\n\nAgain with: {again}\n{history}") from error
    one.history.append(f"ended: {ended}")
    return ended, one


def main(words: list[str]) -> int:
    """Walk, and print how each walk ended; exit code 1 where one went wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kind", choices=walk_states.KINDS, action="append")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--walks", type=int, default=1)
    parser.add_argument("--steps", type=int, default=MOST_STEPS)
    parser.add_argument("--tell", action="store_true", help="the history of walks that end well, too")
    asked = parser.parse_args(words)
    wrong, ends = 0, Counter[str]()
    with tempfile.TemporaryDirectory() as place, walk_states.surroundings(Path(place)):
        stock = walk_states.Stock(Path(place, "stock"))
        for kind in asked.kind or walk_states.KINDS:
            for seed in range(asked.seed, asked.seed + asked.walks):
                folder, started = Path(place, f"{kind}-{seed}"), time.monotonic()
                try:
                    ended, one = walk(kind, seed, stock, folder, asked.steps)
                    ends[f"{kind} {ended}"] += 1
                    print(f"{kind} {seed}: {ended} after {time.monotonic() - started:.0f} s", flush=True)
                    print("\n".join(one.history) if asked.tell else "", end="\n" if asked.tell else "", flush=True)
                except WentWrong as error:
                    wrong += 1
                    print(f"{kind} {seed}: WENT WRONG\n{error}\n", flush=True)
                shutil.rmtree(folder, ignore_errors=True)
    print(f"{sum(ends.values())} ended well ({dict(ends)}), {wrong} went wrong.")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
