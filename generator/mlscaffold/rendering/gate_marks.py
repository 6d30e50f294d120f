"""Gates in finished pages: each that is named says whether it holds work back in this repository."""

import re
from collections.abc import Iterator

from mlscaffold import catalogue
from mlscaffold.answers import Answers

BLOCKS, ADVISES = "blocks", "advises"
NAMED = re.compile(r"(?<![\w./-])[GT]\d\.(?:\d+|lock)(?![\w/-]|\.\w)")
CODE = re.compile(r"(`+)[^`].*?\1")  # what is typed or is a file's name: it names no gate to a reader
FENCE = re.compile(r"^\s*(`{3,}|~{3,})\s*(\w*)")


def weight(id: str, answers: Answers) -> str:
    """Whether this gate "blocks" or "advises" under these answers; "" for one that this repository has not."""
    row = catalogue.gates().get(id)
    if row is None or row.kind != answers.kind or not row.is_called_for(answers):
        return ""
    return BLOCKS if row.is_due(answers) else ADVISES


def marked(page: str, answers: Answers) -> str:
    """A page of Markdown with the weight of each gate behind its id; code and commands stay as they are typed.

    A picture takes the word alone; a cell and a bracket take it in italics, a sentence in brackets as well. The head of
    a page, between its first two lines of `---`, is data that programs show as it stands: brackets, and no italics.
    """
    return "".join(_lines(page, answers))


def _lines(page: str, answers: Answers) -> Iterator[str]:
    fence = language = ""
    lines = page.splitlines(keepends=True)
    head = next((at for at, line in enumerate(lines[1:], 1) if line.rstrip() == "---"), 0) if _has_head(lines) else 0
    for at, line in enumerate(lines):
        if at < head:
            yield _line(line, answers, plain=True)
            continue
        opened = FENCE.match(line)
        if opened and not fence:
            fence, language = opened.groups()
        elif opened and line.strip().startswith(fence):
            fence = ""
        elif not fence or language == "mermaid":
            line = _line(line, answers, drawn=bool(fence))
        yield line


def _has_head(lines: list[str]) -> bool:
    return bool(lines) and lines[0].rstrip() == "---"


def _line(line: str, answers: Answers, *, drawn: bool = False, plain: bool = False) -> str:
    typed = [match.span() for match in CODE.finditer(line)]

    def with_its_weight(match: re.Match[str]) -> str:
        said = weight(match[0], answers)
        if not said or any(start <= match.start() < end for start, end in typed):
            return match[0]
        if drawn:
            return f"{match[0]} {said}"
        if plain:
            return f"{match[0]} ({said})"
        before = line[: match.start()]
        aside = line.lstrip().startswith("|") or before.count("(") > before.count(")")
        return f"{match[0]} *{said}*" if aside else f"{match[0]} (*{said}*)"

    return NAMED.sub(with_its_weight, line)
