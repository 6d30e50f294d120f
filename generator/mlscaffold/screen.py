"""How the wizard's lines are broken and aligned: pure text, measured in screen cells (名 takes two)."""

from collections.abc import Iterator, Sequence

from prompt_toolkit.utils import get_cwidth

from mlscaffold.interview import Row

VALUE_CELLS = 24


def wrap(text: str, width: int) -> list[str]:
    """Lines of at most `width` cells, broken at spaces, and inside a word only where it is too long for a line."""
    if get_cwidth(text) <= width:
        return [text]
    indent = " " * (len(text) - len(text.lstrip(" ")))
    hang = indent + ("  " if text.lstrip(" ").startswith("- ") else "")
    lines, line = [], indent
    for word in text.split():
        joined = f"{line} {word}" if line.strip() else f"{line}{word}"
        if get_cwidth(joined) > width and line.strip():
            lines.append(line)
            joined = hang + word
        while get_cwidth(joined) > width:
            head = _head(joined, width)
            lines.append(head)
            joined = hang + joined[len(head) :]
        line = joined
    return [*lines, line]


def cut(text: str, width: int) -> str:
    """A text shortened to `width` cells."""
    return text if get_cwidth(text) <= width else _head(text, width - 1) + "…"


def table(rows: Sequence[Row], width: int) -> Iterator[str]:
    """Rows by section: a mark where assumed, the value, the question. A long value gets lines of its own."""
    column = min(VALUE_CELLS, max((get_cwidth(row.value) for row in rows), default=0)) + 2
    section = ""
    for row in rows:
        if row.section != section:
            section = row.section
            yield f"{section}"
        mark = "* " if row.assumed else "  "
        margin = " " * (column + 2)
        question = [margin + line for line in wrap(row.text, width - len(margin))]
        if get_cwidth(row.value) + 2 <= column:
            gap = " " * (column - get_cwidth(row.value))
            yield f"{mark}{row.value}{gap}{question[0].strip()}"
            yield from question[1:]
        else:
            first, *more = wrap(row.value, width - 2)
            yield from (mark + first, *(f"  {line}" for line in more), *question)


def _head(text: str, width: int) -> str:
    """As many leading characters as fit into `width` cells, at least one."""
    end, cells = 0, 0
    for character in text:
        cells += get_cwidth(character)
        if cells > width and end:
            break
        end += 1
    return text[:end]
