"""The page of duties: there where the answers call for it, written from evidence, stale when the evidence moved on."""

import itertools
import json
import re
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest
from material import ROOT, newborn, sample_answers
from mlscaffold import answers, render, update, vcs
from mlscaffold.rendering import governance as planned
from planrun import catalogue, governance
from planrun.gates import evaluate
from planrun.repository import Repo
from planrun.status import status
from planrun.trouble import Trouble
from rendered_repository import run
from standing import git

SCHEMA = json.loads(ROOT.joinpath("docs/status.schema.json").read_text("utf-8"))
CALLING = {
    "ml-alert": {},
    "ml-regression": {},
    "sw-orders": {},
    "ml-default": {"regime": "nist-ai-rmf"},
    "sw-model": {"regime": "eu-ai-act"},
    "sw-library": {"regime": "gdpr"},
}
CLAIMS = re.compile(r"\b(complian|complies|conforms|in conformity|certified|fulfils the)", re.IGNORECASE)


@pytest.fixture
def made(tmp_path: Path) -> Callable[..., Path]:
    """`made(sample, key=value)`: a committed repository."""

    def make(sample: str, **facts: str) -> Path:
        folder = render.render(answers.complete(newborn(sample).raw | facts), tmp_path)
        vcs.create(folder, "Start")
        return folder

    return make


def edit(folder: Path, change: Callable[[str], str], page: str = governance.PAGE) -> None:
    """Change a page and commit it."""
    folder.joinpath(page).write_text(change(folder.joinpath(page).read_text("utf-8")), "utf-8")
    git(folder, "commit", "-qam", "Edited")


# --------------------------------------------------------------------------------------------------- where it is there


def test_plan_and_engine_ask_for_it_under_the_same_answers() -> None:
    """Every combination of the answers that could call for it."""
    combinations = list(
        itertools.product(
            ("ml", "software"),
            ("cosmetic", "money", "rights", "intolerable"),
            ("none", "personal", "special"),
            ("none", "internal", "personal", "regulated"),
            ("none", "eu-ai-act", "gdpr", "iso-42001", "nist-ai-rmf"),
        )
    )
    wrong = []
    for kind, consequence, personal, data, regime in combinations:
        own = {"personal_data": personal} if kind == "ml" else {"data_class": data}
        given = answers.complete({"kind": kind, "consequence": consequence, "regime": regime} | own)
        if planned.called(given) != governance.called(given.raw):
            wrong.append(given.raw)

    assert wrong == []
    assert not governance.called({"consequence": "money"})


@pytest.mark.parametrize("name", CALLING)
def test_each_row_leads_somewhere(name: str, made: Callable[..., Path]) -> None:
    """A gate that this repository has, a page that is there, or a question with an owner; and never a claim."""
    folder = made(name, **CALLING[name])
    text = folder.joinpath(governance.PAGE).read_text("utf-8")
    duties = governance.look(Repo(folder), [])
    gates = catalogue.GATES[sample_answers(name).kind]

    assert len(duties) > 15
    for duty in duties:
        named = governance.GATE.findall(duty.cells[1])
        pages = governance.FILE.findall(duty.cells[1])
        assert named or pages or governance.WAITS in duty.cells[1], duty
        assert [id for id in named if id not in gates] == [], duty
        assert [page for page in pages if not folder.joinpath(page).is_file()] == [], duty
        assert duty.cells[2], duty
    assert not CLAIMS.search(text)
    assert "Nothing here says that a rule is kept" in text
    assert ("2 December 2027" in text) == (name != "sw-orders" and name != "sw-library")


@pytest.mark.slow
def test_without_a_reason_there_is_no_page(made: Callable[..., Path]) -> None:
    """Neither the page nor the command, and status does not speak of it."""
    folder = made("sw-rates")

    assert not governance.called(Repo(folder).answers)
    assert not folder.joinpath(governance.PAGE).exists()
    assert run(folder, "govern").returncode == 2
    assert "governance" not in json.loads(status(Repo(folder), as_json=True).text)
    assert "Duties:" not in status(Repo(folder)).text


def test_special_data_asks_for_the_second_basis(made: Callable[..., Path]) -> None:
    """Article 9 of the GDPR is named for special categories only."""
    asked = {name: made(name).joinpath(governance.PAGE).read_text("utf-8") for name in ("ml-alert", "ml-regression")}
    special = {name: sample_answers(name).personal_data == "special" for name in asked}

    assert sorted(special.values()) == [False, True]
    assert {name: "Art. 9(2)" in text for name, text in asked.items()} == special


# ----------------------------------------------------------------------------------------------------- what it says


@pytest.mark.slow
def test_it_is_written_from_evidence_and_goes_stale_with_it(made: Callable[..., Path]) -> None:
    """A first look is owed at birth; current after `govern`, stale again once a page or a gate says something else."""
    folder = made("sw-orders")
    seen = [status(Repo(folder))]
    wrote = run(folder, "govern")
    seen.append(status(Repo(folder)))
    edit(folder, lambda text: re.sub(r"\[NEEDS ANSWER [^]]*\]", "Said:", text), "docs/00-charter.md")
    seen.append(status(Repo(folder)))
    again = [run(folder, "govern"), run(folder, "govern")]
    lines = folder.joinpath(governance.PAGE).read_text("utf-8").splitlines()

    assert wrote.returncode == 0, wrote.stderr
    assert [re.search(r"Duties: docs/governance.md (is stale|says|waits)", one.text)[1] for one in seen] == [
        "waits", "says", "is stale",
    ]  # fmt: skip
    assert any(line.startswith("| Purpose, scope") and "| there: docs/00-charter.md |" in line for line in lines)
    assert any(
        line.startswith("| It can be taken back") and "| open with Eve: T4.1 blocked |" in line for line in lines
    )
    assert "It says what it said before" in again[1].stdout
    assert git(folder, "status", "--porcelain") == ""


def test_a_stale_page_is_not_green(made: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """With every gate open, `status --check` still waits for the page; for a program it is data of the same schema."""
    folder = made("sw-orders")
    opened = [type(row)(row.id, row.title, "pass", "", "", row.blocking) for row in evaluate(Repo(folder))]
    monkeypatch.setattr("planrun.status.evaluate", lambda repo: opened)
    monkeypatch.setattr("planrun.governance.evaluate", lambda repo: opened)
    before, facts = status(Repo(folder), check=True), json.loads(status(Repo(folder), as_json=True).text)
    governance.govern(Repo(folder))
    after = status(Repo(folder), check=True)

    assert (before.code, after.code) == (2, 0)
    jsonschema.validate(facts, SCHEMA)
    assert facts["governance"]["state"] == "stale"
    assert facts["governance"]["sentence"] in status(Repo(folder)).text or after.text
    assert "docs/governance.md says what the evidence says" in status(Repo(folder), as_markdown=True).text


def test_a_hand_that_writes_there_changes_nothing(made: Callable[..., Path]) -> None:
    """What a person puts into the last column is stale, and is written over."""
    folder = made("sw-orders")
    governance.govern(Repo(folder))
    edit(folder, lambda text: text.replace("open with Eve: T4.1 blocked", "there: T4.1 pass"))
    told = governance.standing(Repo(folder), evaluate(Repo(folder)))
    governance.govern(Repo(folder))

    assert told is not None
    assert (told["state"], told["stale"]) == ("stale", 1)
    assert "open with Eve: T4.1 blocked" in folder.joinpath(governance.PAGE).read_text("utf-8")


def test_a_teams_own_rows_stand_beside_ours(made: Callable[..., Path]) -> None:
    """Words, a gate that is none here, a page that is not there; a bar in a cell stays one."""
    folder = made("sw-orders")
    own = [
        "| Works council \\| staff | heard on 3 May | Ana |  |",
        "| Own norm | G9.9 | Ana | |",
        "| Manual | `docs/manual.md` | Bo | |",
        "| Nobody's | | | |",
    ]
    table = "\n".join(["", "| Asked | Answered by | Owner | Stands |", "|---|---|---|---|", *own, ""])
    edit(folder, lambda text: text + table)
    governance.govern(Repo(folder))
    rows = folder.joinpath(governance.PAGE).read_text("utf-8").splitlines()[-4:]

    assert [row.rsplit(" | ", 1)[1] for row in rows] == [
        "there: in words |",
        "open with Ana: G9.9 not a gate of this repository |",
        "open with Bo: docs/manual.md is not there |",
        "open with nobody: in words |",
    ]
    assert rows[0].startswith("| Works council \\| staff |")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda text: text.replace("| It can be taken back |", "| It can be taken back | x |"), "has 5 cells"),
        (lambda text: text.replace("| Stands |", "| State |"), "has no table with the columns Asked"),
    ],
)
def test_a_page_out_of_form_is_said(change: Callable[[str], str], sentence: str, made: Callable[..., Path]) -> None:
    """One sentence with the remedy, from the command and in status."""
    folder = made("sw-orders")
    edit(folder, change)

    with pytest.raises(Trouble) as raised:
        governance.govern(Repo(folder))

    assert sentence in raised.value.sentence
    assert raised.value.remedy
    assert sentence in status(Repo(folder)).text


def test_a_page_that_was_deleted_is_missed(made: Callable[..., Path]) -> None:
    """The answers call for it."""
    folder = made("sw-orders")
    folder.joinpath(governance.PAGE).unlink()
    told = governance.standing(Repo(folder), evaluate(Repo(folder)))

    assert told is not None
    assert told["state"] == "missing"
    assert run(folder, "govern").returncode == 1


def test_a_replan_takes_it_along(made: Callable[..., Path]) -> None:
    """The team's words stay, another page comes in, and what was written from evidence is no edit that conflicts."""
    folder = made("sw-orders")
    governance.govern(Repo(folder))
    edit(folder, lambda text: text.replace("[NEEDS ANSWER owner: po] Which basis, and kept how long?", "By contract"))
    team = re.sub(r"po=[^:;]+", "po=Zoe", sample_answers("sw-orders").raw["team"])
    done = update.replan(folder, {"team": team, "regime": "gdpr"})
    text = folder.joinpath(governance.PAGE).read_text("utf-8")

    assert governance.PAGE in done.changed
    assert done.conflicts == ()
    assert "The answers name the GDPR." in text
    assert "By contract | PO | open: not looked at yet |" in text
    governance.govern(Repo(folder))
    assert "open with Zoe: an answer in this row" in folder.joinpath(governance.PAGE).read_text("utf-8")


def test_a_replan_leaves_a_teams_own_tables(made: Callable[..., Path]) -> None:
    """Only the column that `planrun govern` writes is as good as new; words in another table are the team's."""
    folder = made("sw-orders")
    own = "\n| case | stands |\n|---|---|\n| export | open since May, with legal |\n| audit | there: shelf 3 |\n"
    edit(folder, lambda text: text + own)
    team = re.sub(r"po=[^:;]+", "po=Zoe", sample_answers("sw-orders").raw["team"])
    done = update.replan(folder, {"team": team, "regime": "gdpr"})

    assert governance.PAGE in done.changed
    assert folder.joinpath(governance.PAGE).read_text("utf-8").endswith(own)
