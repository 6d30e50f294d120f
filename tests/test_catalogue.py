"""What plan and engine speak of is declared once: whatever speaks of one speaks of a row of the catalogue."""

import ast
import importlib
import pkgutil
import re
from collections.abc import Callable
from pathlib import Path

import copied_tree
import duckdb
import pytest
from copied_tree import ran
from material import ROOT, SAMPLES, sample_answers
from mlscaffold import catalogue, questions
from mlscaffold.planning.acceptance.metrics import COUNTED_ON, METRICS
from mlscaffold.planning.number import Number, entries
from mlscaffold.planning.plan import compute
from mlscaffold.planning.schedule import people
from pandas.api import types as kinds
from planrun import gates
from planrun.rigor import ENGINES, STAGES, due
from planrun_ml.audit import harness
from planrun_ml.data.sample import sample
from planrun_ml.measuring import metrics as evaluator

SPOKEN = re.compile(r"(?<![\w./])([GT]\d\.(?:\d+|lock))\b(?!\.\d)")
SPEAKERS = (
    "generator/mlscaffold",
    "generator/planrun",
    "generator/planrun_ml",
    "generator/planrun_software",
    "templates",
)
BREAKERS = ("generator/planrun_ml/self_test", "generator/planrun_software/self_test", "tests/rendered_units")


@pytest.fixture(scope="module")
def registered() -> set[str]:
    """The ids under which the engine's checks are registered."""
    for package in ENGINES.values():
        found = importlib.import_module(f"{package}.gates")
        for module in pkgutil.iter_modules(found.__path__, f"{found.__name__}."):
            importlib.import_module(module.name)
    return set(gates.GATES)


def test_every_gate_has_a_row_and_every_row_a_check(registered: set[str]) -> None:
    assert registered == set(catalogue.gates())


def test_every_gate_is_seen_red(registered: set[str]) -> None:
    """A test that breaks what it guards reads its state; what was never seen shut may be open to everything."""
    read = {id for folder in BREAKERS for path in (ROOT / folder).rglob("*.py") for id in _seen_shut(path)}

    assert registered - read == set()


def _seen_shut(path: Path) -> set[str]:
    """The gates of the assertions, rows of tables and tests that name one together with a state that is shut."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Assert | ast.Tuple | ast.FunctionDef):
            texts = {one.value for one in ast.walk(node) if isinstance(one, ast.Constant)}
            found |= texts & set(catalogue.gates()) if texts & {"fail", "blocked"} else set()
    return found


@pytest.mark.parametrize("top", SPEAKERS)
def test_every_gate_that_is_spoken_of_exists(top: str) -> None:
    """In pages, plans, hints and code."""
    strangers = {
        f"{path.relative_to(ROOT)}: {id}"
        for path in sorted((ROOT / top).rglob("*"))
        if path.is_file() and path.suffix in (".md", ".py", ".yaml", ".yml", "") and "engine" not in path.parts
        for id in SPOKEN.findall(_text(path))
        if id not in catalogue.gates()
    }

    assert strangers == set()


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except UnicodeDecodeError:
        return ""


def test_a_gate_that_is_none_is_noticed() -> None:
    """The pattern itself: ids, not versions or numbers."""
    assert SPOKEN.findall("see G1.33, T9.1 (and G1.lock); not V1.3, G1.2.3 or xG1.4") == ["G1.33", "T9.1", "G1.lock"]


def test_every_row_speaks_of_answers_that_exist() -> None:
    """`when` and `either` name questions of the kind, and values that can be chosen."""
    for gate in catalogue.gates().values():
        for key, allowed in [*gate.when.items(), *gate.either.items()]:
            question = questions.of_kind(gate.kind)[key]
            assert set(allowed) <= set(question.choices), gate.id


def test_stages_are_in_order() -> None:
    assert {"ml": tuple(f"G{n}" for n in range(7)), "software": tuple(f"T{n}" for n in range(6))} == STAGES


@pytest.mark.parametrize("kind", questions.KINDS)
def test_each_rigor_adds_to_the_one_below(kind: str) -> None:
    """Light blocks on the fewest gates, strict on every one; a rigor that is none blocks like strict."""
    answers = {"kind": kind, "serving": "api", "personal_data": "personal", "deliverable": "service"}
    found = {
        rigor: set(due(answers | {"data_class": "personal", "rigor": rigor})) for rigor in (*catalogue.RIGORS, "rigid")
    }

    assert set() < found["light"] < found["standard"] < found["strict"] == found["rigid"]
    assert found["strict"] == {gate.id for gate in catalogue.gates_of(kind)}


@pytest.mark.parametrize(
    ("kind", "id", "answers", "blocks"),
    [
        ("ml", "G1.12", {"personal_data": "personal"}, True),
        ("ml", "G1.12", {"personal_data": "none", "consequence": "rights"}, True),
        ("ml", "G1.12", {"personal_data": "none", "consequence": "intolerable"}, False),
        ("software", "T1.9", {"data_class": "regulated"}, True),
        ("software", "T1.9", {"data_class": "none", "consequence": "rights"}, True),
        ("software", "T1.9", {"data_class": "internal"}, False),
    ],
)
@pytest.mark.parametrize("rigor", catalogue.RIGORS)
def test_privacy_blocks_wherever_people_or_rights_are_touched(
    rigor: str, kind: str, id: str, answers: dict[str, str], blocks: bool
) -> None:
    """At every rigor, by the catalogue and by the engine alike."""
    given = {"kind": kind, "rigor": rigor, "consequence": "money", **answers}

    assert (id in due(given)) == catalogue.gates()[id].is_due(given) == blocks


def test_every_role_is_asked_for_and_stood_in_for_by_others() -> None:
    assert list(people.TITLES) == list(catalogue.roles())
    assert set(catalogue.roles()) == set(questions.ROLES)
    for role in catalogue.roles().values():
        assert set(role.stand_ins) <= set(catalogue.roles()) - {role.key}


def test_every_formula_that_is_cited_has_a_row_and_every_row_is_cited() -> None:
    """In plans, pages and code; a row that nothing cites would be a formula that nobody needs."""
    speakers = [path for top in SPEAKERS for path in sorted((ROOT / top).rglob("*")) if _speaks(path)]
    found = {id: path for path in speakers for id in catalogue.FORMULA.findall(_text(path))}

    assert {id: path for id, path in found.items() if id not in catalogue.formulas()} == {}
    assert set(catalogue.formulas()) - found.keys() == {"tier"}  # no word for a search: `Number` takes it as a formula


def _speaks(path: Path) -> bool:
    """Code and pages; the catalogue's own rows cite nothing."""
    return path.suffix in (".md", ".py", ".yaml") and path.name != "formulas.yaml" and "engine" not in path.parts


def test_a_formula_that_is_none_is_noticed() -> None:
    """The pattern itself: ids, and no other letter with digits."""
    assert catalogue.FORMULA.findall("F12, F13b (F99); not F1, GF12, F123 or f12") == ["F12", "F13b", "F99"]


@pytest.mark.parametrize("formula", catalogue.formulas().values(), ids=lambda formula: formula.id)
def test_a_formula_names_functions_that_exist(formula: catalogue.Formula) -> None:
    """Each is a function, and at least one plans."""
    for name in [f"mlscaffold.planning.{name}" for name in formula.planning] + list(formula.engine):
        module, _, function = name.rpartition(".")
        assert callable(getattr(importlib.import_module(module), function)), name
    assert formula.planning


@pytest.mark.parametrize("sample", ["ml-default", "sw-default"])
def test_a_repository_has_the_formulas_that_its_plan_cites(sample: str, rendered: Callable[[str], Path]) -> None:
    """Each id on a page of it is a heading of docs/formulas.md, and each heading is cited."""
    pages = {path: path.read_text("utf-8") for path in rendered(sample).glob("docs/**/*.md")}
    formulas = pages.pop(rendered(sample) / "docs" / "formulas.md")
    headings = re.findall(r"^## (\S+)$", formulas, re.MULTILINE)
    plan = rendered(sample).joinpath("plan/plan.json").read_text("utf-8")

    assert {id for text in pages.values() for id in catalogue.FORMULA.findall(text)} <= set(headings)
    assert [id for id in headings if id not in plan] == []
    assert len(headings) < len(catalogue.formulas())


@pytest.fixture(scope="module")
def planned() -> set[str]:
    """The keys of the numbers that the samples' plans have."""
    return {key for sample in SAMPLES for key, _ in entries(compute(sample_answers(sample)))}


def test_every_number_of_a_plan_has_a_row_and_every_row_a_number(planned: set[str]) -> None:
    assert planned == set(catalogue.numbers())


def test_every_row_of_a_number_names_formulas_that_exist() -> None:
    """A row with the empty one may hold an answer."""
    named = {id for row in catalogue.numbers().values() for id in row.formulas}

    assert named - {""} <= set(catalogue.formulas())


def test_a_formula_that_the_row_does_not_list_is_refused() -> None:
    """It would be a number under a formula that nobody can look up there."""
    row = catalogue.numbers()["monitor.quality_rows"]

    assert Number(1).as_json(row, {})["formula"] == "F02"
    assert Number(1, formula="F08").as_json(row, {})["formula"] == "F08"
    with pytest.raises(ValueError, match=r"monitor\.quality_rows has no formula 'F12'"):
        Number(1, formula="F12").as_json(row, {})


def test_every_metric_of_the_catalogue_is_computed_and_planned() -> None:
    """The engine has each of them and, beside them, only what decisions cost; the question offers them and no other."""
    keys = list(catalogue.metrics())

    assert list(evaluator.BUILT_IN) == [*keys, "cost"]
    assert list(METRICS) == list(questions.load()["metric"].choices) == keys


@pytest.mark.parametrize("key", catalogue.metrics())
def test_plan_and_engine_say_the_same_of_a_metric(key: str) -> None:
    """Which way is better, a perfect value, and what labelled rows are counted in: G1.5 asks for what the plan says."""
    planned, measured = METRICS[key], evaluator.BUILT_IN[key]

    assert (measured.better, measured.limit) == (planned.better, planned.best)
    assert COUNTED_ON.get(measured.counted_on, measured.counted_on) == planned.counted_on
    assert measured.share == (planned.method == "share")


@pytest.mark.parametrize("task", catalogue.tasks().values(), ids=lambda task: task.key)
def test_every_task_has_a_metric_that_fits_it_and_a_sample_with_its_target(task: catalogue.Task) -> None:
    """The default and the engine's own measure are for this task, and the question offers the task."""
    metrics = catalogue.metrics()

    assert task.key in metrics[task.metric].tasks
    assert task.key in metrics[task.natural].tasks
    assert task.natural in (*harness.OF_SCORES, *harness.OF_DECISIONS, "ndcg_at_10")  # what the audit compares it with
    assert set(task.counted_on) <= set(questions.load()["metric_counted_on"].choices)
    assert task.sample["target"] in sample(task.key).columns
    assert task.sample["ends"] in ("PASS", "FAIL", "INCONCLUSIVE")


@pytest.mark.parametrize("task", catalogue.tasks().values(), ids=lambda task: task.key)
def test_what_the_page_of_examples_names_is_in_the_sample(task: catalogue.Task) -> None:
    """Two numbers, a category where there is one, and a rule that gives a number for every row."""
    rows = sample(task.key)
    texts = [name for name in rows.columns if kinds.is_object_dtype(rows[name]) or kinds.is_string_dtype(rows[name])]
    few = [name for name in texts if rows[name].nunique() <= 50 and name != task.sample["target"]]

    assert all(kinds.is_numeric_dtype(rows[task.sample[key]]) for key in ("top", "bottom"))
    assert (task.sample["category"] in few) == bool(few)
    assert bool(task.sample["rule"]) == (task.key != "multiclass")
    if task.sample["rule"]:
        found = duckdb.sql(f"select {task.sample['rule']} as given from rows").df()["given"]  # noqa: S608  (the page's own)
        assert kinds.is_numeric_dtype(found)
        assert found.notna().all()


def test_every_task_that_a_metric_fits_has_a_row() -> None:
    assert {task for row in catalogue.metrics().values() for task in row.tasks} == set(catalogue.tasks())
    assert {task.form for task in catalogue.tasks().values()} == {"class", "amount", "order"}


# A row of the catalogue by its file and the line it stands in, and every place that then fails.
ROWS = {
    "G2.7": (
        "gates.yaml", "  G2.7:",
        {
            "docs/gates.md",  # written by sync.py, as the next three
            "generator/planrun/catalogue.py",
            "templates/ml/PROJECT/engine/planrun/catalogue.py",
            "templates/ml/PROJECT/engine/planrun_ml/example.json",
            "templates/software/PROJECT/engine/planrun/catalogue.py",
            "generator/planrun_ml/gates/g2_experiments.py",  # its check, by the type check
            "generator/planrun_ml/self_test/test_gates_results.py",  # what speaks of it
            "templates/ml/PROJECT/docs/02-iteration-plan.md",
            "tests/test_catalogue.py::test_every_gate_has_a_row_and_every_row_a_check",
            "tests/test_catalogue.py::test_every_gate_is_seen_red",
            "tests/test_catalogue.py::test_every_gate_that_is_spoken_of_exists[generator/planrun_ml]",
            "tests/test_catalogue.py::test_every_gate_that_is_spoken_of_exists[templates]",
        },
    ),
    "brier": (
        "metrics.yaml", "brier:",
        {
            "README.md",
            "generator/mlscaffold/catalogue/keys.py",
            "generator/planrun/catalogue.py",
            "generator/planrun_ml/measuring/catalogue.py",
            "templates/ml/PROJECT/engine/planrun/catalogue.py",
            "templates/software/PROJECT/engine/planrun/catalogue.py",
            "generator/planrun_ml/measuring/metrics.py",  # its line of the evaluator, by the type check
            "generator/mlscaffold/planning/acceptance/criteria.py",  # what has a closed form for it, here and below
            "generator/mlscaffold/planning/acceptance/metrics.py",
            "generator/mlscaffold/planning/acceptance/sample_size.py",
            "generator/mlscaffold/planning/formulas/labelling.py",
            "generator/mlscaffold/planning/acceptance/worth.py",
            "tests/test_catalogue.py",  # nothing of the engine can be imported
        },
    ),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", ROWS)
def test_every_place_that_needs_a_row_is_named_where_the_row_is_gone(name: str, tmp_path: Path) -> None:
    """By `sync.py --check`, by the type check, or by a test of this file: nothing fails that is not in the list."""
    file, line, places = ROWS[name]
    tree = copied_tree.copy_to(tmp_path / "copy")
    path = tree / "generator" / "mlscaffold" / "catalogue" / file
    kept = [text for text in path.read_text("utf-8").splitlines(keepends=True) if not text.startswith(line)]
    path.write_text("".join(kept), "utf-8")
    behind = re.findall(r"^(.+) is not up to date", ran(tree, "generator/sync.py", "--check").stdout, re.MULTILINE)
    assert ran(tree, "generator/sync.py").returncode == 0
    mistyped = re.findall(r"^(\S+?):\d+: error", ran(tree, "-m", "mypy").stdout, re.MULTILINE)
    tested = copied_tree.tested(tree, "tests/test_catalogue.py")
    # whole paths: pytest shortens some in its first line
    speaking = re.findall(rf"'((?:(?!\.\.\.)[^':])+): {re.escape(name)}'", tested)

    found = {*behind, *mistyped, *speaking, *copied_tree.failing(tested)}
    found = {re.sub(r"\{\{.*?\}\}", "PROJECT", place) for place in found if not place.endswith("manifest.json")}
    assert found == places
