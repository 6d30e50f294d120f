"""The conversation about an organisation's own template: its variables one by one, then all answers and a yes."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from jinja2 import Environment

from mlscaffold import report, screen
from mlscaffold.errors import MlscaffoldError, UnusableVariable
from mlscaffold.foreign import variables
from mlscaffold.foreign.variables import BOOLEAN, CHOICE, NO, YES, Form, Variable
from mlscaffold.wizard import prompts
from mlscaffold.wizard.prompts import NOT_KNOWN, Back

Preview = Callable[[Mapping[str, Any]], tuple[str, Sequence[tuple[str, int]]]]
MOVE = "  arrows and Enter choose · < back · ? or Enter at once takes the default"
TYPE = "  Enter takes what stands there · < back · ? takes the default"
WRITE, CHANGE, STOP = "write", "change", "stop"


class Stopped(Exception):
    """The person wants nothing to be written."""


class Variables:
    """One conversation; `texts` holds what was answered so far, for whoever is interrupted."""

    def __init__(self, form: Form, env: Environment, given: Mapping[str, str], preview: Preview) -> None:
        self.form, self.env, self.preview = form, env, preview
        self.texts = dict(given)
        self.asked = [variable for variable in form.variables if variable.name not in given]

    def run(self) -> dict[str, str]:
        """The texts that answer the template, once the person has agreed to the files that they lead to.

        Raises `Stopped` where the person leaves.
        """
        screen.say(f"The template asks {len(self.asked)} question{'' if len(self.asked) == 1 else 's'}.")
        number = 0
        while True:
            try:
                if number == len(self.asked):
                    if self._agreed():
                        return self.texts
                else:
                    self._question(self.asked[number], f"{number + 1} of {len(self.asked)}")
                    number += 1
            except Back:
                if number == 0:
                    screen.complain("This is the first question; there is nothing before it.")
                number = max(0, number - 1)

    def _values(self) -> dict[str, Any]:
        """All values; an answer that a later one has made impossible is open again, and that is said."""
        while True:
            try:
                return variables.filled(self.form, self.env, variables.typed(self.form, self.env, self.texts))
            except UnusableVariable as error:
                screen.complain(f"{error} It takes its default again.")
                del self.texts[error.key]

    def _question(self, variable: Variable, place: str) -> None:
        """Ask until the reply is a value; nothing is kept of one that is none."""
        screen.say("", (place, "place"), (variable.prompt, "question"))
        while True:
            offered = variables.as_text(self._values()[variable.name])
            reply = self._reply(variable, offered)
            text = offered if reply in ("", NOT_KNOWN) else reply
            try:
                variables.understood(variable, text, self.env, self._values())
            except UnusableVariable as error:
                screen.complain(str(error))
                continue
            self.texts[variable.name] = text
            return

    def _reply(self, variable: Variable, offered: str) -> str:
        if variable.kind not in (CHOICE, BOOLEAN):
            screen.say(TYPE)
            return prompts.typed_line(offered, offered, free=True)
        options = [(YES, YES), (NO, NO)]
        if variable.kind == CHOICE:
            options = variables.choices(variable, self.env, self._values())
        screen.say(MOVE)
        width = screen.width() - 4
        return prompts.choose([(value, screen.cut(title, width)) for value, title in options], offered).value

    def _agreed(self) -> bool:
        """All answers, then the files; whether they are to be written."""
        rows = [f"  {variable.name} = {self._shown(variable)}" for variable in self.form.variables]
        screen.say("", ("These are all the answers:", "question"), *rows)
        try:
            name, files = self.preview(self._values())
        except MlscaffoldError as error:
            screen.complain(f"{error} {error.hint}")
            self._change(rows)
            return False
        screen.say("", ("These files will be written:", "question"), *report.folded(name, files), MOVE.split(" · ?")[0])
        ways = [
            (WRITE, "Yes, write them"),
            (CHANGE, "Change an answer"),
            (STOP, "Stop; write nothing and keep the answers"),
        ]
        chosen = prompts.choose(ways, WRITE, unknown=False).value
        if chosen == STOP:
            raise Stopped
        if chosen == CHANGE:
            self._change(rows)
        return chosen == WRITE

    def _change(self, rows: Sequence[str]) -> None:
        by_name = {variable.name: variable for variable in self.form.variables}
        width = screen.width() - 4
        options = [(name, screen.cut(row.strip(), width)) for name, row in zip(by_name, rows, strict=True)]
        try:
            name = prompts.choose(options, None, unknown=False, filtered=True).value
            self._question(by_name[name], "Change")
        except Back:
            return

    def _shown(self, variable: Variable) -> str:
        return variables.as_text(self._values()[variable.name])


def pick_nested(nested: Mapping[str, tuple[str, str]]) -> str:
    """Which of the templates inside a template: its key. Raises `Back` where there is nothing to go back to."""
    screen.say("", ("This address holds several templates. Which one?", "question"), "  arrows and Enter choose")
    width = screen.width() - 4
    options = [(key, screen.cut(title, width)) for key, (title, _) in nested.items()]
    return prompts.choose(options, options[0][0], unknown=False).value
