"""A gate that a page names says there whether it holds work back in this repository."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from material import ROOT, SAMPLES
from mlscaffold import answers as answers_module
from mlscaffold.rendering import gate_marks

DAY_ONE = yaml.safe_load((ROOT / "tests" / "day_one.yaml").read_text("utf-8"))
NAMED = re.compile(r"\b[GT]\d\.(?:\d+|lock)\b")
MARK = re.compile(r" \(?\*?(blocks|advises)\b\*?")


def told(page: str) -> list[tuple[str, str]]:
    """Each gate that the text names to a reader, with the mark behind it; what is typed or drawn is code."""
    text = re.sub(r"^```(?!mermaid).*?^```", "", page, flags=re.DOTALL | re.MULTILINE)
    text = re.sub(r"`[^`\n]*`", "", text)
    return [(match[0], found[1] if (found := MARK.match(text, match.end())) else "") for match in NAMED.finditer(text)]


@pytest.mark.parametrize("name", SAMPLES)
def test_every_gate_on_every_page_is_marked(name: str, rendered: Callable[[str], Path]) -> None:
    """By what plan/gates.yaml lets block; and no page names a gate that this repository has not."""
    folder = rendered(name)
    blocking = yaml.safe_load((folder / "plan" / "gates.yaml").read_text("utf-8"))["blocking"]
    pages = [path for path in folder.rglob("*.md") if "engine" not in path.relative_to(folder).parts]
    found = [(path.name, *one) for path in pages for one in told(path.read_text("utf-8"))]
    wrong = [(page, id, mark) for page, id, mark in found if mark != ("blocks" if id in blocking else "advises")]

    assert len(found) > 30
    assert wrong == []
    assert {id for _, id, _ in found} <= set(DAY_ONE[name])


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("Gate G3.1 compares.\n", "Gate G3.1 (*blocks*) compares.\n"),
        ("It is red (gate G2.7).", "It is red (gate G2.7 *advises*)."),
        ("| gate G2.7 |", "| gate G2.7 *advises* |"),
        ("`gates/G1.lock` is a file, gates/G1.lock too; so is G1.10.", None),
        ("```sh\nplanrun waive G3.1\n```\nG3.1\n", "```sh\nplanrun waive G3.1\n```\nG3.1 (*blocks*)\n"),
        ("```mermaid\na[gate G3.1]\n```\n", "```mermaid\na[gate G3.1 blocks]\n```\n"),
        ("T3.1, G9.9 and F30 are none of its gates.", "T3.1, G9.9 and F30 are none of its gates."),
    ],
)
def test_a_mark_stands_where_a_reader_meets_the_gate(line: str, expected: str | None) -> None:
    """In a sentence, a bracket, a cell and a picture; not in what is typed, nor on what is no gate here."""
    answers = answers_module.complete({"kind": "ml", "project_name": "Marks", "rigor": "light"})
    expected = expected or line.replace("G1.10.", "G1.10 (*advises*).")

    assert gate_marks.marked(line, answers) == expected


@pytest.mark.parametrize("gate", ["G1.7", "G2.8"])
def test_a_pipeline_and_its_notebooks_are_held_to_from_standard_on(gate: str) -> None:
    """One raw file gives one result, and a notebook explores only: advice at light, and a lock wherever money hangs."""
    said = {
        rigor: gate_marks.marked(gate, answers_module.complete({"kind": "ml", "project_name": "Marks", "rigor": rigor}))
        for rigor in ("light", "standard", "strict")
    }

    assert said == {"light": f"{gate} (*advises*)"} | dict.fromkeys(("standard", "strict"), f"{gate} (*blocks*)")


def test_rigor_moves_the_mark() -> None:
    """What advises at light blocks at strict."""
    strict = answers_module.complete({"kind": "ml", "project_name": "Marks", "rigor": "strict"})

    assert gate_marks.marked("G2.7", strict) == "G2.7 (*blocks*)"


def test_the_head_of_a_page_is_shown_as_it_stands() -> None:
    """A program lists a skill by its description, and would show the signs of italics."""
    answers = answers_module.complete({"kind": "ml", "project_name": "Marks"})
    page = "---\ndescription: Use it when G1.3 is shut.\n---\n\nG1.3\n\n---\n\nG1.3\n"

    marked = gate_marks.marked(page, answers)
    assert marked == page.replace("G1.3 is", "G1.3 (blocks) is").replace("G1.3\n", "G1.3 (*blocks*)\n")
    assert gate_marks.marked("---\nG1.3\n", answers) == "---\nG1.3 (*blocks*)\n"  # a rule, and no head
