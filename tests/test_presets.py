"""An organisation's layer sets, locks, limits, asks and adds, and its newer version is taken over."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from material import ROOT, newborn
from mlscaffold import answers, cli, context, house, presets, questions, render, update
from mlscaffold.errors import LockedAnswer, PresetsDisagree, UnreadablePreset
from mlscaffold.rendering.house_rules import spoken
from planrun import gates
from planrun.repository import Repo

PRESET = """\
name: Acme
answers:
  currency: CHF
locks:
  rigor: {value: strict, reason: Policy 12 asks for all of it}
choices:
  license: {only: [proprietary, mit], reason: the lawyers know these}
questions:
  - key: x_cost_centre
    text: Which cost centre pays?
    why: The charter names it.
    type: text
    critical: "true"
    default: "0000"
documents:
  - path: docs/house/privacy.md
    file: documents/privacy.md
gates:
  - id: X.acme_privacy
    title: Privacy agreed
    file: docs/house/privacy.md
    holds: "^Agreed by: \\\\S+"
    lacks: TODO
    next: Let the officer fill docs/house/privacy.md.
  - id: G0.4
    title: Roles and cost centre
words:
  appetite: budget window
"""
PAGE = "# Privacy\n\nCentre {{ answers.x_cost_centre }}, rigor {{ answers.rigor }}.\nAgreed by:\nTODO\n"


@pytest.fixture
def acme(tmp_path: Path) -> Path:
    """A preset in a folder."""
    folder = tmp_path / "acme"
    folder.joinpath("documents").mkdir(parents=True)
    folder.joinpath("preset.yaml").write_text(PRESET)
    folder.joinpath("documents/privacy.md").write_text(PAGE)
    return folder


@pytest.fixture(autouse=True)
def _nothing_stays_in_force() -> Iterator[None]:
    yield
    assert house.in_force() is house.NONE


def new(tmp_path: Path, *words: object) -> int:
    fixed = ["--kind", "ml", "--defaults", "--set", "start_date=2090-01-02", "--output", str(tmp_path / "out")]
    return cli.run(["new", "Parcels", *fixed, *map(str, words)])


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new), "utf-8")


# ----------------------------------------------------------------------------------------------- a new repository


def test_a_preset_sets_locks_asks_and_adds(acme: Path, tmp_path: Path) -> None:
    """Answers, an assumption, a page, a gate of its own, one of ours that blocks, and words; all in the record."""
    assert new(tmp_path, "--preset", acme) == 0
    root = tmp_path / "out/parcels"
    told = answers.yamltext.load(root.joinpath("plan/project.yaml").read_text("utf-8"))
    plan = json.loads(root.joinpath("plan/plan.json").read_text("utf-8"))
    state = json.loads(root.joinpath(".mlscaffold/state.json").read_text("utf-8"))

    assert (told["currency"], told["rigor"], told["license"]) == ("CHF", "strict", "proprietary")
    assert (told["x_cost_centre"], told["lock_exceptions"]) == ("0000", "")
    assert "x_cost_centre" in {row["key"] for row in plan["assumptions"]}
    assert (
        root.joinpath("docs/house/privacy.md").read_text()
        == "# Privacy\n\nCentre 0000, rigor strict.\nAgreed by:\nTODO\n"
    )
    assert "the budget window ends" in root.joinpath("docs/plan-on-a-page.md").read_text("utf-8")
    assert state["presets"][0]["files"].keys() == {"preset.yaml", "documents/privacy.md"}
    listed = answers.yamltext.load(root.joinpath("plan/gates.yaml").read_text("utf-8"))
    assert listed["titles"]["G0.4"] == "Roles and cost centre"
    assert "G0.4" in listed["blocking"]


def test_the_houses_gate_opens_when_its_page_says_so(acme: Path, tmp_path: Path) -> None:
    """Shut by what must not be there, by what must be, and by a missing page; open only with all of it."""
    assert new(tmp_path, "--preset", acme) == 0
    root = tmp_path / "out/parcels"
    page = root / "docs/house/privacy.md"

    def state() -> tuple[str, str, bool]:
        row = gates.state_of(Repo(root), "X.acme_privacy")
        return row.state, row.reason, row.blocking

    assert state() == ("blocked", "docs/house/privacy.md still holds “TODO”.", True)
    edit(page, "TODO\n", "")
    assert state()[:2] == ("blocked", r"docs/house/privacy.md does not hold what Acme asks for (^Agreed by: \S+).")
    edit(page, "Agreed by:", "Agreed by: Eva")
    assert state()[0] == "pass"
    page.unlink()
    assert state()[:2] == ("blocked", "docs/house/privacy.md is missing, which Acme asks for.")


def test_a_gate_of_the_house_cannot_be_taken_out_by_hand(acme: Path, tmp_path: Path) -> None:
    """It lies in the sealed plan: without it, the gates that use the plan are shut."""
    assert new(tmp_path, "--preset", acme) == 0
    path = tmp_path / "out/parcels/plan/plan.json"
    plan = json.loads(path.read_text("utf-8"))
    plan["house"]["gates"][0]["lacks"] = "NOTHING"
    path.write_text(json.dumps(plan), "utf-8")

    row = gates.state_of(Repo(tmp_path / "out/parcels"), "X.acme_privacy")

    assert row.state == "blocked"
    assert "edited by hand" in row.reason


def test_a_locked_answer_asks_for_a_reason(acme: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without one: a sentence with the rule. With one: it stands in the decision record and in the plan."""
    assert new(tmp_path, "--preset", acme, "--set", "rigor=light") == 1
    assert capsys.readouterr().err.splitlines()[-2:] == [
        'rigor is "light", and Acme locks it at "strict": Policy 12 asks for all of it.',
        "Leave it so, or say why this project differs: --set 'lock_exceptions=rigor=WHY'. "
        "The reason is written into decision record 0001.",
    ]
    assert not tmp_path.joinpath("out/parcels").exists()

    assert new(tmp_path, "--preset", acme, "--set", "rigor=light", "--set", "lock_exceptions=rigor=a | pilot") == 0
    root = tmp_path / "out/parcels"
    record = root.joinpath("docs/decisions/0001-ml-or-not.md").read_text("utf-8")
    assert "| rigor | strict (Acme: Policy 12 asks for all of it) | light | a \\| pilot |" in record
    assert (
        json.loads(root.joinpath("plan/plan.json").read_text("utf-8"))["house"]["exceptions"][0]["reason"]
        == "a | pilot"
    )


def test_a_reason_for_nothing_is_refused(acme: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nobody excuses what is not locked."""
    assert new(tmp_path, "--preset", acme, "--set", "lock_exceptions=currency=habit") == 1
    assert "nothing locks currency" in capsys.readouterr().err


def test_choices_that_are_left_out_are_refused(acme: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """By the sentence that every wrong choice has."""
    assert new(tmp_path, "--preset", acme, "--set", "license=bsd-3-clause") == 1
    assert "but it must be one of proprietary, mit." in capsys.readouterr().err


def test_without_a_preset_nothing_is_different(acme: Path, tmp_path: Path) -> None:
    """After a run with one, too: what was in force is taken back."""
    assert new(tmp_path, "--preset", acme) == 0
    found = render.generate(newborn("ml-default"), tmp_path / "plain")

    assert "x_cost_centre" not in questions.load()
    assert "house" not in json.loads(found.joinpath("plan/plan.json").read_text("utf-8"))


def test_questions_show_what_a_preset_makes_of_them(acme: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Set, locked and left, then the questions as they are asked; as a table and as a schema."""
    assert cli.run(["questions", "--preset", str(acme)]) == 0
    told = capsys.readouterr().out
    assert "rigor = strict, locked by Acme: Policy 12 asks for all of it" in told
    assert re.search(r"license  \(proprietary, mit; default", told)
    assert "Which cost centre pays?" in told

    assert cli.run(["questions", "--preset", str(acme), "--json-schema"]) == 0
    assert "x_cost_centre" in json.loads(capsys.readouterr().out)["properties"]


def test_the_persons_own_file_names_presets(acme: Path, tmp_path: Path, home: Path) -> None:
    """Beside the person's own defaults; a path is seen from that file."""
    folder = home / ".config/mlscaffold"
    shutil.copytree(acme, folder / "acme")
    folder.joinpath("config.yaml").write_text("presets: [acme]\nemail: ana@example.org\n")

    assert new(tmp_path) == 0
    told = tmp_path.joinpath("out/parcels/plan/project.yaml").read_text("utf-8")
    assert 'rigor: "strict"' in told
    assert 'email: "ana@example.org"' in told


# --------------------------------------------------------------------------------------------------- several layers


def layer(folder: Path, text: str) -> str:
    folder.mkdir()
    folder.joinpath("preset.yaml").write_text(text)
    return str(folder)


def test_a_later_preset_is_laid_over_an_earlier_one(acme: Path, tmp_path: Path) -> None:
    """It answers what is asked below, sets anew what is not locked, and leaves fewer choices."""
    above = layer(
        tmp_path / "team",
        "name: Team\nanswers: {x_cost_centre: '4711', currency: USD}\n"
        "choices: {license: {only: [mit], reason: open}}\n",
    )

    found = presets.gathered([str(acme), above])

    assert found.names == ("Acme", "Team")
    assert found.given == {"currency": "USD", "x_cost_centre": "4711", "rigor": "strict"}
    assert found.limits["license"].choices == ("mit",)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("name: Team\nanswers: {rigor: light}\n", "Team sets rigor to light, and Acme locks it at strict"),
        ("name: Team\nchoices: {license: {only: [bsd-3-clause], reason: x}}\n", "bsd-3-clause"),
        ("name: Team\nquestions: [{key: x_cost_centre, text: A, why: B, type: text}]\n", "asks x_cost_centre"),
    ],
)
def test_layers_that_disagree_are_refused(text: str, why: str, acme: Path, tmp_path: Path) -> None:
    """A department loosens nothing that its organisation has locked."""
    with pytest.raises((PresetsDisagree, UnreadablePreset), match=re.escape(why)):
        presets.gathered([str(acme), layer(tmp_path / "team", text)])


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ("name: Acme", "name: [a]", "name must be a text on one line"),
        ("name: Acme", "nmae: Acme", "has a part called nmae"),
        ("currency: CHF", "currency: francs", "currency is"),
        ("currency: CHF", "curency: CHF", "There is no question called"),
        ("reason: Policy 12 asks for all of it", "why: so", "locks, rigor, has no reason"),
        ("value: strict", "value: severe", "it must be one of standard, light, strict"),
        ("only: [proprietary, mit]", "only: [gpl]", "choices, license, leaves gpl"),
        ("  license: {only", "  email: {only", "is no question with choices"),
        ("key: x_cost_centre", "key: cost_centre", "must have a key that begins with x_"),
        ("type: text", "type: essay", "has the type essay"),
        ("type: text", "type: choice", "needs choices"),
        ('default: "0000"', 'default: "0000"\n    max_length: "2"', "has the default 0000, but"),
        ('default: "0000"', 'default: "0000"\n    min_length: many', "has a field of another form"),
        ("path: docs/house/privacy.md", "path: ../privacy.md", "cannot lie there"),
        ("path: docs/house/privacy.md", "path: plan/plan.json", "cannot lie there"),
        ("file: documents/privacy.md", "file: documents/none.md", "which is not there"),
        ("id: X.acme_privacy", "id: G9.9", "must have an id such as X.acme_privacy"),
        ("lacks: TODO", "lacks: '('", "is no regular expression"),
        ("title: Roles and cost centre", "blocks: 'false'", "can tighten and not loosen"),
        ("appetite: budget window", "appetite: [a, b]", "words, appetite, must be a text"),
        ("appetite: budget window", "appetite: ghp_" + "a" * 36, "holds a password or a key"),
    ],
)  # fmt: skip
def test_a_part_of_another_form_is_one_sentence(old: str, new: str, why: str, acme: Path) -> None:
    """Which preset, which part, and what it wants."""
    edit(acme / "preset.yaml", old, new)

    with pytest.raises(UnreadablePreset, match=re.escape(why)) as refused:
        presets.gathered([str(acme)])
    assert str(acme) in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_page_that_is_there_is_replaced_only_on_purpose(acme: Path, tmp_path: Path) -> None:
    """And one that is not there cannot be replaced."""
    edit(acme / "preset.yaml", "path: docs/house/privacy.md", "path: docs/05-risks.md")
    with house.using(presets.gathered([str(acme)])), pytest.raises(UnreadablePreset, match="write replaces: true"):
        render.generate(answers.complete({"kind": "ml"}), tmp_path / "a")

    edit(acme / "preset.yaml", "path: docs/05-risks.md", "path: docs/05-risks.md\n    replaces: 'true'")
    with house.using(presets.gathered([str(acme)])):
        tree = render.generate(answers.complete({"kind": "ml"}), tmp_path / "b")
    assert tree.joinpath("docs/05-risks.md").read_text("utf-8").startswith("# Privacy")


@pytest.mark.parametrize(
    "page", ["{{ answers.no_such_key }}", "{% if %}", "{{ ''.__class__.__mro__[1].__subclasses__() }}"]
)
def test_a_page_that_does_not_render_is_one_sentence(page: str, acme: Path, tmp_path: Path) -> None:
    """A name that is none, a slip, and a way out of the page."""
    acme.joinpath("documents/privacy.md").write_text(page)

    with house.using(presets.gathered([str(acme)])), pytest.raises(UnreadablePreset, match="does not render"):
        render.generate(answers.complete({"kind": "ml"}), tmp_path / "a")


def test_words_change_prose_alone() -> None:
    """Headings, tables, code, links and what programs read stay."""
    page = "\n".join(
        ["# The appetite", "", "Appetite is an appetite; `appetite` and [an appetite](#appetite).", "| appetite |",
         "status: appetite", "```", "appetite", "```", "appetites", "> appetite"]
    )  # fmt: skip

    assert spoken(page, {"appetite": "budget"}) == page.replace(
        "Appetite is an appetite; `appetite` and [an appetite]", "Budget is an budget; `appetite` and [an budget]"
    )


@pytest.mark.slow
@pytest.mark.parametrize("sample", ["ml-default", "sw-default"])
def test_no_gate_rests_on_a_word_of_the_houses(sample: str, tmp_path: Path) -> None:
    """Words that many pages use: every gate says the same with others in their place."""
    words = {"appetite": "budget window", "baseline": "reference", "threshold": "limit", "requirement": "wish"}
    over = house.House(("Words",), words=words)
    plain = render.generate(newborn(sample), tmp_path / "plain")
    with house.using(over):
        spoken_tree = render.generate(newborn(sample), tmp_path / "spoken")

    pages = [path.read_text("utf-8") for path in spoken_tree.glob("docs/*.md")]
    assert any("reference" in page or "wish" in page for page in pages)
    both = [{row.id: row.state for row in gates.evaluate(Repo(tree))} for tree in (plain, spoken_tree)]
    assert both[0] == both[1]


# ------------------------------------------------------------------------------------------------------------- git


def git(folder: Path, *words: str) -> str:
    return subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True, encoding="utf-8").stdout.strip()


def released(acme: Path, tag: str) -> str:
    """The preset in git, under a tag; its address."""
    if not acme.joinpath(".git").is_dir():
        git(acme, "init", "--quiet")
    git(acme, "add", "--all")
    git(acme, "commit", "--quiet", "--message", tag)
    git(acme, "tag", tag)
    return acme.as_uri()


def test_a_preset_comes_from_git_at_a_tag(acme: Path) -> None:
    """The tag's version, whatever came after it; its commit is kept."""
    address = released(acme, "v1")
    commit = git(acme, "rev-parse", "HEAD")
    edit(acme / "preset.yaml", "currency: CHF", "currency: USD")
    released(acme, "v2")

    found = presets.gathered([f"{address}#v1"])

    assert found.answers["currency"] == "CHF"
    assert found.sources[0]["commit"] == commit
    assert presets.gathered([address]).answers["currency"] == "USD"


def test_an_address_with_a_password_is_refused() -> None:
    """It would be kept in the record; and it is not repeated."""
    with pytest.raises(UnreadablePreset) as refused:
        presets.gathered(["https://me:word@example.org/acme.git"])
    assert "word@" not in str(refused.value)


# ----------------------------------------------------------------------------------------------- replan and update


@pytest.fixture
def project(acme: Path, tmp_path: Path) -> Path:
    """A repository made with the preset."""
    assert new(tmp_path, "--preset", acme) == 0
    return tmp_path / "out/parcels"


@pytest.mark.slow
def test_a_replan_needs_no_preset_at_hand(project: Path, acme: Path) -> None:
    """The record keeps it: the house's questions, locks and pages are there when the folder is gone."""
    shutil.rmtree(acme)
    edit(project / "docs/house/privacy.md", "TODO", "TODO soon")
    git(project, "commit", "--quiet", "--all", "--message", "ours")

    assert cli.run(["replan", str(project), "--set", "x_cost_centre=4711"]) == 0

    text = project.joinpath("docs/house/privacy.md").read_text("utf-8")
    assert ("Centre 4711" in text, "TODO soon" in text) == (True, True)
    with pytest.raises(LockedAnswer):
        update.replan(project, {"rigor": "light"})


@pytest.mark.slow
def test_an_update_takes_a_newer_preset(project: Path, acme: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """New locks hold and are told, pages are merged, questions that went are forgotten; then nothing is due."""
    assert cli.run(["update", "--check", str(project)]) == 0
    edit(project / "docs/house/privacy.md", "TODO", "Ours.")
    git(project, "commit", "--quiet", "--all", "--message", "ours")
    edit(acme / "preset.yaml", "locks:", "locks:\n  serving: {value: api, reason: one way in}")
    edit(acme / "preset.yaml", "currency: CHF", "currency: USD")
    edit(acme / "documents/privacy.md", "# Privacy", "# Privacy and rights")
    capsys.readouterr()

    assert cli.run(["update", "--check", str(project)]) == 1
    told = capsys.readouterr()
    assert "docs/house/privacy.md" in told.out
    assert "was written by presets that say something else by now" in told.err

    assert cli.run(["update", str(project)]) == 0
    told = capsys.readouterr()
    assert "serving: batch becomes api, as the presets have it." in told.err
    assert "currency: CHF becomes USD, as the presets have it." in told.err
    text = project.joinpath("docs/house/privacy.md").read_text("utf-8")
    assert ("# Privacy and rights" in text, "Ours." in text) == (True, True)
    git(project, "add", "--all")
    git(project, "commit", "--quiet", "--message", "updated")
    assert cli.run(["update", "--check", str(project)]) == 0


def test_a_team_keeps_its_value_with_a_reason(project: Path, acme: Path) -> None:
    """Said with the update; what the team had set itself stays where the preset only proposes."""
    assert cli.run(["replan", str(project), "--set", "currency=SEK"]) == 0
    git(project, "commit", "--quiet", "--all", "--message", "ours")
    edit(acme / "preset.yaml", "locks:", "locks:\n  serving: {value: api, reason: one way in}")
    edit(acme / "preset.yaml", "currency: CHF", "currency: USD")

    assert cli.run(["update", str(project), "--set", "lock_exceptions=serving=nobody waits for it"]) == 0

    told = project.joinpath("plan/project.yaml").read_text("utf-8")
    assert ('serving: "batch"' in told, 'currency: "SEK"' in told) == (True, True)
    assert "nobody waits for it" in project.joinpath("docs/decisions/0001-ml-or-not.md").read_text("utf-8")


@pytest.mark.slow
def test_an_update_names_presets_for_a_repository_that_had_none(acme: Path, tmp_path: Path) -> None:
    """Its locks hold from then on, what nobody has answered is as it says, and the record keeps it."""
    assert new(tmp_path) == 0
    root = tmp_path / "out/parcels"

    assert cli.run(["update", str(root), "--preset", f"{released(acme, 'v1')}#v1"]) == 0

    told = root.joinpath("plan/project.yaml").read_text("utf-8")
    assert ('rigor: "strict"' in told, 'currency: "CHF"' in told) == (True, True)
    assert root.joinpath("docs/house/privacy.md").is_file()
    assert update.house_of(root).names == ("Acme",)
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "A preset")
    with pytest.raises(LockedAnswer):
        update.replan(root, {"rigor": "light"})


@pytest.mark.slow
def test_a_default_that_somebody_vouches_for_is_an_answer(acme: Path, tmp_path: Path) -> None:
    """A first preset proposes where nobody has answered, and nowhere else."""
    assert new(tmp_path, "--set", "confirmed=currency") == 0
    root = tmp_path / "out/parcels"

    assert cli.run(["update", str(root), "--preset", str(acme)]) == 0

    told = root.joinpath("plan/project.yaml").read_text("utf-8")
    assert ('rigor: "strict"' in told, 'currency: "EUR"' in told) == (True, True)


def test_a_preset_that_cannot_be_reached_stays(project: Path, acme: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An update without the network goes on with what the record keeps, and says so."""
    shutil.rmtree(acme)

    assert cli.run(["update", "--check", str(project)]) == 0
    assert f"{acme} stays as it was when the repository was last written" in capsys.readouterr().err


def test_a_damaged_record_of_a_preset_is_one_sentence(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is changed."""
    path = project / ".mlscaffold/state.json"
    state: dict[str, Any] = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps(state | {"presets": [{"files": {"preset.yaml": 3}}]}))

    assert cli.run(["replan", str(project)]) == 1
    assert "what it keeps of a preset is damaged" in capsys.readouterr().err


def test_the_page_about_presets_shows_one_that_works(tmp_path: Path) -> None:
    """docs/presets.md: its example is read, and a repository comes of it."""
    page = ROOT.joinpath("docs/presets.md").read_text("utf-8")
    blocks = re.findall(r"```(yaml|markdown)\n(.*?)```", page, re.DOTALL)
    tmp_path.joinpath("house/documents").mkdir(parents=True)
    tmp_path.joinpath("house/preset.yaml").write_text(next(text for kind, text in blocks if kind == "yaml"))
    tmp_path.joinpath("house/documents/privacy.md").write_text(
        next(text for kind, text in blocks if kind == "markdown")
    )

    found = presets.gathered([str(tmp_path / "house")])

    assert set(found.given) | set(found.limits) | set(found.words)
    with house.using(found):
        complete = answers.complete({"kind": "ml"} | found.given)
        tree = render.generate(complete, tmp_path)
        assert context.plan_of(complete)["house"]["gates"]
    assert all(tree.joinpath(path).is_file() for path in found.documents)
