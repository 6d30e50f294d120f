"""Questions are complete records, and every check has an answer it accepts and one it refuses."""

import contextlib
import json
import re
import subprocess
import sys

import pytest
from material import ROOT
from mlscaffold import questions
from mlscaffold.house import Limit

EXAMPLES = {  # type: an accepted and a refused text
    "text": ("Invoice screening at the front desk", "with a line\nbreak"),
    "slug": ("invoice-desk", "../../invoice"),
    "place": ("https://example.org/data.csv", "x" * 501),
    "folder": ("services/desk.v2", "services/../desk"),
    "name": ("Spalte ä", "x" * 121),
    "choice": (None, "perhaps"),
    "integer": (None, "1.5"),
    "number": (None, "a few"),
    "date": ("2026-03-02", "2026-02-30"),
    "names": ("Submit an invoice; Approve an invoice", ";".join(["Approve"] * 101)),
    "team": ("po=Ana:0.2; ds=Bo:1", "boss=Ana:1"),
    "shares": ("payments=99.95; inventory=99.5", "payments=101"),
    "owners": ("po=@org/product", "po=org/product"),
    "ids": ("submit_an_order=1; bad_input=4", "submit an order=1"),
    "origins": ("positive_share=data file; current_value=evidence/baseline.json", "positive_share"),
    "efforts": ("charter=1/2/4; g1=0.5/1/3", "charter=1/2"),
    "keys": ("positive_share; miss_cost", "positive share"),
    "email": ("team@example.org", "team at example.org"),
    "currency": ("EUR", "euro"),
    "address": ("https://git.example.org:8443/team/desk", "git@example.org:team/desk"),
    "entity": ("group:default/payments", "group:payments team"),
}


def accepted(question: questions.Question) -> str:
    """A text the question must accept."""
    given, _ = EXAMPLES[question.type]
    if given is not None:
        return given
    if question.type == "choice":
        return question.choices[-1]
    low, high = question.min or 0, question.max if question.max is not None else 10
    middle = (low + high) / 2
    return str(int(middle) if question.type == "integer" else middle)


@pytest.mark.parametrize("key", questions.load())
def test_every_question_accepts_an_answer_and_refuses_another(key: str) -> None:
    """A check that cannot fail, or cannot pass, is a fault in the question."""
    question = questions.load()[key]
    fits = {question.allowed["by"]: "forecast"} if question.allowed else {}
    good = question.allowed["values"]["forecast"][0] if question.allowed else accepted(question)

    assert questions.check(question, good, fits) is None
    assert questions.check(question, EXAMPLES[question.type][1], fits)


@pytest.mark.parametrize("key", [key for key, question in questions.load().items() if question.min is not None])
def test_every_range_is_kept_at_both_ends(key: str) -> None:
    """Just outside is refused with a sentence that names the bound; the bound itself as the question says."""
    question = questions.load()[key]
    step = 1 if question.type == "integer" or (question.max or 0) > 1e6 else 0.000001
    low, high = f"{question.min:.15g}", f"{question.max:.15g}"

    assert bool(questions.check(question, low)) == question.exclusive
    assert bool(questions.check(question, high)) == question.exclusive
    assert f"{question.min:,.15g}" in str(
        questions.check(question, f"{(question.min or 0) - step:.6f}".rstrip("0").rstrip("."))
    )
    assert questions.check(question, f"{(question.max or 0) + step:.6f}".rstrip("0").rstrip("."))


def test_every_default_is_an_answer() -> None:
    """A default that its own check refuses would make every unattended run fail."""
    for question in questions.load().values():
        for kind in question.kinds:
            text = questions.default(question, {"kind": kind, "task": "binary", "consequence": "money"})

            assert questions.check(question, text, {"task": "binary"}) is None or question.key == "decision", (
                question.key
            )


def test_every_question_says_what_and_why() -> None:
    """Two full sentences each, known conditions, known sections."""
    for question in questions.load().values():
        assert question.text
        assert question.why.endswith("."), question.key
        assert question.stage in ("first", "derived", "assumed", "expert")
        assert set(question.when) <= set(questions.load())


def test_the_metric_follows_the_task() -> None:
    """A metric that does not fit is refused with the ones that do."""
    metric = questions.load()["metric"]

    assert questions.check(metric, "mae", {"task": "forecast"}) is None
    assert questions.check(metric, "mae", {"task": "multiclass"}) == (
        "with task multiclass it must be one of accuracy, macro_f1, log_loss"
    )


def test_a_typing_slip_finds_its_neighbour() -> None:
    """The hint offers what was probably meant."""
    assert "project_name" in questions.near("projct_name")
    assert questions.near("zzz") == []


def test_cookiecutter_files_follow_the_questions() -> None:
    """They prompt for at most 14 answers, and hide the rest as texts; `make lint` holds them to the questions."""
    for kind in questions.KINDS:
        settings = json.loads((ROOT / "templates" / kind / "cookiecutter.json").read_text("utf-8"))
        prompted = [key for key in settings if not key.startswith("_")]
        hidden = [
            value for key, value in settings.items() if key.startswith("_") and key.lstrip("_") in questions.load()
        ]
        assert len(prompted) <= 14
        assert set(settings["__prompts__"]) == set(prompted)
        assert all(isinstance(value, str) for value in hidden)


def test_sync_sees_drift(tmp_path: object) -> None:
    """The guard itself: a changed file is reported with exit 1."""
    path = ROOT / "templates/ml/cookiecutter.json"
    before = path.read_text("utf-8")
    code = (
        "import sys, pathlib; sys.argv = ['sync.py', '--check']; sys.path.insert(0, 'generator')\n"
        "import sync; sync.cookiecutter_json = lambda kind: {'other': kind}; sys.exit(sync.main())"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert "templates/ml/cookiecutter.json is not up to date" in done.stdout
    assert path.read_text("utf-8") == before


def test_a_mistyped_choice_is_met_with_what_it_may_have_meant() -> None:
    """A slip, another case, spaces, a part, a name that others use; nothing for what is like none of them."""
    metric, host = questions.load()["metric"], questions.load()["ci"]

    assert str(questions.check(metric, "auc", {"task": "binary"})).endswith("; did you mean `roc_auc`?")
    assert str(questions.check(host, "Git Hub")).endswith("; did you mean `github`?")
    assert str(questions.check(host, "travis")) == "it must be one of github, gitlab, azure, none"
    assert questions.alike("ROC AUC", metric.choices) == ["roc_auc"]
    assert questions.alike("average precision", metric.choices) == ["average_precision"]
    assert questions.alike("", metric.choices) == []


@pytest.mark.parametrize("kind", questions.KINDS)
def test_every_question_is_used(kind: str) -> None:
    """By the plan, a page or a gate of each kind it is asked for: an answer that changes nothing is not asked for."""
    texts = _code(kind)
    unused = [key for key in questions.of_kind(kind) if not _uses(key).search(texts)]

    assert unused == []


def test_a_question_that_nothing_uses_is_noticed() -> None:
    """Its own entry, its field, its key and the settings of the templates are no use of it."""
    assert all(KEYS.search(ROOT.joinpath(path).read_text("utf-8")) for path in LISTED)
    assert "AnswerKey = Literal" not in _code("ml")
    assert not _uses("favourite_colour").search(_code("ml") + '_favourite_colour": "" favourite_colour: str')


def test_a_use_in_the_other_kind_is_none() -> None:
    """Each kind has pages and an engine of its own."""
    page = ROOT.joinpath("templates/software/templates/readme/try-library.md").read_text("utf-8")

    assert page in _code("software")
    assert page not in _code("ml")


# The type of all keys, in program and engine: it names every question, and uses none.
LISTED = ("generator/mlscaffold/catalogue/keys.py", "generator/planrun/catalogue.py")
KEYS = re.compile(r"^AnswerKey = Literal\[.*?^\]$", re.MULTILINE | re.DOTALL)


def _uses(key: str) -> re.Pattern[str]:
    """`answers.KEY`, or the key as a text of its own where answers are looked up by key."""
    return re.compile(rf"""answers\.{key}\b|["']{key}["']""")


def _code(kind: str) -> str:
    """What could use an answer: our program, a kind's template and engine; not what is written from the questions."""
    tops = ("templates/", "generator/planrun_")
    others = [f"{top}{other}" for other in questions.KINDS if other != kind for top in tops]
    generated = {"fields.py", "cookiecutter.json"}
    paths = [path for top in ("generator", "templates") for path in sorted((ROOT / top).rglob("*")) if path.is_file()]
    texts = []
    for path in paths:
        name = path.relative_to(ROOT)
        elsewhere = "engine" in name.parts[:4] or any(name.is_relative_to(other) for other in others)
        if path.name not in generated and not elsewhere:
            with contextlib.suppress(UnicodeDecodeError):
                texts.append(KEYS.sub("", path.read_text("utf-8")))
    return "\n".join(texts)


def test_a_choice_of_ones_own_is_for_questions_that_ask_for_it() -> None:
    """Elsewhere a name after "own:" is one more text that is not among the choices."""
    asked = [question for question in questions.load().values() if question.type == "choice"]
    taken = {question.key for question in asked if questions.check(question, "own:mine") is None}

    assert taken == {question.key for question in asked if question.own} == {"metric"}


def test_a_default_that_follows_from_an_unknown_answer_is_no_text() -> None:
    """Nobody has said the task, or what was said is none: there is no metric to propose, not even "None"."""
    metric = questions.load()["metric"]

    assert questions.default(metric, {"task": "binary"}) != ""
    assert questions.default(metric, {}) == questions.default(metric, {"task": "alchemy"}) == ""


def test_a_per_cent_without_its_sign_is_told_how_it_is_written() -> None:
    """65 is no share; most people who type it mean 65 %, and nobody means 650 %."""
    share = questions.load()["positive_share"]

    assert questions.check(share, "65", {}) == "it must be less than 1 (65 % is written 65%)"
    assert questions.check(share, "650", {}) == "it must be less than 1"


def test_names_are_kept_one_way() -> None:
    """However they were spaced; a comma stands between them only where the question says so."""
    known = questions.load()

    assert questions.canonical(known["capabilities"], " a;b ; c, d", {}) == "a; b; c, d"
    assert questions.canonical(known["segments"], "a,b", {}) == "a; b"
    assert questions.canonical(known["segments"], "a, b; c", {}) == "a, b; c"


@pytest.mark.parametrize(
    ("form", "direction", "value", "words"),
    [
        ("share", "higher", "1", None),
        ("share", "higher", "1.01", "a share, it is always between 0 and 1"),
        ("share", "higher", "-0.01", "a share, it is always between 0 and 1"),
        ("mean", "higher", "1.01", None),
        ("mean", "higher", "-0.01", None),
        ("mean", "lower", "0", None),
        ("mean", "lower", "-0.01", "a loss, it is never below 0"),
    ],
)
def test_a_metric_of_the_teams_own_has_its_ends(form: str, direction: str, value: str, words: str | None) -> None:
    """A share has two, a loss one, a gain none."""
    said = {"metric": "own:refunds", "metric_form": form, "metric_direction": direction}
    complaint = questions.check_most(questions.load()["current_value"], value, said)

    assert (complaint is None) == (words is None)
    assert words is None or words in str(complaint)


def test_a_name_may_hold_any_sign_and_a_number_may_not() -> None:
    """In the wizard `?` and `<` are letters of a column's name, and steer everywhere else."""
    free = {key for key, question in questions.load().items() if questions.is_free(question)}

    assert {"decision", "target_column", "data_source", "segments", "team", "dependencies", "code_owners"} <= free
    assert not {"task", "miss_cost", "start_date", "past_cases", "email", "project_slug", "currency"} & free


def test_a_default_of_each_kind_is_that_of_ml_until_a_kind_is_said() -> None:
    """As the first question proposes it."""
    two = [one for one in questions.load().values() if isinstance(one.default, dict) and not questions.depends(one)]

    assert two
    for question in two:
        assert questions.default(question, {}) == questions.default(question, {"kind": "ml"}) == question.default["ml"]
        assert questions.default(question, {"kind": "software"}) == question.default["software"]


@pytest.mark.parametrize(
    ("left", "default"), [(("github", "none"), "github"), (("none", "gitlab"), "gitlab"), (("azure",), "azure")]
)
def test_a_limited_question_proposes_what_is_left(left: tuple[str, ...], default: str) -> None:
    """Its default while a preset leaves it, else the first choice of the question's order; and the reason is said."""
    limited = questions._limited(questions.load()["ci"], Limit(left, "one host", "ours"))

    assert questions.default(limited, {}) == default
    assert sorted(limited.choices) == sorted(left) == sorted(limited.meanings)
    assert limited.why.endswith(f"ours leaves {', '.join(limited.choices)}: one host.")


def test_a_limited_metric_keeps_its_task_and_loses_its_own() -> None:
    """What is proposed still follows from the task, what fits one is cut to what is left, and none of one's own."""
    metric = questions.load()["metric"]
    limited = questions._limited(metric, Limit(("recall", "mae"), "we report these", "ours"))

    assert limited.default == metric.default
    assert limited.allowed["by"] == metric.allowed["by"]
    assert limited.allowed["values"]["binary"] == ["recall"]
    assert metric.own
    assert not limited.own
    assert questions._limited(metric, None) is metric


def test_other_words_for_a_choice_lead_to_choices() -> None:
    """What is proposed for a word of other tools can be answered."""
    choices = {choice for question in questions.load().values() for choice in question.choices}

    assert {word for meant in questions.OTHERWISE.values() for word in meant} <= choices


def test_a_comma_before_a_further_role_separates() -> None:
    """Beside the semicolon, in a team and among owners."""
    known = questions.load()

    assert questions.canonical(known["team"], "po=Ana:20%, ds=Bo:0,5", {}) == "po=Ana:0.2; ds=Bo:0.5"
    assert questions.canonical(known["code_owners"], "po=@a,ds=@b", {}) == "po=@a; ds=@b"


def test_the_end_of_a_range_says_whether_it_may_be_reached() -> None:
    """At most and at least where it may, less and more than where it may not."""
    known = questions.load()

    assert questions.check(known["past_cases"], "1000000001", {}) == "it must be at most 1,000,000,000"
    assert questions.check(known["past_cases"], "-1", {}) == "it must be at least 0"
    assert questions.check(known["slo_percent"], "100", {}) == "it must be less than 100"
    assert questions.check(known["slo_percent"], "0", {}) == "it must be more than 0"


@pytest.mark.parametrize(
    "name",
    [
        "token", "password", "passwd", "passphrase", "pwd", "sig", "signature", "secret", "apikey", "api_key",
        "api-key", "access_key", "accesskey", "secret_key", "secretkey", "accountkey", "account_key", "private_key",
        "accesskeyid", "credential", "credentials", "subscription-key", "auth_key", "authkey",
    ],
)  # fmt: skip
def test_a_parameter_that_carries_a_secret_is_known_by_its_name(name: str) -> None:
    """In any case, with a word before it; a variable in its place is what is asked for."""
    for written in (name, name.upper(), f"my-{name}"):
        assert questions.holds_secret(f"https://host/cases.csv?{written}=abc")
        assert not questions.holds_secret(f"https://host/cases.csv?{written}=$TOKEN")
