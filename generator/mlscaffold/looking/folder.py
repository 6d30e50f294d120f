"""A folder that holds a project already: which answers its own files give, each with the file that gave it.

Read are the project's metadata, the title of its page, its licence, its pipeline and how it is shipped; never its code
and never its history, whose names are people's. What two files say differently, or what none of the answers fits, is a
note.
"""

import json
import re
import shlex
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlscaffold import questions

MOST = 1 << 20  # bytes; a longer file is none of those that are meant here
LICENCES = {
    "mit": r"\bMIT License\b|Permission is hereby granted, free of charge",
    "apache-2.0": r"Apache License\s+Version 2\.0|^Apache-2\.0$|^Apache License,? (Version )?2\.0$",
    "bsd-3-clause": r"BSD 3-Clause|^BSD-3-Clause$|Neither the name of .{1,200} may be used to\s+endorse",
}
PIPELINES = {"github": ".github/workflows/*.y*ml", "gitlab": ".gitlab-ci.yml", "azure": "azure-pipelines.y*ml"}
# A framework in the dependencies tells what is delivered; the first deliverable that has one counts.
FRAMEWORKS = {
    "web-app": ("django", "flask", "streamlit", "dash", "nicegui", "reflex"),
    "service": ("fastapi", "starlette", "litestar", "falcon", "aiohttp", "sanic", "flask-restful", "connexion"),
    "cli": ("typer", "click", "docopt", "fire"),
}
TOOLS = {"tracking": ("mlflow", "mlflow-skinny"), "compute": ("pyspark",)}
_ANSWERS = {"tracking": "mlflow", "compute": "spark"}
LEARNERS = ("scikit-learn", "lightgbm", "xgboost", "catboost", "torch", "tensorflow", "keras", "statsmodels", "pyspark")
TABLES = ("*.csv", "*.parquet", "data/*.csv", "data/*.parquet", "data/raw/*.csv", "data/raw/*.parquet")
LONGEST_TITLE = 60  # characters; what is longer is a sentence, and no name


@dataclass(frozen=True)
class Found:
    """One answer that the folder gives, and the file that gave it, named from the folder."""

    key: str
    value: str
    where: str


@dataclass(frozen=True)
class Around:
    """What a folder says: answers, and what is good to know about those that it could not give."""

    found: tuple[Found, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def texts(self) -> dict[str, str]:
        """The answers by key."""
        return {entry.key: entry.value for entry in self.found}


def look_around(folder: Path, kind: str = "") -> Around:
    """What the files of a project that has no template say of the answers; nothing for a folder that is not there.

    `kind` is the kind of repository that somebody has chosen; without one, libraries that learn are a note.
    A file that cannot be read as what its name says, and a value that is no answer, is a note and never an error:
    the folder is somebody's, and what it does not give is asked.
    """
    look = _Look(folder)
    for entry in [*look.metadata(), *look.requirements(), *look.licence(), *look.pipeline(), *look.shipping()]:
        look.take(entry)
    for entry in look.title():
        look.take(entry)
    if not kind:
        look.note_learning()
    return Around(tuple(look.found.values()), tuple(look.notes))


class _Look:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.found: dict[str, Found] = {}
        self.notes: list[str] = []
        self.needed: dict[str, set[str]] = {}  # packages by the file that asks for them

    def take(self, entry: Found) -> None:
        """Keep an answer: the first file that gives it counts, and a later one that says otherwise is named."""
        earlier = self.found.get(entry.key)
        if earlier and earlier.value != entry.value:
            self.notes.append(
                f"{entry.where} says {entry.key}={entry.value}, and {earlier.where} {earlier.value}, which is taken."
            )
        complaint = questions.check(questions.load()[entry.key], entry.value, {})
        if complaint or questions.holds_secret(entry.value):
            self.notes.append(f"{entry.where}: its {entry.key} is not taken ({complaint or 'it holds a secret'}).")
        elif not earlier:
            self.found[entry.key] = entry

    # --------------------------------------------------------------------------------------------------- metadata

    def metadata(self) -> Iterator[Found]:
        """Name, author, licence and what is delivered, from pyproject.toml or package.json."""
        if project := self._pyproject():
            self.needed["pyproject.toml"] = _packages(project.get("dependencies"))
            yield from _of_project(project)
        elif package := self._package():
            author = package.get("author")
            known = author if isinstance(author, dict) else _person(str(author or ""))
            texts = {"project_name": _spoken(package.get("name")), "author": known.get("name"),
                     "email": known.get("email"), "license": _licence_of(package.get("license"))}  # fmt: skip
            yield from (Found(key, str(text), "package.json") for key, text in texts.items() if text)

    def _pyproject(self) -> Mapping[str, Any]:
        """The `[project]` table, or poetry's older one; empty without either."""
        text = self._text("pyproject.toml")
        try:
            tables = tomllib.loads(text)
        except tomllib.TOMLDecodeError as error:
            self.notes.append(f"pyproject.toml is no TOML ({error}), so nothing is read from it.")
            return {}
        tools = tables.get("tool")
        older = tools.get("poetry") if isinstance(tools, dict) else None
        project = tables.get("project", older)
        return project if isinstance(project, dict) else {}

    def _package(self) -> Mapping[str, Any]:
        text = self._text("package.json")
        try:
            found = json.loads(text) if text else {}
        except ValueError as error:
            self.notes.append(f"package.json is no JSON ({error}), so nothing is read from it.")
            return {}
        return found if isinstance(found, dict) else {}

    def requirements(self) -> Iterator[Found]:
        """What requirements.txt tells by its packages, where no metadata name any."""
        if any(self.needed.values()):
            return
        where = "requirements.txt"
        self.needed[where] = needed = _packages(self._text(where).splitlines())
        texts = {"deliverable": _deliverable(needed, has_scripts=False)} | _tools(needed)
        yield from (Found(key, text, where) for key, text in texts.items() if text)

    def title(self) -> Iterator[Found]:
        """The name that the project's page begins with, where its metadata give none."""
        if "project_name" not in self.found and (title := _title(self._text("README.md"))):
            yield Found("project_name", title, "README.md")

    def note_learning(self) -> None:
        """Say how the other kind is chosen, where a library that learns is asked for."""
        for where, needed in self.needed.items():
            if library := next((name for name in LEARNERS if name in needed), ""):
                table = next((path.relative_to(self.folder).as_posix() for path in self._named(*TABLES)), "FILE")
                self.notes.append(
                    f"{where} names {library}: a repository that learns is --kind ml, and --data {shlex.quote(table)} "
                    "reads answers from its table."
                )

    # --------------------------------------------------------------------------------- licence, pipeline, shipping

    def licence(self) -> Iterator[Found]:
        """Which of the licences that are offered a file at the top holds."""
        for path in self._named("LICENSE*", "LICENCE*", "COPYING*"):
            if licence := _licence_of(self._text(path.name)):
                yield Found("license", licence, path.name)
            else:
                self.notes.append(f"{path.name} is none of the licences that are offered; it stays as it is.")

    def pipeline(self) -> Iterator[Found]:
        """Which host's pipeline is there; where several are, only a person knows which is meant."""
        there = {ci: found[0] for ci, pattern in PIPELINES.items() if (found := self._named(pattern))}
        if len(there) > 1:
            named = " and ".join(path.relative_to(self.folder).as_posix() for path in there.values())
            self.notes.append(f"{named} are pipelines of {len(there)} hosts: say which is meant, --set ci=…")
            return
        for ci, path in there.items():
            yield Found("ci", ci, path.relative_to(self.folder).as_posix())

    def shipping(self) -> Iterator[Found]:
        """Whether it is shipped as a container image."""
        for path in self._named("Dockerfile", "Containerfile")[:1]:
            yield Found("deploy", "container", path.name)

    def _named(self, *patterns: str) -> list[Path]:
        """The files of these names; links that lead nowhere and folders are none."""
        return [path for pattern in patterns for path in sorted(self.folder.glob(pattern)) if path.is_file()]

    def _text(self, name: str) -> str:
        """A file's text; "" where it is not there, too long or not UTF-8, the latter two with a note."""
        path = self.folder / name
        try:
            if not path.is_file():
                return ""
            if path.stat().st_size > MOST:
                self.notes.append(f"{name} is larger than 1 MiB, so nothing is read from it.")
                return ""
            return path.read_text("utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            self.notes.append(f"{name} cannot be read ({getattr(error, 'strerror', None) or 'not UTF-8'}).")
            return ""


def _of_project(project: Mapping[str, Any]) -> Iterator[Found]:
    where = "pyproject.toml"
    person = next(iter(_list(project.get("authors"))), "")
    known = person if isinstance(person, dict) else _person(str(person))
    licence = project.get("license")
    told = licence.get("text") or licence.get("name") if isinstance(licence, dict) else licence
    needed = _packages(project.get("dependencies"))
    texts = {
        "project_name": _spoken(project.get("name")),
        "author": known.get("name"),
        "email": known.get("email"),
        "license": _licence_of(told),
        "deliverable": _deliverable(needed, bool(project.get("scripts"))),
    }
    texts |= _tools(needed)
    yield from (Found(key, str(text), where) for key, text in texts.items() if text)


def _tools(needed: set[str]) -> dict[str, str]:
    """Answers that a tool among the dependencies gives."""
    return {key: _ANSWERS[key] for key, packages in TOOLS.items() if needed & set(packages)}


def _title(page: str) -> str:
    """The first heading of a Markdown page without its markup; "" where there is none or it is too long for a name."""
    prose = re.sub(r"(?ms)^(```|~~~).*?^\1", "", page)
    found = re.search(r"(?m)^# +(.+?)[ #]*$", prose)
    text = re.sub(r"!\[[^]]*\]\([^)]*\)|<[^>]*>", "", found[1]) if found else ""
    text = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", text)
    plain = " ".join(re.sub(r"[*`]", "", text).split())
    return plain if len(plain) <= LONGEST_TITLE else ""


def _deliverable(needed: set[str], has_scripts: bool) -> str:
    """What a framework among the dependencies, or a command that is installed, tells; "" where nothing does."""
    told = next((name for name, packages in FRAMEWORKS.items() if needed & set(packages)), "")
    return told if told != "cli" else ("cli" if has_scripts else "")


def _packages(dependencies: Any) -> set[str]:
    """The names of packages, as PyPI compares them, from a list of requirements or poetry's mapping."""
    found = list(dependencies) if isinstance(dependencies, dict) else _list(dependencies)
    names = (re.match(r"[A-Za-z0-9._-]+", str(text).strip()) for text in found)
    return {re.sub(r"[-_.]+", "-", name[0]).lower() for name in names if name}


def _list(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else []


def _person(text: str) -> dict[str, str]:
    """Name and address of "Ana Example <ana@example.org>"."""
    found = re.fullmatch(r"\s*([^<]*?)\s*(?:<([^>]*)>)?\s*(?:\(.*\))?", text)
    return {"name": found[1] or "", "email": found[2] or ""} if found else {}


def _spoken(name: Any) -> str:
    """A package's name as a project's: "invoice_desk" is Invoice desk, "@org/desk" is Desk."""
    words = re.sub(r"[-_.]+", " ", str(name or "").rpartition("/")[2]).strip()
    return words[:1].upper() + words[1:]


def _licence_of(text: Any) -> str:
    """The answer for a licence's text, name or SPDX identifier; "" for another one."""
    told = str(text or "").strip()
    if told.lower() in LICENCES:
        return told.lower()
    return next((key for key, words in LICENCES.items() if re.search(words, told[:4000], re.DOTALL)), "")
