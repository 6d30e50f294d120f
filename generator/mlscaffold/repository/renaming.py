"""Another name for a capability: in the team's files as in the render that they grew out of, so that a merge sees none.

Its own files move and keep all that the team wrote in them, whatever a new repository of that name would hold. In all
other files its old name becomes the new one: the function, the address, the words of the team.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from mlscaffold.planning.requirements.free_text import spoken
from mlscaffold.vcs import File

# What is history, evidence or the engine's is nobody's to reword.
LEFT = re.compile(r"(engine|evidence|\.mlscaffold)/|CHANGELOG\.md$|.*/migrations/versions/|\.\./")
# A file of one capability: its rule, its router, its sample, its scenario.
OWN = re.compile(r"(?:src/\w+/(?:capabilities|routers)|tests/samples)/([a-z]\w*)\.py|tests/acceptance/test_(\w+)\.py")
LARGEST = 1_000_000  # bytes; a larger file is data


def belongs(path: str, function: str) -> bool:
    """Whether a file is one of a capability's own."""
    found = OWN.fullmatch(path)
    return found is not None and function in found.groups()


@dataclass(frozen=True)
class Renaming:
    """A capability's words and function, before and after."""

    words: tuple[str, str]
    functions: tuple[str, str]

    def path(self, path: str) -> str:
        """Where a file lies afterwards: one that is called like the function, or is the test of it, moves."""
        old, new = self.functions
        return re.sub(rf"(^|/)(test_)?{re.escape(old)}\.py$", rf"\g<1>\g<2>{new}.py", path)

    def is_own(self, path: str) -> bool:
        """Whether a file, by the path that it has afterwards, is one of the capability's own."""
        return belongs(path, self.functions[1])

    def text(self, text: str) -> str:
        """A file's text with the new name.

        A function of a single word is replaced where it is quoted, imported, defined or part of a name: `close` alone
        is anybody's.
        """
        old, new = self.functions
        for pattern, put in (*self._code(old, new), *self._words()):
            text = re.sub(pattern, lambda found, put=put: found[0].replace(*put), text)  # type: ignore[misc]
        return text

    @staticmethod
    def _code(old: str, new: str) -> Iterable[tuple[str, tuple[str, str]]]:
        name = re.escape(old)
        yield rf"\b(test_|capabilities\.|routers\.|samples\.|def |import |as ){name}(?!\w)", (old, new)
        yield rf"(?<=[\"'/]){name}(?=\.py\b|[\"'])", (old, new)
        yield rf"\bfunction: {name}(?!\w)", (old, new)
        dashed = (old.replace("_", "-"), new.replace("_", "-"))
        yield rf"(?<=/){re.escape(dashed[0])}(?![\w-])", dashed
        if "_" in old:
            yield rf"(?<!\w){name}(?!\w)", (old, new)
            yield rf"(?<![\w-]){re.escape(dashed[0])}(?![\w-])", dashed

    def _words(self) -> Iterable[tuple[str, tuple[str, str]]]:
        old, new = self.words
        pairs = [(old, new), (spoken(old, old), spoken(new, new))]
        for before, after in pairs:
            if " " in before:
                yield rf"(?<!\w){re.escape(before)}(?!\w)", (before, after)
            else:
                yield rf"(?<=[\"“]){re.escape(before)}(?=[\"”])", (before, after)

    def applied(self, files: Mapping[str, File]) -> dict[str, File]:
        """The files where they lie afterwards, with the new name in those that hold text.

        Raises `KeyError` for a path that two of them would have.
        """
        found: dict[str, File] = {}
        for path, file in files.items():
            place = path if LEFT.match(path) else self.path(path)
            if place in found or (place != path and place in files):
                raise KeyError(place)
            found[place] = file if LEFT.match(path) else File(self._content(file.content), file.executable)
        return found

    def _content(self, content: bytes) -> bytes:
        if len(content) > LARGEST or b"\0" in content:
            return content
        try:
            return self.text(content.decode("utf-8")).encode("utf-8")
        except UnicodeDecodeError:
            return content
