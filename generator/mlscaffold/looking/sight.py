"""A file that is looked at while answers come in: each answer can change what the file says about the others."""

from collections.abc import Mapping
from dataclasses import dataclass

from mlscaffold import answers, questions
from mlscaffold.looking import proposals
from mlscaffold.looking.proposals import Seen
from mlscaffold.looking.reading import Table

# Answers that name a column of the file, and so are chosen among its columns.
COLUMNS = ("target_column", "time_column", "group_column", "id_column")


@dataclass(frozen=True)
class Sight:
    """A table, and the answers around it: `own` is overruled by what the file shows, `said` overrules it."""

    table: Table
    own: Mapping[str, str]
    said: Mapping[str, str]

    @property
    def address(self) -> str:
        """What `data_source` is where nobody says otherwise."""
        return proposals.address_of(self.table)

    def seen(self, here: Mapping[str, str]) -> Seen:
        """What the file shows, given also the answers `here`. Raises `UnreadableData` where they do not fit it."""
        return proposals.propose(self.table, {**self.said, **here})

    def answers(self, here: Mapping[str, str]) -> dict[str, str]:
        """All answers, by precedence; a default that was chosen here is confirmed."""
        texts = answers.merge(self.own, self.seen(here).texts, self.said, here)
        vouched = [key for key in here if key in self._critical_defaults(texts)]
        confirmed = list(dict.fromkeys([*questions.split(questions.text_of(texts, "confirmed")), *vouched]))
        return texts | ({"confirmed": "; ".join(confirmed)} if confirmed else {})

    def choices(self, key: str, here: Mapping[str, str]) -> list[tuple[str, str]]:
        """The answers that the file allows, each with what it shows; none where the answer is typed."""
        seen = self.seen({name: text for name, text in here.items() if name != key})
        offered = [entry.choices for entry in seen.open if entry.key == key]
        found = list(offered[0]) if offered else []
        if key in COLUMNS:
            listed = {value for value, _ in found}
            found += [(name, "") for name in self.table.names if name not in listed]
            found += [("", "none of them")] if key != "target_column" else []
        elif key == "positive_value" and not found:
            given = (questions.text_of(texts, "target_column") for texts in (here, seen.texts, self.said))
            target = next(filter(None, given), "")
            found = [(value, "") for value in sorted(set(self.table.column(target)) - {""})] if target else []
        elif questions.load()[key].choices and not found:
            found = [(value, "") for value in questions.load()[key].choices]
        return found

    def _critical_defaults(self, texts: Mapping[str, str]) -> list[str]:
        filled = {"kind": "ml"} | dict(texts)
        known = questions.load()
        return [
            key
            for key, text in texts.items()
            if key in known and known[key].critical and text == questions.default(known[key], filled)
        ]
