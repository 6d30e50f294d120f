"""What a shell may offer while `--set KEY=VALUE` is typed, and the scripts that ask for it in bash, zsh and fish.

The scripts hand over the line up to the cursor and get lines back, each a type (plain, open, file, dir), a value and a
help text with tabs between them. `open` is a value that goes on, such as `metric=`: no space may follow it.
"""

import os
from collections.abc import Iterator, Mapping
from typing import Any

from click.shell_completion import CompletionItem, ShellComplete, add_completion_class, split_arg_string

from mlscaffold import questions
from mlscaffold.questions import Question

# ------------------------------------------------------------------------------------------------ what is offered


def assignments(incomplete: str, given: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """(text, meaning) of what `--set` may go on with: keys of the kind given so far, then values of the chosen key.

    `given` holds the answers that are known already: `kind` leaves its own keys, `task` its own metrics.
    """
    key, equals, value = incomplete.partition("=")
    asked = questions.of_kind(given["kind"]) if given.get("kind") in questions.KINDS else questions.load()
    if not equals:
        for name, question in asked.items():
            if (name.startswith(key) and question.stage != "derived") or name == key:
                yield f"{name}=", question.text
    elif key in asked:
        for text in _values(asked[key], value, given):
            yield f"{key}={text}", ""


def _values(question: Question, value: str, given: Mapping[str, str]) -> Iterator[str]:
    if question.type == "choice":
        options = list(questions.choices(question, given))
    elif question.type == "keys":
        before, _, value = value.rpartition(";")
        front = f"{before};" if before else ""
        yield from (front + key for key in questions.load() if key.startswith(value.strip()))
        return
    else:
        options = [questions.default(question, given)]
    yield from (option for option in options if option and option.startswith(value))


# ------------------------------------------------------------------------------------------------ how shells ask

BASH = """\
%(complete_func)s() {
    local command=${1/#\\~/$HOME} word=${COMP_WORDS[COMP_CWORD]} type value help
    COMPREPLY=()
    while IFS=$'\\t' read -r type value help; do
        [[ $word == [\\'\\"]* ]] || printf -v value %%q "$value"
        case $type in
            plain) COMPREPLY+=("$value ") ;;
            open) COMPREPLY+=("$value") ;;
            file|dir) compopt -o default +o nospace 2>/dev/null || COMPREPLY=($(compgen -f -- "$2")) ;;
        esac
    done < <(COMP_LINE="${COMP_LINE:0:COMP_POINT}" COMP_CUR=$word %(complete_var)s=bash_complete "$command" 2>/dev/null)
}
complete -o nospace -o nosort -F %(complete_func)s %(prog_name)s 2>/dev/null ||
    complete -o nospace -F %(complete_func)s %(prog_name)s
"""

ZSH = """\
#compdef %(prog_name)s
%(complete_func)s() {
    local command=${${(Q)words[1]}/#\\~/$HOME} line
    local -a fields closed open
    for line in "${(@f)$(COMP_LINE="${(j: :)words[1,CURRENT]}" \\
        %(complete_var)s=zsh_complete "$command" 2>/dev/null)}"; do
        fields=("${(@ps:\\t:)line}")
        case $fields[1] in
            plain) closed+=("${fields[2]//:/\\\\:}:$fields[3]") ;;
            open) open+=("${fields[2]//:/\\\\:}:$fields[3]") ;;
            dir) _path_files -/ ;;
            file) _path_files -f ;;
        esac
    done
    (( $#closed )) && _describe -V completions closed -U
    (( $#open )) && _describe -V completions open -U -S ''
}
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    %(complete_func)s "$@"
else
    (( $+functions[compdef] )) || { autoload -Uz compinit && compinit }
    compdef %(complete_func)s %(prog_name)s
fi
"""

FISH = """\
function %(complete_func)s
    set -l words (commandline -opc)
    set -l command (string replace -r '^~' $HOME -- $words[1])
    for line in (COMP_LINE=(commandline -cp | string collect) %(complete_var)s=fish_complete $command 2>/dev/null)
        set -l fields (string split -m 2 \\t -- $line)
        switch $fields[1]
            case dir
                __fish_complete_directories (commandline -ct)
            case file
                __fish_complete_path (commandline -ct)
            case '*'
                echo $fields[2]\\t$fields[3]
        end
    end
end
complete --no-files --command %(prog_name)s --arguments '(%(complete_func)s)'
"""


class _Lines(ShellComplete):
    """What the three shells have in common: the line up to the cursor in COMP_LINE, and tabs in the answer."""

    def get_completion_args(self) -> tuple[list[str], str]:
        line = os.environ["COMP_LINE"]
        words = split_arg_string(line)
        unfinished = "" if line[-1:].isspace() and not _quoted(line) else words.pop() if len(words) > 1 else ""
        return words[1:], unfinished

    def format_completion(self, item: CompletionItem[Any]) -> str:
        kind = "open" if item.type == "plain" and str(item.value).endswith("=") else item.type
        return f"{kind}\t{item.value}\t{item.help or ''}"


class Bash(_Lines):
    """bash takes a word apart at `=` and `:`, and wants back only what follows the last of them."""

    name = "bash"
    source_template = BASH

    def complete(self) -> str:
        """The lines for the script, each value cut to the part that bash sees as the word."""
        _, unfinished = self.get_completion_args()
        seen = os.environ.get("COMP_CUR", unfinished).lstrip("'\"")
        part = "" if seen in ("=", ":") else seen
        front = unfinished[: len(unfinished) - len(part)] if unfinished.endswith(part) else ""
        return "\n".join(line.replace(f"\t{front}", "\t", 1) for line in super().complete().split("\n"))


class Zsh(_Lines):
    """zsh shows the help text beside each value."""

    name = "zsh"
    source_template = ZSH


class Fish(_Lines):
    """fish shows the help text beside each value, and adds no space after an equals sign."""

    name = "fish"
    source_template = FISH


SHELLS = {"bash": Bash, "zsh": Zsh, "fish": Fish}


def register() -> None:
    """Let click answer with these classes when a shell asks."""
    for shell in SHELLS.values():
        add_completion_class(shell)


def _quoted(line: str) -> bool:
    """Whether the line ends inside a quotation."""
    mark = ""
    for at, letter in enumerate(line):
        if letter in "'\"" and not (at and line[at - 1] == "\\") and mark in ("", letter):
            mark = "" if mark else letter
    return bool(mark)
