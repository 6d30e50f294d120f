"""The conversation at the keyboard: the only module that prompts. What comes next is decided in `interview`.

Every prompt takes `?` for "not known" and `<` for the question before; Ctrl-C and Ctrl-D end the conversation with
the answers so far. Everything is written to standard error, so that standard output stays free for results.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import questionary
from prompt_toolkit import print_formatted_text
from prompt_toolkit.application import create_app_session, get_app_session
from prompt_toolkit.formatted_text import FormattedText
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent, merge_key_bindings
from prompt_toolkit.layout import Dimension
from prompt_toolkit.output import create_output
from prompt_toolkit.styles import Style
from questionary.prompts.common import InquirerControl

from mlscaffold import interview, questions, report, screen
from mlscaffold.advisor import ML, SOFTWARE, advise
from mlscaffold.answers import Answers
from mlscaffold.errors import MlscaffoldError
from mlscaffold.interview import ASSUMPTIONS, KIND, SUMMARY, Row, State
from mlscaffold.questions import Question

Preview = Callable[[Answers], list[tuple[str, int]]]
Plan = Callable[[Answers], Mapping[str, Any]]

BACK, NOT_KNOWN, POINTER = "<", "?", "›"
STYLE = Style(
    [
        ("place", "bold"),
        ("question", "bold"),
        ("complaint", "ansired bold"),
        ("highlighted", "bold"),
        ("selected", "noreverse"),  # the default is named in words; only the pointer shows where one stands
        ("answer", ""),
    ]
)
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


def ask(given: Mapping[str, str], full: bool = False, *, preview: Preview, plan: Plan | None = None) -> dict[str, str]:
    """Ask what `given` does not answer, until the person agrees to the files; the answers to render.

    `preview` names the files that answers lead to, `plan` computes the numbers that the advisor's second look needs.
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


class _Talk:
    """One conversation: it shows the step that `interview` calls for, and hands the reply back to it."""

    def __init__(self, state: State, preview: Preview, plan: Plan | None) -> None:
        self.state = state
        self.preview = preview
        self.plan = plan

    def run(self) -> dict[str, str]:
        _say(WELCOME)
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
            _complain("This is the first question; there is nothing before it.")

    # ------------------------------------------------------------------------------------------------- one question

    def _place(self, key: str) -> str:
        where, total = interview.position(self.state, key)
        section = "Kind" if key == KIND else questions.load()[key].section
        return f"{where} of {total} · {section}"

    def _question(self, key: str, place: str) -> None:
        """Ask one question until the reply is an answer."""
        question = questions.load()[key]
        default, typed = interview.default(self.state, key), self.state.texts.get(key, "")
        _say("", (place, "place"), (question.text, "question"), question.why)
        _say(f"  {_keys(question, default, typed)}")
        while True:
            reply = self._reply(question, default, typed)
            try:
                if reply == NOT_KNOWN or not reply:
                    self.state = interview.unknown(self.state, key)
                    _say(f"  assumed: {default}" if default else "  left open: not known")
                else:
                    self.state = interview.answer(self.state, key, reply)
                return
            except MlscaffoldError as error:
                _complain(f"{error} {error.hint}" if not reply else str(error))
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
        _say("", (self._place(KIND), "place"))
        self._decide(advise(_open_answers(self.state), None).as_json())

    def _reconsider(self) -> bool:
        """Second look, with the plan's money and rows: whether the person was asked about the kind again."""
        if self.plan is None:
            return False
        filled = interview.complete(self.state)
        advice = self.plan(filled)["advice"]
        if advice["recommendation"] == filled.kind or filled.kind_reason:
            for blocker in advice["blockers"]:
                _say(f"  blocked so far: {blocker}")
            return False
        _say("", ("Before anything is written · Kind", "place"), "With these answers the advice is another one.")
        self._decide(advice, second_look=True)
        return True

    def _decide(self, advice: Mapping[str, Any], second_look: bool = False) -> None:
        """Show the advice; follow it, or overrule it with one written reason."""
        advised = advice["recommendation"]
        _say((f"The advisor recommends: {advised} ({advice['rung']})", "question"))
        _say(*(f"  - {line}" for line in advice["reasons"]))
        _say("What would change it:", *(f"  - {line}" for line in advice["flips"]))
        _say("  arrows and Enter choose · < back")
        while True:
            kind = _choose(_kinds(advised), advised if advised in questions.KINDS else STOP, unknown=False)
            if kind == STOP:
                raise _Stop
            try:
                reason = self._reason_to_follow(advice, second_look) if kind == advised else self._reason_to_overrule()
            except _Back:
                continue
            self.state = interview.decide(self.state, kind, reason)
            return

    def _reason_to_follow(self, advice: Mapping[str, Any], second_look: bool) -> str:
        """Software answers hold no money, so what turned the advice is written down while it is known."""
        return str(advice["reasons"][0])[:600] if second_look and advice["recommendation"] == SOFTWARE else ""

    def _reason_to_overrule(self) -> str:
        _say("", ("Why do you overrule it? One sentence goes into decision record 0001.", "question"), "  < back")
        reason = self.state.texts.get("kind_reason", "")
        while True:
            reason = _type(reason, "", literal=True)
            complaint = questions.check(questions.load()["kind_reason"], reason)
            if reason.strip() and reason != NOT_KNOWN and not complaint:
                return reason
            _complain(complaint or "Overruling takes one written reason; < goes back to the advice.")

    # ------------------------------------------------------------------------------------------------- the tables

    def _assumptions(self) -> None:
        """What would be assumed for the rest: take it, change some of it, or be asked all of it."""
        if self._reconsider():
            return
        rows = interview.assumption_rows(self.state)
        _say(
            "",
            (f"For the other {len(rows)} questions this would be assumed:", "question"),
            *screen.table(rows, _width()),
        )
        _say("* a gate stays blocked until a person confirms it", "  arrows and Enter choose · < back")
        options = [
            (GO_ON, "Go on with these"),
            (CHANGE, "Change some"),
            (ALL, "Answer all of them, the expert ones included"),
        ]
        choice = _choose(options, GO_ON, unknown=False)
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
        _say("", ("These are all the answers:", "question"), *screen.table(rows, _width()))
        _say("* assumed; a gate stays blocked until a person confirms it", "  arrows and Enter choose · < back")
        options = [
            (GO_ON, "Show the files to be written"),
            (CHANGE, "Change an answer"),
            (STOP, "Stop; write nothing and keep the answers"),
        ]
        choice = _choose(options, GO_ON, unknown=False)
        if choice == STOP:
            raise _Stop
        if choice == CHANGE:
            self._change(rows)
        elif self._agree():
            self.state = interview.go_on(self.state, SUMMARY)

    def _agree(self) -> bool:
        """Show the files; whether they are to be written."""
        filled = interview.complete(self.state)
        try:
            files = self.preview(filled)
        except MlscaffoldError as error:
            _complain(f"{error} {error.hint}")
            return False
        _say("", ("These files will be written:", "question"), report.tree(filled.project_slug, files))
        _say("  arrows and Enter choose · < back")
        options = [
            (WRITE, "Yes, write them"),
            (CHANGE, "No, back to the answers"),
            (STOP, "Stop; write nothing and keep the answers"),
        ]
        try:
            choice = _choose(options, WRITE, unknown=False)
        except _Back:
            return False
        if choice == STOP:
            raise _Stop
        return choice == WRITE

    def _change(self, rows: Sequence[Row]) -> None:
        """Pick a line of a table and answer it anew."""
        _say("  arrows and Enter choose, typing filters · < back")
        width = _width() - 4
        choices = [(row.key, screen.cut(f"{row.key} = {row.value} · {row.text}", width)) for row in rows]
        try:
            key = _choose(choices, None, unknown=False, filtered=True)
            if key in (KIND, "kind_reason"):
                self.state = interview.reopen(self.state, KIND)
            else:
                self._question(key, f"Change · {questions.load()[key].section}")
        except _Back:
            return


def _open_answers(state: State) -> dict[str, Any]:
    """What is known while the kind is open: the common answers, and no default of a metric nobody has chosen."""
    filled = interview.complete(state)
    common = {key for key, question in questions.load().items() if question.kinds == questions.KINDS}
    return {key: value for key, value in filled.items() if key in common or key in state.texts}


def _kinds(advised: str) -> list[tuple[str, str]]:
    """The ways on from an advice: follow it first."""
    titles = {ML: "an ML repository, opening with a data audit", SOFTWARE: "a software repository, opening with rules"}
    named = {kind: f"{kind}: {title}" for kind, title in titles.items()}
    if advised not in named:
        return [(STOP, "follow it: stop here and write nothing"), *((kind, f"{named[kind]} anyway") for kind in named)]
    other = SOFTWARE if advised == ML else ML
    return [(advised, f"{named[advised]} (recommended)"), (other, f"{named[other]} (with a reason)")]


# --------------------------------------------------------------------------------------------------------- prompting


def _type(typed: str, default: str, literal: bool) -> str:
    """One line of text; "" or `?` for not known. What was typed before stands there to be edited."""
    bindings = KeyBindings()

    @bindings.add("tab")
    def edit_default(event: KeyPressEvent) -> None:
        if not event.current_buffer.text:
            event.current_buffer.insert_text(default)

    prompt = questionary.text(POINTER, default=typed, qmark="", style=STYLE, key_bindings=bindings)
    reply: str = prompt.unsafe_ask()
    if reply.strip() == BACK:
        raise _Back
    return reply.strip() if not literal or reply.strip() == NOT_KNOWN else reply


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
        style=STYLE,
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
    reply: str = prompt.unsafe_ask()
    if reply == BACK:
        raise _Back
    _say(f" {POINTER} {next((title for value, title in choices if value == reply), reply)}")
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


def _keys(question: Question, default: str, typed: str) -> str:
    """What the keys do at a question."""
    if question.type == "choice":
        return f"arrows and Enter choose · ? assumes {default} · < back"
    if question.required:
        return "Enter keeps it · < back" if typed else "< back"
    if typed:
        return "Enter keeps it · ? not known · < back"
    if not default:
        return "Enter or ? leaves it open · < back"
    return f"Enter assumes {screen.cut(default, 40)}, Tab edits it · ? not known · < back"


# ----------------------------------------------------------------------------------------------------------- showing


def _say(*lines: str | tuple[str, str]) -> None:
    """Lines on the screen, wrapped at its width; a pair names the line's style."""
    for line in lines:
        text, style = line if isinstance(line, tuple) else (line, "")
        for part in text.split("\n"):
            for piece in screen.wrap(part, _width()):
                print_formatted_text(FormattedText([(f"class:{style}" if style else "", piece)]), style=STYLE)


def _complain(sentence: str) -> None:
    _say((f"  {sentence}", "complaint"))


def _width() -> int:
    return max(40, min(get_app_session().output.get_size().columns, 100)) - 1
