"""The random states that walks start from: repositories of many answers, and what may have happened to them.

What a walk asks of a person and can be written without knowing the project is written here too (`writes`).
"""

import compileall
import contextlib
import csv
import json
import os
import random
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import yaml
from mlscaffold import answers, render, vcs
from mlscaffold.demo import parcels
from planrun.steps import told

if TYPE_CHECKING:
    from walks import Walk

KINDS = ("ml", "software")
PEOPLE = ("Ana", "Bo", "Cy", "Di", "Eve", "Fay")
TEAM = "po=Ana:0.3; ds=Bo:1; mle=Di:0.5; swe=Cy:0.5; ops=Eve:0.2; expert=Fay:0.1; de=Bo:0.2"
OWN = "data/raw/own.csv"
ALONE = {"team": "po=Ana:1; ds=Ana:1; mle=Ana:1; ops=Ana:1"}
MINE = {"data_source": OWN, "target_column": "outcome", "id_column": "ref"}
# The demo's answers fit its rows, so that these repositories get past their acceptance, to a release and beyond.
PARCELS = "data/raw/parcels.csv"
DEMO = Path(answers.__file__).parent / "demo/ml.yaml"
FITS = {key: text for key, text in yaml.safe_load(DEMO.read_text("utf-8")).items() if key not in ("kind", "ci")}
VARIANTS: dict[str, list[dict[str, str]]] = {
    "ml": [
        {"rigor": "light"},
        {"rigor": "standard", **MINE, "segments": "region"},
        {"rigor": "standard", "team": TEAM, **MINE, "current_value": "", "time_column": "day"},
        {"rigor": "strict", **ALONE},
        {"rigor": "standard", "task": "regression", **MINE, "segments": "region", "current_value": ""},
        {"rigor": "strict", "task": "regression", "team": TEAM, "unit_error_cost": "2", "target_value": "48"},
        {"rigor": "light", "task": "multiclass", "serving": "alert"},
        {"rigor": "standard", "task": "multiclass", **MINE, "segments": "region; size", "label_source": "people"},
        {"rigor": "standard", "task": "ranking"},
        {"rigor": "standard", "task": "forecast", **ALONE},
        {"rigor": "light", "serving": "api", "team": TEAM},
        {"rigor": "standard", "metric": "recall", **MINE, "positive_share": "0.3", "miss_cost": "20"},
        {**FITS, "serving": "batch"},
        {**FITS, "serving": "alert", **ALONE},
        {**FITS, "serving": "api", "team": TEAM},
    ],
    "software": [
        {"rigor": "light", "deliverable": "cli", "data_class": "none"},
        {"rigor": "standard", "deliverable": "library", "data_class": "none", "capabilities": "Check a postal code"},
        {"rigor": "standard", "deliverable": "service"},
        {"rigor": "strict", "deliverable": "batch", "data_class": "internal", "team": TEAM},
        {"rigor": "strict", "deliverable": "service", "data_class": "personal", "dependencies": "payments=99.5"},
    ],
}
TWO_VERSIONS = re.compile(r"^<<<<<<< .*\n([\s\S]*?)^=======\n[\s\S]*?^>>>>>>> .*\n", re.MULTILINE)
SETTINGS = "[user]\n\tname = Ana\n\temail = ana@example.org\n"


@contextlib.contextmanager
def surroundings(folder: Path) -> Iterator[None]:
    """git and a home as nobody has set them up."""
    (folder / "home").mkdir()
    (folder / "home/.gitconfig").write_text(SETTINGS)
    before = dict(os.environ)
    for name in [name for name in os.environ if name.startswith("GIT_") and name != "GIT_EXEC_PATH"]:
        del os.environ[name]
    os.environ |= {"HOME": str(folder / "home"), "GIT_CONFIG_NOSYSTEM": "1"}
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


# Answers as the real one does: with a row for each package of the lock, or with nothing that can be read.
ADVISORIES = """import json, re, sys
if not {network}:
    sys.exit("ConnectionError: the list of advisories is out of reach")
lock = open(sys.argv[sys.argv.index("--requirement") + 1], encoding="utf-8").read()
rows = [{{"name": name, "version": version, "vulns": []}} for name, version in re.findall("(?m)^([^#=]+)==(.+)$", lock)]
print(json.dumps({{"dependencies": rows}}))
"""


def brings(tools: Path, *, network: bool) -> None:
    """What `make setup` installs in a repository and this project does without: a program that knows advisories."""
    tools.mkdir(parents=True)
    tools.joinpath("pip_audit.py").write_text(ADVISORIES.format(network=network), "utf-8")


class Stock:
    """Each variant's repository as `mlscaffold new` leaves it, rendered once; walks take copies."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def copy(
        self, kind: str, rng: random.Random, place: Path, number: int | None = None
    ) -> tuple[dict[str, str], Path]:
        """A fresh copy of one of the variants."""
        number = rng.randrange(len(VARIANTS[kind])) if number is None else number
        variant, kept = VARIANTS[kind][number], self.folder / f"{kind}-{number}"
        if not kept.is_dir():
            made = render.render(answers.complete({"project_name": "My project", **variant, "kind": kind}), kept)
            if variant.get("data_source"):
                source = made / "data/source.yaml"
                text = source.read_text("utf-8").replace('owner: ""', "owner: Bo")
                source.write_text(text.replace('access: ""', "access: granted"), "utf-8")
            vcs.create(made, "Start")
            compileall.compile_dir(made / "engine", quiet=2)  # its dates are copied, so this holds in every copy
        (made,) = kept.iterdir()
        folder = Path(shutil.copytree(made, place / made.name, symlinks=True))
        if OWN in variant.values():
            write_rows(folder, variant.get("task", "binary"), rng)
        if PARCELS in variant.values():
            parcels.write(folder / PARCELS, parcels.made(int(variant["past_cases"]), rng.randrange(1, 100)))
        return variant, folder


# ------------------------------------------------------------------------------------------------------------ data
def write_rows(folder: Path, task: str, rng: random.Random, count: int = 0, fault: str = "") -> None:
    """A small table of the team's own: two numbers and two names tell the outcome, more or less."""
    rows = []
    for number in range(count or rng.choice((240, 400))):
        region, size = rng.choice(("north", "south", "west")), rng.choice(("small", "large"))
        first, second = rng.gauss(0, 1), rng.gauss(0, 1)
        worth = first + 0.5 * second + (region == "north") + rng.gauss(0, 0.4)
        row = {
            "ref": f"K{number:05d}",
            "day": f"2025-{1 + number * 12 // 400 % 12:02d}-{1 + number % 28:02d}",
            "region": region,
            "size": size,
            "first": round(first, 4),
            "second": round(second, 4),
            "outcome": outcome(task, worth),
        }
        rows.append(row | FAULTS[fault](row, number) if fault else row)
    path = folder / OWN
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def outcome(task: str, worth: float) -> str:
    if task == "binary":
        return "yes" if worth > 0.8 else "no"
    if task == "multiclass":
        return "a" if worth > 1 else "b" if worth > 0 else "c"
    return f"{100 + 20 * worth:.3f}"


FAULTS: dict[str, Callable[[Mapping[str, object], int], dict[str, object]]] = {
    "repeated ids": lambda row, number: {"ref": f"K{number // 2:05d}"},
    "labels are missing": lambda row, number: {"outcome": "" if number % 2 else row["outcome"]},
    "one segment is tiny": lambda row, number: {"region": "north" if number > 3 else "west"},
    "one outcome in a segment": lambda row, number: {"region": "far"} if row["outcome"] in ("yes", "a") else {},
    "one outcome": lambda row, number: {"outcome": "no"},
    "a column is the outcome": lambda row, number: {"second": row["outcome"]},
    "numbers are missing": lambda row, number: {"first": "" if number % 3 else row["first"]},
    "all rows are alike": lambda row, number: {"first": 1, "second": 1, "region": "north", "size": "small"},
    "no day": lambda row, number: {"day": ""},
    "a stray text": lambda row, number: {"first": "n/a" if number == 7 else row["first"]},
}


# ----------------------------------------------------------------------------------------------------------- persons
def git(folder: Path, *words: str) -> str:
    """git's output, whatever it ends with."""
    return subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True, check=False).stdout


def commit(folder: Path) -> None:
    """Commit everything that git sees."""
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "As it is")


def chooses(folder: Path) -> bool:
    """Take the team's own side wherever a merge left two versions, and commit that; whether there were any."""
    marked = git(folder, "grep", "-lz", "^<<<<<<< ").split("\0")
    for path in filter(None, marked):
        text = (folder / path).read_text("utf-8")
        (folder / path).write_text(TWO_VERSIONS.sub(r"\1", text), "utf-8")
    if any(marked):
        commit(folder)
    return any(marked)


def writes(folder: Path, step: str) -> bool:
    """Write what a person is asked for, where any words will do; whether a file was changed."""
    if "<<<<<<<" in step:
        return chooses(folder)
    named = [folder / name for name in told(step).get("files", ())]
    before = {path: path.read_text("utf-8") for path in pages(folder) if path in named or not named}
    for path, text in before.items():
        text = re.sub(r"\[NEEDS ANSWER[^\]]*\]", "Answered.", text) if "nswer" in step else text
        if "status: accepted" in step or "set accepted" in step:
            text = re.sub(r"(?m)^status: proposed", "status: accepted", text, count=1)
        if "override_reason" in step:
            text = re.sub(r"(?m)^override_reason:.*$", 'override_reason: "we want to learn it"', text)
        if "Recommendation: go" in step:
            text = re.sub(r"(?m)^Recommendation:.*$", "Recommendation: go", text)
        if text != before[path]:
            path.write_text(text, "utf-8")
    changed = any(path.read_text("utf-8") != text for path, text in before.items())
    if changed:
        commit(folder)
    return changed


def pages(folder: Path) -> list[Path]:
    return [*folder.glob("docs/**/*.md"), *folder.glob("docs/*.yaml"), *folder.glob("tests/acceptance/*.json")]


# ------------------------------------------------------------------------------------------------------------- deeds
Deed = Callable[["Walk"], None]
COMMANDS = {
    "ml": ["audit", "confirm --all", "baseline", "experiment", "experiment --model linear", "sign G1", "sign G3",
           "accept", "promote", "rollback --drill", "monitor", "triage", "retrain", "status", "audit --resplit",
           "experiment --model forest --drop first", "rollback --reason test", "monitor --test-alert",
           "waive G1.5 --reason later --until 30"],
    "software": ["confirm --all", "sign T1", "sign T3", "explain T1.1", "status --all", "status",
                 "waive T1.3 --reason later --until 30"],
}  # fmt: skip
ANSWERS = {
    "ml": ["miss_cost=30", "positive_share=0.2", "rigor=strict", "rigor=light", "current_value=", "current_value=0.6",
           "segments=region", "segments=", "team=po=Ana:1", "slice_margin=0.05", "test_looks=1",
           "label_agreement=0.9", "serving=alert", "personal_data=personal", "target_value=0.9"],
    "software": ["rigor=strict", "rigor=light", "slo_percent=99", "team=po=Ana:1", "appetite_weeks=2",
                 "capabilities=Report status; Pay a bill", "data_class=internal"],
}  # fmt: skip


ANSWERING = {"batch": "score", "alert": "alert"}


def types_a_command(walk: "Walk") -> None:
    words = walk.rng.choice(COMMANDS[kind_of(walk)])
    refusal_is_a_way(walk, f"planrun {words}")


def refusal_is_a_way(walk: "Walk", line: str) -> None:
    """What is typed out of turn may be refused; the refusal names a way all the same."""
    done = walk.types(line)
    if done.returncode and not done.stdout.strip() and "Next: " not in done.stderr and "mlscaffold" not in line:
        from walks import WentWrong

        raise WentWrong(f"`{line}` refuses and names no way: {done.stderr}")


def answers_otherwise(walk: "Walk") -> None:
    """A replan in the middle."""
    commit(walk.folder)
    refusal_is_a_way(walk, f"mlscaffold replan --set {walk.rng.choice(ANSWERS[kind_of(walk)])!r}")
    commit(walk.folder)


def edits_an_answer(walk: "Walk") -> None:
    """By hand, without a replan."""
    path = walk.folder / "plan/project.yaml"
    text = path.read_text("utf-8")
    path.write_text(re.sub(r"(?m)^appetite_weeks:.*$", 'appetite_weeks: "30"', text), "utf-8")


def somebody_else_sits_down(walk: "Walk") -> None:
    git(walk.folder, "config", "user.name", walk.rng.choice((*PEOPLE, "Nobody of them")))


def somebody_else_signs(walk: "Walk") -> None:
    somebody_else_sits_down(walk)
    refusal_is_a_way(walk, f"planrun sign {walk.rng.choice(('G1', 'G3') if kind_of(walk) == 'ml' else ('T1', 'T3'))}")


def edits_a_page(walk: "Walk") -> None:
    if found := pages(walk.folder):
        path = walk.rng.choice(sorted(found))
        path.write_text(path.read_text("utf-8") + "\nOne more sentence.\n", "utf-8")


def edits_code(walk: "Walk") -> None:
    found = sorted(walk.folder.glob("src/*/*.py"))
    path = walk.rng.choice(found)
    path.write_text(path.read_text("utf-8") + "\nMORE = 1\n", "utf-8")


def deletes_a_file(walk: "Walk") -> None:
    """Any that git keeps or a command made, but for the engine and the plan's own answers."""
    taboo = (".git/", "engine/", ".mlscaffold/", "plan/project.yaml", "Makefile", "home/")
    found = [path.relative_to(walk.folder).as_posix() for path in walk.folder.rglob("*") if path.is_file()]
    name = walk.rng.choice(sorted(name for name in found if not name.startswith(taboo) and "__pycache__" not in name))
    walk.history.append(f"    {name}")
    walk.folder.joinpath(name).unlink()


def tears_evidence(walk: "Walk") -> None:
    if found := sorted(walk.folder.glob("evidence/*.json")):
        path = walk.rng.choice(found)
        walk.history.append(f"    {path.name}")
        path.write_text(path.read_text("utf-8").replace("0", "1", 1), "utf-8")


def commits(walk: "Walk") -> None:
    commit(walk.folder)


def other_rows(walk: "Walk") -> None:
    """Data of the team's own, sound or not; the page that names them is edited."""
    fault = walk.rng.choice(["", "", *FAULTS])
    walk.history.append(f"    {fault or 'sound rows'}")
    task = re.findall(r'(?m)^task: "?(\w+)', walk.folder.joinpath("plan/project.yaml").read_text("utf-8"))[0]
    write_rows(walk.folder, task, walk.rng, fault=fault)
    path = walk.folder / "data/source.yaml"
    if path.is_file():
        text = path.read_text("utf-8")
        for key, value in {"source": OWN, "target": "outcome", "id": "ref", "positive": "yes", "query": ""}.items():
            value = "" if key == "positive" and task != "binary" else value
            text = re.sub(rf"(?m)^{key}:.*$", f"{key}: {json.dumps(value)}", text)
        path.write_text(text, "utf-8")


def operates(walk: "Walk") -> None:
    """A day in operation: rows are answered, and labels come back for most; on some days the world has changed."""
    if not (walk.folder / PARCELS).is_file():
        return
    seed = walk.rng.randrange(100, 1_000)
    rows = parcels.made(walk.rng.choice((50, 600)), seed, hall=walk.rng.random() < 0.3)
    walk.history.append(f"    {len(rows)} rows")
    labels = [{"id": row[parcels.KEY], "label": row[parcels.TARGET]} for row in rows if walk.rng.random() < 0.9]
    new = f"data/raw/new-{seed}.csv"
    parcels.write(walk.folder / new, [{key: row[key] for key in row if key != parcels.TARGET} for row in rows])
    serving = re.findall(r'(?m)^serving: "?(\w+)', walk.folder.joinpath("plan/project.yaml").read_text("utf-8"))[0]
    if serving in ANSWERING:
        refusal_is_a_way(walk, f"planrun {ANSWERING[serving]} {new}")
    parcels.write(walk.folder / f"labels/{seed}.csv", labels)


def upgrades_a_package(walk: "Walk") -> None:
    """Another version in the lock that is there, or one that is asked for and not locked."""
    path = walk.folder / "pyproject.toml"
    text = path.read_text("utf-8")
    path.write_text(re.sub(r"dependencies = \[\n", 'dependencies = [\n    "idna>=3",\n', text, count=1), "utf-8")


def updates_the_engine(walk: "Walk") -> None:
    """A newer engine that measures by other words and says the same."""
    path = walk.folder / "engine/planrun_ml/measuring/metrics.py"
    if path.is_file():
        path.write_text(path.read_text("utf-8").replace('"""', '"""Newer. ', 1), "utf-8")


def gets_some_way(walk: "Walk") -> None:
    """A team that has followed the printed steps for a while; when it comes back, what waited may still wait."""
    walk.follows(walk.rng.randint(2, 20))
    walk.seen.clear()
    walk.answered.clear()


def kind_of(walk: "Walk") -> str:
    return (
        "ml"
        if (walk.folder / "data/source.yaml").exists() or (walk.folder / "engine/planrun_ml").exists()
        else "software"
    )


COMMON: list[Deed] = [
    types_a_command, types_a_command, types_a_command, answers_otherwise, edits_an_answer, somebody_else_sits_down,
    somebody_else_signs, edits_a_page, edits_code, deletes_a_file, tears_evidence, commits, upgrades_a_package,
    gets_some_way, gets_some_way,
]  # fmt: skip
OF_ML: list[Deed] = [other_rows, other_rows, operates, operates, updates_the_engine]
DEEDS: dict[str, list[Deed]] = {"ml": [*COMMON, *OF_ML], "software": COMMON}


SLOW = (gets_some_way,)


def deeds(kind: str, rng: random.Random, *, short: bool) -> Iterator[Deed]:
    """What happens before the walk, in the order in which it happens."""
    for _ in range(rng.randint(1, 2) if short else rng.randint(2, 7)):
        quick = [deed for deed in DEEDS[kind] if deed not in SLOW] if short else DEEDS[kind]
        yield rng.choice(quick)
