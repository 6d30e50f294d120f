"""The conversation at the keyboard: the only package that prompts. What comes next is decided in `interview`.

Every prompt takes `?` for "not known" and `<` for the question before (`prompts` says how); Ctrl-C and Ctrl-D end the
conversation with the answers so far. Everything is written to standard error, so that standard output stays free for
results.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from prompt_toolkit.application import create_app_session
from prompt_toolkit.output import create_output

from mlscaffold import interview, questions, report, screen
from mlscaffold.advice_rules import MONEY_RULE
from mlscaffold.advisor import advise
from mlscaffold.answers import Answers
from mlscaffold.catalogue.keys import PlanKey
from mlscaffold.errors import MlscaffoldError
from mlscaffold.interview import ASSUMPTIONS, KIND, SUMMARY, Row, State
from mlscaffold.questions import Question
from mlscaffold.wizard import prompts
from mlscaffold.wizard.prompts import NOT_KNOWN, Back

if TYPE_CHECKING:
    from jinja2 import Environment

    from mlscaffold.foreign.variables import Form
    from mlscaffold.looking import Sight
    from mlscaffold.wizard.variables import Preview as Files

Preview = Callable[[Answers], list[tuple[str, int]]]
Plan = Callable[[Answers], Mapping[PlanKey, Any]]

KEYS = (
    "As the first key of an answer ? means that you do not know, and < goes back; in a text that you have begun they "
    "are letters (Ctrl-U empties the line). Ctrl-C stops and keeps the answers."
)
MOVE = "  arrows and Enter choose · < back"
OWN_EXAMPLE = "profit"
GO_ON, MATTERS, CHANGE, ALL, WRITE, STOP = "go on", "matters", "change", "all", "write", "stop"


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


class _Stop(Exception):
    """The person asked for nothing to be written."""


def ask(
    given: Mapping[str, str],
    full: bool = False,
    *,
    preview: Preview | None = None,
    plan: Plan | None = None,
    sight: "Sight | None" = None,
) -> dict[str, str]:
    """Ask what `given` does not answer, until the person agrees to the files; the answers to render.

    `preview` names the files that answers lead to (without it nobody has to agree to them), `plan` computes the
    numbers that the advisor's second look needs. `sight` is a data file, which is shown before the first question.
    Raises `Interrupted` or `Declined` with the answers so far, and `AnswerError` where `given` cannot be used.
    """
    if sight is not None:
        given = _agree_to(sight)
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


def _agree_to(sight: "Sight") -> dict[str, str]:
    """All answers with those that a data file gives, once the person has agreed to them."""
    from mlscaffold.wizard.seeing import Seeing, Stopped

    talk = Seeing(sight)
    with create_app_session(output=create_output(stdout=sys.stderr)):
        try:
            return talk.run()
        except (KeyboardInterrupt, EOFError):
            raise Interrupted(sight.answers(talk.here)) from None
        except Stopped:
            raise Declined(sight.answers(talk.here)) from None


def ask_template(form: "Form", env: "Environment", given: Mapping[str, str], preview: "Files") -> dict[str, str]:
    """Ask what an organisation's own template asks and `given` does not answer, until the files are agreed to.

    Raises `Interrupted` or `Declined` with the answers so far.
    """
    from mlscaffold.wizard.variables import Stopped, Variables

    talk = Variables(form, env, given, preview)
    with create_app_session(output=create_output(stdout=sys.stderr)):
        try:
            return talk.run()
        except (KeyboardInterrupt, EOFError):
            raise Interrupted(talk.texts) from None
        except Stopped:
            raise Declined(talk.texts) from None
        except (Exception, SystemExit) as trouble:
            raise Interrupted(talk.texts) from trouble


def pick_template(nested: Mapping[str, tuple[str, str]]) -> str:
    """Which of several templates at one address: its key. Raises `Interrupted`."""
    from mlscaffold.wizard.variables import pick_nested

    with create_app_session(output=create_output(stdout=sys.stderr)):
        try:
            return pick_nested(nested)
        except (KeyboardInterrupt, EOFError, Back):
            raise Interrupted({}) from None


def agree(told: str, yes: str, no: str) -> bool:
    """One question after the conversation: what is meant, and a yes or a no. Raises `KeyboardInterrupt` on Ctrl-C."""
    with create_app_session(output=create_output(stdout=sys.stderr)):
        screen.say("", told)
        try:
            return _pick(("yes", yes), ("no", no)) == "yes"
        except Back:
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
        self.lines: Sequence[Mapping[str, Any]] = ()  # the plan's six
        self.rung = ""  # of the advice that the person was told last
        self.shown: dict[str, Row] = {}  # the table that was last on the screen

    def run(self) -> dict[str, str]:
        self._welcome()
        tables = {KIND: self._kind, ASSUMPTIONS: self._assumptions, SUMMARY: self._summary}
        while (step := interview.next_step(self.state)) is not None:
            try:
                tables.get(step, lambda key=step: self._question(key, self._place(key)))()
            except Back:
                self._back()
        return interview.finished(self.state)

    def _welcome(self) -> None:
        """How many questions there are, what follows them, and the keys that work everywhere."""
        given = self.state.texts.get(KIND)
        counts = [(interview.count(self.state, kind), kind) for kind in questions.KINDS if given in (None, kind)]
        if counts[0][0]:
            (many, kind), *others = counts
            first = f"{many} question{'' if many == 1 else 's'}"
            first += f" for {kind} or {others[0][0]} for {others[0][1]}" if others else ""
            first += f" {'comes' if many == 1 and not others else 'come'} first (an answer can add or spare one)"
        else:
            first = "The questions that come first are answered already"
        then = "the plan in six lines" if self.state.full else "a table of what is assumed for the rest, and the plan"
        screen.say(f"{first}, then {then}.", KEYS)

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
        if question.example:
            screen.say(f"  such as: {question.example}")
        screen.say(screen.keys(question, default, typed))
        while True:
            reply = self._reply(question, default, typed)
            try:
                if reply in (NOT_KNOWN, ""):
                    self.state = interview.unknown(self.state, key)
                    screen.say(f"  assumed: {default}" if default else f"  left open: {questions.nothing(question)}")
                else:
                    meant = reply if reply == typed else self._meant(key, reply)
                    self.state = interview.answer(self.state, key, meant)
                    self._repeat(key, reply)
                return
            except Back:
                typed = reply  # not what was meant by it: the line again
            except MlscaffoldError as error:
                screen.complain(str(error))
                typed = reply

    def _reply(self, question: Question, default: str, typed: str) -> str:
        """What was answered; "" where a default was let stand."""
        offered = questions.choices(question, interview.complete(self.state).raw)
        if not offered:
            joint = " " if question.type in ("text", "name", "place") else "; "
            return prompts.typed_line(typed, default, free=questions.is_free(question), joint=joint)
        options = screen.choices(question, offered, screen.width() - 4)
        own = typed if question.own and questions.is_own(typed) else ""
        before = questions.OWN_NAME if own else typed if typed in offered else ""
        chosen = prompts.choose(options, before or default)
        if chosen.value == questions.OWN_NAME:
            screen.say(
                ("What is your metric called?", "question"), f"  small letters and underscores · such as: {OWN_EXAMPLE}"
            )
            name = prompts.typed_line(own.removeprefix(questions.OWN), OWN_EXAMPLE, free=False)
            return name if name in (NOT_KNOWN, "") else f"{questions.OWN}{name.removeprefix(questions.OWN)}"
        return chosen.value if chosen.meant or before else ""

    def _meant(self, key: str, reply: str) -> str:
        """The reply as an answer; where it can be read in more than one way the person says which. Raises `Back`."""
        ways = interview.understandings(self.state, key, reply)
        if len(ways) == 1:
            return ways[0][0]
        screen.say((f"{reply} can be read in {len(ways)} ways.", "question"), MOVE)
        column = max(len(text) for text, _ in ways)
        titles = [(text, screen.cut(f"{text:<{column}}  {how}", screen.width() - 4)) for text, how in ways]
        return prompts.choose(titles, None, unknown=False).value

    def _repeat(self, key: str, reply: str) -> None:
        """Say how a number or a list was understood, where it is kept in another form than it was typed in."""
        kept = interview.complete(self.state).raw[key]
        if kept != reply and questions.load()[key].type != "text":
            screen.say(f"  understood as {kept}")

    # ------------------------------------------------------------------------------------------------- the advisor

    def _kind(self) -> None:
        """First look: the answers alone decide what is advised."""
        screen.say("", (self._place(KIND), "place"))
        self._decide(advise(interview.open_answers(self.state), None).as_json())

    def _reconsider(self) -> bool:
        """Second look, with the plan's money and rows: whether the person was asked about the kind again."""
        self.remarks, self.lines = [], ()
        if self.plan is None:
            return False
        filled = interview.complete(self.state)
        try:
            plan = self.plan(filled)
        except MlscaffoldError as error:
            self.remarks = [f"{error} {error.hint}"]
            return False
        advice, self.lines = plan["advice"], plan.get("headline", ())
        if advice["recommendation"] != filled.kind and not filled.kind_reason:
            screen.say(
                "", ("Before anything is written · Kind", "place"), "With these answers the advice is another one."
            )
            self._decide(advice, second_look=True)
            return True
        findings = plan.get("findings", ())
        told = any(finding["key"] == "test.shortfall" for finding in findings)  # then the blocker would say it again
        self.remarks = [line for line in advice["blockers"] if not (told and line.startswith("The acceptance test"))]
        self.remarks += [f"{finding['sentence']} {finding['remedy']}" for finding in findings]
        self.remarks = list(dict.fromkeys(self.remarks))  # what changes the advice is a blocker as well
        if self.rung and self.rung != advice["rung"]:
            now = f"With all answers the advice is {advice['recommendation']} ({advice['rung']}), no longer {self.rung}"
            self.remarks.insert(0, f"{now}: {advice['reasons'][0]} Decision record 0001 says so.")
            self.rung = advice["rung"]  # said once
        return False

    def _show(self, title: str, rows: Sequence[Row], mark: str) -> None:
        """A table of answers, and what the plan says about them last, before the menu, where the eyes are.

        Whole when it is new; then only the lines that have changed since it was last on the screen.
        """
        before, self.shown = self.shown, {row.key: row for row in rows}
        changed = [row for row in rows if before.get(row.key) != row]
        if not before or len(changed) == len(rows):
            screen.say("", (title, "question"), *screen.table(rows, screen.width()))
            screen.say(f"{mark} stays blocked until a person confirms it")
        elif changed:
            others = f"Changed; the other {len(rows) - len(changed)} are as above:"
            screen.say("", (others, "question"), *screen.table(changed, screen.width()))
        else:
            screen.say("", (f"{len(rows)} are as above.", "question"))
        if self.remarks:
            screen.say(("Worth knowing:", "place"), *(f"  - {remark}" for remark in self.remarks))

    def _decide(self, advice: Mapping[str, Any], second_look: bool = False) -> None:
        """Show the advice; follow it, or overrule it with one written reason."""
        advised = advice["recommendation"]
        screen.say((f"The advisor recommends: {advised} ({advice['rung']})", "question"))
        screen.say(*(f"  - {line}" for line in advice["reasons"]))
        screen.say("What would change it:", *(f"  - {line}" for line in advice["flips"]))
        screen.say(MOVE)
        while True:
            ways = screen.ways_on(advised) + ([(CHANGE, "change an answer first")] if second_look else [])
            kind = prompts.choose(ways, ways[0][0], unknown=False).value
            if kind == STOP:
                raise _Stop
            if kind == CHANGE:
                return self._change(interview.summary_rows(self.state))
            try:
                reason = self._reason_to_follow(advice, second_look) if kind == advised else self._reason_to_overrule()
            except Back:
                continue
            self.state = interview.decide(self.state, kind, reason)
            self.rung = advice["rung"]
            return None

    def _reason_to_follow(self, advice: Mapping[str, Any], second_look: bool) -> str:
        """Software answers hold no money, so what turned the advice is written down while it is known."""
        if not second_look or advice["rule"] != MONEY_RULE:
            return ""
        return f"The advisor, once money was counted: {advice['reasons'][0].partition(': ')[2]}"[:600]

    def _reason_to_overrule(self) -> str:
        screen.say("", ("Why do you overrule it? One sentence goes into decision record 0001.", "question"), "  < back")
        reason = questions.text_of(self.state.texts, "kind_reason")
        while True:
            reason = prompts.typed_line(reason, "", free=True)
            complaint = questions.check(questions.named("kind_reason"), reason)
            if reason and reason != NOT_KNOWN and not complaint:
                return reason
            screen.complain(complaint or "Overruling takes one written reason; < goes back to the advice.")

    # ------------------------------------------------------------------------------------------------- the tables

    def _assumptions(self) -> None:
        """What would be assumed for the rest: take it, change some of it, or be asked all of it."""
        if self._reconsider():
            return
        rows = interview.assumption_rows(self.state)
        self._show(f"For the other {len(rows)} questions this would be assumed:", rows, "* a gate")
        open_ = len(interview.what_matters(self.state))
        every = interview.count(interview.ask_all(self.state), interview.complete(self.state).kind)
        left = every - interview.count(self.state, interview.complete(self.state).kind)
        matters = f"Ask me the rest that matters ({open_}, those with a *)"
        choice = _pick(
            (GO_ON, "Go on with these"),
            *([(MATTERS, matters)] if open_ else []),
            (CHANGE, "Change some"),
            (ALL, f"Ask me everything ({left}, the expert ones included)"),
        )
        if choice == CHANGE:
            self._change(interview.changeable_rows(self.state))
        elif choice == MATTERS:
            self.state = interview.ask_what_matters(self.state)
        elif choice == ALL:
            self.state = interview.ask_all(self.state)
        else:
            self.state = interview.go_on(self.state, ASSUMPTIONS)
            self.shown = {}

    def _summary(self) -> None:
        """Everything that the repository will be made from, each line open to change, then the files and a yes."""
        if self._reconsider():
            return
        rows = interview.summary_rows(self.state)
        self._show("These are all the answers:", rows, "* assumed; a gate")
        choice = _pick(
            (GO_ON, "Show the plan and the files to be written" if self.preview else "Go on"),
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
        screen.say("", ("These files will be written:", "question"), *report.folded(filled.project_slug, files))
        self._headline()
        try:
            choice = _pick(
                (WRITE, "Yes, write them"),
                (CHANGE, "No, back to the answers"),
                (STOP, "Stop; write nothing and keep the answers"),
            )
        except Back:
            return False
        return choice == WRITE

    def _headline(self) -> None:
        """What the answers come to, in six lines."""
        if self.lines:
            screen.say("", ("The plan comes to this:", "question"), *screen.headline(self.lines, screen.width()))
            if any(line["assumed"] for line in self.lines):
                screen.say("* rests on an assumption")

    def _change(self, rows: Sequence[Row]) -> None:
        """Pick a line of a table and answer it anew."""
        screen.say(f"{MOVE} · typing filters")
        width = screen.width() - 4
        choices = [(row.key, screen.cut(f"{row.key} = {row.value} · {row.text}", width)) for row in rows]
        try:
            key = prompts.choose(choices, None, unknown=False, filtered=True).value
            if key in (KIND, "kind_reason"):
                self.state = interview.reopen(self.state, KIND)
            else:
                self._question(key, f"Change · {questions.load()[key].section}")
        except Back:
            return


def _pick(*options: tuple[str, str]) -> str:
    """One of a few ways on, the first of them unless the person moves; to stop is to leave the conversation."""
    screen.say(MOVE)
    choice = prompts.choose(options, options[0][0], unknown=False).value
    if choice == STOP:
        raise _Stop
    return choice
