"""The conversation without a keyboard: which question is next, what going back and changing do, what tables show."""

import random
from pathlib import Path

import pytest
from material import mostly_slow
from mlscaffold import answers, interview, questions, screen
from mlscaffold.errors import AnswerError
from mlscaffold.interview import ASSUMPTIONS, KIND, SUMMARY, Row, State

COMMON = [
    "project_name",
    "decision",
    "rules_expressible",
    "current_practice",
    "past_cases",
    "labelled_cases",
    "consequence",
    "human_confirms",
]
BINARY = ["task", "metric", "current_value", "target_value", "positive_share", "false_alarm_cost", "miss_cost"]
SERVICE = ["current_value", "deliverable", "capabilities", "dependencies", "slo_percent"]
TYPED = {
    "project_name": "Invoice triage",
    "decision": "A clerk decides which invoices are checked by hand; today ten rules do.",
    "rules_expressible": "no",
    "current_practice": "rules",
    "current_value": "0.55",
    "past_cases": "5000",
    "labelled_cases": "1500",
    "consequence": "money",
    "human_confirms": "no",
    "task": "binary",
    "metric": "recall",
    "target_value": "0.7",
    "positive_share": "0.04",
    "false_alarm_cost": "5",
    "miss_cost": "100",
}


def begin(**given: str) -> State:
    return interview.start(given, full=False)


def walk(
    state: State, until: str | None = SUMMARY, kind: str = "ml", typing: dict[str, str] = TYPED
) -> tuple[State, list[str]]:
    """Take every step with the typed answers; the steps that were met."""
    met: list[str] = []
    while (step := interview.next_step(state)) not in (None, until):
        met.append(step)
        if step == KIND:
            state = interview.decide(state, kind)
        elif step in (ASSUMPTIONS, SUMMARY):
            state = interview.go_on(state, step)
        elif step in typing:
            state = interview.answer(state, step, typing[step])
        else:
            state = interview.unknown(state, step)
    return state, met


# ------------------------------------------------------------------------------------------------ the order of steps


def test_the_readme_counts_the_questions_as_the_wizard_does() -> None:
    """Its first screen says how many questions stand before a repository."""
    words = {14: "fourteen", 16: "Sixteen"}
    ml, software = (words[interview.count(interview.start({}, False), kind)] for kind in ("ml", "software"))
    readme = Path(__file__).resolve().parent.parent.joinpath("README.md").read_text("utf-8")

    assert f"{ml} questions later ({software} for software" in readme


def test_the_short_path_of_an_ml_repository() -> None:
    """Eight common questions, the kind, seven about the target, then the two tables: the metric before its value."""
    _, met = walk(begin(), until=None)

    assert met == [*COMMON, KIND, *BINARY, ASSUMPTIONS, SUMMARY]


def test_the_short_path_of_a_software_repository() -> None:
    """After the kind come the questions of software, and none of ML."""
    _, met = walk(begin(), until=None, kind="software")

    assert met == [*COMMON, KIND, *SERVICE, ASSUMPTIONS, SUMMARY]


def test_given_answers_are_not_asked() -> None:
    """A file or a flag that answers a question takes it out of the conversation, the kind included."""
    state = begin(**{key: TYPED[key] for key in COMMON}, kind="ml", metric="recall")

    _, met = walk(state, until=None)

    assert met == [key for key in BINARY if key != "metric"] + [ASSUMPTIONS, SUMMARY]


def test_questions_follow_the_answers() -> None:
    """A regression has no positive share, and prices one unit of error instead of misses."""
    state, _ = walk(begin(), until="task")
    state = interview.answer(state, "task", "regression")

    upcoming = interview.steps(state)

    assert "unit_error_cost" in upcoming
    assert not {"positive_share", "false_alarm_cost", "miss_cost"} & set(upcoming)


def test_full_asks_everything_instead_of_assuming() -> None:
    """--full asks the assumed and the expert questions, and shows no table of assumptions."""
    _, met = walk(interview.start({}, full=True), until=None)

    every = answers.complete(TYPED)
    stages = ("first", "assumed", "expert")
    asked = [key for key, question in questions.of_kind("ml").items() if question.stage in stages]
    assert {key for key in asked if every.is_asked(key)} | {KIND, SUMMARY} == set(met)
    assert len(met) == len(set(met))


def test_the_rest_that_matters_is_what_a_gate_asks_to_confirm() -> None:
    """Critical questions that nobody was asked; what was left at `?` is not asked twice."""
    state, _ = walk(begin(daily_volume="80"), until=ASSUMPTIONS)
    expected = interview.what_matters(state)

    _, met = walk(interview.ask_what_matters(state), until=ASSUMPTIONS)

    assert met == expected
    assert all(questions.load()[key].critical for key in expected)
    assert "team" in expected
    assert not {"daily_volume", "consequence", "peak_factor", "author"} & set(expected)
    assert interview.what_matters(walk(interview.ask_what_matters(state), until=ASSUMPTIONS)[0]) == []


def test_the_questions_are_counted_for_each_kind() -> None:
    """What the wizard says at its start is what it asks."""
    for kind in questions.KINDS:
        _, met = walk(begin(), until=ASSUMPTIONS, kind=kind, typing={})
        assert interview.count(begin(), kind) == len(met)


def test_the_position_counts_questions_and_not_tables() -> None:
    """The fourth of fourteen; a given answer is not counted."""
    state, _ = walk(begin(), until="current_practice")
    fewer, _ = walk(begin(project_name="x1"), until="current_practice")

    assert interview.position(state, "current_practice") == (4, 16)
    assert interview.position(fewer, "current_practice") == (3, 15)
    assert interview.position(state, KIND) == (9, 16)


def test_given_answers_that_cannot_be_used_are_refused_at_once() -> None:
    """Before the first question: an unknown key, two answers that contradict each other, a target out of range."""
    for given in (
        {"metrik": "x"},
        {"past_cases": "1", "labelled_cases": "2"},
        {"metric": "recall", "target_value": "70"},
    ):
        with pytest.raises(AnswerError):
            interview.start(given, full=False)


# ------------------------------------------------------------------------------------------------- back, and forward


def test_back_undoes_one_step_and_keeps_its_answer() -> None:
    """The answer stays to be seen; going on from there is as before."""
    state, _ = walk(begin(), until="past_cases")

    back = interview.back(state)

    assert interview.next_step(back) == "current_practice"
    assert back.texts["current_practice"] == "rules"
    assert interview.next_step(interview.answer(back, "current_practice", "people")) == "past_cases"


def places_on_the_way_back(state: State) -> list[str | None]:
    """The question that each `<` leads to, until there is nothing before it."""
    places = []
    while (before := interview.back(state)) != state:
        state = before
        places.append(interview.next_step(state))
    return places


def test_back_from_anywhere_reaches_the_first_question_and_stops_there() -> None:
    """Every step back leads to the step before, and the first one has nothing before it."""
    state, met = walk(begin(), until=None)

    assert places_on_the_way_back(state) == list(reversed(met))


def test_back_skips_what_was_asked_for_nothing() -> None:
    """A question that a later answer made moot is no place to go back to, and no place comes twice."""
    state, _ = walk(begin())
    state = interview.answer(state, "task", "multiclass")  # the positive share is asked no longer
    state, _ = walk(state, typing=TYPED | {"metric": "accuracy"})

    places = places_on_the_way_back(state)

    assert places == list(reversed(interview.steps(state)[:-1]))
    assert "positive_share" not in places


# --------------------------------------------------------------------------------------------------- answers change


def test_another_task_keeps_what_fits_and_asks_what_is_new() -> None:
    """The metric no longer fits and is asked again, with its values; the unit of error is new; the rest stays."""
    state, _ = walk(begin())

    state = interview.answer(state, "task", "regression")
    _, met = walk(state, until=None, typing=TYPED | {"metric": "mae"})

    assert met[: met.index(SUMMARY)] == ["metric", "current_value", "target_value", "unit_error_cost"]
    assert state.texts["past_cases"] == "5000"
    assert "metric" not in state.texts


def test_the_same_task_again_asks_nothing() -> None:
    """Confirming what stands there changes nothing."""
    state, _ = walk(begin())

    assert interview.next_step(interview.answer(state, "task", "binary")) == SUMMARY


def test_another_metric_asks_for_its_values_again() -> None:
    """0.7 of recall is not 0.7 of precision; the old number stands there to be kept or changed."""
    state, _ = walk(begin())

    state = interview.answer(state, "metric", "precision")

    assert interview.next_step(state) == "current_value"
    assert state.texts["target_value"] == "0.7"
    _, met = walk(state)
    assert met == ["current_value", "target_value"]


def test_another_kind_keeps_the_answers_and_shows_its_own_assumptions() -> None:
    """The common answers stay, the other kind's questions are asked, and nothing typed is lost on the way back."""
    state, _ = walk(begin())
    state = interview.decide(interview.reopen(state, KIND), "software", "A pilot without a model.")

    _, met = walk(state, kind="software")

    assert met == [*SERVICE[1:], ASSUMPTIONS]  # today's value was asked already
    assert state.texts["miss_cost"] == "100"
    assert "miss_cost" not in interview.finished(state)
    assert interview.finished(state)["kind_reason"] == "A pilot without a model."
    assert "kind_reason" not in interview.decide(state, "ml").texts


def test_fewer_cases_than_labels_asks_for_the_labels_again() -> None:
    """The newer answer stands; the older one that contradicts it is asked again."""
    state, _ = walk(begin())

    state = interview.answer(state, "past_cases", "100")

    assert interview.next_step(state) == "labelled_cases"
    assert "labelled_cases" not in state.texts


@pytest.mark.parametrize(
    ("key", "text", "complaint"),
    [
        ("past_cases", "many", "whole number"),
        ("labelled_cases", "6000", "more than past_cases"),
        ("decision", "too short", "at least 20 characters"),
        ("project_name", "!!!", "no letters"),
        ("metric", "mae", "with task binary"),
        ("target_value", "70", "between 0 and 1"),
        ("target_value", "-1", "at least 0"),
        ("current_value", "1.2", "between 0 and 1"),
        ("positive_share", "1", "less than 1"),
        ("team", "boss=Ana", "it must read like"),
    ],
)
def test_a_bad_answer_is_refused_and_changes_nothing(key: str, text: str, complaint: str) -> None:
    """One sentence says what is wrong; its neighbour, a good answer, is taken."""
    state, _ = walk(begin())

    with pytest.raises(AnswerError, match=complaint):
        interview.answer(state, key, text)
    assert interview.answer(state, key, TYPED.get(key, "po=Ana:0.2; ds=Bo:1; swe=Cy:0.5"))


def test_every_answer_may_stay_open() -> None:
    """The decision as well: the charter then asks for it."""
    state = begin()
    for key in COMMON:
        state = interview.unknown(state, key)

    assert state.passed == set(COMMON)
    assert interview.finished(state) == {}


def test_todays_value_may_be_in_any_unit_until_the_metric_is_chosen() -> None:
    """A MAE of 12 may be given before the metric is known; with recall it is asked for again, with MAE it stays."""
    state, _ = walk(begin(current_value="12"), until="metric")

    recall = interview.answer(state, "metric", "recall")

    assert interview.next_step(recall) == "current_value"
    mae = interview.answer(interview.answer(state, "task", "regression"), "metric", "mae")
    assert mae.texts["current_value"] == "12"


# ------------------------------------------------------------------------------------------- assumed and confirmed


def confirmed(state: State) -> set[str]:
    """The keys that the conversation's answers vouch for."""
    return set(questions.split(interview.finished(state).get("confirmed", "")))


def test_unknown_leaves_the_default_and_a_typed_default_is_vouched_for() -> None:
    """Who does not know leaves an assumption; who types the default's value has confirmed it."""
    state, _ = walk(begin(), until="false_alarm_cost")

    open_ = interview.unknown(state, "false_alarm_cost")
    sure = interview.answer(state, "false_alarm_cost", "1")

    assert "false_alarm_cost" not in confirmed(open_)
    assert confirmed(sure) - confirmed(open_) == {"false_alarm_cost"}
    assert answers.complete(interview.finished(sure)).provenance("false_alarm_cost") == "answered"
    assert answers.complete(interview.finished(open_)).provenance("false_alarm_cost") == "default"


def test_taking_a_typed_answer_back_takes_the_confirmation_back() -> None:
    """`?` after all: the assumption is open again."""
    state, _ = walk(begin(confirmed="team"), until="false_alarm_cost")

    again = interview.unknown(interview.answer(state, "false_alarm_cost", "1"), "false_alarm_cost")

    assert confirmed(again) == confirmed(state)
    assert "team" in confirmed(again)


def test_the_table_of_assumptions_holds_what_nobody_answered() -> None:
    """A given answer is no assumption; a critical default is marked, the others are not."""
    state, _ = walk(begin(daily_volume="80"), until=ASSUMPTIONS)

    rows = {row.key: row for row in interview.assumption_rows(state)}

    assert "daily_volume" not in rows
    assert "miss_cost" not in rows
    assert rows["change_rate"].assumed
    assert not rows["peak_factor"].assumed
    assert rows["author"].value == "The Invoice triage team"
    assert "label_minutes" not in rows
    assert all(questions.load()[key].stage == "assumed" for key in rows)


def test_the_table_shrinks_when_something_is_answered() -> None:
    """Changing some of it: the answered line leaves the table, and `?` brings it back."""
    state, _ = walk(begin(), until=ASSUMPTIONS)
    before = [row.key for row in interview.assumption_rows(state)]

    state = interview.answer(state, "change_rate", "fast")

    assert [row.key for row in interview.assumption_rows(state)] == [key for key in before if key != "change_rate"]
    assert interview.next_step(state) == ASSUMPTIONS
    state = interview.unknown(state, "change_rate")
    assert [row.key for row in interview.assumption_rows(state)] == before


def test_the_summary_holds_every_answer_and_the_experts_only_where_given() -> None:
    """What is worked out is shown worked out; unknown numbers say so."""
    state, _ = walk(begin(test_looks="1"))
    state = interview.unknown(state, "current_value")

    rows = {row.key: row for row in interview.summary_rows(state)}

    assert rows["project_slug"].value == "invoice-triage"
    assert rows["current_value"].value == "not known"
    assert rows["test_looks"].value == "1"
    assert not {"confirmed", "kind_reason", "service_ms", "deliverable"} & set(rows)
    assert rows["change_rate"].assumed
    assert not rows["miss_cost"].assumed


def test_what_is_kept_can_be_read_back_and_continues() -> None:
    """The answers of an interrupted conversation are an answers file; the rest is asked after it."""
    state, _ = walk(begin(), until="metric")

    again = interview.start(interview.kept(state), full=False)

    assert interview.next_step(again) == "metric"


def test_what_is_finished_holds_nothing_moot() -> None:
    """An answer typed and made moot is left out, one that came from a file stays for the note about it."""
    state, _ = walk(begin(unit_error_cost="3"))
    state = interview.answer(state, "task", "multiclass")
    state, _ = walk(state, until=None, typing=TYPED | {"metric": "accuracy"})

    finished = interview.finished(state)

    assert "positive_share" not in finished
    assert finished["unit_error_cost"] == "3"
    answers.complete(finished)


SOME_TEXTS = {
    "choice": [
        "ml",
        "software",
        "binary",
        "regression",
        "recall",
        "mae",
        "full",
        "no",
        "yes",
        "rights",
        "people",
        "api",
    ],
    "integer": ["0", "7", "5000", "many"],
    "number": ["0.2", "0.7", "12", "1000", "x"],
}


@pytest.mark.parametrize("seed", mostly_slow(range(25), *range(10)))
def test_no_way_through_the_questions_ends_in_a_fault(seed: int) -> None:
    """Answers good and bad, unknown, back, other kinds, in any order: each state can be kept and finished."""
    chance = random.Random(seed)
    state = interview.start({}, full=chance.random() < 0.2)
    for _ in range(60):
        step = interview.next_step(state)
        keys = [row.key for row in interview.summary_rows(state) if row.key not in (KIND, "kind_reason")]
        key = step if step in keys and chance.random() < 0.7 else chance.choice(keys)
        move = chance.choice(["answer", "answer", "answer", "unknown", "back", "pass", "kind"])
        try:
            if move == "answer":
                question = questions.load()[key]
                texts = [*SOME_TEXTS.get(question.type, ["Some text that is long enough"]), *question.choices]
                state = interview.answer(state, key, chance.choice(texts))
            elif move == "unknown":
                state = interview.unknown(state, key)
            elif move == "back":
                state = interview.back(state)
            elif move == "kind" or step == KIND:
                state = interview.decide(state, chance.choice(["ml", "software"]), chance.choice(["", "A reason."]))
            elif step in (ASSUMPTIONS, SUMMARY):
                state = interview.go_on(state, step)
        except AnswerError:
            pass  # refused: the state is the one before, and must be as good as any
        interview.start(interview.kept(state), full=False)
        chosen = {"metric", "target_value"} & (state.passed | state.known)
        answers.complete(interview.finished(state), metric_is_open=not chosen)
        assert len(interview.steps(state)) == len(set(interview.steps(state)))
        assert interview.assumption_rows(state)


# ------------------------------------------------------------------------------------------------------- the screen


def test_lines_are_broken_at_spaces_and_never_too_wide() -> None:
    """80 cells, also with letters that take two, and with words longer than a line."""
    texts = ["a few words " * 30, "名前" * 60, "é" * 200, "  - " + "reason " * 30, "mixed 名前 words " * 20]

    for text in texts:
        lines = screen.wrap(text, 79)
        assert all(screen.get_cwidth(line) <= 79 for line in lines)
        assert "".join("".join(lines).split()) == "".join(text.split())
        assert len(lines) > 1


def test_a_list_hangs_under_its_first_word() -> None:
    """The second line of a reason begins under the first one's text."""
    first, second = screen.wrap("  - " + "word " * 12, 40)

    assert first.startswith("  - word")
    assert second.startswith("    word")


def test_a_short_line_is_left_alone() -> None:
    """Aligned columns keep their spaces."""
    assert screen.wrap("a    b", 79) == ["a    b"]
    assert screen.cut("名前名前", 5) == "名前…"
    assert screen.cut("abc", 3) == "abc"


def test_the_table_aligns_and_gives_long_values_their_own_lines() -> None:
    """A section is named once, an assumed row is marked, 300 characters are wrapped and not cut."""
    rows = [
        Row("a", "Data", "How many?", "20", True),
        Row("b", "Data", "Where?", "x" * 300, False),
        Row("c", "Labels", "Who?", "名前", False),
    ]

    titled = list(screen.table(rows, 79))
    lines = [line for line in titled if isinstance(line, str)]

    assert [line for line in titled if isinstance(line, tuple)] == [("Data", "place"), ("Labels", "place")]
    assert lines[0].startswith("* 20 ")
    assert lines[0].endswith("How many?")
    assert sum(line.count("x") for line in lines) == 300
    assert all(screen.get_cwidth(line) <= 79 for line in lines)
