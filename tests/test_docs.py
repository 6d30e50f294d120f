"""The rendered documents, as their readers get them: short, linked, free of leaks, and written once."""

import itertools
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from material import ROOT, SAMPLES, sample_answers
from mlscaffold import answers, render, wording
from pymarkdown.api import PyMarkdownApi

Rendered = Callable[[str], Path]

READABLE = [name for name in SAMPLES if not name.startswith("awkward")]
# The same path in both templates, the same bytes.
SHARED = [
    "../templates/footnote.md",
    "../templates/readme/larger-repository.md",
    "docs/formulas.md",
    "docs/glossary.md",
    "docs/handbook.md",
    "docs/limits.md",
    "docs/onboarding.md",
    "docs/05-risks.md",
    "docs/plan-on-a-page.md",
    "docs/{% if answers.ci == 'gitlab' %}CODEOWNERS{% endif %}",
    ".github/{% if answers.ci == 'github' %}CODEOWNERS{% endif %}",
    ".github/{% if answers.ci == 'github' %}PULL_REQUEST_TEMPLATE.md{% endif %}",
    ".github/ISSUE_TEMPLATE/"
    "{% if answers.ci == 'github' and (answers.kind == 'ml' or answers.ml_component) %}misbehaviour.yml{% endif %}",
    "{% if answers.license != 'proprietary' %}LICENSE{% endif %}",
    "plan/assumptions.yaml",
    "plan/backlog.json",
    "plan/plan.json",
    "plan/project.yaml",
]
# What a template prints when it forgot to choose a value out of something larger, or when there was none.
LEAKS = re.compile(
    r"\{'|\{\{|\{%|\}\}|%\}|\bnan\b|\bTrue\b|\bFalse\b(?! alerts)|[Uu]ndefined|Person\(|datetime|<function"
    r"|<built-in|<bound|\bNone\b(?! (of|is|are)\b)"
)
MARKER = re.compile(r"\[NEEDS ANSWER (owner: (po|ds|mle|swe|de|ops|expert)\] \S|fit\])")
ALONE = re.compile(r"not yet measured \([^)]+(\([^)]+\))?\)( \(limit \d+\))?")  # a cell that says by what, and no more
# Marks that a reader skips: tables are data, fences are pictures or commands, the footnote says how to confirm.
SKIPPED = ("|", "<", "```", "#", "---", ">", "\\*")
# Headings that the repository's own gates look for: stable, numbered, in this order.
SECTIONS = {
    "sw-orders": {
        "00-charter.md": "Decision and users; Today's practice; Success at three levels; Scope and appetite; "
        "What you are buying; People; Milestones; Cadence; Readiness",
        "01-requirements.md": "Purpose and users; Capabilities; Requirements; Quality scenarios; Interfaces and data; "
        "Fault requirements; Decisions; Plan; Open questions; Baseline and change control",
        "02-iterations.md": "Cadence; Definition of ready; Definition of done; Backlog; Slicing rule; Circuit breaker; "
        "Retrospective; Forecast, risks and decisions",
        "03-acceptance.md": "Acceptance scenarios; Traceability; Service level; Demonstration size; "
        "Non-functional tests; Out of scope and known defects; Sign-off",
        "04-operations.md": "Overview; Objectives and alerts; Pipeline; Deployment; Configuration and secrets; "
        "Backup and restore; Troubleshooting; Capacity; On-call; Error budget policy; Incidents; Maintenance; "
        "Reviews and cost",
        "06-architecture.md": "Context; Building blocks; Runtime; Deployment and load; Rules that hold everywhere; "
        "Change scenarios; Who owns which part",
        "decisions/0001-approach.md": "Context; What the advisor said; Decision; Language, platform and architecture; "
        "When would ML be reconsidered?; Confirmation",
    },
    "ml-invoices": {
        "00-charter.md": "Decision and users; Today's practice; Success at three levels; Scope and appetite; "
        "What you are buying; People; Milestones; Cadence and negotiation; Readiness",
        "01-data-audit.md": "Feasibility question; Data availability; Data quality; Labels; Splits and leakage; "
        "Pipeline; Training and evaluation; Baseline; Feasibility forecast; Privacy and rights; Recommendation; "
        "Change control",
        "02-iteration-plan.md": "Rules of the loop; Budget and stop rules; Hypotheses; The record; Error analysis; "
        "Cadence; Reproducibility; From notebook to module; The log",
        "03-acceptance.md": "What is accepted; Baseline; Thresholds; Evidence size; Test protocol; "
        "Segments and guardrails; Decision threshold; Hard limits; Verdicts; Negotiation record; Sign-off; "
        "Renegotiation",
        "04-operations.md": "Service; Signals; Data contract; Drift; Performance decay; Feedback; Triage; Retraining; "
        "Promotion; Rollback; Incidents; Retirement; Calendar and cost",
        "06-interface.md": "Contract; Versions; Serving; Capacity; Fallback; Prediction log; Body and brain",
        "decisions/0001-ml-or-not.md": "Context; What the advisor said; Decision; Technology; "
        "What would change our mind; Confirmation",
    },
}


@pytest.fixture(params=READABLE)
def repository(request: pytest.FixtureRequest, rendered: Rendered) -> Path:
    """Each sample with ordinary answers, rendered."""
    return rendered(str(request.param))


def test_links_lead_somewhere(repository: Path) -> None:
    """Every relative link names a file that exists at birth, and every anchor a heading in it."""
    assert list(broken_links(repository)) == []


def test_a_broken_link_is_noticed(tmp_path: Path) -> None:
    """Missing files and missing headings are found; code and outside addresses are left alone."""
    tmp_path.joinpath("a.md").write_text("# A\n\n## 1 One\n\n[x](b.md) [y](#2-two) [z](#1-one) [w](https://x.org)\n")

    assert list(broken_links(tmp_path)) == ["a.md: b.md", "a.md: #2-two"]


def test_nothing_leaks_from_the_templates(repository: Path) -> None:
    """No braces, no Python values, no None where a number should be."""
    shown = ("bring-your-own.md", "more-examples.md")  # they show Python
    told = [path for path in documents(repository) if path.name not in shown]
    leaks = [f"{path.name}: {line}" for path in told for line in lines(path) if LEAKS.search(line)]

    assert leaks == []


@pytest.mark.parametrize("leak", ["| {'value': 3} |", "{{ plan.x }}", "takes None days", "by None", "| nan |", "True"])
def test_a_leak_is_noticed(leak: str) -> None:
    """Each of these would stop a reader."""
    assert LEAKS.search(leak)


def test_open_questions_name_an_owner_and_there_is_no_other_blank(repository: Path) -> None:
    """What only a person can say is marked one way."""
    texts = {path.name: path.read_text("utf-8") for path in documents(repository)}
    bare = [name for name, text in texts.items() if text.count("NEEDS ANSWER") != len(MARKER.findall(text))]
    blanks = [name for name, text in texts.items() if re.search(r"\bTODO\b|\bTBD\b|\bFIXME\b|_{4,}|\| +\| *$", text)]

    assert bare == []
    assert blanks == []


def test_no_sentence_is_said_twice(repository: Path) -> None:
    """Documents of one repository do not repeat each other."""
    said = sorted((sentence, path.name) for path in documents(repository) for sentence in sentences(path))
    groups = itertools.groupby(said, key=lambda pair: pair[0])
    twice = {sentence: [name for _, name in places] for sentence, places in groups}

    assert {sentence: names for sentence, names in twice.items() if len(names) > 1} == {}


def test_a_repeated_sentence_is_noticed(tmp_path: Path) -> None:
    """Emphasis and links do not hide a repetition; short remarks and table cells may recur."""
    path = tmp_path / "a.md"
    path.write_text("- A **date** is fixed and [the scope](x.md) is not.\n\nNo.\n\n| A date is fixed and so on |\n")

    assert list(sentences(path)) == ["A date is fixed and the scope is not."]


@pytest.mark.parametrize("name", ["ml-default", "sw-default", "ml-invoices", "sw-orders", "sw-cli"])
def test_markdown_is_clean(name: str, rendered: Rendered) -> None:
    """A Markdown linter finds nothing in any page of the repository."""
    assert lint(rendered(name)) == []


def test_untidy_markdown_is_noticed(tmp_path: Path) -> None:
    """The linter is not asleep: two first-level headings, a table without room, trailing spaces."""
    tmp_path.joinpath("a.md").write_text("# A\ntext   \n# B\n- x\n")

    assert {found.split()[1] for found in lint(tmp_path)} >= {"MD022", "MD025"}


@pytest.mark.parametrize("name", SECTIONS)
def test_sections_are_numbered_and_stay(name: str, rendered: Rendered) -> None:
    """Gates and links find sections by their number and words."""
    found = {
        document: "; ".join(section for _, section in numbered(rendered(name) / "docs" / document))
        for document in SECTIONS[name]
    }

    assert found == SECTIONS[name]


def test_sections_count_from_one(repository: Path) -> None:
    """No number is skipped or used twice, whatever the answers leave out."""
    counts = {path.name: [number for number, _ in numbered(path)] for path in documents(repository)}

    assert counts == {name: list(range(1, len(numbers) + 1)) for name, numbers in counts.items()}


def test_documents_of_one_number_name_their_mirror(rendered: Rendered) -> None:
    """Who knows one repository finds the way in the other: the first lines say what the other trade has instead."""
    for name, other in (("sw-orders", "ML"), ("ml-invoices", "software")):
        for path in sorted(rendered(name).glob("docs/0[0-46]-*.md")):
            opening = " ".join(lines(path)[:8])
            assert other.lower() in opening.lower(), f"{name}: {path.name}"


def test_readiness_names_what_looks_again(repository: Path) -> None:
    """An answer that is repeated shows nothing: each row has the gate, the command or the signal that looks."""
    text = (repository / "docs/00-charter.md").read_text("utf-8").partition("## 9 Readiness")[2]
    rows = [line.strip("|").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    looks = [cells[-1] for cells in rows[1:]]

    assert len(looks) > 4
    assert [look for look in looks if not re.search(r"\b[GT]\d\.\d|`(make|mlscaffold) |the signal \*", look)] == []


@pytest.mark.parametrize("path", SHARED)
def test_shared_pages_are_the_same_in_both_templates(path: str) -> None:
    """The same path holds the same bytes."""
    ml, software = (template(kind) / path for kind in ("ml", "software"))

    assert ml.read_bytes() == software.read_bytes()


def test_code_owners_for_both_hosts_are_one_text() -> None:
    """GitHub reads .github/CODEOWNERS, GitLab docs/CODEOWNERS."""
    github, gitlab = (template("ml") / path for path in SHARED if "CODEOWNERS" in path)

    assert github.read_bytes() == gitlab.read_bytes()


def test_every_template_page_shared_by_name_is_in_the_list() -> None:
    """A page that both templates have under one name is either shared or mirrored."""
    mirrored = {
        "00-charter.md",
        "03-acceptance.md",
        "04-operations.md",
        "{% if governed %}governance.md{% endif %}",
    }
    pages = [
        {path.name for path in (template(kind) / "docs").iterdir() if path.is_file()} for kind in ("ml", "software")
    ]

    assert (pages[0] & pages[1]) - mirrored == {Path(path).name for path in SHARED if path.startswith("docs/")}


@pytest.mark.parametrize("name", [name for name in READABLE if name.startswith("sw-")])
def test_the_architecture_names_modules_that_exist(name: str, rendered: Rendered) -> None:
    """A part of the building blocks that is not there would send a reader looking."""
    text = (rendered(name) / "docs" / "06-architecture.md").read_text("utf-8")
    named = set(re.findall(r"`(\w+\.(?:py|html))`", text))
    there = {path.name for path in [*rendered(name).glob("src/*/*"), *rendered(name).glob("engine/*/**/*.py")]}

    assert named
    assert named - there == set()


def test_documents_name_commands_that_exist(repository: Path) -> None:
    """Every `make X` of a page is a target, every `planrun X` a command, every `python -m package X` the product's."""
    rules = re.findall(r"^([a-z][a-z -]*):", (repository / "Makefile").read_text("utf-8"), re.M)
    targets = {target for rule in rules for target in rule.split()}
    own = [path.read_text("utf-8") for path in repository.glob("engine/*/commands.py")]
    commands = {name for text in own for name in re.findall(r'\bCommand\(\s*"([a-z-]+)"', text)}
    product = [path.read_text("utf-8") for path in repository.glob("src/*/__main__.py")]
    of_product = {name for text in product for name in re.findall(r'^    "([a-z-]+)": ', text, re.M)}
    text = "\n".join(path.read_text("utf-8") for path in documents(repository))
    package = next(repository.glob("src/*")).name
    made = {word for words in re.findall(r"`make ([a-z -]+?)(?: ARGS=.*?)?`", text) for word in words.split()}
    typed = set(re.findall(r"`(?:\.venv/bin/)?planrun ([a-z-]+)", text))
    run = set(re.findall(rf"`(?:python -m )?{package} ([a-z-]+)", text))

    assert made - targets == set()
    assert typed - commands == set()
    assert run - of_product == set()


def test_without_make_the_same_is_installed(repository: Path) -> None:
    """The line that is typed where make is missing is the one that `make setup` runs."""
    made, typed = (
        re.findall(r"python (engine\S+environment\.py)$", repository.joinpath(name).read_text("utf-8"), re.MULTILINE)
        for name in ("Makefile", "README.md")
    )

    assert made == ["engine/planrun/environment.py"]
    assert [place.replace("\\", "/") for place in typed] == made
    assert repository.joinpath(made[0]).is_file()


def test_documents_name_gates_that_exist(repository: Path) -> None:
    """Every gate a page speaks of is a registered check."""
    code = "\n".join(path.read_text("utf-8") for path in repository.glob("engine/*/gates/*.py"))
    gates = set(re.findall(r'@gate\(\s*"([GT]\d\.\w+)"', code))
    text = "\n".join(path.read_text("utf-8") for path in documents(repository))

    assert set(re.findall(r"\b[GT]\d\.\d+\b", text)) - gates == set()


@pytest.mark.parametrize("name", ["ml-default", "sw-default", "sw-model"])
def test_issue_forms_are_forms(name: str, rendered: Rendered) -> None:
    """The host accepts a form that has a name, a description and questions with unique ids."""
    forms = sorted(rendered(name).glob(".github/ISSUE_TEMPLATE/*.yml"))

    assert len(forms) == {"ml-default": 3, "sw-default": 1, "sw-model": 2}[name]
    for path in forms:
        form = yaml.safe_load(path.read_text("utf-8"))
        asked = [part["id"] for part in form["body"] if part["type"] != "markdown"]
        assert form["name"]
        assert form["description"]
        assert len(asked) == len(set(asked)) > 0


def test_host_files_come_only_with_their_host(rendered: Rendered) -> None:
    """Without GitHub there is nothing under .github; with GitLab the owners are where GitLab reads them."""
    for name in ("ml-multiclass", "sw-library", "sw-cli", "ml-forecast"):
        assert [path for path in rendered(name).glob(".github/**/*") if path.is_file()] == []
    assert (rendered("sw-cli") / "docs" / "CODEOWNERS").is_file()
    assert not (rendered("sw-library") / "docs" / "CODEOWNERS").exists()


def test_code_owners_are_commented_out_until_somebody_is_named(rendered: Rendered) -> None:
    """A line without an owner would take ownership away, so it is a comment."""
    nobody = (rendered("ml-default") / ".github" / "CODEOWNERS").read_text("utf-8")
    teams = (rendered("sw-web-app") / ".github" / "CODEOWNERS").read_text("utf-8")

    assert all(line.startswith("#") for line in nobody.splitlines())
    assert re.search(r"^/docs/00-charter.md +@org/product @org/engineering$", teams, re.M)
    assert re.search(r"^/ops/ +@org/engineering$", teams, re.M)


@pytest.mark.parametrize(
    ("license_", "words"),
    [
        ("mit", "Permission is hereby granted, free of charge"),
        ("apache-2.0", "TERMS AND CONDITIONS FOR USE, REPRODUCTION, AND DISTRIBUTION"),
        ("bsd-3-clause", "Redistribution and use in source and binary forms"),
    ],
)
def test_the_licence_is_the_chosen_one(license_: str, words: str, tmp_path: Path) -> None:
    """Its text, the year of the start date, and the author."""
    given = {"kind": "software", "license": license_, "start_date": "2027-03-01", "author": "Ana & Söhne"}
    text = (render.render(complete(given), tmp_path) / "LICENSE").read_text("utf-8")

    assert words in text
    assert re.search(r"Copyright (\(c\) )?2027,? Ana & Söhne", text)


def test_a_proprietary_project_has_no_licence_file(tmp_path: Path) -> None:
    """All rights reserved needs no file."""
    assert not (render.render(complete({"kind": "software", "license": "proprietary"}), tmp_path) / "LICENSE").exists()


# ------------------------------------------------------------------------------------------------------ reading pages


def complete(given: dict[str, str]) -> answers.Answers:
    """Answers with what a person must say filled in."""
    return answers.complete({"decision": sample_answers("sw-orders").decision} | given)


def template(kind: str) -> Path:
    """The folder of a template that becomes the repository."""
    return next((ROOT / "templates" / kind).glob("{{*"))


def documents(repository: Path) -> list[Path]:
    """The pages under docs/."""
    return sorted((repository / "docs").rglob("*.md"))


def lines(path: Path) -> list[str]:
    """The lines of a page."""
    return path.read_text("utf-8").splitlines()


def numbered(path: Path) -> list[tuple[int, str]]:
    """Number and words of each second-level section."""
    found = (re.fullmatch(r"## (\d+) (.+)", line) for line in lines(path))
    return [(int(match[1]), match[2]) for match in found if match]


def sentences(path: Path) -> Iterator[str]:
    """The prose of a page, a sentence a line, without emphasis and links; short remarks are left out."""
    text = re.sub(r"^---\n.*?\n---\n|<details>.*?</details>|```.*?```", "", path.read_text("utf-8"), flags=re.S)
    for line in text.splitlines():
        plain = re.sub(r"\[([^\]]+)\]\([^)]*\)|[*`]", r"\1", line).strip().removeprefix("- ")
        if not line.startswith(SKIPPED) and len(plain.split()) > 5:
            yield plain


def broken_links(repository: Path) -> Iterator[str]:
    """Relative links of all pages that lead to no file or to no heading."""
    for path in sorted(path for path in repository.rglob("*.md") if ".venv" not in path.parts):
        text = re.sub(r"```.*?```|`[^`\n]*`", "", path.read_text("utf-8"), flags=re.S)
        for link in re.findall(r"\]\(([^)\s]+)\)", text):
            if not re.match(r"[a-z]+:", link) and not leads_somewhere(path, link):
                yield f"{path.relative_to(repository)}: {link}"


def leads_somewhere(page: Path, link: str) -> bool:
    """Whether a link's file exists and has the heading it names."""
    name, _, anchor = link.partition("#")
    target = page.parent / name if name else page
    return target.exists() and (not anchor or anchor in anchors(target))


def anchors(path: Path) -> set[str]:
    """The anchors that code hosts make from a page's headings."""
    headings = (re.sub(r"^#+ ", "", line) for line in lines(path) if line.startswith("#"))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def lint(folder: Path) -> list[str]:
    """What the linter finds below a folder, a line a finding."""
    linter = PyMarkdownApi().enable_extension_by_identifier("front-matter")
    # Long lines are one sentence each; folds and line breaks in tables are HTML on purpose.
    for rule in ("md013", "md033"):
        linter = linter.disable_rule_by_identifier(rule)
    found = linter.scan_path(str(folder), recurse_if_directory=True)
    # A pull request's template is the middle of a page, so it has no title.
    failures = [failure for failure in found.scan_failures if ".github" not in Path(failure.scan_file).parts]
    assert not found.pragma_errors
    return [f"{Path(f.scan_file).name}:{f.line_number} {f.rule_id} {f.rule_description}" for f in failures]


@pytest.mark.parametrize("task", ["binary", "multiclass", "regression", "ranking", "forecast"])
def test_no_sentence_is_built_around_a_number_that_is_missing(task: str, tmp_path: Path) -> None:
    """What is not measured yet stands alone in its cell, or in the fold that says why; never inside a sentence."""
    folder = render.render(
        answers.complete({"kind": "ml", "kind_reason": "a test", "project_name": "Plain", "task": task}), tmp_path
    )
    found = []
    for page in sorted(folder.glob("docs/*.md")):
        for line in page.read_text("utf-8").splitlines():
            cells = [cell.strip(" *") for cell in line.strip("|").split("|")] if line.startswith("|") else [line]
            found += [f"{page.name}: {line}" for _ in re.findall(r"\b1 (?:days|rows|workers|weeks|labels)\b", line)]
            within = [cell for cell in cells if "not yet measured" in cell and not ALONE.fullmatch(cell)]
            found += [f"{page.name}: {cell}" for cell in within if not line.startswith("- ")]

    assert found == []


def test_a_duration_is_rounded_once() -> None:
    """A page and its fold never differ by a day."""
    for value in (1.4, 175.97, 1387.07, 16.8, 90.0):
        assert wording.days(value).removesuffix("s").removesuffix(" day") == f"{round(value):,}"


@pytest.mark.parametrize("kind", ["ml", "software"])
def test_an_expert_of_the_team_is_not_asked_for(kind: str, tmp_path: Path) -> None:
    """The charter names whom the team has, with letters in its table, and asks only where nobody is named."""
    team = "po=Ana:0.2; swe=Cy:0.5; expert=Fay:0.1"
    charters = [
        render.render(answers.complete({"kind": kind, "project_name": name, "team": named}), tmp_path)
        .joinpath("docs", "00-charter.md")
        .read_text("utf-8")
        for name, named in (("Named team", team), ("Open team", team.partition("; expert")[0]))
    ]

    assert ["Which domain expert" in text for text in charters] == [False, True]
    assert ["Fay" in text for text in charters] == [True, False]
    assert "EXPERT |" in charters[0]
