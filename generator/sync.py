"""Write what follows from a source: from questions.yaml both templates' cookiecutter.json and the README's table,
from mlscaffold/catalogue the pages of formulas, gates and the schedule, from generator/planrun* the copy of the engine
in each template, from the template the example in that engine, and from all packages the pictures of their imports.

With --check nothing is written; files that are not up to date are named, and the exit code is 1.

For development; it is not part of the installed package.
"""

import hashlib
import json
import re
import shutil
import sys
import tempfile
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "generator"))

import catalogue_pages  # noqa: E402  (beside this file)
import imports  # noqa: E402  (beside this file)
from mlscaffold import __version__, answers, backstage, catalogue, questions, render, report, templates  # noqa: E402  (the package beside this file, whether installed or not)
from mlscaffold.board import forms  # noqa: E402
from mlscaffold.catalogue.keys import AnswerKey  # noqa: E402
from mlscaffold.questions import Question  # noqa: E402
from mlscaffold.rendering import capability_files  # noqa: E402

MOST_PROMPTS = 14
# Files, not the folder: cookiecutter would copy a folder with the caches that programs left in it.
COPIED = [f"engine/*{suffix}" for suffix in templates.COPIED]
# The example must be the same bytes on every day, and no date of its plan may pass while somebody looks at it.
EXAMPLE_STARTS = "2090-01-02"
ENGINES = {"ml": ("planrun", "planrun_ml"), "software": ("planrun", "planrun_software")}
# The story of the demo, told by both programs: the source in mlscaffold/demo, and its copy in the engine.
STORY = {
    "driver": "planrun/demo/driver.py",
    "environment": "planrun/demo/environment.py",
    "project": "planrun/demo/project.py",
    "telling": "planrun/demo/telling.py",
    "ml": "planrun_ml/demo/story.py",
    "parcels": "planrun_ml/demo/parcels.py",
    "software": "planrun_software/demo/story.py",
}
# How a repository stands, and what a scorecard makes of it: read by the board, and told by `status`.
STANDING = ("standing", "scorecard")
FIGURES = "figures.py"  # with how many digits a figure is shown: pages and the engine's commands say the same
AGREED = "agreed.py"  # what a signature of acceptance holds to: a replan says which of it moves, gates turn red by it
PLATFORM = "your-org/platform"  # in the forms for Backstage, until `questions --backstage` names the real one
PROJECT = "{{cookiecutter.project_slug and checked(cookiecutter)}}"


def cookiecutter_json(kind: str) -> dict[str, Any]:
    """The template's cookiecutter.json: unprompted answers as `_key` texts, then the short path as prompts.

    Raises `SystemExit` where more would be prompted for than anybody answers.
    """
    asked = questions.of_kind(kind).values()
    hidden = {f"_{question.key}": _literal(question, kind) for question in asked if not question.plain}
    prompted = [question for question in asked if question.plain]
    if len(prompted) > MOST_PROMPTS:
        raise SystemExit(f"{kind} would prompt for {len(prompted)} answers; at most {MOST_PROMPTS} are allowed.")
    return {
        "_extensions": [f"planning_{kind}.PlanExtension"],
        "_jinja2_env_vars": {"trim_blocks": True, "lstrip_blocks": True},
        "_new_lines": "\n",  # also from a checkout that git has converted
        "_copy_without_render": COPIED,
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


def fields() -> str:
    """The answers as typed fields, one a question, so that a misspelt answer fails the type check."""
    lines = [
        '''"""Every answer with its type. Written by generator/sync.py from questions.yaml: edit that, not this."""''',
        "",
        "import datetime",
        "from collections.abc import Mapping",
        "",
        "from mlscaffold.person import Person",
        "",
        "",
        "class Fields:",
        '    """An answer that belongs to the other kind of repository is not there."""',
        "",
        *(f"    {question.key}: {_type(question)}" for question in questions.load().values()),
    ]
    return "\n".join(lines) + "\n"


def _type(question: Question) -> str:
    """What `answers.typed` makes of a checked text."""
    if question.type in ("integer", "number"):
        named = "int" if question.type == "integer" else "float"
        return f"{named} | None" if _may_stay_unknown(question) else named
    return {
        "date": "datetime.date",
        "names": "tuple[str, ...]",
        "keys": "tuple[str, ...]",
        "team": "tuple[Person, ...]",
        "shares": "Mapping[str, float]",
        "owners": "Mapping[str, str]",
        "origins": "Mapping[str, str]",
        "ids": "Mapping[str, int]",
        "efforts": "Mapping[str, tuple[float, float, float]]",
    }.get(question.type, "str")


def _may_stay_unknown(question: Question) -> bool:
    """Whether no default steps in where nobody answers."""
    if not questions.depends(question):
        return any(questions.default(question, {"kind": kind}) == "" for kind in question.kinds)
    by = question.default["by"]
    return any(questions.default(question, {by: value}) == "" for value in questions.load()[by].choices)


def keys() -> str:
    """The ids of questions and of the catalogue's rows as types, so that a misspelt one fails the type check."""
    lines = [
        '''"""The ids of questions and rows. Written by generator/sync.py from questions.yaml and the catalogue."""''',
        "",
        "from typing import Literal",
        "",
        *_literal_of("AnswerKey", questions.load()),
        *_literal_of("FormulaId", ["", *catalogue.formulas()]),
        *_literal_of("NumberKey", catalogue.numbers()),
        *_literal_of("PlanKey", _plan_keys()),
        *_literal_of("MetricKey", catalogue.metrics()),
    ]
    return "\n".join(lines) + "\n"


def measured() -> str:
    """What the engine knows of each metric beside how it is computed, and of each task."""
    lines = [
        '''"""Every metric and task. Written by generator/sync.py from mlscaffold/catalogue: edit that."""''',
        "# fmt: off",
        "",
        "from typing import Literal, NamedTuple",
        "",
        "",
        "class Listed(NamedTuple):",
        '    """Which way is better, the largest value, what labelled rows are planned in, how two are compared."""',
        "",
        "    better: str",
        "    high: float | None",
        "    counted_on: str",
        "    method: str",
        "",
        "",
        *_literal_of("MetricKey", catalogue.metrics()),
        "METRICS: dict[MetricKey, Listed] = {",
        *(
            f'    "{row.key}": Listed("{row.better}", {row.high}, "{row.counted_on}", "{row.method}"),'
            for row in catalogue.metrics().values()
        ),
        "}",
        "",
        "",
        "class Task(NamedTuple):",
        '    """What an answer is (class, amount, order), a measure of its own, and when one column is suspect."""',
        "",
        "    form: str",
        "    natural: MetricKey",
        "    leakage: float",
        "",
        "",
        "TASKS = {",
        *(
            f'    "{row.key}": Task("{row.form}", "{row.natural}", {row.leakage}),'
            for row in catalogue.tasks().values()
        ),
        "}",
        'CLASSES = tuple(task for task, row in TASKS.items() if row.form == "class")',
    ]
    return "\n".join(lines) + "\n"


def _plan_keys() -> list[str]:
    """The parts of plan.json: the groups of the numbers, and what is no number."""
    groups = dict.fromkeys(key.partition(".")[0] for key in catalogue.numbers())
    return [*groups, *catalogue.SECTIONS]


def _literal_of(name: str, ids: Iterable[str]) -> list[str]:
    return [f"{name} = Literal[", *(f'    "{id}",' for id in ids), "]"]


def engine_catalogue() -> str:
    """The engine's own copy of the catalogue: it runs where there is no mlscaffold."""
    lines = [
        '''"""Answers, gates, roles, numbers, metrics. Written by generator/sync.py from mlscaffold: edit that."""''',
        "# ruff: noqa: E501",
        "# fmt: off",
        "",
        "from collections.abc import Mapping",
        "from typing import Literal, NamedTuple",
        "",
        *_literal_of("AnswerKey", questions.load()),
        "",
        "",
        "class Listed(NamedTuple):",
        '    """Its title, the lowest rigor at which it blocks, and the answers: all of `when`, one of `either`."""',
        "",
        "    title: str",
        "    blocks: str",
        "    when: Mapping[AnswerKey, tuple[str, ...]]",
        "    either: Mapping[AnswerKey, tuple[str, ...]]",
        "",
        "",
        f"RIGORS = {_python(catalogue.RIGORS)}",
        "GATES: dict[str, dict[str, Listed]] = {",
        *(line for kind in questions.KINDS for line in _rows(kind)),
        "}",
        "STAND_INS: dict[str, tuple[str, ...]] = {",
        *(f'    "{role.key}": {_python(role.stand_ins)},' for role in catalogue.roles().values() if role.stand_ins),
        "}",
        "# What a metric is called, and what it means.",
        "METRICS: dict[str, tuple[str, str]] = {",
        *(f'    "{row.key}": {_python((row.title, row.meaning))},' for row in catalogue.metrics().values()),
        "}",
        *_literal_of("GateId", catalogue.gates()),
        *_literal_of("NumberKey", catalogue.numbers()),
        *_literal_of("PlanKey", _plan_keys()),
    ]
    return "\n".join(lines) + "\n"


def _rows(kind: str) -> list[str]:
    """The lines of one kind's gates."""
    rows = (
        f'        "{gate.id}": Listed("{gate.title}", "{gate.blocks}", {_answers(gate.when)}, {_answers(gate.either)}),'
        for gate in catalogue.gates_of(kind)
    )
    return [f'    "{kind}": {{', *rows, "    },"]


def _answers(allowed: Mapping[AnswerKey, tuple[str, ...]]) -> str:
    return "{" + ", ".join(f'"{key}": {_python(values)}' for key, values in allowed.items()) + "}"


def _python(texts: Iterable[str]) -> str:
    """A tuple of texts as the formatter has it."""
    quoted = [json.dumps(text) for text in texts]
    return f"({', '.join(quoted)}{',' if len(quoted) == 1 else ''})"


def readme() -> str:
    """The README with the table of questions that the program prints."""
    return _filled("README.md", "questions", f"{report.questions_markdown(questions.load().values())}\n")


def _filled(page: str, mark: str, text: str) -> str:
    """A page with this text between its marks."""
    before, opening, rest = (ROOT / page).read_text("utf-8").partition(f"<!-- {mark} -->\n")
    _, closing, after = rest.partition(f"<!-- /{mark} -->")
    return f"{before}{opening}{text}{closing}{after}"


def engine(kind: str) -> dict[str, bytes]:
    """The engine's copy for one kind of repository: its files below `engine/`, a manifest of hashes in each package."""
    source = ROOT / "generator"
    files = {
        path.relative_to(source).as_posix(): path.read_bytes()
        for package in ENGINES[kind]
        for path in sorted((source / package).rglob("*"))
        if path.suffix in (".py", ".typed")
    } | {"planrun/catalogue.py": engine_catalogue().encode()}
    project = (source / "engine" / f"pyproject-{kind}.toml").read_text("utf-8").replace("@VERSION@", __version__)
    files[f"{ENGINES[kind][1]}/example.json"] = example(kind, project)
    for package in ENGINES[kind]:
        own = {
            path.removeprefix(f"{package}/"): content
            for path, content in files.items()
            if path.startswith(f"{package}/")
        }
        hashes = {path: hashlib.sha256(content).hexdigest() for path, content in sorted(own.items())}
        manifest = json.dumps({"version": __version__, "files": hashes}, indent=2) + "\n"
        files[f"{package}/manifest.json"] = manifest.encode()
    files |= {"pyproject.toml": project.encode(), "README.md": (source / "engine" / "README.md").read_bytes()}
    return files


def example(kind: str, project: str) -> bytes:
    """The example that the engine of a kind carries: the demo's answers rendered, path → text.

    Of the engine it has the `project` file alone, which says what it needs.

    One file: as a folder it would be a project to every tool that walks the repository, and its .gitignore a rule.
    """
    given = answers.read(ROOT / "generator" / "mlscaffold" / "demo" / f"{kind}.yaml") | {"start_date": EXAMPLE_STARTS}
    with tempfile.TemporaryDirectory() as scratch:
        tree = render.generate(answers.complete(given), Path(scratch))
        paths = {path.relative_to(tree).as_posix(): path for path in render.files_of(tree)}
        texts = {name: path.read_text("utf-8") for name, path in paths.items() if not render.is_engine(name)}
    texts["engine/pyproject.toml"] = project
    return (json.dumps(texts, indent=0, ensure_ascii=False, sort_keys=True) + "\n").encode()


def story() -> dict[str, str]:
    """The engine's copy of the demo, as it imports its own parts; the engine's door stands where mlscaffold's stood.

    Raises `SystemExit` where the demo imports more than its own parts.
    """
    found = {}
    for name, path in STORY.items():
        text = (ROOT / "generator" / "mlscaffold" / "demo" / f"{name}.py").read_text("utf-8")
        if name == "ml":  # the data of the example belong to its kind, and are imported after what is shared
            last, own = "from mlscaffold.demo.telling import Telling\n", "from mlscaffold.demo import parcels\n"
            text = text.replace(own, "").replace(last, f"{last}\nfrom planrun_ml.demo import parcels\n")
        text = text.replace("mlscaffold.demo", "planrun.demo")
        if re.search(r"^(from|import) mlscaffold", text, re.MULTILINE):
            raise SystemExit(f"mlscaffold/demo/{name}.py imports more than the demo's own parts; use its door.")
        found[path] = text
    return found


def standing(module: str) -> str:
    """The engine's copy of a module that reads how a repository stands: the board and `status` say the same.

    Raises `SystemExit` where it imports more than the engine has.
    """
    text = (ROOT / f"generator/mlscaffold/board/{module}.py").read_text("utf-8")
    for theirs, ours in {"catalogue.keys": "catalogue", "board.standing": "standing"}.items():
        text = text.replace(f"from mlscaffold.{theirs} import", f"from planrun.{ours} import")
    if re.search(r"^(from|import) mlscaffold", text, re.MULTILINE):
        raise SystemExit(f"mlscaffold/board/{module}.py imports more than the engine has; the engine has a copy.")
    return text


def doors() -> dict[Path, bytes]:
    """What a template needs before it can be rendered, and the README."""
    files = {
        ROOT / "README.md": readme().encode(),
        ROOT / "generator/mlscaffold/fields.py": fields().encode(),
        ROOT / "generator/mlscaffold/catalogue/keys.py": keys().encode(),
        ROOT / "generator/planrun_ml/measuring/catalogue.py": measured().encode(),
        ROOT / "generator/planrun/catalogue.py": engine_catalogue().encode(),
        **{ROOT / f"generator/planrun/{module}.py": standing(module).encode() for module in STANDING},
        ROOT / "generator/planrun" / FIGURES: (ROOT / "generator/mlscaffold" / FIGURES).read_bytes(),
        ROOT / "generator/planrun_ml/acceptance" / AGREED: (ROOT / "generator/mlscaffold" / AGREED).read_bytes(),
        ROOT / "docs/status.schema.json": f"{json.dumps(forms.json_schema(), indent=2)}\n".encode(),
        ROOT / "docs/facts.schema.json": f"{json.dumps(forms.facts_schema(), indent=2)}\n".encode(),
        **{ROOT / "generator" / path: text.encode() for path, text in story().items()},
    }
    pages = {"formulas.md": catalogue_pages.formulas(), "gates.md": catalogue_pages.gates()}
    pages["schedule.md"] = _filled("docs/schedule.md", "work", catalogue_pages.work())
    files |= {ROOT / "docs" / name: page.encode() for name, page in pages.items()}
    files |= {ROOT / "docs" / name: drawn.encode() for name, drawn in imports.pictures().items()}
    for kind in questions.KINDS:
        form = backstage.template(kind, PLATFORM)
        files[ROOT / "docs" / "backstage" / f"template-{kind}.yaml"] = form.encode()
        settings = json.dumps(cookiecutter_json(kind), indent=2, ensure_ascii=False)
        files[ROOT / "templates" / kind / "cookiecutter.json"] = f"{settings}\n".encode()
    return files | places()


# Where the files of a capability go, by the fact that names each of them, and the part of the template that fills it.
PLACES = {
    "'capability/rule-' ~ one.form ~ '.py'": ("src/{{answers.package_name}}/capabilities", "module"),
    "'capability/router.py'": ("src/{{answers.package_name}}/routers", "router"),
    "'capability/sample.py'": ("tests/samples", "module"),
    "'capability/scenario.py'": ("tests/acceptance", "scenarios"),
}


def places() -> dict[Path, bytes]:
    """A template's places for capabilities: one file a path, so there are as many as may be asked for."""
    project = ROOT / "templates" / "software" / PROJECT
    return {
        project / folder / f"{{{{ capability_files[{place}].{fact} }}}}": (
            f"{{% set one = capability_files[{place}] %}}\n{{% include {named} %}}\n".encode()
        )
        for named, (folder, fact) in PLACES.items()
        for place in range(capability_files.PLACES)
    }


def too_many_places() -> list[Path]:
    """Places in the template for more capabilities than may be asked for."""
    wanted, project = places(), ROOT / "templates" / "software" / PROJECT
    found = (path for folder, _ in PLACES.values() for path in sorted((project / folder).glob("*capability_files*")))
    return [path for path in found if path not in wanted]


def engines() -> dict[Path, bytes]:
    """Every file of the engine's copies."""
    return {_copy(kind) / path: content for kind in questions.KINDS for path, content in engine(kind).items()}


def surplus(wanted: Collection[Path]) -> list[Path]:
    """Files in the engine's copies that its source does not have."""
    return [
        path
        for kind in questions.KINDS
        for path in sorted(_copy(kind).rglob("*"))
        if path.is_file() and "__pycache__" not in path.parts and path not in wanted
    ]


def _copy(kind: str) -> Path:
    return ROOT / "templates" / kind / PROJECT / "engine"


def main() -> int:
    """Write or compare; returns 1 when --check finds a file that is not up to date."""
    only_check = "--check" in sys.argv[1:]
    stale = _brought_up_to_date(doors(), only_check) + _removed(too_many_places(), only_check)
    if stale and only_check:  # what is copied holds an example, which is rendered through the doors
        return 1
    copies = engines()
    stale += _brought_up_to_date(copies, only_check) + _removed(surplus(copies), only_check)
    if not only_check:
        _remove_empty_folders()
    return int(bool(stale) and only_check)


def _brought_up_to_date(files: Mapping[Path, bytes], only_check: bool) -> list[Path]:
    """The files that do not hold what they should; written, unless they are only checked."""
    stale = [path for path, content in files.items() if not path.is_file() or path.read_bytes() != content]
    for path in stale:
        if not only_check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(files[path])
        done = "is not up to date: run python generator/sync.py" if only_check else "written"
        print(f"{path.relative_to(ROOT)} {done}")
    return stale


def _removed(paths: list[Path], only_check: bool) -> list[Path]:
    """These files, which have no source; removed, unless they are only checked."""
    for path in paths:
        if not only_check:
            path.unlink()
        done = "has no source any more: run python generator/sync.py" if only_check else "removed"
        print(f"{path.relative_to(ROOT)} {done}")
    return paths


def _remove_empty_folders() -> None:
    for kind in questions.KINDS:
        for folder in sorted((path for path in _copy(kind).rglob("*") if path.is_dir()), reverse=True):
            if folder.name == "__pycache__":
                shutil.rmtree(folder)
            elif not any(folder.iterdir()):
                folder.rmdir()


if __name__ == "__main__":
    sys.exit(main())
