"""Write what follows from questions.yaml: both templates' cookiecutter.json and the README's table of questions.

With --check nothing is written; files that are not up to date are named, and the exit code is 1.

For development; it is not part of the installed package.
"""

import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "generator"))

from mlscaffold import questions, report  # noqa: E402  (the package beside this file, whether installed or not)
from mlscaffold.questions import Question  # noqa: E402

MOST_PROMPTS = 14


def cookiecutter_json(kind: str) -> dict[str, Any]:
    """The template's cookiecutter.json: unprompted answers as `_key` texts, then the short path as prompts."""
    asked = questions.of_kind(kind).values()
    hidden = {f"_{question.key}": _literal(question, kind) for question in asked if not question.plain}
    prompted = [question for question in asked if question.plain]
    if len(prompted) > MOST_PROMPTS:
        raise SystemExit(f"{kind} would prompt for {len(prompted)} answers; at most {MOST_PROMPTS} are allowed.")
    return {
        "_extensions": [f"planning_{kind}.PlanExtension"],
        "_jinja2_env_vars": {"trim_blocks": True, "lstrip_blocks": True},
        "_new_lines": "\n",  # also from a checkout that git has converted
        **hidden,
        **{question.key: _prompted_default(question, kind) for question in prompted},
        # worked out once all is answered, and before cookiecutter keeps the answers in its replay file
        "__secrets": "{{ no_secrets(cookiecutter) }}",
        "__prompts__": {question.key: _prompt(question) for question in prompted},
    }


def _literal(question: Question, kind: str) -> str:
    if questions.depends(question):
        return ""
    return questions.default(question, {"kind": kind}) if question.key != "kind" else kind


def _prompted_default(question: Question, kind: str) -> str | list[str]:
    """A list where cookiecutter offers choices, a Jinja text where the default follows from another answer."""
    if question.key == "project_slug":
        return "{{ cookiecutter.project_name | slugify(max_length=48) }}"
    if questions.depends(question):
        by, values = question.default["by"], dict(question.default["values"])
        key = by if questions.load()[by].plain else f"_{by}"
        return f"{{{{ {values!r}[cookiecutter.{key}] }}}}"
    if question.choices:
        assert question.choices[0] == question.default, (
            f"{question.key}: cookiecutter takes the first choice as default"
        )
        return list(question.choices)
    return questions.default(question, {"kind": kind})


def _prompt(question: Question) -> str:
    assert "[" not in question.text, f"{question.key}: cookiecutter reads square brackets as markup"
    return question.text


def readme() -> str:
    """The README with the table of questions that the program prints."""
    before, opening, rest = (ROOT / "README.md").read_text("utf-8").partition("<!-- questions -->\n")
    _, closing, after = rest.partition("<!-- /questions -->")
    return f"{before}{opening}{report.questions_markdown(questions.load().values())}\n{closing}{after}"


def expected() -> dict[Path, str]:
    """Every generated file with the text it should have."""
    files = {ROOT / "README.md": readme()}
    for kind in questions.KINDS:
        settings = json.dumps(cookiecutter_json(kind), indent=2, ensure_ascii=False)
        files[ROOT / "templates" / kind / "cookiecutter.json"] = settings + "\n"
    return files


def main() -> int:
    """Write or compare; returns 1 when --check finds a file that is not up to date."""
    only_check = "--check" in sys.argv[1:]
    stale = [path for path, text in expected().items() if not path.is_file() or path.read_text("utf-8") != text]
    for path in stale:
        if not only_check:
            path.write_text(expected()[path], "utf-8")
        done = "is not up to date: run python generator/sync.py" if only_check else "written"
        print(f"{path.relative_to(ROOT)} {done}")
    return int(bool(stale) and only_check)


if __name__ == "__main__":
    sys.exit(main())
