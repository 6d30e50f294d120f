"""A platform with Backstage gets a form, an entry in the catalogue and facts, each in the form that it reads."""

import json
import os
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from material import ROOT, newborn
from mlscaffold import answers, backstage, cli, house, presets, questions, render
from mlscaffold.answers import Answers
from mlscaffold.board import forms, scorecard
from planrun.repository import Repo
from planrun.status import status

ENTITY = jsonschema.Draft7Validator(json.loads(ROOT.joinpath("tests/backstage/entity.json").read_text("utf-8")))
FACTS = json.loads(ROOT.joinpath("docs/facts.schema.json").read_text("utf-8"))
WORKFLOW = yaml.safe_load(ROOT.joinpath("docs/backstage/new-repository.yml").read_text("utf-8"))
NEEDED = {
    "project_name": "Front desk",
    "repoUrl": "github.com?owner=example&repo=front-desk",
    "catalog_owner": "group:default/desk",
}

# A sample, the type that its entry in the catalogue has, and answers that shape it.
ENTRIES: list[tuple[str, str, dict[str, str]]] = [
    ("ml-default", "job", {}),
    ("ml-default", "service", {"serving": "api", "ci": "gitlab", "folder": "desk", "consequence": "rights"}),
    ("sw-web-app", "website", {"ci": "azure"}),
    ("sw-cli", "tool", {"ci": "none", "project_name": 'No "é": {{x}} #', "project_slug": "no"}),
    ("sw-library", "library", {}),
]


def entry(sample: str, more: dict[str, str]) -> Answers:
    """Answers that call for an entry."""
    asked = {"catalog_owner": "group:payments", "repository_url": "https://git.example.org/team/desk/"}
    return answers.complete(newborn(sample).raw | asked | more)


def form(kind: str) -> dict[str, Any]:
    """The template as Backstage reads it."""
    return dict(yaml.safe_load(backstage.template(kind, "example/platform")))


def shown(kind: str, **given: Any) -> dict[str, Any]:
    """The fields of the form under what was filled in, as its pages say: those that always stand, and what opens."""
    found: dict[str, Any] = {}
    for page in form(kind)["spec"]["parameters"]:
        found |= page["properties"]
        for case in page.get("allOf", ()):
            if jsonschema.Draft7Validator(case["if"]).is_valid(given):
                found |= case["then"]["properties"]
    return found


def takes(kind: str, **given: Any) -> bool:
    """Whether every page of the form takes this."""
    pages = form(kind)["spec"]["parameters"]
    return all(jsonschema.Draft7Validator(page).is_valid(NEEDED | given) for page in pages)


# ---------------------------------------------------------------------------------------------------------- the form


@pytest.mark.parametrize("kind", questions.KINDS)
def test_the_template_is_one_that_the_scaffolder_takes(kind: str) -> None:
    """The envelope, each page, and every reference to a parameter or a step."""
    template = form(kind)
    text = backstage.template(kind, "example/platform")

    assert [error.message for error in ENTITY.iter_errors(template)] == []
    for page in template["spec"]["parameters"]:
        jsonschema.Draft7Validator.check_schema(page)
    assert set(re.findall(r"parameters\.(\w+)", text)) <= shown(kind).keys()
    assert "steps." not in text
    assert ROOT.joinpath(f"docs/backstage/template-{kind}.yaml").read_text("utf-8") == backstage.template(
        kind, "your-org/platform"
    )


def spoilt(good: dict[str, Any]) -> list[dict[str, Any]]:
    """A template that breaks one rule each."""
    return [
        good | {"metadata": good["metadata"] | {"name": "two words"}},
        good | {"metadata": good["metadata"] | {"tags": ["Machine"]}},
        good | {"spec": good["spec"] | {"steps": [{"id": "one"}]}},
        good | {"apiVersion": "backstage.io/v1alpha1"},
    ]


def test_an_entity_that_breaks_a_rule_is_seen() -> None:
    """The guard itself: a name with a space, a tag with a capital, a step without an action."""
    assert [ENTITY.is_valid(entity) for entity in spoilt(form("ml"))] == [False] * 4


# ----------------------------------------------------------------------------------------------- Backstage's own reader


Read = Callable[[Sequence[Any]], list[str]]
READER = ("@backstage/catalog-model@1", "@backstage/plugin-scaffolder-common@2")


@pytest.fixture(scope="session")
def read(tmp_path_factory: pytest.TempPathFactory) -> Read:
    """`read(entities)`: what a catalogue of Backstage has against each, "" where nothing; its packages are from npm."""
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        pytest.skip("no npm: Backstage's reader cannot be installed")
    folder = tmp_path_factory.mktemp("npm")
    install = [npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(folder), *READER]
    done = subprocess.run(install, capture_output=True, text=True, check=False, timeout=600)
    if done.returncode:
        pytest.skip(f"npm could not install Backstage's reader: {done.stderr.strip().splitlines()[-1:]}")

    def told(entities: Sequence[Any]) -> list[str]:
        reading = subprocess.run(
            [node, str(ROOT / "tests/backstage/read.cjs")],
            input=json.dumps(entities, default=str), env=os.environ | {"NODE_PATH": str(folder / "node_modules")},
            capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip
        assert reading.returncode == 0, reading.stderr
        return [json.loads(line) for line in reading.stdout.splitlines()]

    return told


@pytest.mark.slow
def test_backstage_itself_reads_the_templates(read: Read) -> None:
    """Of both kinds, as published and as a platform gets them; and it sees what is broken, as our own schema does."""
    good = [form(kind) for kind in questions.KINDS]
    published = [
        yaml.safe_load(ROOT.joinpath(f"docs/backstage/template-{kind}.yaml").read_text("utf-8"))
        for kind in questions.KINDS
    ]
    broken = spoilt(good[0])

    assert read([*good, *published]) == [""] * 4
    assert [bool(said) for said in read(broken)] == [True] * len(broken)


@pytest.mark.slow
def test_backstage_itself_reads_the_entries(read: Read, tmp_path: Path) -> None:
    """`catalog-info.yaml` of every sort of answers that shapes one."""
    entities = []
    for number, (sample, _, more) in enumerate(ENTRIES):
        folder = render.render(entry(sample, more), tmp_path / str(number))
        entities.append(yaml.safe_load(folder.joinpath("catalog-info.yaml").read_text("utf-8")))

    assert read(entities) == [""] * len(ENTRIES)
    assert read([entities[0] | {"spec": {"type": "job"}}])[0] != ""


def test_the_form_asks_what_the_answers_before_call_for() -> None:
    """As the wizard does; a choice that is left open counts as its default."""
    assert {"positive_share", "miss_cost", "false_alarm_cost"} <= shown("ml").keys()
    assert "unit_error_cost" not in shown("ml")
    amount = shown("ml", task="regression")
    assert {"unit_error_cost"} <= amount.keys()
    assert not {"positive_share", "miss_cost"} & amount.keys()
    assert {one["const"] for one in amount["metric"]["oneOf"]} == {
        *questions.choices(questions.load()["metric"], {"task": "regression"})
    }
    assert "slo_percent" in shown("software", deliverable="web-app")
    assert "slo_percent" not in shown("software", deliverable="library")


@pytest.mark.parametrize("kind", questions.KINDS)
def test_the_form_has_every_question_of_the_wizard(kind: str) -> None:
    """Under some answers each of both rounds is there, but those of a metric of one's own."""
    asked = {key for page in form(kind)["spec"]["parameters"] for key in page["properties"]}
    asked |= {
        key
        for page in form(kind)["spec"]["parameters"]
        for case in page.get("allOf", ())
        for key in case["then"]["properties"]
    }
    wizard = {
        question.key
        for question in questions.of_kind(kind).values()
        if question.stage in ("first", "assumed") and questions.OWN_NAME not in question.when.get("metric", ())
    }

    assert asked == wizard | {"repoUrl", "catalog_owner"}


def test_a_field_takes_what_its_question_takes() -> None:
    """Ranges, choices, addresses and days, at both sides of their edges."""
    assert takes("ml", positive_share=0.04, task="binary", start_date="2026-03-02", currency="EUR")
    assert not takes("ml", positive_share=1)
    assert not takes("ml", task="alchemy")
    assert not takes("ml", start_date="2. März")
    assert not takes("ml", currency="euro")
    assert not takes("ml", project_name="")
    assert not takes("ml", metric="mae")
    assert takes("ml", metric="mae", task="forecast")


def test_a_preset_shapes_the_form(tmp_path: Path) -> None:
    """What is locked is told and not asked, a restricted choice is gone, a question of the house is there."""
    tmp_path.joinpath("preset.yaml").write_text(
        "name: Example House\n"
        "answers: {currency: CHF}\n"
        "locks: {task: {value: regression, reason: only amounts are predicted here}}\n"
        "choices: {license: {only: [proprietary], reason: nothing leaves the house}}\n"
        "questions:\n- {key: x_cost_centre, text: Which cost centre pays?, why: The page on privacy names it.,"
        " type: text, default: '0000'}\n",
        "utf-8",
    )
    with house.using(presets.gathered([str(tmp_path)])):
        fields, first = shown("ml"), form("ml")["spec"]["parameters"][0]

    assert "task" not in fields
    assert {"unit_error_cost", "metric", "x_cost_centre"} <= fields.keys()
    assert not {"positive_share", "miss_cost"} & fields.keys()
    assert first["description"] == "task is regression: only amounts are predicted here (Example House)"
    assert [one["const"] for one in fields["license"]["oneOf"]] == ["proprietary"]
    assert "counts as CHF" in fields["currency"]["description"]


def test_a_platform_without_a_kind_or_a_name_is_told_how(capsys: pytest.CaptureFixture[str]) -> None:
    """One sentence with both."""
    for words in (["--backstage", "example/platform"], ["--kind", "ml", "--backstage", "platform"]):
        assert cli.run(["questions", *words]) == 2
        assert "needs --kind ml or --kind software, and a repository as OWNER/NAME" in capsys.readouterr().err


# ------------------------------------------------------------------------------------------------------ its workflow


def dispatched(tmp_path: Path, **given: Any) -> tuple[subprocess.CompletedProcess[str], Path]:
    """The workflow's own lines run on what the form sends; the code host is a bare repository beside them."""
    remote = tmp_path / "host" / "example" / "front-desk.git"
    if not remote.is_dir():
        subprocess.run(["git", "init", "--quiet", "--bare", "-b", "main", str(remote)], check=True)
    work = tmp_path / f"run-{len(list(tmp_path.iterdir()))}"
    programs = work / "bin"
    programs.mkdir(parents=True)
    program = programs / "mlscaffold"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m mlscaffold "$@"\n', "utf-8")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    settings = work / "gitconfig"
    settings.write_text(f'[url "file://{tmp_path}/host/"]\n\tinsteadOf = https://git.example.org/\n', "utf-8")
    around = os.environ | {
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT / "generator"),
        "GIT_CONFIG_GLOBAL": str(settings),
        "GITHUB_SERVER_URL": "https://git.example.org",
        "TOKEN": "one",
        "REPOSITORY": "example/front-desk",
        "KIND": "ml",
        "ANSWERS": json.dumps(NEEDED | given),
        "PRESETS": str(WORKFLOW["env"]["PRESETS"]),
        **{f"GIT_{who}_NAME": "ana" for who in ("AUTHOR", "COMMITTER")},
        **{f"GIT_{who}_EMAIL": "ana@example.org" for who in ("AUTHOR", "COMMITTER")},
    }
    lines = [
        step["run"] for step in WORKFLOW["jobs"]["write"]["steps"] if step.get("name") in ("Plan and render", "Push")
    ]
    script = "\n".join(f"(\n{one}\n) || exit 1" for one in lines)
    done = subprocess.run(["bash", "-c", script], cwd=work, env=around, capture_output=True, text=True, check=False)
    return done, remote


def committed(remote: Path, path: str) -> str:
    """A file of the branch that was pushed."""
    return subprocess.run(
        ["git", "show", f"main:{path}"], cwd=remote, check=True, capture_output=True, encoding="utf-8"
    ).stdout


def test_the_workflow_takes_exactly_what_the_template_sends() -> None:
    """Inputs by name, its file by name, and no text of a person in a line of the shell."""
    sent = next(step for step in form("ml")["spec"]["steps"] if step["id"] == "plan")["input"]

    assert (
        WORKFLOW[True]["workflow_dispatch"]["inputs"].keys() == sent["workflowInputs"].keys()
    )  # `on` is a yes in YAML
    assert sent["workflowId"] == "new-repository.yml"
    assert [step for step in WORKFLOW["jobs"]["write"]["steps"] if "${{" in step.get("run", "")] == []


@pytest.mark.slow
def test_a_form_becomes_a_repository(tmp_path: Path) -> None:
    """Fields as the form gives them, awkward text among them, end in a first commit that the catalogue can read."""
    said = 'Clerks see $(touch gone) which `invoice` "to" check; today \' nobody does it: é.'
    done, remote = dispatched(tmp_path, decision=said, task="regression", past_cases=48000, labelled_cases=100)

    assert done.returncode == 0, done.stderr
    entity = yaml.safe_load(committed(remote, "catalog-info.yaml"))
    assert [error.message for error in ENTITY.iter_errors(entity)] == []
    assert entity["metadata"]["description"] == said
    assert entity["spec"]["owner"] == "group:default/desk"
    assert entity["metadata"]["links"][0]["url"] == "https://git.example.org/example/front-desk"
    assert 'past_cases: "48000"' in committed(remote, "plan/project.yaml")


@pytest.mark.slow
def test_a_form_that_contradicts_itself_leaves_the_repository_empty(tmp_path: Path) -> None:
    """The run is red with the wizard's sentence, and can be started again."""
    done, remote = dispatched(tmp_path, past_cases=10, labelled_cases=100)

    assert done.returncode == 1
    assert "labelled_cases" in done.stderr
    assert subprocess.run(["git", "rev-parse", "--verify", "-q", "main"], cwd=remote, check=False).returncode == 1
    assert dispatched(tmp_path, past_cases=100, labelled_cases=10)[0].returncode == 0


# ----------------------------------------------------------------------------------------------- the catalogue's entry


@pytest.mark.parametrize(("sample", "type_", "more"), ENTRIES)
def test_an_entry_says_what_the_answers_say(sample: str, type_: str, more: dict[str, str], tmp_path: Path) -> None:
    """Owner, type and links of either kind, and every link leads to a file of the repository."""
    given = entry(sample, more)
    folder = render.render(given, tmp_path)
    entity = yaml.safe_load(folder.joinpath("catalog-info.yaml").read_text("utf-8"))
    below = [link["url"].partition("/team/desk")[2] for link in entity["metadata"]["links"]]
    files = [re.sub(r"^(/-)?/blob/HEAD/|^\?path=/", "", path).removeprefix("desk/") for path in below[1:]]

    assert [error.message for error in ENTITY.iter_errors(entity)] == []
    assert (entity["spec"]["type"], entity["spec"]["owner"]) == (type_, "group:payments")
    assert entity["metadata"]["name"] == given.project_slug
    assert entity["metadata"]["title"] == given.project_name
    assert [path for path in files if not folder.joinpath(path).is_file()] == []
    assert ("docs/governance.md" in files) == folder.joinpath("docs/governance.md").is_file() or given.ci == "none"
    assert len(files) >= 3 or given.ci == "none"


def test_who_names_no_owner_has_no_entry(tmp_path: Path) -> None:
    """A catalogue that is not there is not written for."""
    assert not render.render(newborn("sw-cli"), tmp_path).joinpath("catalog-info.yaml").exists()


# ------------------------------------------------------------------------------------------------------------- facts


@pytest.mark.parametrize("repository", ["ml-default", "sw-default"], indirect=True)
def test_facts_have_the_form_that_is_published(repository: Path) -> None:
    """One repository's, and a file over several; they say what the status says."""
    told = json.loads(status(Repo(repository), as_json=True).text)
    card = json.loads(status(Repo(repository), as_facts=True).text)
    blocking = [gate for gate in told["gates"] if gate["blocking"]]

    jsonschema.validate(card, FACTS)
    assert forms.misfit(card, forms.CARD) == ""
    assert card["facts"].keys() == forms.CARD["facts"].keys()
    assert card["facts"]["gates_blocking"] == len(blocking)
    assert card["facts"]["gates_open"] < len(blocking)
    assert card["facts"]["assumptions_open"] == len(told["assumptions"])
    assert card["gates"] == {gate["id"]: gate["state"] for gate in told["gates"]}
    assert card["entity"] == f"component:default/{told['project']['slug']}"


def test_what_nobody_can_say_is_null() -> None:
    """Gates that nothing judged are not shut, and no gate is not all gates."""
    card = scorecard.scorecard({"project": {"slug": "desk"}})

    jsonschema.validate(card, FACTS)
    assert card["facts"]["released"] is None
    assert card["facts"]["gates_open"] is None
    assert card["facts"]["duties_current"] is None


def test_facts_count_what_calls_somebody() -> None:
    """Red and waived gates, budgets, signals, limits, a late release."""
    gates = [
        {"id": f"G1.{n}", "state": state, "blocking": n != 5, "title": "", "reason": ""}
        for n, state in enumerate(["pass", "fail", "waived", "blocked", "warn", "fail"])
    ]
    card = scorecard.scorecard(
        {
            "gates": gates,
            "present": "G1",
            "phases": [{"id": "G4", "title": "", "state": "not yet"}],
            "schedule": {"p80": "2026-09-01", "deadline": "2026-08-01"},
            "budgets": [{"used": 5, "limit": 3}, {"used": 1, "limit": 3}, {"used": None, "limit": 3}, {"used": 9}],
            "monitors": {"signals": [{"state": "silent"}, {"state": "alarm"}, {"state": "ok"}]},
            "thresholds": [{"verdict": "fail"}, {"verdict": "inconclusive"}],
            "governance": {"state": "stale"},
            "engine": {"state": "edited"},
        }
    )["facts"]

    assert (card["gates_blocking"], card["gates_open"], card["gates_waived"], card["gates_failed"]) == (5, 3, 1, 1)
    assert (card["budgets_overspent"], card["monitors_calling"], card["thresholds_failed"]) == (1, 2, 1)
    assert (card["release_late"], card["duties_current"], card["engine_as_released"]) == (True, False, False)


def test_the_page_describes_every_fact() -> None:
    """A fact that is added is described."""
    page = ROOT.joinpath("docs/backstage.md").read_text("utf-8")

    assert [key for key in forms.CARD["facts"] if f"`{key}`" not in page] == []


@pytest.mark.parametrize("repository", ["sw-default"], indirect=True)
def test_a_board_leaves_facts_beside_its_page(repository: Path, tmp_path: Path) -> None:
    """One file over all that was read, those that could not be read among them."""
    told = tmp_path / "desk.json"
    told.write_text(status(Repo(repository), as_json=True).text, "utf-8")
    bad = tmp_path / "bad.json"
    bad.write_text("{}", "utf-8")
    words = [str(told), str(bad), "--output", str(tmp_path / "board.html"), "--facts", str(tmp_path / "facts.json")]

    assert cli.run(["board", *words]) == 0
    found = json.loads(tmp_path.joinpath("facts.json").read_text("utf-8"))
    jsonschema.validate(found, FACTS)
    assert [one["where"] for one in found["repositories"]] == [str(told), str(bad)]
    assert found["repositories"][0]["facts"]["gates_blocking"] > 0
    assert found["repositories"][1]["notes"]
