"""One page over many repositories says what each is doing, and stays readable whatever they say."""

import json
import os
import re
import stat
import subprocess
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from material import ROOT
from mlscaffold import cli
from mlscaffold.board import forms, made, memory, page, sources, standing, summary
from mlscaffold.board.sources import Seen
from planrun.files import canonical
from planrun.repository import Repo
from planrun.status import status

TODAY = date(2026, 3, 2)
SCHEMA = json.loads(ROOT.joinpath("docs/status.schema.json").read_text("utf-8"))


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run(
        ["git", *arguments], cwd=folder, check=True, capture_output=True, encoding="utf-8"
    ).stdout.strip()


def sealed(facts: dict[str, Any]) -> str:
    """Evidence as the engine writes it."""
    return json.dumps(facts | {"seal": canonical(facts)})


def lived_in(folder: Path) -> Path:
    """A repository with some life in it: evidence, experiments, signatures, a waiver, an alarm, a version."""
    at = f"{TODAY - timedelta(days=2)}T10:00:00.000+00:00"
    gain = {"value": 0.08, "low": 0.05, "high": 0.11}
    texts = {
        "evidence/acceptance.json": sealed(
            {"at": at, "metric": "recall", "gain": gain, "minimum": 0.03, "segments": {}}
            | {"verdict": {"state": "pass", "more": 0, "sentence": ""}}
        ),
        "evidence/monitor.json": sealed(
            {
                "at": at,
                "version": "1.0.0",
                "signals": {"quality": {"state": "alarm", "reason": "recall 0.4, floor 0.6"}},
            }
        ),
        "evidence/test_access.log": "".join(f'{{"at": "{at}", "test_set": "{name}"}}\n' for name in "abb"),
        "experiments/0001-linear/record.yaml": f'id: 0001-linear\nat: "{at}"\nchange: [a]\ndecision: keep\n'
        "learned: Kept.\n"
        "vs_baseline: {value: 0.02, low: -0.01, high: 0.05}\nmetric: {name: recall}\n",
        "experiments/0002-forest/record.yaml": "id: 0002-forest\nchange: [b]\ndecision: drop\n"
        "vs_baseline: {value: 0.01, low: -0.02, high: .nan}\n",
        "gates/signoff-G3a.yaml": f'- {{role: po, name: Ana, at: "{at}", decision: accept}}\n'
        f'- {{role: ds, name: Ana, at: "{at}", decision: accept}}\n',
        "gates/waivers.yaml": f"- {{gate: G2.6, approver: Bo, until: 2026-05-01, on: {at[:10]}, reason: later}}\n",
        "registry/models.json": json.dumps(
            {
                "aliases": {"champion": "1.0.0"},
                "events": [],
                "models": {
                    "1.0.0": {
                        "kind": "model",
                        "version": "1.0.0",
                        "created": at,
                        "interface": "one",
                        "hashes": {},
                        "files": {"model": {"path": "models/one.skops", "sha256": "0"}},
                    }
                },
            }
        ),
    }
    for path, text in texts.items():
        folder.joinpath(path).parent.mkdir(parents=True, exist_ok=True)
        folder.joinpath(path).write_text(text, "utf-8")
    return folder


def told(folder: Path) -> dict[str, Any]:
    """What the engine's `status --json` says."""
    return dict(json.loads(status(Repo(folder), as_json=True).text))


# ------------------------------------------------------------------------------------------------- how a project stands


@pytest.mark.parametrize("repository", ["ml-default", "sw-default"], indirect=True)
def test_status_has_the_form_that_the_documents_publish(repository: Path) -> None:
    """The published schema, and the one that the board checks with, take what the engine writes."""
    found = told(repository)

    jsonschema.validate(found, SCHEMA)
    assert forms.misfit(found, forms.STATUS) == ""
    assert {key.removesuffix("?") for key in forms.STATUS} == found.keys()
    assert found["next"]["owner"]


def test_the_documents_describe_every_field() -> None:
    """A field that is added is described."""
    page = ROOT.joinpath("docs/status.md").read_text("utf-8")

    assert [key for key in forms.STATUS if f"`{key.removesuffix('?')}`" not in page] == []


@pytest.mark.parametrize("repository", ["ml-default"], indirect=True)
def test_what_a_repository_has_done_is_read_from_its_files(repository: Path) -> None:
    """Thresholds with bounds, budgets, monitors with owners, experiments, and the week's events."""
    found = standing.standing(standing.Folder(lived_in(repository)), TODAY)

    gain, tried, *_ = found["thresholds"]
    assert (gain["value"], gain["low"], gain["needed"], gain["verdict"]) == (0.08, 0.05, 0.03, "pass")
    assert (tried["name"], tried["verdict"]) == ("Gain of 0001-linear, on the validation rows", "")
    assert [(one["name"], one["used"]) for one in found["budgets"]] == [
        ("Experiments", 2),
        ("Looks at the test rows", 2),
    ]
    quality = next(one for one in found["monitors"]["signals"] if one["name"] == "quality")
    assert (quality["state"], quality["owner"]) == ("alarm", "data scientist (not named yet)")
    assert [one["gain"]["high"] for one in found["experiments"]] == [0.05, None]
    assert found["champion"]["version"] == "1.0.0"
    assert {event["what"] for event in found["events"]} == {
        "G3a was signed by Ana (po, ds).",
        "G2.6 was waived by Bo until 2026-05-01.",
        "Measured: acceptance, monitor.",
        "Experiment 0001-linear: Kept.",
        "Version 1.0.0 was registered.",
    }
    assert found["unreadable"] == []


@pytest.mark.parametrize("repository", ["ml-default"], indirect=True)
def test_typed_evidence_is_named_and_not_shown(repository: Path) -> None:
    """A better figure typed into evidence, and files that are none, are said and counted for nothing."""
    path = lived_in(repository) / "evidence/acceptance.json"
    path.write_text(path.read_text("utf-8").replace("0.05", "0.5"), "utf-8")
    repository.joinpath("gates/waivers.yaml").write_text("just words", "utf-8")
    repository.joinpath("registry/models.json").write_text("{", "utf-8")
    repository.joinpath("experiments/0001-linear/record.yaml").write_bytes(b"\xff\xfe")

    found = standing.standing(standing.Folder(repository), TODAY)

    assert found["thresholds"] == []
    assert found["unreadable"] == [
        "experiments/0001-linear/record.yaml is not UTF-8 text.",
        "evidence/acceptance.json was edited by hand or torn: its seal does not fit.",
        "registry/models.json is not JSON.",
        "gates/waivers.yaml is not a list of rows.",
    ]


@pytest.mark.parametrize("repository", ["ml-default"], indirect=True)
def test_a_link_out_of_a_repository_shows_nothing(repository: Path, tmp_path: Path) -> None:
    """A clone of somebody's cannot put another file of this machine on the board."""
    tmp_path.joinpath("secret.json").write_text(sealed({"at": f"{TODAY}", "left": 0.5}))
    repository.joinpath("evidence").mkdir(exist_ok=True)
    repository.joinpath("evidence/error_budget.json").symlink_to(tmp_path / "secret.json")

    found = standing.standing(standing.Folder(repository), TODAY)

    assert "Error budget" not in {one["name"] for one in found["budgets"]}


@pytest.mark.parametrize(
    ("measured", "limit", "better", "verdict"),
    [
        ({"value": 1, "low": 0.5, "high": 2}, 0.5, "higher", "pass"),
        ({"value": 1, "low": 0.4, "high": 2}, 0.5, "higher", "inconclusive"),
        ({"value": 0.1, "low": 0.0, "high": 0.4}, 0.5, "higher", "fail"),
        ({"value": 1, "low": 0.5, "high": 2}, 2, "lower", "pass"),
        ({"value": 3, "low": 2.5, "high": 4}, 2, "lower", "fail"),
        ({"value": 3, "low": None, "high": None}, 4, "lower", "pass"),
        ({"value": None, "low": None, "high": None}, 4, "lower", ""),
    ],
)
def test_bounds_are_held_against_the_limit(measured: dict[str, Any], limit: float, better: str, verdict: str) -> None:
    """The side that is bad decides; a value without bounds stands for both of them."""
    assert standing._verdict(measured, limit, better) == verdict


# --------------------------------------------------------------------------------------------------- where it is read


@pytest.mark.parametrize("repository", ["ml-default"], indirect=True)
def test_a_bare_repository_says_what_the_working_copy_says(repository: Path, tmp_path: Path) -> None:
    """Bare, shallow, by address and by branch; nothing is checked out."""
    lived_in(repository)
    git(repository, "add", "--all", "--force")
    git(repository, "commit", "--quiet", "--message", "A life")
    git(tmp_path, "clone", "--quiet", "--bare", str(repository), "bare.git")
    git(tmp_path, "clone", "--quiet", "--bare", "--depth", "1", repository.as_uri(), "shallow.git")
    branch = git(repository, "branch", "--show-current")

    named = [str(tmp_path / "bare.git"), str(tmp_path / "shallow.git"), f"{repository.as_uri()}#{branch}"]
    [copy, *others] = sources.read([str(repository), *named, f"{named[0]}#{branch}"], run=False, today=TODAY)

    assert len(others) == 4
    for other in others:
        assert other.facts | {"commit": None} == copy.facts | {"commit": None}
        assert other.facts["commit"]["sha"] == git(repository, "rev-parse", "HEAD")


@pytest.mark.parametrize("repository", ["ml-default"], indirect=True)
def test_a_folder_holds_many(repository: Path, tmp_path: Path) -> None:
    """Working copies, bare repositories, projects below the top of one, and status files among other JSON."""
    teams = tmp_path / "teams"
    teams.joinpath("artefacts").mkdir(parents=True)
    teams.joinpath("artefacts/parcels.json").write_text(json.dumps(told(repository)))
    teams.joinpath("artefacts/other.json").write_text('{"a": 1}')
    git(tmp_path, "clone", "--quiet", str(repository), "teams/copy")
    host = tmp_path / "host"
    git(tmp_path, "clone", "--quiet", str(repository), "host/parts/model")
    git(host, "init", "--quiet")
    host.joinpath("parts/model/.git").rename(tmp_path / "aside")
    git(host, "add", "--all")
    git(host, "commit", "--quiet", "--message", "One of several")
    git(tmp_path, "clone", "--quiet", "--bare", str(host), "teams/host.git")

    found = sources.read([str(teams)], run=False, today=TODAY)

    name = teams.as_posix()
    assert [one.where for one in found] == [
        f"{name}/artefacts/parcels.json",
        f"{name}/copy",
        f"{name}/host.git (parts/model)",
    ]
    assert ["gates" in one.facts for one in found] == [True, False, False]
    assert len({json.dumps(one.facts["headline"]) for one in found}) == 1


def test_what_leads_to_nothing_is_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An empty folder, a name of nothing."""
    for name in (str(tmp_path), str(tmp_path / "nothing")):
        assert cli.run(["board", name, "--output", str(tmp_path / "board.html")]) == 1
        assert capsys.readouterr().err.startswith(
            f'"{name}" holds no planned repository, is none, and is no status file.'
        )
    assert not tmp_path.joinpath("board.html").exists()


def test_an_address_that_does_not_answer_is_a_row(tmp_path: Path) -> None:
    """One team's outage hides no other team; its user name and password reach no page."""
    [seen] = sources.read(["https://me:pass@localhost:1/team.git"], run=False, today=TODAY)  # port 1: nobody listens

    assert seen.where == "https://localhost:1/team.git"
    assert "git clone" in seen.notes[0]
    assert "pass" not in str(seen)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "it is not JSON"),
        ("[]", "it has no fields"),
        ('{"phases": []}', "it has no gates"),
        ('{"schema": 9, "phases": [], "gates": []}', "its schema is 9, and this version reads 1"),
        ('{"phases": [], "gates": [{"id": 1}]}', "gates[0].id is not text"),
        ('{"phases": [], "gates": [], "next": 3}', "next has no fields"),
        (
            '{"phases": [], "gates": [], "budgets": [{"name": "a", "used": true, "limit": 1, "unit": ""}]}',
            "budgets[0].used",
        ),
    ],
)
def test_a_status_of_another_form_is_a_row_with_the_reason(text: str, why: str, tmp_path: Path) -> None:
    """What a pipeline left is checked before anything is drawn of it."""
    tmp_path.joinpath("one.json").write_text(text)

    html, [seen] = made([str(tmp_path / "one.json")])

    assert why in seen.notes[0]
    assert 'class="s unread"' in html


# ------------------------------------------------------------------------------------------------------ whose gates


def program(folder: Path, text: str) -> None:
    """The engine's command of a working copy, as a script."""
    path = folder / ".venv/bin/planrun"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


@pytest.mark.skipif(os.name == "nt", reason="the stand-in for the engine's command is a shell script")
@pytest.mark.parametrize("repository", ["ml-default"], indirect=True)
def test_gates_come_from_the_repositorys_own_engine(repository: Path, tmp_path: Path) -> None:
    """Asked where it may be; a file left by a pipeline is asked instead; --no-run asks nobody."""
    answer = tmp_path / "answer.json"
    answer.write_text(json.dumps(told(repository)))
    program(repository, f'touch "{tmp_path}/asked"; cat "{answer}"')

    [unasked] = sources.read([str(repository)], run=False, today=TODAY)
    assert "gates" not in unasked.facts
    assert not tmp_path.joinpath("asked").exists()

    [asked] = sources.read([str(repository)], run=True, today=TODAY)
    assert asked.facts["gates"] == told(repository)["gates"]
    tmp_path.joinpath("asked").unlink()

    left = told(repository) | {"commit": {"sha": "0" * 40, "at": "", "branch": ""}}
    repository.joinpath("status.json").write_text(json.dumps(left))
    [read] = sources.read([str(repository)], run=True, today=TODAY)
    assert read.facts["gates"] == left["gates"]
    assert read.notes[0].startswith("Gates are those of commit 0000000000;")
    assert not tmp_path.joinpath("asked").exists()


@pytest.mark.skipif(os.name == "nt", reason="the stand-in for the engine's command is a shell script")
@pytest.mark.parametrize("repository", ["ml-default"], indirect=True)
def test_a_program_that_came_with_a_clone_is_not_run(repository: Path, tmp_path: Path) -> None:
    """A .venv in git is somebody else's program."""
    program(repository, f'touch "{tmp_path}/run"')
    git(repository, "add", "--force", ".venv")
    git(repository, "commit", "--quiet", "--message", "A gift")

    [seen] = sources.read([str(repository)], run=True, today=TODAY)

    assert not tmp_path.joinpath("run").exists()
    assert "gates" not in seen.facts


@pytest.mark.skipif(os.name == "nt", reason="the stand-in for the engine's command is a shell script")
@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("echo plan/plan.json is missing. >&2; exit 1", "Its own status ended with: plan/plan.json is missing."),
        ("echo {", "Its own status cannot be read"),
    ],
)
@pytest.mark.parametrize("repository", ["ml-default"], indirect=True)
def test_a_status_that_fails_is_said(script: str, why: str, repository: Path) -> None:
    """The row shows what the files say, and why there are no gates."""
    program(repository, script)

    [seen] = sources.read([str(repository)], run=True, today=TODAY)

    assert seen.notes[0].startswith(why)
    assert seen.facts["headline"]


# ---------------------------------------------------------------------------------------------------------- the page


class Reader(HTMLParser):
    """The elements of a page; a test reads their text and attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def facts_of(name: str, **more: Any) -> dict[str, Any]:
    """A small status."""
    return {
        "project": {"name": name, "kind": "ml"}, "phases": [{"id": "G1", "title": "Data ready", "state": "open"}],
        "present": "G1", "gates": [], "next": None, **more,
    }  # fmt: skip


HOSTILE = '"><script>alert(1)</script><img src=x onerror=alert(2)></script><!--\u202e'


def drawn(*seen: Seen, changes: list[list[str]] | None = None) -> str:
    rows = [summary.of(one, TODAY, changes or []) for one in seen]
    return page.html(rows, {one.where: {"states": {HOSTILE: HOSTILE}, "changes": []} for one in seen}, sources.now())


@pytest.mark.parametrize("repository", ["ml-default"], indirect=True)
def test_whatever_a_repository_says_is_text(repository: Path) -> None:
    """Names, reasons, owners, files: none of it becomes an element, an attribute or a script."""
    found = told(lived_in(repository))

    def spoilt(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: spoilt(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [spoilt(inner) for inner in value]
        return HOSTILE + value if isinstance(value, str) and not re.match(r"\d{4}-", value) else value

    clean, foul = (
        Reader(drawn(Seen(name, facts), Seen(f"{name}2", facts)))
        for name, facts in (("a", found), (HOSTILE, spoilt(found)))
    )

    assert {tag for tag, _ in foul.tags} <= {tag for tag, _ in clean.tags}
    assert [tag for tag, _ in foul.tags].count("script") == 2
    assert not [name for _, attributes in foul.tags for name in attributes if name.startswith("on")]


def test_the_page_lets_nothing_else_in() -> None:
    """Its policy names its own style and script by their hashes; it loads no address."""
    html = drawn(Seen("a", facts_of("A")), Seen("b", facts_of("B")))
    tags = Reader(html).tags

    policy = next(attributes["content"] for tag, attributes in tags if attributes.get("http-equiv"))
    assert policy is not None
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    links = [value for _, attributes in tags for key, value in attributes.items() if key in ("src", "href")]
    assert [link for link in links if link and not link.startswith(("#", "data:,"))] == []
    assert "style" not in {key for _, attributes in tags for key in attributes}


def test_the_most_urgent_comes_first() -> None:
    """alarm, late, unread, stale, open, done; each with its reason."""
    schedule = {"p50": "2026-05-01", "p80": "2026-06-01", "deadline": "2026-05-20"}
    red = [{"id": "G1.3", "title": "", "state": "fail", "reason": "", "blocking": True}]
    rows = [
        Seen("done", facts_of("done") | {"present": ""}),
        Seen("open", facts_of("open")),
        Seen("stale", facts_of("stale", commit={"sha": "1", "at": "2026-01-01T00:00:00Z", "branch": ""})),
        Seen("unread", {}, ("It is gone.",)),
        Seen("late", facts_of("late", schedule=schedule)),
        Seen("alarm", facts_of("alarm") | {"gates": red}),
    ]
    summaries = sorted((summary.of(one, TODAY, []) for one in rows), key=summary.order)

    assert [row.state for row in summaries] == [one.where for one in reversed(rows)]
    assert summaries[0].reasons == ("G1.3 is red",)
    assert summaries[1].reasons == ("4 in 5: 2026-06-01, after the appetite's end on 2026-05-20",)
    assert summaries[2].reasons == ("It is gone.",)


def test_names_with_numbers_follow_their_numbers() -> None:
    """As the page sorts them: Churn 9 before Churn 10."""
    names = ["Churn 10", "churn 9", "Churn 9b", "Ärger 2", "7 seas", "Churn"]
    rows = [summary.of(Seen(name, facts_of(name)), TODAY, []) for name in names]

    ordered = [row.name for row in sorted(rows, key=summary.order)]

    assert ordered == ["7 seas", "Churn", "churn 9", "Churn 9b", "Churn 10", "Ärger 2"]


def test_an_advising_gate_that_fails_is_no_alarm() -> None:
    """Nobody is called for what does not block."""
    advising = [{"id": "G1.3", "title": "", "state": "fail", "reason": "", "blocking": False}]

    assert summary.of(Seen("a", facts_of("a") | {"gates": advising}), TODAY, []).state == "open"


@pytest.mark.parametrize("day", ["2026-02-01", "2026-03-02", "2027-01-01"])
def test_today_has_a_line_in_every_schedule(day: str) -> None:
    """Before the first day and after the last one too, where it says which day it is."""
    task = {"id": "a", "title": "A", "start": "2026-02-16", "end": "2026-03-20", "critical": True}
    schedule = {"p50": "2026-03-20", "p80": "2026-03-30", "deadline": "2026-04-20", "tasks": [task]}
    row = summary.of(Seen("a", facts_of("a", schedule=schedule)), date.fromisoformat(day), [])

    html = page.html([row], {}, sources.now().replace(year=int(day[:4]), month=int(day[5:7]), day=int(day[8:])))

    assert 'class="today"' in html
    assert f"today {day}" in html
    labels = " ".join(re.findall(r'<text class="l"[^>]*>([^<]*)', html))
    assert (f"today, {day}" in labels) == (day != "2026-03-02")
    assert "today" in labels


# ------------------------------------------------------------------------------------------------- since last week


@pytest.mark.parametrize("repository", ["ml-default"], indirect=True)
def test_a_plan_of_a_week_ago_is_compared(repository: Path) -> None:
    """From the history of a working copy, and by the engine's own status."""
    path = repository / "plan/plan.json"
    old = path.read_text("utf-8")
    env = {f"GIT_{who}_DATE": f"{date.today() - timedelta(days=30)}T00:00:00Z" for who in ("AUTHOR", "COMMITTER")}
    plan = json.loads(old)
    plan["headline"][0]["text"] = "next year"
    path.write_text(json.dumps(plan))
    subprocess.run(["git", "commit", "-qam", "Then"], cwd=repository, check=True, env=os.environ | env)
    path.write_text(old)
    git(repository, "commit", "--quiet", "--all", "--message", "Now")

    [seen] = sources.read([str(repository)], run=False, today=date.today())

    [moved] = seen.facts["changed_numbers"]
    assert (moved["label"], moved["before"]) == ("Release", "next year")
    assert told(repository)["changed_numbers"] == [moved]
    assert any("(was: next year)" in change for change in summary.of(seen, date.today(), []).week)


def test_a_board_over_an_older_one_remembers_its_gates(tmp_path: Path) -> None:
    """A gate that has opened since is among the week's changes, and stays there for a week."""
    source, output = tmp_path / "one.json", tmp_path / "board.html"
    gate = {"id": "G1.3", "title": "Data quality", "state": "blocked", "reason": "", "blocking": True}

    def board(state: str) -> str:
        source.write_text(json.dumps(facts_of("One") | {"gates": [gate | {"state": state}]}))
        assert cli.run(["board", str(source), "--output", str(output)]) == 0
        return output.read_text("utf-8")

    assert "went from" not in board("blocked")
    today = datetime.now(UTC).date()  # a board is read in many places: its days are those of UTC
    assert f"{today}: G1.3 went from blocked to pass." in board("pass")
    assert f"{today}: G1.3 went from blocked to pass." in board("pass")


def test_what_is_remembered_fades() -> None:
    """Changes are kept for fourteen days and shown for seven; gates that nobody judged today stay as they were."""
    old: memory.Memory = {"a": {"states": {"G1": "pass"}, "changes": [["2026-02-01", "G1", "x", "y"]]}}
    old["a"]["changes"].append(["2026-02-20", "G1", "y", "pass"])

    kept = memory.renewed(old, [Seen("a", {})], TODAY)

    assert kept == {"a": {"states": {"G1": "pass"}, "changes": [["2026-02-20", "G1", "y", "pass"]]}}
    assert summary.of(Seen("a", facts_of("a")), TODAY, kept["a"]["changes"]).week == ()


@pytest.mark.parametrize("text", ["somebody's page", '<script type="application/json" id="memory">[1]</script>'])
def test_another_file_is_not_overwritten(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A board replaces a board and nothing else."""
    source, output = tmp_path / "one.json", tmp_path / "board.html"
    source.write_text(json.dumps(facts_of("One")))
    output.write_text(text)

    assert cli.run(["board", str(source), "--output", str(output)]) == 1
    assert output.read_text() == text
    assert "is there already and is no board" in capsys.readouterr().err


# ------------------------------------------------------------------------------------------------------- two hundred


def test_gates_that_one_command_opens_stand_in_one_row() -> None:
    """Read once, and done once; another reason, step or owner is a row of its own."""
    gate = {
        "state": "blocked",
        "reason": "Not audited.",
        "blocking": True,
        "next": {"kind": "run", "text": "make audit"},
    }
    gates = [gate | {"id": f"G1.{n}", "title": f"Gate {n}"} for n in (2, 3, 4)]
    gates[1] |= {"reason": "Not named."}
    html = drawn(Seen("a", facts_of("a") | {"gates": gates}))
    (table,) = re.findall(r'aria-label="Gates that are shut".*?<tbody>(.*?)</tbody>', html)

    assert re.findall(r'<tr><th scope="row">(.*?)</th>', table) == ["G1.2 Gate 2<br>G1.4 Gate 4", "G1.3 Gate 3"]


@pytest.mark.parametrize("repository", ["ml-default"], indirect=True)
def test_two_hundred_repositories_stay_below_three_megabytes(repository: Path, tmp_path: Path) -> None:
    """Each with a plan, gates, monitors, and forty experiments; its time is measured in tests/bench/board.py."""
    found = told(lived_in(repository))
    found["experiments"] = found["experiments"] * 20
    files = []
    for number in range(200):
        files.append(tmp_path / f"{number}.json")
        files[-1].write_text(json.dumps(found | {"project": found["project"] | {"name": f"Project {number}"}}))

    html, seen = made([str(path) for path in files])

    assert len(seen) == 200
    assert len(html.encode()) < 3_000_000


@pytest.fixture
def judged(rendered: Callable[[str], Path]) -> Callable[[str], dict[str, Any]]:
    """`judged(sample)`: a sample's status as its engine tells it."""
    return lambda name: told(rendered(name))


def test_every_sample_can_be_shown(sample: str, judged: Callable[[str], dict[str, Any]]) -> None:
    """A board of one, with its six lines, and its name in the title."""
    facts = judged(sample)

    html = drawn(Seen(sample, facts))

    assert html.count("<dt>") >= len(facts["headline"]) == 6
    assert "in the last seven days" in html
