"""Answers are read as texts, merged by precedence, completed, checked together and typed."""

import datetime
import re
from pathlib import Path

import pytest
from mlscaffold import answers
from mlscaffold.errors import (
    Contradiction,
    InvalidAnswer,
    MlscaffoldError,
    UnknownAnswer,
    UnreadableAnswers,
    UsageError,
)
from mlscaffold.person import Person

FRIDAY = datetime.date(2026, 2, 27)


def test_defaults_complete_both_kinds() -> None:
    """An empty answers file is a complete one."""
    ml, software = answers.complete({}, FRIDAY), answers.complete({"kind": "software"}, FRIDAY)

    assert (ml.project_slug, ml.package_name, ml.metric) == ("my-project", "my_project", "recall")
    assert software.slo_percent == 99.5
    assert "task" not in software
    assert "capabilities" not in ml


def test_a_value_has_its_type() -> None:
    """Numbers, dates, lists and people arrive ready to compute with; an empty number is unknown."""
    given = {
        "kind": "software",
        "dependencies": "pay=99.95; stock=99.5",
        "team": "po=Ana:0.2; swe=Bo:1",
        "capabilities": "Pay a bill;",
    }
    complete = answers.complete(given, FRIDAY)

    assert complete.dependencies == {"pay": 99.95, "stock": 99.5}
    assert complete.team == (Person("po", "Ana", 0.2), Person("swe", "Bo", 1.0))
    assert complete.capabilities == ("Pay a bill",)
    assert complete.start_date == datetime.date(2026, 3, 2)
    assert complete.current_value is None


def test_completing_twice_changes_nothing() -> None:
    """What is written down gives the same answers when it is read again, on any later day."""
    once = answers.complete({"task": "forecast", "label_minutes": "9"}, FRIDAY)
    again = answers.complete(once.raw, datetime.date(2030, 1, 1))

    assert dict(again) == dict(once)


def test_a_question_that_is_not_asked_keeps_its_default() -> None:
    """A positive share means nothing to a regression, and the command line hears of it."""
    given = {"task": "regression", "positive_share": "0.04", "miss_cost": "100"}
    complete = answers.complete(given, FRIDAY)

    assert complete.positive_share == 0.5
    assert answers.unused(given, complete) == ["positive_share", "miss_cost"]


def test_provenance_is_default_only_while_nobody_vouches() -> None:
    """The same value is an assumption until it is confirmed."""
    assert answers.complete({"positive_share": "0.5"}).provenance("positive_share") == "default"
    assert answers.complete({"positive_share": "0.04"}).provenance("positive_share") == "answered"
    assert answers.complete({"confirmed": "positive_share"}).provenance("positive_share") == "answered"


def test_later_layers_win() -> None:
    """User file < preset < answers < --set < wizard is one left-to-right merge."""
    assert answers.merge({"rigor": "light", "ci": "none"}, {"rigor": "strict"}) == {"rigor": "strict", "ci": "none"}


def test_a_file_is_read_as_texts(tmp_path: Path) -> None:
    """`no` stays "no", a date stays its letters, a number its digits."""
    path = tmp_path / "answers.yaml"
    path.write_text("human_confirms: no\nstart_date: 2026-03-02\npositive_share: 0.10\n", "utf-8")

    assert answers.read(path) == {"human_confirms": "no", "start_date": "2026-03-02", "positive_share": "0.10"}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("a: [", "it is not YAML"),
        ("- task", "it is not a list of `key: value` lines"),
        ("segments: [a, b]", "segments holds more than one value"),
        ("task: binary\ntask: ranking", "line 2 repeats the key task"),
        ("tsak: binary", 'There is no question called "tsak" in answers.yaml.'),
        ("task: perhaps", 'task is "perhaps" in answers.yaml, but it must be one of binary'),
        ("confirmed: positive_shar", 'there is no question called "positive_shar"'),
    ],
)
def test_a_bad_file_is_refused_in_one_sentence(tmp_path: Path, text: str, complaint: str) -> None:
    """The sentence names the key or the line."""
    path = tmp_path / "answers.yaml"
    path.write_text(text, "utf-8")

    with pytest.raises(MlscaffoldError, match=complaint.replace("`", ".").replace("(", r"\(")) as error:
        answers.read(path)
    assert "\n" not in str(error.value)
    assert error.value.hint


def test_an_unreadable_file_is_refused(tmp_path: Path) -> None:
    """Missing and not text, each with its reason."""
    binary = tmp_path / "binary.yaml"
    binary.write_bytes(b"\xff\xfe\x00")

    with pytest.raises(UnreadableAnswers, match="No such file"):
        answers.read(tmp_path / "missing.yaml")
    with pytest.raises(UnreadableAnswers, match="not UTF-8"):
        answers.read(binary)


@pytest.mark.parametrize("name", ["..", "class", "json", "tests", "a--b", "-a", "A", "x", "a" * 50, "../../x", "/abs"])
def test_a_bad_slug_is_refused(name: str) -> None:
    """Nothing that could leave the folder, hide a Python module or confuse a shell."""
    with pytest.raises(InvalidAnswer, match="project_slug"):
        answers.complete({"project_slug": name})


def test_a_name_without_letters_asks_for_a_slug() -> None:
    """A slug cannot be made out of punctuation, so it is asked for instead of invented."""
    with pytest.raises(InvalidAnswer, match="project_slug"):
        answers.complete({"project_name": "!!!"})


def test_contradictions_are_refused() -> None:
    """Two answers that cannot both be true are named together."""
    with pytest.raises(Contradiction, match=r"labelled_cases is 5.*past_cases \(2\)"):
        answers.complete({"past_cases": "2", "labelled_cases": "5"})
    with pytest.raises(Contradiction, match=r"test_cases is 6.*labelled_cases \(5\)"):
        answers.complete({"kind": "ml", "past_cases": "9", "labelled_cases": "5", "test_cases": "6"})
    with pytest.raises(Contradiction, match="twice"):
        answers.complete({"kind": "software", "capabilities": "Pay a bill; Pay a bill"})


def test_more_capabilities_than_a_first_release_holds_are_refused_in_a_sentence() -> None:
    """Twelve are planned; a thirteenth, and the twenty-first, are refused before anything is made."""
    named = [f"Do thing {number}" for number in range(1, 22)]
    assert len(answers.complete({"kind": "software", "capabilities": "; ".join(named[:12])}).capabilities) == 12
    for count in (13, 21):
        with pytest.raises(InvalidAnswer, match="it must name 1 to 12 of them, separated by semicolons") as raised:
            answers.complete({"kind": "software", "capabilities": "; ".join(named[:count])})
        assert "\n" not in str(raised.value)


def test_the_rarest_class_is_no_larger_than_an_equal_share() -> None:
    """A quarter may be the rarest of four, more may not: the sentence says how much, the hint names both answers."""
    four = {"task": "multiclass", "metric": "macro_f1", "class_count": "4"}

    assert answers.complete(four | {"rarest_share": "0.25"}).rarest_share == 0.25
    with pytest.raises(Contradiction) as raised:
        answers.complete(four | {"rarest_share": "0.3"})
    assert raised.value.key == "rarest_share"
    assert str(raised.value) == "rarest_share is 0.3, and the rarest of 4 classes has at most 0.25 of all."
    assert raised.value.hint == "Answer a smaller rarest_share, or fewer classes in class_count."


OUT_OF_RANGE = [
    ({"target_value": "1.2"}, 'target_value is "1.2", but with metric recall it is always between 0 and 1.'),
    ({"current_value": "-0.1"}, 'current_value is "-0.1", but it must be at least 0.'),
    ({"task": "regression", "target_value": "-3"}, 'target_value is "-3", but it must be at least 0.'),
    ({"task": "ranking", "current_value": "12"}, "with metric ndcg_at_10 it is always between 0 and 1."),
]


@pytest.mark.parametrize(("given", "sentence"), OUT_OF_RANGE)
def test_a_value_that_its_metric_cannot_have_is_refused(given: dict[str, str], sentence: str) -> None:
    """A recall of 1.2 and a negative error are mistakes, not findings of the plan."""
    with pytest.raises(InvalidAnswer, match=re.escape(sentence)):
        answers.complete(given)


def test_a_value_that_its_metric_can_have_is_taken() -> None:
    """Both ends of a share, any size of an error; and a software repository, without a metric, counts as it likes."""
    assert answers.complete({"current_value": "0", "target_value": "1"}).target_value == 1
    assert answers.complete({"task": "regression", "current_value": "12"}).current_value == 12
    assert answers.complete({"kind": "software", "current_value": "12"}).current_value == 12


def test_an_open_metric_refuses_no_value() -> None:
    """Until somebody has chosen one, its default says nothing about the number of today's practice."""
    assert answers.complete({"current_value": "12"}, metric_is_open=True).current_value == 12


def test_flags_need_an_equals_sign() -> None:
    """`--set rigor` is a slip of the command line; the value may hold further equals signs."""
    assert answers.from_flags(["decision==x= is decided by a person"]) == {"decision": "=x= is decided by a person"}
    with pytest.raises(UsageError, match="--set rigor has no equals sign"):
        answers.from_flags(["rigor"])
    with pytest.raises(UnknownAnswer, match="rigour"):
        answers.from_flags(["rigour=light"])


def test_saved_answers_come_back_and_overwrite_nothing(tmp_path: Path) -> None:
    """An interrupted wizard loses nothing, twice."""
    texts = {"project_name": 'a "b" \\ {{ 7*7 }} é 名前 '}
    first, second = answers.save(texts, tmp_path), answers.save({"ci": "none"}, tmp_path)

    assert answers.read(first) == texts
    assert (first.name, second.name) == ("mlscaffold-answers.yaml", "mlscaffold-answers-2.yaml")


def test_a_persons_own_defaults_lie_where_settings_lie(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In the home's `.config`, or where the system was told to keep settings; nowhere, and there are none."""
    assert answers.user_defaults() == {}

    for folder, author in ((home / ".config", "Ana"), (tmp_path, "Bo")):
        (folder / "mlscaffold").mkdir(parents=True)
        (folder / "mlscaffold/config.yaml").write_text(f"author: {author}\n", "utf-8")
    at_home = answers.user_defaults()
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))

    assert at_home == {"author": "Ana"}
    assert answers.user_defaults() == {"author": "Bo"}


def test_a_share_of_the_teams_own_may_only_grow() -> None:
    """The plan counts what is right; a share of wrong ones is told the two ways out."""
    own = {"metric": "own:refunds", "metric_form": "share", "current_value": "0.5"}

    assert answers.complete(own | {"metric_direction": "higher"}).metric == "own:refunds"
    with pytest.raises(Contradiction) as raised:
        answers.complete(own | {"metric_direction": "lower"})
    assert str(raised.value).endswith("less of it is to be better: the plan counts shares of right ones.")
    assert "metric_direction=higher" in raised.value.hint


def test_flags_that_are_none_are_refused_with_the_remedy() -> None:
    """Each names the flag; a secret is not repeated, nor is the key that it stood for when that is none."""
    remedy = "Write --set KEY=VALUE, such as --set rigor=light."

    for flag, said in (("rigor", "--set rigor has no equals sign."), ("=light", "--set =light names no key.")):
        with pytest.raises(UsageError) as raised:
            answers.from_flags([flag])
        assert (str(raised.value), raised.value.hint) == (said, remedy)
    for flag, key in (("decision=?token=abc", "decision"), ("x=?token=abc", "An answer")):
        with pytest.raises(MlscaffoldError, match=f"^{key} in --set holds a secret") as secret:
            answers.from_flags([flag])
        assert "abc" not in str(secret.value)


def test_a_layer_that_says_another_value_forgets_where_the_old_one_came_from() -> None:
    """The same value once more is no new fact."""
    measured = {"positive_share": "0.2", "miss_cost": "9", "measured": "positive_share=data file; miss_cost=invoices"}

    assert answers.merge(measured, {"positive_share": "0.2"}) == measured
    assert answers.merge(measured, {"positive_share": "0.3"})["measured"] == "miss_cost=invoices"


def test_a_given_answer_that_nobody_reads_is_named_unless_it_is_what_stands_there() -> None:
    """A default that somebody wrote out changes nothing either way; an answer that is read is never named."""
    known = answers.complete({"serving": "batch", "miss_cost": "9"})
    default = known.raw["latency_ms"]

    assert not known.calls_for("latency_ms")
    assert answers.unused({"miss_cost": "9", "latency_ms": default, "p95_ms": ""}, known) == []
    assert answers.unused({"miss_cost": "9", "latency_ms": f"{default}1", "p95_ms": "5"}, known) == [
        "latency_ms", "p95_ms",
    ]  # fmt: skip


def test_changed_answers_count_as_answered_beside_those_confirmed() -> None:
    """What was vouched for stays so, and what is changed to its default is vouched for as well."""
    before = answers.complete({"kind": "ml", "confirmed": "task; past_cases"})
    after = before.changed({"miss_cost": before.text("miss_cost"), "target_value": "0.7"})

    assert {key: after.provenance(key) for key in ("task", "past_cases", "miss_cost", "target_value", "metric")} == {
        "task": "answered",
        "past_cases": "answered",
        "miss_cost": "answered",
        "target_value": "answered",
        "metric": "default",
    }
