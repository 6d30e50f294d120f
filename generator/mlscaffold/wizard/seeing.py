"""Before the first question: what a data file shows, one yes to it or a change, and what only a person can tell."""

from mlscaffold import answers, questions, report, screen
from mlscaffold.errors import MlscaffoldError
from mlscaffold.looking.proposals import Open, Seen
from mlscaffold.looking.sight import Sight
from mlscaffold.wizard import prompts
from mlscaffold.wizard.prompts import NOT_KNOWN, Back

TAKE, CHANGE, STOP = "take", "change", "stop"
MOVE = "  arrows and Enter choose · < back"


class Stopped(Exception):
    """The person asked for nothing to be written."""


class Seeing:
    """The conversation over one file. `here` holds what was answered in it, in order."""

    def __init__(self, sight: Sight) -> None:
        self.sight = sight
        self.here: dict[str, str] = {}
        self.passed: set[str] = set()  # what was asked, also where it was left open

    def run(self) -> dict[str, str]:
        """All answers, once the person has agreed to what the file shows. Raises `Stopped` where the person stops."""
        while True:
            seen = self._show()
            chosen = self._pick(seen)
            if chosen == STOP:
                raise Stopped
            if chosen == CHANGE:
                self._change(seen)
            elif self._ask_open():
                return self.sight.answers(self.here)

    def _show(self) -> Seen:
        seen = self.sight.seen(self.here)
        screen.say("", *report.seen(seen, flags=False).splitlines())
        for key, value in self.here.items():
            screen.say(f"  {key} = {value or 'none'} (you said so)")
        return seen

    def _pick(self, seen: Seen) -> str:
        left = len([entry for entry in seen.open if entry.key not in self.passed])
        further = f", and answer {left} more that the file leaves open" if left else ""
        screen.say(MOVE)
        ways = [(TAKE, f"Take all of it{further}"), (CHANGE, "Change some of it"), (STOP, "Stop; write nothing")]
        try:
            return prompts.choose(ways, TAKE, unknown=False).value
        except Back:
            screen.complain("There is nothing before this.")
            return self._pick(seen)

    def _ask_open(self) -> bool:
        """Ask what the file leaves open, one by one; each answer is looked at with the file again."""
        asked: list[str] = []
        while entry := next((e for e in self.sight.seen(self.here).open if e.key not in self.passed), None):
            try:
                self._question(entry)
                asked.append(entry.key)
            except Back:
                if not asked:
                    return False
                before = asked.pop()
                self.passed.discard(before)
                self.here.pop(before, None)
        return True

    def _question(self, entry: Open) -> None:
        question = questions.load()[entry.key]
        unknown = "" if entry.needed else " · ? not known"
        screen.say("", (question.text, "question"), entry.sentence, f"{MOVE}{unknown}")
        choices = self._titles(self.sight.choices(entry.key, self.here))
        before = self.sight.seen(self.here)
        reply = prompts.choose(choices, None, unknown=not entry.needed).value
        if reply != NOT_KNOWN:
            self._take(entry.key, reply)
        self.passed.add(entry.key)
        after = self.sight.seen(self.here)
        known = {proposal.key for proposal in before.proposals}
        screen.say(*(f"  {report.line(p)}" for p in after.proposals if p.key not in known))

    def _change(self, seen: Seen) -> None:
        rows = [(entry.key, f"{entry.key} = {entry.value}") for entry in seen.proposals]
        rows += [(key, f"{key} = {value or 'none'}") for key, value in self.here.items()]
        screen.say("  arrows and Enter choose, typing filters · < back")
        try:
            key = prompts.choose(self._cut(rows), None, unknown=False, filtered=True).value
            question = questions.load()[key]
            screen.say("", (question.text, "question"), MOVE)
            choices = self.sight.choices(key, self.here)
            if choices:
                reply = prompts.choose(self._titles(choices), None, unknown=False).value
            else:
                shown = self.here.get(key) or next((p.value for p in seen.proposals if p.key == key), "")
                reply = prompts.typed_line(shown, "", free=questions.is_free(question), joint="; ")
                reply = "" if reply == NOT_KNOWN else reply
            self._take(key, reply)
        except Back:
            return
        except MlscaffoldError as error:
            screen.complain(f"{error} {error.hint}")

    def _take(self, key: str, reply: str) -> None:
        """Keep an answer that fits the file. Raises what the file or the answer's own check has against it."""
        changed = {**self.here, key: reply}
        answers.check_texts({key: reply} | ({"task": changed["task"]} if "task" in changed else {}))
        self.sight.seen(changed)
        self.here = changed

    def _titles(self, choices: list[tuple[str, str]]) -> list[tuple[str, str]]:
        width = max((len(value) for value, _ in choices), default=0)
        return self._cut([(value, f"{value or 'none':<{width}}  {why}".rstrip()) for value, why in choices])

    def _cut(self, choices: list[tuple[str, str]]) -> list[tuple[str, str]]:
        return [(value, screen.cut(title, screen.width() - 4)) for value, title in choices]
