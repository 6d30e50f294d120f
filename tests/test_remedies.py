"""A gate that shuts says why and what to do next, on every path: read from the code, because few paths are walked."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
from mlscaffold.errors import shown
from mlscaffold.rendering.software_readme import _line
from planrun.gates import Result
from planrun_ml.gates import g1_data, g3_acceptance

GENERATOR = Path(__file__).resolve().parent.parent / "generator"
GATES = sorted(
    path
    for pattern in ("planrun*/gates/*.py", "planrun/gates.py", "planrun/signing/*.py")
    for path in GENERATOR.glob(pattern)
)
SHUTS = ("blocked", "failed", "Blocked", "Trouble")  # their second word is what to do next
SAYS = (*SHUTS, "passed", "warned")


def wordless(source: str) -> Iterator[str]:
    """Calls that leave out a sentence, or have none in its place."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        words = [*node.args, *(one.value for one in node.keywords)]
        whole = len(words) >= (2 if name in SHUTS else 1) or any(isinstance(word, ast.Starred) for word in words)
        if name in SAYS and not (whole and all(_speaks(word) for word in words)):
            yield f"{node.lineno}: {ast.unparse(node)}"


def _speaks(word: ast.expr) -> bool:
    """Whether it is a text on every branch, as far as the code shows it."""
    if isinstance(word, ast.IfExp):
        return _speaks(word.body) and _speaks(word.orelse)
    return not isinstance(word, ast.Constant) or (isinstance(word.value, str) and word.value != "")


@pytest.mark.parametrize("path", GATES, ids=lambda path: path.relative_to(GENERATOR).as_posix())
def test_every_verdict_says_why_and_what_to_do(path: Path) -> None:
    assert list(wordless(path.read_text("utf-8"))) == []


@pytest.mark.parametrize(
    "planted",
    [
        'blocked("Nobody has said why.", None)',
        'blocked("Nobody has said why.")',
        'failed("It is too small.", "")',
        'failed(None, "make audit")',
        'gates.blocked("It is shut.", None)',
        'raise Blocked("It is missing.", "make audit" if asked else None)',
        "passed(None)",
        "warned()",
    ],
)
def test_one_without_words_is_noticed(planted: str) -> None:
    assert list(wordless(planted)) == [f"1: {planted.removeprefix('raise ')}".replace('"', "'")]


@pytest.mark.parametrize("told", ['blocked(why, "make audit")', "failed(*words)", 'warned("It is small.")'])
def test_one_with_words_is_none_of_them(told: str) -> None:
    assert list(wordless(told)) == []


ENGINE = sorted(path for path in GENERATOR.glob("planrun*/**/*.py") if not {"tests", "self_test"} & set(path.parts))
TYPED = re.compile(r"replan (?:.* )?(--set \w+=[\d.]+)")


def invented(source: str) -> list[str]:
    """Numbers that a step would have typed as an answer, written in the code: nobody measured or said them.

    The parts of a formatted text are looked at one by one, so a number that is worked out is none.
    """
    texts = (node.value for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Constant))
    return [found for text in texts if isinstance(text, str) for found in TYPED.findall(text)]


def test_no_step_answers_with_an_invented_number() -> None:
    """Whoever types the next step as it stands would pass a gate by a measurement that nobody made."""
    found = {path.name: numbers for path in ENGINE if (numbers := invented(path.read_text("utf-8")))}

    assert len(ENGINE) > 100
    assert found == {}
    assert invented('"mlscaffold replan --set label_agreement=0.95"') == ["--set label_agreement=0.95"]
    assert invented('f"mlscaffold replan --set label_agreement={share:.4g}"') == []


@pytest.mark.parametrize("is_sample", [True, False])
@pytest.mark.parametrize("more", [63, None])
def test_an_open_verdict_asks_for_rows_only_where_there_can_be_more(
    is_sample: bool, more: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The built-in sample is as long as it is; and a verdict may be walked past in either case."""
    monkeypatch.setattr(g3_acceptance.source_module, "source_of", lambda repo: SimpleNamespace(is_sample=is_sample))
    monkeypatch.setattr(g3_acceptance, "deciding", lambda repo: SimpleNamespace(more="positive rows"))
    step = g3_acceptance._more_rows(SimpleNamespace(team={"po": ["Ana"]}), more)  # type: ignore[arg-type]

    assert "waive G3.3" in step
    assert ("the sample cannot grow" in step) == is_sample
    assert ("make audit" in step) == (not is_sample)
    assert step.facts["kind"] == ("rows" if more and not is_sample else "person")


def test_rows_of_few_groups_are_told_by_their_rows_and_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many rows there are: it is groups that must be added."""
    monkeypatch.setattr(g1_data, "deciding", lambda repo: SimpleNamespace(counted_on="alarms"))
    repo = SimpleNamespace(number=lambda key: 100)
    test = {"rows": 1_200, "clusters": g1_data.FEWEST - 3, "cluster": "shop"}
    few = g1_data._enough(repo, test)
    enough = g1_data._enough(repo, test | {"clusters": g1_data.FEWEST})

    assert few.state == "warn"
    assert few.reason.startswith(f"1,200 labelled test rows come from {g1_data.FEWEST - 3} ")
    assert "3 " in few.next_step
    assert "shop" in few.next_step
    assert enough == Result("pass", "1,200 labelled test rows, 100 needed.")


def test_a_refused_text_cannot_steer_the_terminal_that_shows_it() -> None:
    """Colours and changes of direction are spelt out; what people write stays as it is."""
    assert shown("a\x1b[31mb\u202ec") == '"a\\x1b[31mb\\u202ec"'
    assert shown("Zürich, 12 %") == '"Zürich, 12 %"'


def test_a_name_in_the_tree_never_runs_into_what_it_is() -> None:
    assert _line("  migrations/, migrating.py", "the tables") == "  migrations/, migrating.py the tables"
    assert _line("Dockerfile", "the image").index("the image") == 26
