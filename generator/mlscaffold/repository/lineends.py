"""Line ends do not decide a merge: texts are compared with one kind, and each file gets its own kind back."""

import difflib
from collections.abc import Iterable

_LOOKED_AT = 8000  # bytes; git takes a file with a zero byte among its first 8,000 for binary


def is_text(content: bytes) -> bool:
    """Whether git would take this for text."""
    return b"\0" not in content[:_LOOKED_AT]


def plain(content: bytes) -> bytes:
    """A text with line feeds alone; other bytes as they are."""
    return content.replace(b"\r\n", b"\n") if is_text(content) else content


def mostly_crlf(contents: Iterable[bytes]) -> bool:
    """Whether most of these files end their lines as Windows does, as in a checkout with `core.autocrlf=true`."""
    votes = [b"\r\n" in content for content in contents if is_text(content) and b"\n" in content]
    return sum(votes) * 2 > len(votes)


def restored(merged: bytes, own: bytes | None, *, crlf: bool) -> bytes:
    """A merged text with the line ends of the file it replaces; a new file's follow `crlf`.

    A line that the file had keeps the end it had, others take the end that most lines of the file have.
    """
    if not is_text(merged) or (own is not None and not is_text(own)):
        return merged
    if own is None or b"\n" not in own:
        return merged.replace(b"\n", b"\r\n") if crlf else merged
    windows, all_lines = own.count(b"\r\n"), own.count(b"\n")
    if windows in (0, all_lines):
        return merged.replace(b"\n", b"\r\n") if windows else merged
    return _line_by_line(_lines(merged), own, windows * 2 > all_lines)


def _line_by_line(merged: list[bytes], own: bytes, crlf: bool) -> bytes:
    mine = _lines(own)
    bare = [line[:-2] + b"\n" if line.endswith(b"\r\n") else line for line in mine]
    result = [line[:-1] + b"\r\n" if crlf and line.endswith(b"\n") else line for line in merged]
    for block in difflib.SequenceMatcher(None, bare, merged, autojunk=False).get_matching_blocks():
        result[block.b : block.b + block.size] = mine[block.a : block.a + block.size]
    return b"".join(result)


def _lines(text: bytes) -> list[bytes]:
    """Lines with their ends, split at line feeds alone, as git does."""
    *ended, last = text.split(b"\n")
    return [line + b"\n" for line in ended] + ([last] if last else [])
