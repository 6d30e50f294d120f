"""Exports: every tool's form read back by that tool's rules, awkward texts and broken folders included."""

import csv
import io
import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mlscaffold import answers as answers_module
from mlscaffold import export as exports
from mlscaffold.errors import UnreadablePlan, UsageError
from mlscaffold.export import TARGETS, defused, export, note, task_name
from mlscaffold.planning.plan import compute
from test_mermaid import Draw, browser, draw, mermaid  # noqa: F401  (fixtures)

AWKWARD = (
    "Submit an order; =1+1 and more; +49 call; -2 points; @everyone; {{ 7*7 }}; 名前一覧; Title: a, b #1; section two; "
    'click me $(touch harm) `touch harm`; It\'s "quoted" \\ here; /close the ticket'
).replace("; ", ";")
FORMULA = tuple("=+-@\t\r")


def write(folder: Path, plan: dict[str, Any], backlog: Any = None) -> Path:
    """A repository's plan/ with these two files."""
    (folder / "plan").mkdir(parents=True, exist_ok=True)
    (folder / "plan" / "plan.json").write_text(json.dumps(plan), "utf-8")
    (folder / "plan" / "backlog.json").write_text(json.dumps(plan["backlog"] if backlog is None else backlog), "utf-8")
    return folder


def planned(kind: str, **texts: str) -> dict[str, Any]:
    """The plan of default answers with others on top."""
    decision = "Shop assistants see the state of an order instead of asking the warehouse."
    given = {"kind": kind, "decision": decision, "start_date": "2026-01-05"}
    return compute(answers_module.complete(given | texts))


@pytest.fixture(scope="module")
def awkward(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A software repository whose capabilities and people have names that break naive exports."""
    plan = planned("software", capabilities=AWKWARD, team="po==Ana|x:0.2; swe=@bo:1".replace("==", "="))
    return write(tmp_path_factory.mktemp("awkward"), plan)


@pytest.fixture(scope="module")
def ml(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An ML repository with default answers."""
    return write(tmp_path_factory.mktemp("ml"), planned("ml"))


def table(text: str) -> list[dict[str, str]]:
    """A CSV text as rows, read strictly."""
    return list(csv.DictReader(io.StringIO(text), strict=True))


def items(folder: Path) -> list[dict[str, Any]]:
    """The backlog as written."""
    found: list[dict[str, Any]] = json.loads((folder / "plan" / "backlog.json").read_text("utf-8"))
    return found


@pytest.mark.parametrize("to", TARGETS)
def test_the_same_plan_gives_the_same_text(ml: Path, to: str) -> None:
    """Exports rest on the two files alone."""
    assert export(ml, to) == export(ml, to)
    assert export(ml, to).endswith("\n")


# ------------------------------------------------------------------------------------------------------------ GitHub

GH = r"""#!/usr/bin/env bash
# Stands in for gh: keeps what it was told in files, and answers from them.
set -eu
case "$1 ${2-}" in
  "issue list") cut -f1 "$STATE/issues" ;;
  "issue create")
    shift 2; while [ $# -gt 0 ]; do case $1 in
      --title) title=$2 ;; --milestone) milestone=$2 ;; --label) label=$2 ;; --body) body=$2 ;; esac; shift 2; done
    grep -Fqx -- "$milestone" "$STATE/milestones"; grep -Fqx -- "$label" "$STATE/labels"
    printf '%s\t%s\t%s\n' "$title" "$milestone" "$label" >>"$STATE/issues"; printf '%s\0' "$body" >>"$STATE/bodies" ;;
  "label create") printf '%s\n' "$3" >>"$STATE/labels" ;;
  "api --paginate") cat "$STATE/milestones" ;;
  "api --silent")
    for word; do case $word in title=*) printf '%s\n' "${word#title=}" >>"$STATE/milestones" ;; esac; done ;;
  *) echo "unexpected: $*" >&2; exit 9 ;;
esac
"""


def run(script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a GitHub script against a stand-in for gh that remembers."""
    state, tools = folder / "state", folder / "tools"
    if not state.exists():
        state.mkdir()
        tools.mkdir()
        for name in ("issues", "milestones", "labels", "bodies"):
            (state / name).touch()
        (tools / "gh").write_text(GH)
        (tools / "gh").chmod(0o755)
    path = folder / "github.sh"
    path.write_text(script, "utf-8")
    surroundings = os.environ | {"PATH": f"{tools}:{os.environ['PATH']}", "STATE": str(state)}
    return subprocess.run(["bash", str(path)], cwd=folder, env=surroundings, capture_output=True, text=True, check=True)


@pytest.mark.skipif(shutil.which("bash") is None, reason="the script is for bash")
def test_the_github_script_makes_every_issue_once(awkward: Path, tmp_path: Path) -> None:
    """Run against a stand-in: every title and body arrives literally; a second run makes nothing; nothing else runs."""
    script = export(awkward, "github")
    run(script, tmp_path)
    first = (tmp_path / "state" / "issues").read_text("utf-8")
    again = run(script, tmp_path)

    rows = [line.split("\t") for line in first.splitlines()]
    assert [row[0] for row in rows] == [exports.title(item) for item in items(awkward)]
    assert [row[1] for row in rows] == [item["gate"] for item in items(awkward)]
    bodies = (tmp_path / "state" / "bodies").read_text("utf-8").split("\0")[:-1]
    assert bodies == [exports.description(item) for item in items(awkward)]
    assert (tmp_path / "state" / "issues").read_text("utf-8") == first
    assert again.stdout.count("is there already") == len(rows)
    assert not list(tmp_path.rglob("harm"))


@pytest.mark.skipif(shutil.which("bash") is None, reason="the script is for bash")
def test_a_renamed_title_is_known_by_its_id(ml: Path, tmp_path: Path) -> None:
    """An item whose title changed is not made again; a new id is."""
    plan = planned("ml")
    run(export(ml, "github"), tmp_path)
    plan["backlog"][0]["title"] = "Another title"
    plan["backlog"].append(plan["backlog"][1] | {"id": "G5-99"})
    run(export(write(tmp_path / "changed", plan), "github"), tmp_path)

    titles = [line.split("\t")[0] for line in (tmp_path / "state" / "issues").read_text("utf-8").splitlines()]
    assert sum(title.startswith("G0-01: ") for title in titles) == 1
    assert sum(title.startswith("G5-99: ") for title in titles) == 1


def test_without_gh_the_script_says_where_it_is(ml: Path, tmp_path: Path) -> None:
    """It stops before anything, with the address."""
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("the script is for bash")
    done = subprocess.run(
        [bash, "-c", export(ml, "github")], env={"PATH": str(tmp_path)}, capture_output=True, text=True
    )

    assert done.returncode == 1
    assert "https://cli.github.com" in done.stderr


# --------------------------------------------------------------------------------------------------------------- CSV


def test_gitlab_takes_title_and_description_first(awkward: Path) -> None:
    """Four columns in GitLab's order; labels are the only quick actions, whatever a text begins with."""
    text = export(awkward, "gitlab")
    rows = table(text)

    assert text.splitlines()[0] == "title,description,due_date,milestone"
    assert [row["title"].split(":")[0] for row in rows] == [item["id"] for item in items(awkward)]
    for row in rows:
        commands = [line for line in row["description"].splitlines() if line.lstrip().startswith("/")]
        assert len(commands) == 1
        assert re.fullmatch(r'/label ~"[GT]\d" ~"\w+"', commands[0])
        assert re.fullmatch(r"\d{4}-\d\d-\d\d", row["due_date"])


def test_a_body_that_begins_with_a_command_is_no_command(tmp_path: Path) -> None:
    """A hand-written body with /close does not close the issue."""
    plan = planned("ml")
    plan["backlog"][0]["body"] = "/close\n  /assign @boss\nthen go on"
    rows = table(export(write(tmp_path, plan), "gitlab"))

    assert [line for line in rows[0]["description"].splitlines() if line.lstrip().startswith("/")] == [
        '/label ~"G0" ~"task"'
    ]


def test_gitlab_notes_the_milestones(ml: Path) -> None:
    """They must exist before the import."""
    assert "G0, G1, G2, G3, G4, G5" in note(ml, "gitlab")
    assert note(ml, "csv") == ""


def test_jira_has_one_level_and_labels_without_spaces(awkward: Path) -> None:
    """Summary, type, description, two labels, due date and the id."""
    text = export(awkward, "jira")
    rows = list(csv.reader(io.StringIO(text), strict=True))

    assert rows[0] == ["Summary", "Issue Type", "Description", "Labels", "Labels", "Due date", "External id"]
    assert len(rows) == len(items(awkward)) + 1
    for row in rows[1:]:
        assert len(row) == 7
        assert row[1] == "Task"
        assert not any(" " in label for label in row[3:5])


def test_the_plain_table_holds_everything(awkward: Path) -> None:
    """Every field of every item comes back, apostrophes of the defusing aside."""
    for row, item in zip(table(export(awkward, "csv")), items(awkward), strict=True):
        assert row["id"] == item["id"]
        assert row["title"].removeprefix("'") == item["title"]
        assert row["body"].removeprefix("'") == item["body"]
        assert row["depends_on"].split() == item["depends_on"]
        assert float(row["estimate_days"]) == item["estimate_days"]
        assert row["requirement"] == (item["requirement"] or "")


@pytest.mark.parametrize("to", ["gitlab", "jira", "csv"])
def test_no_cell_is_a_formula(awkward: Path, tmp_path: Path, to: str) -> None:
    """Titles, owners and bodies that begin like a formula are defused; the owner @bo is one of them."""
    plan = json.loads((awkward / "plan" / "plan.json").read_text("utf-8"))
    for at, start in enumerate(FORMULA):
        plan["backlog"][at] |= {"title": f"{start}cmd|' /C calc'!A0", "body": f"{start}1+1", "gate": f"{start}G"}
    cells = [cell for row in csv.reader(io.StringIO(export(write(tmp_path, plan), to))) for cell in row]

    assert not [cell for cell in cells if cell.startswith(FORMULA)]
    assert any(cell.startswith("'") for cell in cells)


@given(st.text(max_size=30))
@settings(max_examples=200, deadline=None)
def test_a_defused_cell_keeps_its_text(cell: str) -> None:
    """At most an apostrophe in front; a second defusing changes nothing."""
    safe = defused(cell)

    assert safe in (cell, f"'{cell}")
    assert not safe.startswith(FORMULA)
    assert defused(safe) == safe


# ----------------------------------------------------------------------------------------------------------- Mermaid


def test_the_gantt_has_tags_first_and_gates_as_milestones(ml: Path) -> None:
    """Tags, id, start and working days; milestones have no length; the critical path is marked."""
    lines = [line.strip() for line in export(ml, "mermaid").splitlines()]
    tasks = json.loads((ml / "plan" / "plan.json").read_text("utf-8"))["schedule"]["tasks"]

    assert lines[0] == "gantt"
    assert "excludes weekends" in lines
    for task in tasks:
        line = next(line for line in lines if re.search(rf"[:,] ?{task['id']}, ", line))
        assert ("crit, " in line) == task["critical"]
        if task["milestone"]:
            assert line.endswith(f"{task['end']}, 0d")
            assert ":milestone, " in line
        else:
            assert re.search(rf"{task['start']}, \d+d$", line)


def test_awkward_titles_leave_one_field_a_line(awkward: Path) -> None:
    """Each task line has one colon, and nothing that ends a line or begins a command."""
    lines = export(awkward, "mermaid").splitlines()[4:]

    for line in lines:
        if not line.strip().startswith("section "):
            assert line.count(":") == 1, line
            assert "#" not in line
            assert ";" not in line


def test_titles_that_look_like_commands_are_kept_apart() -> None:
    """ "Title pages" and "section two" are tasks, not commands; "Submit an order" stays as it is."""
    assert task_name("Title pages") == "– Title pages"
    assert task_name("section two") == "– section two"
    assert task_name("2026-01-01 launch").startswith("– ")
    assert task_name("Submit an order") == "Submit an order"
    assert task_name(":;#,") == "item"


@pytest.mark.slow
def test_mermaid_draws_the_exports(draw: Draw, ml: Path, awkward: Path) -> None:  # noqa: F811
    """The real Mermaid draws both charts, with every task in the picture."""
    drawn = draw({"ml": export(ml, "mermaid"), "awkward": export(awkward, "mermaid")})

    assert [found["error"] for found in drawn.values()] == [None, None]
    for name, folder in (("ml", ml), ("awkward", awkward)):
        words = re.sub(r"\s", "", drawn[name]["words"])
        for task in json.loads((folder / "plan" / "plan.json").read_text("utf-8"))["schedule"]["tasks"]:
            assert re.sub(r"\s", "", task_name(task["title"])) in words


# ---------------------------------------------------------------------------------------------------- broken folders


def test_an_unknown_form_is_wrong_usage(ml: Path) -> None:
    """The remedy lists the forms."""
    with pytest.raises(UsageError, match="trello") as caught:
        export(ml, "trello")

    assert all(name in caught.value.hint for name in TARGETS)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (None, "no such file"),
        ("{", "not JSON"),
        ("{}", "no list of items"),
        ("[]", "no list of items"),
        ("[1]", "item 1 has no usable id"),
        ('[{"id": "G0-01", "title": 3}]', "no usable title"),
    ],
)
@pytest.mark.parametrize("to", ["github", "gitlab", "jira", "csv"])
def test_a_broken_backlog_is_one_sentence(tmp_path: Path, content: str | None, complaint: str, to: str) -> None:
    """Missing, torn, of the wrong shape: the sentence names file and fault, the hint the way out."""
    (tmp_path / "plan").mkdir()
    if content is not None:
        (tmp_path / "plan" / "backlog.json").write_text(content)

    with pytest.raises(UnreadablePlan, match=complaint) as caught:
        export(tmp_path, to)
    assert "backlog.json" in str(caught.value)
    assert "restore the file" in caught.value.hint


@pytest.mark.parametrize(
    "content", ["{", "{}", "[]", '{"schedule": 1}', '{"schedule": {"tasks": [{"id": "charter"}]}}']
)
def test_a_broken_plan_is_one_sentence(tmp_path: Path, content: str) -> None:
    """The chart needs schedule.tasks."""
    (tmp_path / "plan").mkdir()
    (tmp_path / "plan" / "plan.json").write_text(content)

    with pytest.raises(UnreadablePlan, match=r"plan\.json"):
        export(tmp_path, "mermaid")


def test_a_day_that_is_none_is_named(tmp_path: Path) -> None:
    """2026-02-30 in a task is refused with task and field."""
    plan = planned("ml")
    next(task for task in plan["schedule"]["tasks"] if task["id"] == "access")["end"] = "2026-02-30"

    with pytest.raises(UnreadablePlan, match="end of task access"):
        export(write(tmp_path, plan), "mermaid")
