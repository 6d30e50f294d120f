"""What a signature of acceptance holds to: numbers that judge, and no figure that only follows from them."""

import re
from pathlib import Path

import pytest
from material import SAMPLES, mostly_slow, newborn
from mlscaffold import agreed, answers, context, render, update, vcs
from mlscaffold.answers import Answers

ML = [name for name in SAMPLES if newborn(name).kind == "ml"]
# Facts of operation, and facts that somebody only puts a name to.
FACTS = {"daily_volume": "4321", "peak_factor": "7", "day_rate": "444", "confirmed": "daily_volume; team"}


def with_gain(name: str, **facts: str) -> Answers:
    """A sample in which somebody has said the gain that is asked for."""
    given = dict(newborn(name).raw) | {"min_gain": "0.03"}
    return answers.complete(given | {key: text for key, text in facts.items() if newborn(name).calls_for(key)})


@pytest.mark.parametrize("name", ML)
def test_facts_of_operation_move_no_threshold(name: str) -> None:
    """At another volume, peak and rate the plan asks for the same gain on the same rows, and money alone moves."""
    before, after = (context.plan_of(with_gain(name, **facts)) for facts in ({}, FACTS))

    assert agreed.moved(before, after) == {}
    assert before["acceptance"] != after["acceptance"]


@pytest.mark.parametrize("name", mostly_slow(ML, "ml-regression"))
def test_facts_of_operation_leave_the_signed_text(name: str, tmp_path: Path) -> None:
    """What the page tells of money, workers and dates stands beside the signature; a threshold stands in it."""
    folders = [render.render(with_gain(name, **facts), tmp_path / str(len(facts))) for facts in ({}, FACTS)]
    before, after = (folder.joinpath(agreed.DOCUMENT).read_text("utf-8") for folder in folders)

    assert before != after
    assert agreed.signed_text(before) == agreed.signed_text(after)
    assert "0.03" in agreed.signed_text(before)
    assert agreed.signed_text(before.replace("0.03", "0.04")) != agreed.signed_text(before)


def test_every_figure_that_only_follows_is_a_number_of_the_plan() -> None:
    """None is misspelt, and what is left judges: the gain, the looks, the sizes, the margins."""
    plan = context.plan_of(newborn("ml-default"))
    parts = {key.partition(".")[0]: plan[key.partition(".")[0]] for key in agreed.FOLLOWS}
    assert [key for key in agreed.FOLLOWS if key.partition(".")[2] not in parts[key.partition(".")[0]]] == []

    left = agreed.agreed(plan)
    assert {"acceptance.min_gain", "acceptance.baseline", "test.looks", "test.alpha_per_look", "test.rows"} <= {*left}
    assert not agreed.FOLLOWS & {*left}


def test_a_date_of_the_schedule_is_not_signed_and_one_that_somebody_wrote_is() -> None:
    """Alone in a cell it is the plan's; in a sentence it is a promise. What is below "Not signed" ends at a heading."""
    rows = [f"| S1 | {day} | Ana asked for more, by {promised} |\n" for day, promised in (
        ("2026-05-04", "June"), ("2026-05-11", "June"), ("2026-05-04", "2026-06-01"),
    )]  # fmt: skip
    first, moved, other = map(agreed.signed_text, rows)
    assert first == moved != other

    readers = "For PO; later for DS and expert: 6 minutes.\n"
    page = f"{readers}## 3 A\n{agreed.BESIDE}: worth\n1 EUR\n### What holds\nmore\n## 4 B\n{agreed.BESIDE}\n2\n"
    assert agreed.signed_text(page) == "## 3 A\n### What holds\nmore\n## 4 B\n"


def test_a_threshold_that_moves_is_named_old_and_new() -> None:
    """The gain first, two by name, how many more, and the answer that holds it."""
    before, after = (
        {"acceptance": {"min_gain": {"value": gain, "inputs": {}}, "baseline": {"value": base, "inputs": {}}},
         "test": {"looks": {"value": looks, "inputs": {}}}}
        for gain, base, looks in ((0.1159135304, 0.5, 3), (0.07, None, 2))
    )  # fmt: skip
    changes = agreed.moved(before, after)

    assert agreed.told(changes) == (
        "acceptance.min_gain 0.1159135304 → 0.07, acceptance.baseline 0.5 → unknown and 1 more"
    )
    assert agreed.holding(changes) == "mlscaffold replan --set min_gain=0.1159135304"
    assert agreed.holding({}) == ""
    assert agreed.holding({"acceptance.min_gain": ("unknown", "0.1")}) == ""


def test_where_a_gain_is_a_share_of_what_will_be_measured_the_share_is_held_to() -> None:
    """The number is not there yet; what it will be worked out by is."""
    plans = [{"acceptance": {"min_gain": {"value": None, "inputs": {"min_gain_share": share}}}} for share in (0.1, 0.2)]

    assert agreed.moved(*plans) == {"acceptance.min_gain (min_gain_share)": ("0.1", "0.2")}


@pytest.fixture
def signed(tmp_path: Path) -> Path:
    """A repository with priced errors, whose thresholds somebody has signed."""
    folder = render.render(newborn("ml-regression"), tmp_path)
    folder.joinpath("gates").mkdir(exist_ok=True)
    folder.joinpath(agreed.SIGNATURE).write_text('- role: "po"\n', "utf-8")
    vcs.create(folder, "Signed")
    return folder


@pytest.mark.slow
def test_a_replan_says_what_it_moves_of_what_was_signed_before_it_writes(signed: Path) -> None:
    """Old and new, whether it can be signed anew, and the answer that holds it; with that nothing moves."""
    told: list[str] = []
    plan = signed / "plan/plan.json"
    before = plan.read_bytes()

    def say(sentence: str) -> None:
        assert plan.read_bytes() == before
        told.append(sentence)

    update.replan(signed, {"daily_volume": "2000"}, dry_run=True, say=say)
    found = re.fullmatch(
        r"This moves thresholds that were signed: acceptance\.min_gain (\S+) → (\S+), .* more\. They are to be signed "
        r"again\. The gain stays what it was with: mlscaffold replan --set min_gain=(\S+)",
        told[0],
    )
    assert found, told
    assert found[1] == found[3] != found[2]

    signed.joinpath("evidence").mkdir(exist_ok=True)
    signed.joinpath("evidence/test_access.log").write_text("{}\n", "utf-8")
    update.replan(signed, {"daily_volume": "2000"}, dry_run=True, say=say)
    assert "Somebody has looked at the test rows, so that signing anew comes too late." in told[1]

    done = update.replan(signed, {"daily_volume": "2000", "min_gain": found[3]}, say=say)
    assert len(told) == 2
    assert done.conflicts == ()
    assert done.still_signed == (agreed.DOCUMENT,)
