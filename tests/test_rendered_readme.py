"""The README, `status` and the gates agree: the page is followed line by line, by one person and by three."""

import csv
import json
import re
import shlex
import subprocess
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from mlscaffold import answers, catalogue, render, vcs
from readme_run import Ran, follow, lines
from rendered_repository import freeze, run, stand_in, told

FIRST, THEN = "The first ten minutes", "From acceptance to operation"
TEAM = "po=Ana Abel:0.2; ds=Bo Beck:1; swe=Cy Cole:0.5"
# What a page lists beside the steps that a gate asks for.
ASIDE = re.compile(r"make (setup|status|run|serve)\b|git |curl |(\w+=\S+ )+make run")


def newborn(folder: Path, **texts: str) -> Path:
    """A repository of a minute's age with these answers, whose commands run on this project's interpreter."""
    given = answers.complete({"kind_reason": "a test", "project_name": "Plain", "start_date": ""} | texts)
    made = render.render(given, folder)
    vcs.create(made, "Start")
    stand_in(made)
    freeze(made)
    return made


def as_command(line: str) -> list[str]:
    """The words of the package that a line of the page stands for."""
    words = shlex.split(line.partition("   #")[0])
    if words[0] != "make":
        return words[1:]  # after .venv/bin/planrun
    rest = re.search(r"ARGS=[\"']?([^\"']*)", line)
    return [words[1], *(rest[1].split() if rest else [])]


def typed(folder: Path, line: str) -> Ran:
    """A line of the page, without make; whoever it is meant for types it under their own name."""
    if whose := re.search(r"   # (.+) \([A-Z, ]+\)$", line):
        subprocess.run(["git", "config", "user.name", whose[1]], cwd=folder, check=True)
    done = run(folder, *as_command(line))
    return Ran(line, done.returncode, done.stdout + done.stderr)


def asked(folder: Path) -> str:
    """The command that `status` leads with."""
    return str((told(folder)["next"] or {}).get("command", ""))


def steps(folder: Path, *headings: str) -> Iterator[str]:
    """The lines of these headings that a gate asks for."""
    for heading in headings:
        yield from (line for line in lines(folder / "README.md", heading) if not ASIDE.match(line))


ML_WAYS = [
    {"rigor": "standard"},
    pytest.param({"rigor": "light"}, marks=pytest.mark.slow),
    pytest.param({"rigor": "standard", "team": TEAM}, marks=pytest.mark.slow),
    pytest.param({"rigor": "standard", "task": "forecast"}, marks=pytest.mark.slow),
]


@pytest.mark.slow
@pytest.mark.parametrize("way", ML_WAYS, ids=lambda way: " ".join(way.values()))
def test_the_page_lists_what_status_asks_for(way: dict[str, str], tmp_path: Path) -> None:
    """Each line up to the verdict is the step that `status` leads with at that moment, in this order."""
    folder = newborn(tmp_path, kind="ml", **way)
    if "team" in way:
        subprocess.run(["git", "config", "user.name", "Bo Beck"], cwd=folder, check=True)
    compared = []
    for line in steps(folder, FIRST):
        compared.append((line.partition("   #")[0], asked(folder)))
        ended = typed(folder, line)
        assert ended.code == 0 or line == "make accept", ended

    assert [wanted for _, wanted in compared] == [line for line, _ in compared]


@pytest.mark.slow
@pytest.mark.parametrize("task", catalogue.tasks())
def test_the_page_says_the_verdict_that_the_sample_gets(task: str, tmp_path: Path) -> None:
    """For every task form; and it waives the verdict exactly where that is not PASS."""
    folder = newborn(tmp_path, kind="ml", task=task)
    page = folder.joinpath("README.md").read_text("utf-8")
    said = {line: typed(folder, line).said for line in steps(folder, FIRST)}
    verdict = said["make accept"].partition(" ")[0]

    assert re.findall(r"with default answers expect (\w+)", page) == [verdict], said["make accept"]
    assert (" waive G3.3 " in page) == (verdict != "PASS")
    assert ("its model does not pay" in page) == (verdict == "FAIL")
    assert ("leave the verdict open" in page) == (verdict == "INCONCLUSIVE")
    if verdict == "INCONCLUSIVE":
        (row,) = (row for row in told(folder)["gates"] if row["id"] == "G3.3")
        assert "the sample cannot grow; or walk past it: .venv/bin/planrun waive G3.3" in row["next"]["text"]
        assert "make audit" not in row["next"]["text"], "nothing that the built-in sample could be given"


FOLLOWED = [
    {"segments": "region"},
    {"segments": "region", "task": "ranking", "serving": "alert"},
    {"miss_cost": "20", "false_alarm_cost": "2"},
    {"task": "ranking", "target_value": "0.99", "min_gain": "0.3"},
]


@pytest.mark.slow
@pytest.mark.parametrize("way", FOLLOWED, ids=lambda way: " ".join(f"{key}={text}" for key, text in way.items()))
def test_the_page_of_the_sample_leads_to_a_promoted_model_whatever_is_answered(
    way: dict[str, str], tmp_path: Path
) -> None:
    """Its lines waive what the sample cannot show under these answers, and `promote` is not held back."""
    folder = newborn(tmp_path, kind="ml", **way)
    ran = [typed(folder, line) for line in steps(folder, FIRST, THEN)]

    assert [step for step in ran if step.code and step.line != "make accept"] == []
    assert json.loads(folder.joinpath("registry/models.json").read_text("utf-8"))["aliases"]["champion"]


@pytest.mark.parametrize(
    ("way", "said"),
    [
        ({}, "which stands in, because the answers do not tell what the work has to earn"),
        ({"miss_cost": "20", "false_alarm_cost": "2"}, "from which the work pays back within 18 months"),
        ({"miss_cost": "20", "payback_limit_months": "6"}, "from which the work pays back within 6 months"),
        ({"miss_cost": "20", "min_gain": "0.1"}, "which `min_gain` says"),
    ],
)
def test_the_page_says_where_the_smallest_gain_is_from(way: dict[str, str], said: str, tmp_path: Path) -> None:
    """And that the sample's verdict is of default answers, where these are others; of costs only what is so."""
    page = newborn(tmp_path, kind="ml", **way).joinpath("README.md").read_text("utf-8")

    assert f", {said}.\n" in page
    assert ("Yours ask for something else" in page) == bool(way)
    assert "costs are defaults" not in page


@pytest.mark.slow
@pytest.mark.parametrize("deliverable", ["service", "library"])
def test_the_software_page_lists_what_status_asks_for(deliverable: str, tmp_path: Path) -> None:
    """The same for a product: assumptions, tests, build, scenarios, load, rollback."""
    folder = newborn(tmp_path, kind="software", deliverable=deliverable)
    compared = []
    for line in lines(folder / "README.md", FIRST):
        if not ASIDE.match(line):
            compared.append((line, asked(folder)))
            ended = typed(folder, line)
            assert ended.code == 0, ended
        elif line.startswith("git"):
            subprocess.run(["bash", "-c", line], cwd=folder, check=True, capture_output=True)

    assert [wanted for _, wanted in compared] == [line for line, _ in compared]


@pytest.mark.parametrize(("data", "is_said"), [("none", False), ("personal", True), ("special", True)])
def test_the_page_says_what_the_lock_waits_for_where_people_are_in_the_data(
    data: str, is_said: bool, tmp_path: Path
) -> None:
    """The ten minutes would end at the baseline without a word."""
    page = newborn(tmp_path, kind="ml", personal_data=data).joinpath("README.md").read_text("utf-8")
    before, _, _ = page.partition("make baseline\n")

    assert ("(docs/01-data-audit.md#10-privacy-and-rights) are answered (gate G1.12" in before) == is_said


def test_status_writes_nothing_and_says_it_three_ways(tmp_path: Path) -> None:
    """A line a phase, the next step and what is shut there; a row a gate; data whose steps a program follows."""
    folder = newborn(tmp_path, kind="ml")
    before = {path for path in folder.rglob("*") if ".git" not in path.parts}
    short, long, data = (run(folder, "status", *words) for words in ([], ["--all"], ["--json"]))
    found = json.loads(data.stdout)
    kinds = {row["next"]["kind"] for row in found["gates"] if row["next"]}

    assert [short.returncode, long.returncode, data.returncode, run(folder, "status", "--check").returncode] == [
        0,
        0,
        0,
        2,
    ]
    assert {path for path in folder.rglob("*") if ".git" not in path.parts} == before
    assert [line[:11] for line in short.stdout.splitlines()[:3]] == ["shut 2   G0", "shut 9   G1", "not yet  G2"]
    assert "Next: make audit   (8 of the 9 shut gates of G1 wait for it)" in short.stdout
    assert len(re.findall(r"^(?:pass|warn|fail|blocked|waived) +G", long.stdout, re.MULTILINE)) == len(found["gates"])
    assert found["next"] == {
        "kind": "command",
        "text": "make audit",
        "command": "make audit",
        "owner": "data scientist (not named yet)",
    }
    assert kinds <= {"command", "edit", "person", "wait", "rows"}


def test_a_refused_name_is_told_whose_turn_it_is(tmp_path: Path) -> None:
    """`sign`, `confirm` and `waive` name who may, and the line that person types; the right person is taken."""
    folder = newborn(tmp_path, kind="ml", team=TEAM)
    stranger = [run(folder, *words) for words in (["sign", "G3"], ["confirm", "--all"], WAIVER)]
    people = {}
    for name in ("Bo Beck", "Ana Abel", "Cy Cole"):
        subprocess.run(["git", "config", "user.name", name], cwd=folder, check=True)
        people[name] = run(folder, "sign", "G3")
    last = [run(folder, *words) for words in (["confirm", "--all"], WAIVER)]

    for done, line in zip(stranger, ("sign G3", "confirm --all", "waive G0.1"), strict=True):
        assert done.returncode == 1, done.stdout
        assert "Ana Example" in done.stderr
        assert "po Ana Abel, ds Bo Beck" in done.stderr
        assert re.search(rf"Next: Ana Abel or Bo Beck.* types: .venv/bin/planrun {re.escape(line)}", done.stderr)
    assert "Still to sign: po Ana Abel, swe Cy Cole." in people["Bo Beck"].stdout
    assert "as swe" in people["Cy Cole"].stdout, "for operations, which nobody holds"
    assert [done.returncode for done in (*people.values(), *last)] == [0] * 5
    assert not any(
        row["next"] and "sign G3" in row["next"]["text"] for row in told(folder)["gates"] if row["id"] == "G3.1"
    )


WAIVER = ["waive", "G0.1", "--reason", "a test", "--until", "30"]


# ------------------------------------------------------------------------------------------------ a real table
SURVEY = {
    "kind": "ml", "project_name": "Survey answers", "rules_expressible": "no", "past_cases": "6366",
    "labelled_cases": "6366", "metric": "roc_auc", "current_value": "0.5", "target_value": "0.7",
    "positive_share": "0.32", "miss_cost": "5", "consequence": "cosmetic", "human_confirms": "yes",
    "daily_volume": "20000", "upstream_sources": "1", "data_source": "data/raw/survey.csv",
    "target_column": "affair", "appetite_weeks": "40",
    "decision": "The survey team calls back whoever answers like those who later told more; today it calls at random.",
}  # fmt: skip


def survey(path: Path) -> int:
    """The survey of 1978 that statsmodels ships (`fair`), with yes or no as its target; how many rows it has."""
    found = find_spec("statsmodels")
    assert found is not None
    assert found.origin is not None
    source = Path(found.origin).parent / "datasets/fair/fair.csv"
    with source.open(encoding="utf-8") as text:
        rows = list(csv.DictReader(text))
    for row in rows:
        row["affair"] = "yes" if float(row.pop("affairs")) > 0 else "no"
    path.parent.mkdir(parents=True)
    with path.open("w", encoding="utf-8", newline="") as text:
        writer = csv.DictWriter(text, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return len(rows)


def look_at_the_source(folder: Path) -> None:
    """What the page asks for before the audit."""
    path = folder / "data/source.yaml"
    text = re.sub(r'^positive: ""', 'positive: "yes"', path.read_text("utf-8"), flags=re.MULTILINE)
    text = text.replace('owner: ""', 'owner: "the survey team"').replace('access: ""', 'access: "granted"')
    path.write_text(text, "utf-8")


def answer_the_pages(folder: Path) -> None:
    """What the page asks people for once the model has passed: the charter's questions, and the decision."""
    charter, decision = folder / "docs/00-charter.md", folder / "docs/decisions/0001-ml-or-not.md"
    charter.write_text(re.sub(r"\[NEEDS ANSWER owner: \w+\]", "Answered:", charter.read_text("utf-8")), "utf-8")
    decision.write_text(decision.read_text("utf-8").replace("status: proposed", "status: accepted"), "utf-8")


@pytest.mark.slow
@pytest.mark.parametrize("team", ["", TEAM], ids=["one person", "a named team of three"])
def test_a_real_table_is_followed_to_a_promoted_model(team: str, tmp_path: Path, home: Path) -> None:
    """In an empty home the page's own lines lead to a model that answers, and nothing is waived on the way."""
    given = answers.complete(SURVEY | {"start_date": ""} | ({"team": team} if team else {}))
    folder = render.render(given, tmp_path)
    vcs.create(folder, "Start")
    if team:
        subprocess.run(["git", "config", "user.name", "Bo Beck"], cwd=folder, check=True)
    assert survey(folder / "data/raw/survey.csv") > 2_000
    look_at_the_source(folder)
    first = list(follow(folder, FIRST))
    verdict = next(step for step in first if step.line == "make accept")
    answer_the_pages(folder)
    then = list(follow(folder, THEN))
    signed = "".join(path.read_text("utf-8") for path in sorted(folder.glob("gates/signoff-*.yaml")))

    assert {step.line: step.said for step in (*first, *then) if step.code} == {}
    assert "PASS: 0001-linear" in verdict.said
    assert json.loads(folder.joinpath("registry/models.json").read_text("utf-8"))["aliases"]["champion"]
    assert not folder.joinpath("gates/waivers.yaml").exists()
    assert [name for name in ("Ana Abel", "Bo Beck", "Cy Cole") if name in signed] == re.findall(r"=(\w+ \w+)", team)
    assert {phase["id"]: phase["state"] for phase in told(folder)["phases"]}["G3"] == "done"
