"""The wizard at a keyboard: real prompts fed through a pipe, and one pass in a real terminal."""

import io
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest
from mlscaffold import advisor, answers, cli, wizard, yamltext
from mlscaffold.answers import Answers
from mlscaffold.errors import AnswerError, BrokenTemplate
from mlscaffold.wizard import prompts
from prompt_toolkit.application import create_app_session
from prompt_toolkit.input import create_pipe_input

ENTER, SPACE, DOWN, UP, TAB = "\r", " ", "\x1b[B", "\x1b[A", "\t"
CTRL_C, CTRL_D, KILL, BACKSPACE = "\x03", "\x04", "\x15", "\x7f"
PASTE = "\x1b[200~{}\x1b[201~"
DECISION = "A clerk decides which invoices are checked by hand; today ten rules do."
FIRST_BLOCK = [
    f"Invoice triage{ENTER}",
    f"{DECISION}{ENTER}",
    f"{DOWN}{DOWN}{ENTER}",  # rules_expressible: no
    f"{DOWN}{DOWN}{ENTER}",  # current_practice: rules
    f"5000{ENTER}",
    f"1500{ENTER}",
    SPACE,  # consequence: money, and meant
    SPACE,  # human_confirms: no
]
ML_BLOCK = [SPACE, SPACE, f"0.55{ENTER}", f"0.7{ENTER}", f"0.04{ENTER}", f"5{ENTER}", f"100{ENTER}"]
ENOUGH = [ENTER, ENTER, ENTER]  # take the assumptions, the summary, and the files
SOME = DOWN + DOWN + ENTER  # change some of what is assumed
GIVEN = {
    "project_name": "Invoice triage",
    "decision": DECISION,
    "rules_expressible": "no",
    "current_practice": "rules",
    "past_cases": "5000",
    "labelled_cases": "1500",
    "consequence": "money",
    "human_confirms": "no",
    "kind": "ml",
    "task": "binary",
    "metric": "recall",
    "current_value": "0.55",
    "target_value": "0.7",
    "positive_share": "0.04",
    "false_alarm_cost": "5",
    "miss_cost": "100",
}
FILES = [("README.md", 1200), ("docs/00-charter.md", 3400)]


def preview(complete: Answers) -> list[tuple[str, int]]:
    return FILES


def plan_paying_back_in(months: float) -> Callable[[Answers], dict]:
    """A plan whose only number is the payback, and the advice that follows from it."""

    def plan(complete: Answers) -> dict:
        money = {"acceptance": {"payback_months": {"value": months}}} if complete.kind == "ml" else {}
        return money | {"advice": advisor.advise(complete, money).as_json()}

    return plan


@pytest.fixture
def ask(monkeypatch: pytest.MonkeyPatch) -> Callable[..., dict[str, str]]:
    """`ask(keys, given)`: the wizard with these keys typed; a missing key ends it like Ctrl-C instead of waiting.

    The keys wait in the pipe all at once, which only a paste does; here each of them counts as pressed by a hand.
    """
    monkeypatch.setattr(prompts, "_more_was_pasted", lambda event: False)

    def run(keys: list[str], given: dict[str, str] | None = None, **options: object) -> dict[str, str]:
        with create_pipe_input() as pipe, create_app_session(input=pipe):
            pipe.send_text("".join(keys) + CTRL_C)
            return wizard.ask(given or {}, **({"preview": preview} | options))  # type: ignore[arg-type]

    return run


# --------------------------------------------------------------------------------------------------- the whole way


def test_from_nothing_to_the_files(ask: Callable, capsys: pytest.CaptureFixture[str]) -> None:
    """Sixteen prompts, the assumptions, the summary, the files, and the typed answers come back as texts."""
    given = ask([*FIRST_BLOCK, ENTER, *ML_BLOCK, *ENOUGH])

    assert {key: given[key] for key in GIVEN} == GIVEN
    screen = capsys.readouterr()
    assert screen.out == ""
    for part in ("1 of 16 · Project", "9 of 16 · Kind", "16 of 16 · Money", "The advisor recommends: ml"):
        assert part in screen.err
    assert "16 questions for ml or 14 for software come first" in screen.err
    assert re.search(r"docs/ +1 file ", screen.err)
    answers.complete(given)


def test_each_prompt_shows_place_text_why_default_and_keys(ask: Callable, capsys: pytest.CaptureFixture[str]) -> None:
    """What a person needs to answer is on the screen before they type."""
    with pytest.raises(wizard.Interrupted):
        ask([], {key: text for key, text in GIVEN.items() if key != "miss_cost"})

    err = capsys.readouterr().err
    assert "1 of 1 · Money" in err
    assert "What does one miss (a wrong result) cost?" in err
    assert "It sets the decision threshold" in err
    assert "Enter assumes 1 · Tab edits it · ? not known · < back" in err


def test_everything_given_asks_only_for_consent(ask: Callable) -> None:
    """With a complete file only the three tables are left."""
    assert ask(ENOUGH, GIVEN) == GIVEN


def test_awkward_text_comes_back_literally(ask: Callable) -> None:
    """Quotes, braces, letters of other scripts and a leading = are text like any other."""
    name = """=É 名前 "x" 'y' \\ {{ 7*7 }} | ` #"""

    given = ask([name + ENTER, *FIRST_BLOCK[1:], ENTER, *ML_BLOCK, *ENOUGH])

    assert given["project_name"] == name


# ------------------------------------------------------------------------------------------------ ?, <, bad answers


@pytest.mark.parametrize("sign", ["<", "?"])
def test_a_sign_behind_a_default_that_stands_there_is_no_letter_of_it(ask: Callable, sign: str) -> None:
    """Tab writes the default; whoever then presses `?` or `<` means the key, and nothing of it is saved."""
    texts = {key: text for key, text in GIVEN.items() if key != "project_name"}

    with pytest.raises(wizard.Interrupted) as left:
        ask(["\t", sign + ENTER], texts)

    assert sign not in left.value.answers.get("project_name", "")


def test_a_question_mark_leaves_an_assumption(ask: Callable, capsys: pytest.CaptureFixture[str]) -> None:
    """Typed or in a menu, `?` leaves the default, which is said and marked in the summary."""
    given = {key: text for key, text in GIVEN.items() if key not in ("task", "miss_cost")}

    result = ask(["?", f"?{ENTER}", *ENOUGH], given)

    assert "miss_cost" not in result
    assert "task" not in result
    err = capsys.readouterr().err
    assert "assumed: binary" in err
    assert "assumed: 1" in err
    assert "* 1 " in err


def test_a_typed_default_is_confirmed(ask: Callable) -> None:
    """1 typed is an answer; Enter alone is not."""
    given = {key: text for key, text in GIVEN.items() if key not in ("miss_cost", "false_alarm_cost")}

    result = ask([f"1{ENTER}", ENTER, *ENOUGH], given)

    assert result["confirmed"] == "false_alarm_cost"
    assert "miss_cost" not in result


def test_the_decision_may_stay_open_and_has_an_example(ask: Callable, capsys: pytest.CaptureFixture[str]) -> None:
    """Like every other question: a form is shown, `?` leaves it open, and a text that is too short is refused."""
    given = {key: text for key, text in GIVEN.items() if key != "decision"}

    assert "decision" not in ask([f"?{ENTER}", *ENOUGH], given)
    assert ask([f"short{ENTER}", f"{KILL}{DECISION}{ENTER}", *ENOUGH], given)["decision"] == DECISION
    err = capsys.readouterr().err
    assert "such as: A clerk decides" in err
    assert "left open: not known" in err
    assert "at least 20 characters" in err


def test_a_bad_number_is_refused_at_once_and_stays_to_be_edited(
    ask: Callable, capsys: pytest.CaptureFixture[str]
) -> None:
    """The typed text is still there: adding a digit to a good part mends it."""
    given = {key: text for key, text in GIVEN.items() if key != "positive_share"}

    result = ask([f"5{ENTER}", f"\x010.{ENTER}", *ENOUGH], given)

    assert result["positive_share"] == "0.5"
    assert "less than 1" in capsys.readouterr().err


def test_back_from_a_typed_question_and_from_a_menu(ask: Callable) -> None:
    """`<` shows the question before with its answer, ready to be changed."""
    keys = [
        f"Wrong{ENTER}",
        f"<{ENTER}",
        f"{KILL}Invoice triage{ENTER}",
        FIRST_BLOCK[1],
        FIRST_BLOCK[2],
        "<",
        ENTER,
        *FIRST_BLOCK[3:],
        "<",
        ENTER,
        ENTER,
        *ML_BLOCK,
        *ENOUGH,
    ]

    given = ask(keys)

    assert {key: given[key] for key in GIVEN} == GIVEN


def test_there_is_nothing_before_the_first_question(ask: Callable, capsys: pytest.CaptureFixture[str]) -> None:
    """`<` at the first question says so and asks it again."""
    given = {key: text for key, text in GIVEN.items() if key != "project_name"}

    result = ask([f"<{ENTER}", f"Invoice triage{ENTER}", *ENOUGH], given)

    assert result["project_name"] == "Invoice triage"
    assert "there is nothing before it" in capsys.readouterr().err


def test_tab_edits_the_default(ask: Callable) -> None:
    """A long default is changed in place."""
    result = ask([SOME, "team" + ENTER, f"{TAB}; ops=Di:0.1{ENTER}", *ENOUGH], GIVEN)

    assert result["team"] == "po=?:0.2; ds=?:1; swe=?:0.5; ops=Di:0.1"


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ([f"ab{ENTER}", f"<{ENTER}", f"<{ENTER}", f"y{ENTER}"], "aby"),  # < at 1, shown x: only a complaint; then xy
        ([f"ab{ENTER}", f"<{ENTER}", f"?{ENTER}"], None),  # ? takes the place of the text that stands there
        ([f"ab{ENTER}", f"<{ENTER}", f"<{BACKSPACE}y{ENTER}"], "aby"),  # the sign taken back: the text is there again
        ([f"Is it <b> or not?{ENTER}"], "Is it <b> or not?"),  # letters in a text that was begun
        ([f"ab{ENTER}", f"<{ENTER}", f"yz?{ENTER}"], "abyz?"),  # and in one that was changed
        ([f"ab{ENTER}", f"<{ENTER}", f"yz{KILL}?{ENTER}"], None),  # Ctrl-U empties it, and the sign acts again
    ],
)
def test_back_and_unknown_work_whatever_stands_there(ask: Callable, keys: list[str], expected: str | None) -> None:
    """As the first key they act on the prompt, filled or not; in a text that was begun they are letters."""
    given = {key: text for key, text in GIVEN.items() if key not in ("project_name", "decision")}
    # the decision comes after the name, and `<` there leads back to it
    result = ask([*keys, f"{DECISION}{ENTER}", *ENOUGH], given)

    assert result.get("project_name") == expected
    assert result["decision"] == DECISION


def test_signs_act_on_a_number_that_was_begun(ask: Callable) -> None:
    """No number holds them, so half a number never keeps a person from going back."""
    given = {key: text for key, text in GIVEN.items() if key not in ("past_cases", "labelled_cases")}

    result = ask([f"5000{ENTER}", f"15<{ENTER}", f"?{ENTER}", f"99?{ENTER}", *ENOUGH], given)

    assert not {"past_cases", "labelled_cases"} & set(result)


def test_enter_on_a_default_assumes_it_and_space_means_it(ask: Callable, capsys: pytest.CaptureFixture[str]) -> None:
    """In a menu as in a typed answer; what was meant is confirmed, what was let stand is an assumption."""
    given = {key: text for key, text in GIVEN.items() if key != "task"}

    assumed, meant = ask([ENTER, *ENOUGH], given), ask([SPACE, *ENOUGH], given)

    assert "task" not in assumed
    assert (meant["task"], meant["confirmed"]) == ("binary", "task")
    err = capsys.readouterr().err
    assert "Enter on binary assumes it, Space means it" in err
    assert "assumed: binary" in err
    assert "binary      yes or no" in err


def test_pasted_lines_become_one_answer(ask: Callable) -> None:
    """A text is joined by spaces, a list by semicolons, and a last line break sends nothing."""
    given = {key: text for key, text in GIVEN.items() if key != "decision"} | {"kind": "software"}
    text = PASTE.format("A clerk decides  \r\n\r\n which invoices are checked;\n today ten rules do.\n")
    names = PASTE.format("Submit an invoice\nApprove an invoice;\n")

    result = ask([text + ENTER, ENTER, names + ENTER, ENTER, ENTER, *ENOUGH], given)

    assert result["decision"] == "A clerk decides which invoices are checked; today ten rules do."
    assert result["capabilities"] == "Submit an invoice; Approve an invoice"


def test_a_terminal_without_paste_marks_pastes_as_well(ask: Callable, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where letters wait right behind an Enter it was no hand that pressed it; the last Enter sends the answer."""
    monkeypatch.undo()
    given = {key: text for key, text in GIVEN.items() if key != "decision"}

    with pytest.raises(wizard.Interrupted) as interrupted:
        ask([f"A clerk decides which invoices\rare checked; today ten rules do.{ENTER}"], given)

    assert interrupted.value.answers["decision"] == "A clerk decides which invoices are checked; today ten rules do."


def test_a_number_that_can_be_read_twice_is_asked_for(ask: Callable, capsys: pytest.CaptureFixture[str]) -> None:
    """Both readings are shown, one is taken; `<` gives the line back, and what is in one range only is not asked."""
    given = {
        key: text
        for key, text in GIVEN.items()
        if key not in ("miss_cost", "past_cases", "labelled_cases", "positive_share")
    }

    result = ask(
        [
            f"48,000{ENTER}",
            f"1500{ENTER}",
            f"4%{ENTER}",
            f"1.234{ENTER}",
            "<",
            f"{KILL}1,234{ENTER}",
            DOWN + ENTER,
            *ENOUGH,
        ],
        given,
    )

    complete = answers.complete(result)
    assert (complete.past_cases, complete.positive_share, complete.miss_cost) == (48000, 0.04, 1.234)
    err = capsys.readouterr().err
    assert "1,234 can be read in 2 ways." in err
    assert "1.234  the comma is the decimal sign" in err
    assert "understood as 48000" in err
    assert "understood as 0.04" in err


def test_commas_between_names_are_asked_about(ask: Callable) -> None:
    """`a, b` may be two capabilities or one; semicolons leave no doubt."""
    given = {key: text for key, text in GIVEN.items() if key not in ("dependencies", "slo_percent")}
    given |= {"kind": "software", "deliverable": "library", "current_value": "", "dependencies": ""}

    two = ask([f"Submit an invoice, approve it{ENTER}", ENTER, *ENOUGH], given)
    one = ask([f"Submit an invoice, approve it{ENTER}", DOWN + ENTER, *ENOUGH], given)

    assert answers.complete(two).capabilities == ("Submit an invoice", "approve it")
    assert answers.complete(one).capabilities == ("Submit an invoice, approve it",)


# ---------------------------------------------------------------------------------------------------- the advisor


def test_overruling_takes_one_written_reason(ask: Callable, capsys: pytest.CaptureFixture[str]) -> None:
    """An empty reason and `?` are refused, `<` returns to the advice, and the sentence is kept."""
    software = [ENTER, ENTER, f"Approve an invoice{ENTER}", ENTER, ENTER]
    reason = [DOWN + ENTER, f"<{ENTER}", DOWN + ENTER, ENTER, f"?{ENTER}", f"{KILL}We need it in a week.{ENTER}"]

    given = ask([*FIRST_BLOCK, *reason, *software, *ENOUGH])

    assert given["kind"] == "software"
    assert given["kind_reason"] == "We need it in a week."
    assert given["capabilities"] == "Approve an invoice"
    assert capsys.readouterr().err.count("takes one written reason") == 2


def test_following_the_advice_takes_no_reason(ask: Callable, capsys: pytest.CaptureFixture[str]) -> None:
    """Behaviour that can be written down leads to software, with the reasons on the screen."""
    keys = [*FIRST_BLOCK[:2], DOWN + ENTER, *FIRST_BLOCK[3:], ENTER, *[ENTER] * 5, *ENOUGH]

    given = ask(keys)

    assert given["kind"] == "software"
    assert "kind_reason" not in given
    assert "it is a requirement and not a prediction" in " ".join(capsys.readouterr().err.split())


def test_the_first_advice_speaks_of_nothing_that_was_not_asked(
    ask: Callable, capsys: pytest.CaptureFixture[str]
) -> None:
    """Before the metric and its value are asked, the advice neither names them nor says that nobody has measured."""
    with pytest.raises(wizard.Interrupted):
        ask(FIRST_BLOCK)

    advice = capsys.readouterr().err.partition("The advisor recommends")[2]
    assert "5,000 past cases" in advice
    for unasked in ("recall", "nobody has measured", "not yet measured", "is 0.5", "results a day"):
        assert unasked not in advice, unasked


def test_money_can_turn_the_advice(ask: Callable, capsys: pytest.CaptureFixture[str]) -> None:
    """A payback beyond the limit asks about the kind again; the answers typed so far stay, the reason is kept."""
    result = ask([ENTER, ENTER, ENTER, ENTER, ENTER, *ENOUGH], GIVEN, plan=plan_paying_back_in(30))

    assert result["kind"] == "software"
    assert result["kind_reason"].startswith("The advisor, once money was counted: at the target, a model is paid back")
    assert result["decision"] == DECISION
    assert "With these answers the advice is another one." in capsys.readouterr().err


def test_the_money_can_be_corrected_before_the_kind_changes(ask: Callable) -> None:
    """The third way out of the second look: an assumed amount is given, and the advice is computed again."""

    def plan(complete: Answers) -> dict:
        return plan_paying_back_in(30 if complete.daily_volume == 1000 else 3)(complete)

    result = ask([UP + ENTER, "daily" + ENTER, f"8000{ENTER}", *ENOUGH], GIVEN, plan=plan)

    assert result == GIVEN | {"daily_volume": "8000"}


def test_money_that_pays_asks_nothing(ask: Callable) -> None:
    """Within the limit the wizard goes straight on."""
    assert ask(ENOUGH, GIVEN, plan=plan_paying_back_in(3)) == GIVEN


def test_another_rung_than_the_one_decided_by_is_said(ask: Callable, capsys: pytest.CaptureFixture[str]) -> None:
    """All answers can move the advice without turning it: record 0001 will say it, and the screen says it before."""

    def plan(complete: Answers) -> dict:
        found = plan_paying_back_in(3)(complete)
        return found | {"advice": found["advice"] | {"rung": "ML with human decision"}}

    ask([*FIRST_BLOCK, ENTER, *ML_BLOCK, *ENOUGH], plan=plan)
    told = " ".join(capsys.readouterr().err.split())
    ask(ENOUGH, GIVEN, plan=plan)

    assert "With all answers the advice is ml (ML with human decision), no longer ML automated: " in told
    assert "no longer" not in capsys.readouterr().err


def test_overruling_the_money_is_asked_once(ask: Callable) -> None:
    """A written reason settles it; the summary does not ask again."""
    result = ask([DOWN + ENTER, f"A pilot.{ENTER}", *ENOUGH], GIVEN, plan=plan_paying_back_in(30))

    assert result == GIVEN | {"kind_reason": "A pilot."}


def test_a_target_that_is_met_can_stop_everything(ask: Callable) -> None:
    """The advice to build nothing is followed by stopping: nothing is written, the answers are kept."""
    given = GIVEN | {"target_value": "0.5"}

    with pytest.raises(wizard.Declined) as declined:
        ask([ENTER], given, plan=plan_paying_back_in(3))

    assert declined.value.answers == given
    assert declined.value.exit_code == 1


def test_a_target_that_is_met_can_be_overruled(ask: Callable) -> None:
    """Building anyway takes a reason."""
    given = GIVEN | {"target_value": "0.5"}

    result = ask([DOWN + ENTER, f"Latency is the problem.{ENTER}", *ENOUGH], given, plan=plan_paying_back_in(3))

    assert result == given | {"kind_reason": "Latency is the problem."}


# ----------------------------------------------------------------------------------------------------- the tables


def test_some_assumptions_can_be_changed(ask: Callable) -> None:
    """Change some: a line is found by typing, answered, and the table comes again."""
    result = ask([SOME, "daily" + ENTER, f"80{ENTER}", SOME, "rigor" + ENTER, DOWN + ENTER, *ENOUGH], GIVEN)

    assert result == GIVEN | {"daily_volume": "80", "rigor": "light"}


def test_an_answer_given_a_moment_ago_can_be_changed_beside_the_assumptions(ask: Callable) -> None:
    """Change some: whoever sees there what their target comes to changes the target, which was asked before."""
    assert ask([SOME, "target_value" + ENTER, f"{BACKSPACE * 3}0.8{ENTER}", *ENOUGH], GIVEN)["target_value"] == "0.8"


def test_changing_can_be_left_without_a_change(ask: Callable) -> None:
    """`<` leaves the list of lines, and a question that was picked by mistake."""
    assert ask([SOME, "<", SOME, "daily" + ENTER, f"<{ENTER}", *ENOUGH], GIVEN) == GIVEN


def test_a_filter_that_matches_nothing_offers_nothing(ask: Callable) -> None:
    """Enter picks no line that was not meant: the menu waits until the letters match one."""
    missed, erased = f"zzz{ENTER}", BACKSPACE * 3

    result = ask([SOME, missed, DOWN, ENTER, erased, "daily" + ENTER, f"80{ENTER}", *ENOUGH], GIVEN)

    assert result == GIVEN | {"daily_volume": "80"}


def test_a_filter_takes_any_letter(ask: Callable) -> None:
    """A line is found by the é in its answer as well."""
    given = GIVEN | {"author": "Zoé"}

    assert ask([ENTER, DOWN + ENTER, f"é{ENTER}", f"{KILL}Ana{ENTER}", ENTER, ENTER], given) == given | {
        "author": "Ana"
    }


def test_what_the_plan_finds_is_said_before_the_menu(ask: Callable, capsys: pytest.CaptureFixture[str]) -> None:
    """Blockers and findings stand last, where the eyes are; a plan that cannot be computed says why."""

    def plan(complete: Answers) -> dict:
        numbers = {"test": {"shortfall": {"value": 5575}, "rows": {"value": 7075}}}
        finding = {"key": "schedule.fits", "sentence": "It ends in May.", "remedy": "Add a person."}
        return {"advice": advisor.advise(complete, numbers).as_json(), "findings": [finding]}

    def impossible(complete: Answers) -> dict:
        raise AnswerError("target_value", "The target cannot be reached.", "Lower it.")

    assert ask(ENOUGH, GIVEN, plan=plan) == GIVEN
    assert ask(ENOUGH, GIVEN, plan=impossible) == GIVEN

    said = " ".join(capsys.readouterr().err.split())
    assert "Worth knowing: - The acceptance test needs 7,075 labelled rows; 5,575 of them are missing" in said
    assert "- It ends in May. Add a person." in said
    assert "- The target cannot be reached. Lower it." in said


def test_the_rest_that_matters_is_asked(ask: Callable, capsys: pytest.CaptureFixture[str]) -> None:
    """The second way on asks what a gate would ask to confirm, with its real number, and then shows the table again."""
    result = ask([DOWN + ENTER, f"80{ENTER}", *[ENTER] * 20], GIVEN)

    assert result["daily_volume"] == "80"
    err = capsys.readouterr().err
    assert "Ask me the rest that matters (8, those with a *)" in err
    assert "1 of 8 · Consequences" in err
    assert "Who is named as the author?" not in err.partition("1 of 8")[2].partition("are as above")[0]


def test_answering_all_asks_every_question(ask: Callable, capsys: pytest.CaptureFixture[str]) -> None:
    """The third way on is the full list, the experts' questions included."""
    everything = [ENTER] * 80  # each takes its default; what is left over is not read

    result = ask([UP + ENTER, *everything], GIVEN)

    assert {key: result[key] for key in GIVEN} == GIVEN
    err = capsys.readouterr().err
    assert "How many false drift alerts a month" in err
    assert "· Expert" in err


def test_the_full_conversation_shows_no_assumptions(ask: Callable, capsys: pytest.CaptureFixture[str]) -> None:
    """--full asks instead of assuming."""
    ask([ENTER] * 80, GIVEN, full=True)

    assert "this would be assumed" not in capsys.readouterr().err


def test_any_answer_can_be_changed_in_the_summary(ask: Callable) -> None:
    """The task changes: the metric and its values are asked again, the cost of an error is new, the rest stays."""
    keys = [ENTER, DOWN + ENTER, "task =" + ENTER, DOWN + DOWN + ENTER]
    anew = [SPACE, f"{KILL}10{ENTER}", f"{KILL}9{ENTER}", f"2{ENTER}"]

    result = ask([*keys, *anew, ENTER, ENTER], GIVEN)

    assert (result["task"], result["current_value"], result["target_value"]) == ("regression", "10", "9")
    assert result["unit_error_cost"] == "2"
    assert result["past_cases"] == "5000"
    assert result["metric"] == "mae"


def test_a_count_can_be_changed_in_the_summary_though_others_rest_on_it(ask: Callable) -> None:
    """Its default would contradict the labelled cases; the question is asked all the same."""
    result = ask([ENTER, DOWN + ENTER, "past_cases =" + ENTER, f"{KILL}60,000{ENTER}", ENTER, ENTER], GIVEN)

    assert answers.complete(result).past_cases == 60000


def test_a_table_comes_whole_once_and_then_what_has_changed(ask: Callable, capsys: pytest.CaptureFixture[str]) -> None:
    """After an edit the changed line is shown, not all of them again."""
    ask([ENTER, DOWN + ENTER, "past_cases =" + ENTER, f"{KILL}60,000{ENTER}", ENTER, ENTER], GIVEN)

    err = capsys.readouterr().err
    assert err.count("In which currency?") == 2  # once assumed, once in the summary
    assert re.search(r"Changed; the other \d+ are as above:\s+Data\s+60000 +How many past cases", err)


def test_the_kind_can_be_changed_in_the_summary(ask: Callable) -> None:
    """The advisor is heard again; the other kind's questions follow, then its assumptions."""
    keys = [
        ENTER,
        DOWN + ENTER,
        "kind =" + ENTER,
        DOWN + ENTER,
        f"A pilot.{ENTER}",
        ENTER,
        ENTER,
        ENTER,
        ENTER,
        *ENOUGH,
    ]

    result = ask(keys, GIVEN)

    assert result["kind"] == "software"
    assert result["kind_reason"] == "A pilot."


def test_nothing_is_written_without_a_yes(ask: Callable) -> None:
    """No returns to the answers, stop ends with them."""
    with pytest.raises(wizard.Declined) as declined:
        ask([ENTER, ENTER, DOWN + ENTER, DOWN + DOWN + ENTER], GIVEN)

    assert declined.value.answers == GIVEN


def test_a_dry_run_asks_for_no_consent(ask: Callable, capsys: pytest.CaptureFixture[str]) -> None:
    """Where nothing will be written, the summary is the end."""
    assert ask([ENTER, ENTER], GIVEN, preview=None) == GIVEN
    assert "will be written" not in capsys.readouterr().err


def test_trouble_with_the_files_returns_to_the_answers(ask: Callable, capsys: pytest.CaptureFixture[str]) -> None:
    """What stands in the way is one sentence, and another answer may mend it."""

    def only_for_triage(complete: Answers) -> list[tuple[str, int]]:
        if complete.project_slug != "triage":
            raise BrokenTemplate("a test says so")
        return FILES

    keys = [ENTER, ENTER, DOWN + ENTER, "project_slug" + ENTER, f"triage{ENTER}", ENTER, ENTER]

    result = ask(keys, GIVEN, preview=only_for_triage)

    assert result == GIVEN | {"project_slug": "triage"}
    assert "a test says so" in capsys.readouterr().err


# ------------------------------------------------------------------------------------------ leaving, and coming back


WHOLE = [*FIRST_BLOCK, ENTER, *ML_BLOCK, *ENOUGH]


@pytest.mark.parametrize(
    ("key", "prompts"),
    [
        (CTRL_C, [0, 5, len(WHOLE) - 1]),
        pytest.param(CTRL_C, range(len(WHOLE)), marks=pytest.mark.slow),
        (CTRL_D, [2, 17]),
        # A binding of each kind of prompt: typed, chosen, the kind, the three tables.
        pytest.param(CTRL_D, [0, 2, 8, 16, 17, 18], marks=pytest.mark.slow),
    ],
)
def test_leaving_keeps_the_answers_at_every_prompt(ask: Callable, key: str, prompts: Iterable[int]) -> None:
    """Wherever a person leaves, what was answered until then is handed over and can be read back."""
    for taken in prompts:
        with pytest.raises(wizard.Interrupted) as interrupted:
            ask([*WHOLE[:taken], key])
        answers.complete(interrupted.value.answers)
        assert interrupted.value.exit_code == 130
        assert len(interrupted.value.answers) >= min(taken, 1)


def test_an_interrupted_conversation_goes_on_where_it_ended(ask: Callable) -> None:
    """The kept answers are given back, and only the rest is asked."""
    with pytest.raises(wizard.Interrupted) as interrupted:
        ask([*FIRST_BLOCK, ENTER, *ML_BLOCK[:4]])

    result = ask([*ML_BLOCK[4:], *ENOUGH], interrupted.value.answers)

    assert {key: result[key] for key in GIVEN} == GIVEN


def test_a_bug_ends_the_questions_and_keeps_the_answers(ask: Callable) -> None:
    """Whatever breaks behind the wizard, fourteen answers are not typed twice."""

    def broken(complete: Answers) -> dict:
        raise ZeroDivisionError("a bug in a test")

    with pytest.raises(wizard.Interrupted) as interrupted:
        ask([*FIRST_BLOCK, ENTER, *ML_BLOCK], plan=broken)

    assert {key: interrupted.value.answers[key] for key in GIVEN} == GIVEN
    assert isinstance(interrupted.value.__cause__, ZeroDivisionError)


class Keyboard(io.StringIO):
    """A standard input or output that calls itself a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("cause", "code", "said"),
    [
        (None, 130, "Interrupted."),
        (ZeroDivisionError("a bug in a test"), 3, "This is a bug in mlscaffold"),
        (BrokenTemplate("a test says so"), 1, "a test says so"),
        (SystemExit(143), 143, "Interrupted."),
    ],
)
def test_the_command_line_saves_the_answers_and_says_how_to_go_on(
    cause: BaseException | None, code: int, said: str, monkeypatch: pytest.MonkeyPatch, in_folder: Path
) -> None:
    """The exit code is that of what happened; the file it names continues the conversation."""

    def interrupted(*_: object, **__: object) -> dict[str, str]:
        raise wizard.Interrupted({"project_name": "x1"}) from cause

    monkeypatch.setattr(wizard, "ask", interrupted)
    monkeypatch.setattr("sys.stdin", Keyboard())
    monkeypatch.setattr("sys.stderr", err := Keyboard())

    try:
        left = cli.run(["new", "--no-git"])
    except SystemExit as ended:  # as a SIGTERM ends a program
        left = ended.code

    assert left == code
    assert said in err.getvalue()
    assert "mlscaffold new --answers mlscaffold-answers.yaml" in err.getvalue()
    assert answers.read(in_folder / "mlscaffold-answers.yaml") == {"project_name": "x1"}


def test_given_answers_that_cannot_be_used_end_before_the_first_prompt(ask: Callable) -> None:
    """One sentence for the command line to print, nothing asked."""
    with pytest.raises(AnswerError, match="more than past_cases"):
        ask([], {"past_cases": "1", "labelled_cases": "2"})


# ------------------------------------------------------------------------------------------------- a real terminal


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Callable[..., str]]:
    """`terminal("key", …, until="text")`: types into a real 80x24 terminal and waits; the screen."""
    if shutil.which("tmux") is None:
        pytest.skip("tmux is not installed, so the wizard was not seen in a real terminal")
    # A name of its own for each test: the server of the one before may still be on its way out.
    server = ["tmux", "-L", f"mlscaffold-{os.getpid()}-{time.monotonic_ns()}", "-f", "/dev/null"]
    generator = Path(wizard.__file__).parents[1]
    conversation = f"echo $$ > wizard.pid; exec {shlex.quote(sys.executable)} -m mlscaffold new --no-git"
    program = (
        f"trap : INT TERM; cd {shlex.quote(str(tmp_path))}; sh -c {shlex.quote(conversation)}; echo left with $?; cat"
    )
    environment = {"PYTHONPATH": str(generator), "NO_COLOR": "1", "HOME": str(tmp_path), "LC_ALL": "C.UTF-8"}
    settings = [part for name, value in environment.items() for part in ("-e", f"{name}={value}")]
    start = [*server, "new-session", "-d", "-x", "80", "-y", "24", *settings, "sh", "-c", program]
    subprocess.run(start, check=True, env=os.environ | environment)

    def screen(*keys: str, until: str) -> str:
        for key in keys:
            subprocess.run([*server, "send-keys", key], check=True)
        for _ in range(300):
            capture = subprocess.run(
                [*server, *["capture-pane", "-p", "-e", "-S", "-300"]], check=True, capture_output=True
            )
            shown = capture.stdout.decode()
            _, found, after = re.sub(r"\x1b\[[0-9;]*m", "", shown).rpartition(until)
            if found and (until.startswith(("left", "»")) or "›" in after):  # the text, and then the prompt
                return shown
            time.sleep(0.1)
        raise AssertionError(f"{until!r} did not appear:\n{shown}")

    yield screen
    subprocess.run([*server, "kill-server"], check=False)


def test_a_real_terminal_shows_it_well_and_keeps_the_answers(terminal: Callable[..., str], tmp_path: Path) -> None:
    """80 columns, no colours under NO_COLOR, other scripts, arrows, back, a refusal, and Ctrl-C with a file."""
    terminal(until="1 of 16")
    terminal("Prüfung 名前", "Enter", until="2 of 16")
    terminal("short", "Enter", until="at least 20 characters")
    terminal("C-u", DECISION, "Enter", until="3 of 16")
    terminal("Down", "<", until="Enter keeps it")
    terminal("Enter", until="» partial")
    terminal("Down", "Down", "Enter", until="4 of 16")
    terminal("Down", "Enter", until="5 of 16")
    terminal("?", "Enter", until="6 of 16")
    screen = terminal("C-c", until="left with 130")

    assert "Prüfung 名前" in screen
    assert not re.search(r"\x1b\[3[0-8]m", screen)  # a colour
    assert "mlscaffold new --answers mlscaffold-answers.yaml" in screen.replace("\n", "")  # broken by a long path
    kept = yamltext.load(tmp_path.joinpath("mlscaffold-answers.yaml").read_text("utf-8"))
    assert kept == {
        "project_name": "Prüfung 名前",
        "decision": DECISION,
        "rules_expressible": "no",
        "current_practice": "people",
    }


def test_a_terminated_conversation_keeps_the_answers(terminal: Callable[..., str], tmp_path: Path) -> None:
    """SIGTERM, as a closing session sends it, ends like Ctrl-C: answers in a named file, the shell's exit code."""
    terminal(until="1 of 16")
    terminal("Invoice triage", "Enter", until="2 of 16")
    os.kill(int(tmp_path.joinpath("wizard.pid").read_text()), signal.SIGTERM)
    screen = terminal(until="left with 143")

    assert "mlscaffold new --answers mlscaffold-answers.yaml" in screen.replace("\n", "")
    assert answers.read(tmp_path / "mlscaffold-answers.yaml") == {"project_name": "Invoice triage"}


def test_a_metric_of_the_teams_own_is_named_and_described(ask: Callable) -> None:
    """The last line of the menu asks for its name; then come the facts that the plan needs, and its values."""
    given = {key: text for key, text in GIVEN.items() if key not in ("metric", "current_value", "target_value")}
    own = ["\x1b[A", ENTER, f"profit{ENTER}"]  # up from the first line is the last
    facts = [SPACE, SPACE, SPACE, f"EUR a decision{ENTER}", f"20{ENTER}", f"-2{ENTER}", f"3{ENTER}"]
    found = ask([*own, *facts, *ENOUGH], given)

    assert found["metric"] == "own:profit"
    assert (found["metric_unit"], found["metric_spread"]) == ("EUR a decision", "20")
    assert (found["current_value"], found["target_value"]) == ("-2", "3")
    assert {"metric_direction", "metric_form", "metric_counted_on"} <= set(found["confirmed"].split("; "))
    assert answers.complete(found).metric == "own:profit"
