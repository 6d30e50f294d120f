"""The two prompts, a typed line and a menu: what their keys do. The only module that knows the prompt library.

`?` and `<` act at every prompt. In a menu at once. At a typed line they replace what stands there, and Enter sends
them; only in an answer that may hold any sign (a text, a name, a list) and that a person has begun to type or to
change they are letters like others, and Ctrl-U makes the line empty again.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import questionary
from prompt_toolkit.filters import Always
from prompt_toolkit.formatted_text import to_formatted_text
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent, merge_key_bindings
from prompt_toolkit.keys import Keys
from prompt_toolkit.layout import Dimension
from questionary.prompts.common import InquirerControl

from mlscaffold import screen

BACK, NOT_KNOWN, POINTER = "<", "?", "›"
MENU_LINES = 12  # a longer menu scrolls inside, and leaves what it is about on the screen


class Back(Exception):
    """The person asked for the question before."""


@dataclass(frozen=True)
class Choice:
    """What was chosen in a menu, and whether it was meant (Space, or a move) or only let stand (Enter at once)."""

    value: str
    meant: bool


def typed_line(shown: str, default: str, *, free: bool, joint: str = " ") -> str:
    """One line of text, without the blanks around it; "" or `?` for not known. Raises `Back`.

    `shown` stands there to be edited. Tab writes `default` into an empty line. Where the answer is `free`, several
    pasted lines become one, with `joint` between them.
    """
    bindings = KeyBindings()

    @bindings.add("tab")
    def edit_default(event: KeyPressEvent) -> None:
        if not event.current_buffer.text:
            event.current_buffer.insert_text(default)

    for sign in (BACK, NOT_KNOWN):
        bindings.add(sign)(_replacing(sign, ("", shown, default), free))

    @bindings.add("backspace")
    def erase(event: KeyPressEvent) -> None:
        if shown and event.current_buffer.text in (BACK, NOT_KNOWN):
            _write(event, shown)  # a sign pressed by mistake gives the line back
        else:
            event.current_buffer.delete_before_cursor(event.arg)

    @bindings.add(Keys.BracketedPaste)
    def paste(event: KeyPressEvent) -> None:
        event.current_buffer.insert_text(_one_line(event.data, joint))

    @bindings.add("enter")
    def enter(event: KeyPressEvent) -> None:
        if free and _more_was_pasted(event):
            event.current_buffer.insert_text(joint)
        else:
            event.current_buffer.validate_and_handle()

    prompt = questionary.text(POINTER, default=shown, qmark="", style=screen.STYLE, key_bindings=bindings)
    reply: str = prompt.unsafe_ask()
    reply = reply.strip()
    if reply == BACK:
        raise Back
    return reply


def choose(
    choices: Sequence[tuple[str, str]], default: str | None, *, unknown: bool = True, filtered: bool = False
) -> Choice:
    """One of several, by value and title; `?` as in a typed line where it makes sense. Raises `Back`."""
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
    control: InquirerControl | None = None
    for window in application.layout.find_all_windows():
        if isinstance(window.content, InquirerControl):
            control = window.content
            window.height = Dimension(max=MENU_LINES)
            window.dont_extend_height = Always()
    assert control is not None, "a menu shows its choices"
    keys = _menu_keys(control, unknown, filtered)
    application.key_bindings = merge_key_bindings([application.key_bindings or KeyBindings(), keys])
    application.erase_when_done = True
    reply: Any = prompt.unsafe_ask()
    chosen = reply if isinstance(reply, Choice) else Choice(reply, reply != default)
    if chosen.value == BACK:
        raise Back
    title = next((title for value, title in choices if value == chosen.value), chosen.value)
    screen.say(f" {POINTER} {title}")
    return chosen


def _menu_keys(control: InquirerControl, unknown: bool, filtered: bool) -> KeyBindings:
    """`<`, `?`, Ctrl-D, and Space for what the pointer stands on; in a filtered menu Space is a letter like others."""
    bindings = KeyBindings()
    for sign in (BACK, NOT_KNOWN) if unknown else (BACK,):
        bindings.add(sign, eager=True)(_exit_with(Choice(sign, True)))

    @bindings.add("c-d", eager=True)
    def leave(event: KeyPressEvent) -> None:
        event.app.exit(exception=EOFError)

    if filtered:
        _filter(control, bindings)
    else:

        @bindings.add(" ", eager=True)
        def mean(event: KeyPressEvent) -> None:
            event.app.exit(result=Choice(str(control.get_pointed_at().value), True))

    return bindings


def _filter(control: InquirerControl, bindings: KeyBindings) -> None:
    """Any letter filters, not only those of ASCII; where nothing matches, nothing is offered and Enter waits.

    The prompt library would show every line again, and Enter would take the first.
    """
    everything = control.text

    def shown() -> Any:
        return (
            [("class:text", "  nothing matches; Backspace erases")]
            if _misses(control)
            else to_formatted_text(everything)
        )

    control.text = shown

    @bindings.add(Keys.Any)
    def filter_by(event: KeyPressEvent) -> None:
        if event.data.isprintable():
            control.search_filter = (control.search_filter or "") + event.data
            control.pointed_at = 0

    @bindings.add("enter", eager=True)
    def take(event: KeyPressEvent) -> None:
        if not _misses(control):
            event.app.exit(result=control.get_pointed_at().value)


def _misses(control: InquirerControl) -> bool:
    letters = (control.search_filter or "").lower()
    return not any(letters in str(choice.title).lower() for choice in control.choices)


def _exit_with(reply: Choice) -> Callable[[KeyPressEvent], None]:
    return lambda event: event.app.exit(result=reply)


def _replacing(sign: str, untouched: tuple[str, ...], free: bool) -> Callable[[KeyPressEvent], None]:
    """The key of a sign: it takes the line's place, unless it is a letter of a text that has been begun."""

    def press(event: KeyPressEvent) -> None:
        if free and event.current_buffer.text not in untouched:
            event.current_buffer.insert_text(sign)
        else:
            _write(event, sign)

    return press


def _write(event: KeyPressEvent, text: str) -> None:
    event.current_buffer.text = text
    event.current_buffer.cursor_position = len(text)


def _one_line(pasted: str, joint: str) -> str:
    """Pasted lines as one; a single line keeps its inner blanks."""
    lines = [line.strip() for line in pasted.replace("\t", " ").splitlines()]
    return joint.join(line.rstrip(";, ") if joint == "; " else line for line in lines if line)


def _more_was_pasted(event: KeyPressEvent) -> bool:
    """Whether letters wait behind this Enter: no hand is that quick, so a terminal without paste marks is pasting."""
    return any(len(key.data) == 1 and key.data.isprintable() for key in event.app.key_processor.input_queue)
