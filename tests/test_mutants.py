"""The search for faults that no test sees is itself seen red: it tells a useless test from a useful one."""

import re
from pathlib import Path

import mutants
import pytest
import yaml
from material import ROOT
from mutants import Mutant, Target

CODE = '''\
"""A module."""

LIMIT = 3


def over(count: int, name: str = "x|y") -> bool:
    """Whether it is too many."""
    return count > LIMIT


@print
def decorated(text):
    return text.replace("|", "/") or "not a word for machines"
'''
USELESS = "from counting import over\n\n\ndef test_over():\n    over(1)\n"
USEFUL = (
    "import counting\n\n\ndef test_over():\n    assert [counting.over(n) for n in (3, 4)] == [False, True]\n"
    "    assert counting.over.__defaults__ == ('x|y',) and counting.decorated is None\n"
)
TARGET = Target("counts", ("tests",))


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project of one module, with a table, a page and nothing argued; it needs no libraries, so nothing is forked."""
    monkeypatch.setattr("forking.FORKS", False)
    texts = {
        "generator/counting.py": CODE.partition("\n\n@print")[0] + "\n",
        "tests/test_counting.py": USELESS,
        mutants.TABLE: "shares: {counts: 1}\ntargets:\n  - {group: counts, files: generator/*.py, tests: tests}\n",
        mutants.ARGUED: "[]\n",
        mutants.PAGE: "At least **50 %** of the mutants are killed.\n",
        "pytest.ini": "[pytest]\npythonpath = generator\nmarkers = slow\n",
    }
    root = tmp_path / "project"
    for name, text in texts.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, "utf-8")
    return root


def run(project: Path, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    """The exit code, and what was said."""
    code = mutants.main(["--seed", "2026-11", "--workers", "1", *words], project)
    return code, capsys.readouterr().out


def diffs(code: str) -> set[str]:
    """What is planted in a module."""
    return {mutant.diff for mutant in mutants.faults(TARGET, "generator/counting.py", code)}


@pytest.mark.slow
def test_a_useless_test_has_survivors_and_a_useful_one_has_none(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each survivor is shown with what was changed; the tree itself stays as it was."""
    before = (project / "generator/counting.py").read_bytes()
    useless = run(project, capsys)
    (project / "tests/test_counting.py").write_text(USEFUL.partition(" and counting.decorated")[0] + "\n", "utf-8")
    useful = run(project, capsys)

    assert useless[0] == 1
    assert "\ngenerator/counting.py: counting.over\n-return count > LIMIT\n+return count >= LIMIT\n" in useless[1]
    assert useful[0] == 0
    assert re.search(
        r"(\d+) run, \1 killed, 0 refused by the type check, 0 timed out, 0 survived, 0 of them argued. Score 100.0%",
        useful[1],
    )
    assert (project / "generator/counting.py").read_bytes() == before


@pytest.mark.slow
def test_what_no_test_sees_may_be_refused_by_its_types(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """It is no survivor; what has the right type and another value is one. Types that do not hold say nothing."""
    typed = "def cost(count: int) -> int:\n    return count\n\n\ndef total() -> int:\n    return cost(3)\n"
    (project / "generator/counting.py").write_text(typed, "utf-8")
    (project / "tests/test_counting.py").write_text("import counting\n\n\ndef test_it():\n    counting.total()\n")
    (project / "pyproject.toml").write_text('[tool.mypy]\nfiles = ["generator"]\nstrict = true\n', "utf-8")
    _, said = run(project, capsys)
    (project / "generator/counting.py").write_text(typed.replace("cost(3)", 'cost("3")'), "utf-8")

    assert " refused   counting.total\n" in said
    assert "-return cost(3)\n+return cost(4)\n" in said
    assert "-return cost(3)\n+return cost(None)\n" not in said
    assert re.search(r"\d+ run, 0 killed, \d refused by the type check, 0 timed out, \d survived", said)
    assert mutants.main(["--workers", "1"], project) == 2
    assert "Without a fault, mypy complains:" in capsys.readouterr().err


@pytest.mark.slow
def test_an_argued_survivor_passes_until_the_score_is_too_low(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is known by its function and its change; what is argued does not lift the score."""
    rows = [{"function": mutant.function, "diff": mutant.diff} for mutant in mutants.faults(
        TARGET, "generator/counting.py", (project / "generator/counting.py").read_text("utf-8"))]  # fmt: skip
    (project / mutants.ARGUED).write_text(yaml.safe_dump(rows), "utf-8")
    low = run(project, capsys)
    (project / mutants.PAGE).write_text("At least **0 %** of the mutants are killed.\n", "utf-8")
    enough = run(project, capsys)

    assert low[0] == 1
    assert enough[0] == 0
    assert "0 of them argued" not in enough[1]
    assert "\n-return" not in enough[1].partition("run, ")[0].rpartition("\n\n")[2]


def test_tests_that_fail_without_a_fault_say_nothing(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Else every fault would count as seen."""
    (project / "tests/test_counting.py").write_text("def test_it():\n    assert False\n", "utf-8")

    assert mutants.main(["--workers", "1"], project) == 2
    assert "Without a fault, pytest tests ends with 1" in capsys.readouterr().err


def test_tests_that_do_not_end_without_a_fault_say_nothing(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor do those that take too long."""
    monkeypatch.setattr(mutants, "MOST_CLEAN", 0.01)

    assert mutants.main(["--workers", "1"], project) == 2
    assert "takes over 0.01 s." in capsys.readouterr().err


@pytest.mark.slow
def test_a_fault_that_hangs_is_stopped(
    project: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It counts as noticed, and is told apart."""
    monkeypatch.setattr(mutants, "SLACK", 1)
    monkeypatch.setattr(mutants, "SLOWER", 1)
    code = "def count(limit):\n    n = 0\n    while n < limit:\n        n = n + 1\n    return n\n"
    (project / "generator/counting.py").write_text(code, "utf-8")
    (project / "tests/test_counting.py").write_text(
        "from counting import count\n\n\ndef test_it():\n    assert count(4) == 4\n", "utf-8"
    )

    assert re.search(r"timed out +counting\.count", run(project, capsys)[1])


def test_the_same_seed_gives_the_same_sample_and_another_month_another() -> None:
    """The seed is year and month unless it is named; an edit of another function leaves the sample as it is."""
    everything = [Mutant(TARGET, "a.py", "a.f", f"-{n}\n+{n + 1}", 0, 0, "") for n in range(1000)]
    more = [*everything, Mutant(TARGET, "b.py", "b.g", "-1\n+2", 0, 0, "")]
    november, again, december = (
        mutants.chosen(mutants_, {"counts": 1}, 50, seed)
        for mutants_, seed in ((everything, "2026-11"), (everything[::-1], "2026-11"), (everything, "2026-12"))
    )

    assert november == again
    assert len(november) == len(december) == 50
    assert len(set(november) & set(december)) < 20
    assert len(set(november) & set(mutants.chosen(more, {"counts": 1}, 50, "2026-11"))) >= 49


def test_each_group_has_its_share() -> None:
    """Whatever the number of faults that can be planted in it."""
    everything = [
        Mutant(Target(group, ()), "a.py", f"a.{n}", "", 0, 0, "")
        for group, of in (("a", 900), ("b", 100))
        for n in range(of)
    ]
    groups = [mutant.target.group for mutant in mutants.chosen(everything, {"a": 1, "b": 3}, 80, "x")]

    assert (groups.count("a"), groups.count("b")) == (20, 60)


def test_what_is_planted() -> None:
    """In decorated functions as well, and in texts that machines read; not in sentences, docstrings and annotations."""
    planted = diffs(CODE)

    assert {"-LIMIT = 3\n+LIMIT = 4", "-return count > LIMIT\n+return count >= LIMIT"} <= planted
    assert any('"XX|XX"' in diff for diff in planted)
    assert not any("XXnot a word" in diff or "XXA module" in diff or "XXWhether" in diff for diff in planted)
    assert not any("None:" in diff for diff in planted)


def test_every_fault_of_a_module_is_python() -> None:
    """And is what its diff says."""
    path = "generator/mlscaffold/repository/merge.py"
    text = (ROOT / path).read_text("utf-8")
    found = mutants.faults(TARGET, path, text)

    assert len(found) > 100
    for mutant in found:
        broken = mutants.planted(mutant, text)
        compile(broken, path, "exec", dont_inherit=True)
        assert broken != text


def test_every_row_of_the_table_finds_modules_and_tests() -> None:
    """A module that was renamed is not left out in silence, nor a test file; what is argued has a reason."""
    table = yaml.safe_load((ROOT / mutants.TABLE).read_text("utf-8"))
    shares, modules = mutants.targets(ROOT)

    assert {target.group for target in modules.values()} == set(shares)
    for row in table["targets"]:
        for pattern in row["files"].split():
            assert list(ROOT.glob(pattern)), f"{pattern} finds nothing"
        for word in row["tests"].split():
            assert not word.endswith(".py") or (ROOT / word).is_file(), f"{word} is not there"
    for row in yaml.safe_load((ROOT / mutants.ARGUED).read_text("utf-8")):
        assert set(row) == {"function", "diff", "why"}
        assert row["why"]
