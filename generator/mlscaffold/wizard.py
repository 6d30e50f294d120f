"""The conversation at the keyboard: the only module that prompts. What comes next is decided in `interview`.

Every prompt takes `?` for "not known" and `<` for the question before; Ctrl-C and Ctrl-D end the conversation with
the answers so far. Everything is written to standard error, so that standard output stays free for results.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import questionary
from prompt_toolkit.application import create_app_session
from prompt_toolkit.filters import Always
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent, merge_key_bindings
from prompt_toolkit.layout import Dimension
from prompt_toolkit.output import create_output
from questionary.prompts.common import InquirerControl

from mlscaffold import interview, questions, report, screen
from mlscaffold.advisor import advise
from mlscaffold.answers import Answers
from mlscaffold.errors import MlscaffoldError
from mlscaffold.interview import ASSUMPTIONS, KIND, SUMMARY, Row, State
from mlscaffold.questions import Question
from mlscaffold.verdicts import MONEY_RULE

Preview = Callable[[Answers], list[tuple[str, int]]]
Plan = Callable[[Answers], Mapping[str, Any]]

BACK, NOT_KNOWN, POINTER = "<", "?", "›"
WELCOME = (
    "About ten questions come first, then a table of what would be assumed for the rest, then the files. "
    "? means that you do not know, < goes back one question, Ctrl-C stops and keeps the answers."
)
GO_ON, CHANGE, ALL, WRITE, STOP = "go on", "change", "all", "write", "stop"


class Interrupted(Exception):
    """The person left at the keyboard; `answers` holds what was answered until then."""

    sentence = "Interrupted."
    exit_code = 130

    def __init__(self, answers: dict[str, str]) -> None:
        super().__init__(self.sentence)
        self.answers = answers


class Declined(Interrupted):
    """The person chose to write nothing."""

    sentence = "Nothing was written."
    exit_code = 1


class _Back(Exception):
    """The person asked for the question before."""


class _Stop(Exception):
    """The person asked for nothing to be written."""


def ask(
    given: Mapping[str, str], full: bool = False, *, preview: Preview | None = None, plan: Plan | None = None
) -> dict[str, str]:
    """Ask what `given` does not answer, until the person agrees to the files; the answers to render.

    `preview` names the files that answers lead to (without it nobody has to agree to them), `plan` computes the
    numbers that the advisor's second look needs.
    Raises `Interrupted` or `Declined` with the answers so far, and `AnswerError` where `given` cannot be used.
    """
    talk = _Talk(interview.start(given, full), preview, plan)
    with create_app_session(output=create_output(stdout=sys.stderr)):
        try:
            return talk.run()
        except (KeyboardInterrupt, EOFError):
            raise Interrupted(interview.kept(talk.state)) from None
        except _Stop:
            raise Declined(interview.kept(talk.state)) from None
        except (Exception, SystemExit) as trouble:  # a bug or a SIGTERM: the answers outlive it; it becomes the cause
            raise Interrupted(interview.kept(talk.state)) from trouble


def agree(told: str, yes: str, no: str) -> bool:
    """One question after the conversation: what is meant, and a yes or a no. Raises `KeyboardInterrupt` on Ctrl-C."""
    with create_app_session(output=create_output(stdout=sys.stderr)):
        screen.say("", told)
        try:
            return _pick(("yes", yes), ("no", no)) == "yes"
        except _Back:
            return False
        except EOFError:
            raise KeyboardInterrupt from None


class _Talk:
    """One conversation: it shows the step that `interview` calls for, and hands the reply back to it."""

    def __init__(self, state: State, preview: Preview | None, plan: Plan | None) -> None:
        self.state = state
        self.preview = preview
        self.plan = plan
        self.remarks: list[str] = []

    def run(self) -> dict[str, str]:
        screen.say(WELCOME)
        tables = {KIND: self._kind, ASSUMPTIONS: self._assumptions, SUMMARY: self._summary}
        while (step := interview.next_step(self.state)) is not None:
            try:
                tables.get(step, lambda key=step: self._question(key, self._place(key)))()
            except _Back:
                self._back()
        return interview.finished(self.state)

    def _back(self) -> None:
        before = self.state
        self.state = interview.back(self.state)
        if before == self.state:
            screen.complain("This is the first question; there is nothing before it.")

    # ------------------------------------------------------------------------------------------------- one question

    def _place(self, key: str) -> str:
        where, total = interview.position(self.state, key)
        section = "Kind" if key == KIND else questions.load()[key].section
        return f"{where} of {total} · {section}"

    def _question(self, key: str, place: str) -> None:
        """Ask one question until the reply is an answer."""
        question = questions.load()[key]
        default, typed = interview.default(self.state, key), self.state.texts.get(key, "")
        screen.say("", (place, "place"), (question.text, "question"), question.why)
        screen.say(f"  {screen.keys(question, default, typed)}")
        while True:
            reply = self._reply(question, default, typed)
            try:
                if reply == NOT_KNOWN or not reply:
                    self.state = interview.unknown(self.state, key)
                    screen.say(f"  assumed: {default}" if default else "  left open: not known")
                else:
                    self.state = interview.answer(self.state, key, reply)
                return
            except MlscaffoldError as error:
                screen.complain(f"{error} {error.hint}" if not reply else str(error))
                typed = "" if reply == NOT_KNOWN else reply

    def _reply(self, question: Question, default: str, typed: str) -> str:
        offered = questions.choices(question, interview.complete(self.state).raw)
        if offered:
            choices = [(choice, f"{choice}  (default)" if choice == default else choice) for choice in offered]
            return _choose(choices, typed if typed in offered else default)
        return _type(typed, default, literal=question.type in ("text", "name", "place"))

    # ------------------------------------------------------------------------------------------------- the advisor

    def _kind(self) -> None:
        """First look: the answers alone decide what is advised."""
        screen.say("", (self._place(KIND), "place"))
        self._decide(advise(interview.open_answers(self.state), None).as_json())

    def _reconsider(self) -> bool:
        """Second look, with the plan's money and rows: whether the person was asked about the kind again."""
        self.remarks = []
        if self.plan is None:
            return False
        filled = interview.complete(self.state)
        try:
            plan = self.plan(filled)
        except MlscaffoldError as error:
            self.remarks = [f"{error} {error.hint}"]
            return False
        advice = plan["advice"]
        if advice["recommendation"] != filled.kind and not filled.kind_reason:
            screen.say(
                "", ("Before anything is written · Kind", "place"), "With these answers the advice is another one."
            )
            self._decide(advice, second_look=True)
            return True
        self.remarks = [*advice["blockers"]]
        self.remarks += [f"{finding['sentence']} {finding['remedy']}" for finding in plan.get("findings", ())]
        return False

    def _show(self, title: str, rows: Sequence[Row], mark: str) -> None:
        """A table of answers, and what the plan says about them last, before the menu, where the eyes are."""
        screen.say("", (title, "question"), *screen.table(rows, screen.width()))
        screen.say(f"{mark} stays blocked until a person confirms it")
        if self.remarks:
            screen.say(("Worth knowing:", "place"), *(f"  - {remark}" for remark in self.remarks))

    def _decide(self, advice: Mapping[str, Any], second_look: bool = False) -> None:
        """Show the advice; follow it, or overrule it with one written reason."""
        advised = advice["recommendation"]
        screen.say((f"The advisor recommends: {advised} ({advice['rung']})", "question"))
        screen.say(*(f"  - {line}" for line in advice["reasons"]))
        screen.say("What would change it:", *(f"  - {line}" for line in advice["flips"]))
        screen.say("  arrows and Enter choose · < back")
        while True:
            ways = screen.ways_on(advised) + ([(CHANGE, "change an answer first")] if second_look else [])
            kind = _choose(ways, ways[0][0], unknown=False)
            if kind == STOP:
                raise _Stop
            if kind == CHANGE:
                return self._change(interview.summary_rows(self.state))
            try:
                reason = self._reason_to_follow(advice, second_look) if kind == advised else self._reason_to_overrule()
            except _Back:
                continue
            self.state = interview.decide(self.state, kind, reason)
            return None

    def _reason_to_follow(self, advice: Mapping[str, Any], second_look: bool) -> str:
        """Software answers hold no money, so what turned the advice is written down while it is known."""
        if not second_look or advice["rule"] != MONEY_RULE:
            return ""
        return f"The advisor, once money was counted: {advice['reasons'][0].partition(': ')[2]}"[:600]

    def _reason_to_overrule(self) -> str:
        screen.say("", ("Why do you overrule it? One sentence goes into decision record 0001.", "question"), "  < back")
        reason = self.state.texts.get("kind_reason", "")
        while True:
            reason = _type(reason, "", literal=True)
            complaint = questions.check(questions.load()["kind_reason"], reason)
            if reason.strip() and reason != NOT_KNOWN and not complaint:
                return reason
            screen.complain(complaint or "Overruling takes one written reason; < goes back to the advice.")

    # ------------------------------------------------------------------------------------------------- the tables

    def _assumptions(self) -> None:
        """What would be assumed for the rest: take it, change some of it, or be asked all of it."""
        if self._reconsider():
            return
        rows = interview.assumption_rows(self.state)
        self._show(f"For the other {len(rows)} questions this would be assumed:", rows, "* a gate")
        choice = _pick(
            (GO_ON, "Go on with these"),
            (CHANGE, "Change some"),
            (ALL, "Answer all of them, the expert ones included"),
        )
        if choice == CHANGE:
            self._change(rows)
        elif choice == ALL:
            self.state = interview.ask_all(self.state)
        else:
            self.state = interview.go_on(self.state, ASSUMPTIONS)

    def _summary(self) -> None:
        """Everything that the repository will be made from, each line open to change, then the files and a yes."""
        if self._reconsider():
            return
        rows = interview.summary_rows(self.state)
        self._show("These are all the answers:", rows, "* assumed; a gate")
        choice = _pick(
            (GO_ON, "Show the files to be written"),
            (CHANGE, "Change an answer"),
            (STOP, "Stop; write nothing and keep the answers"),
        )
        if choice == CHANGE:
            self._change(rows)
        elif self._agree():
            self.state = interview.go_on(self.state, SUMMARY)

    def _agree(self) -> bool:
        """Show the files; whether they are to be written."""
        filled = interview.complete(self.state)
        if self.preview is None:
            return True
        try:
            files = self.preview(filled)
        except MlscaffoldError as error:
            screen.complain(f"{error} {error.hint}")
            return False
        screen.say("", ("These files will be written:", "question"), report.tree(filled.project_slug, files))
        try:
            choice = _pick(
                (WRITE, "Yes, write them"),
                (CHANGE, "No, back to the answers"),
                (STOP, "Stop; write nothing and keep the answers"),
            )
        except _Back:
            return False
        return choice == WRITE

    def _change(self, rows: Sequence[Row]) -> None:
        """Pick a line of a table and answer it anew."""
        screen.say("  arrows and Enter choose, typing filters · < back")
        width = screen.width() - 4
        choices = [(row.key, screen.cut(f"{row.key} = {row.value} · {row.text}", width)) for row in rows]
        try:
            key = _choose(choices, None, unknown=False, filtered=True)
            if key in (KIND, "kind_reason"):
                self.state = interview.reopen(self.state, KIND)
            else:
                self._question(key, f"Change · {questions.load()[key].section}")
        except _Back:
            return


# --------------------------------------------------------------------------------------------------------- prompting


def _type(typed: str, default: str, literal: bool) -> str:
    """One line of text; "" or `?` for not known. What was typed before stands there to be edited."""
    bindings = KeyBindings()

    @bindings.add("tab")
    def edit_default(event: KeyPressEvent) -> None:
        if not event.current_buffer.text:
            event.current_buffer.insert_text(default)

    prompt = questionary.text(POINTER, default=typed, qmark="", style=screen.STYLE, key_bindings=bindings)
    reply: str = prompt.unsafe_ask()
    if reply.strip() == BACK:
        raise _Back
    return reply.strip() if not literal or reply.strip() == NOT_KNOWN else reply


def _pick(*options: tuple[str, str]) -> str:
    """One of a few ways on, the first of them unless the person moves; to stop is to leave the conversation."""
    screen.say("  arrows and Enter choose · < back")
    choice = _choose(options, options[0][0], unknown=False)
    if choice == STOP:
        raise _Stop
    return choice


def _choose(
    choices: Sequence[tuple[str, str]], default: str | None, unknown: bool = True, filtered: bool = False
) -> str:
    """One of several; `?` as in a typed answer where it makes sense."""
    options = [questionary.Choice(title, value) for value, title in choices]
    prompt = questionary.select(
        POINTER,
        options,
        default=default,
        qmark="",
        pointer="»",
        style=screen.STYLE,
        instruction=" ",
        use_search_filter=filtered,
        use_jk_keys=False,
    )
    application = prompt.application
    application.key_bindings = merge_key_bindings([application.key_bindings or KeyBindings(), _leaving(unknown)])
    application.erase_when_done = True
    for window in application.layout.find_all_windows():
        if isinstance(window.content, InquirerControl):
            window.height = Dimension(max=12)  # a long menu scrolls inside, and leaves what it is about on the screen
            window.dont_extend_height = Always()
    reply: str = prompt.unsafe_ask()
    if reply == BACK:
        raise _Back
    screen.say(f" {POINTER} {next((title for value, title in choices if value == reply), reply)}")
    return reply


def _leaving(unknown: bool) -> KeyBindings:
    """The keys of a typed answer inside a menu: `<`, `?` and Ctrl-D."""
    bindings = KeyBindings()
    for key in (BACK, NOT_KNOWN) if unknown else (BACK,):
        bindings.add(key, eager=True)(_exit_with(key))

    @bindings.add("c-d", eager=True)
    def leave(event: KeyPressEvent) -> None:
        event.app.exit(exception=EOFError)

    return bindings


def _exit_with(reply: str) -> Callable[[KeyPressEvent], None]:
    return lambda event: event.app.exit(result=reply)
