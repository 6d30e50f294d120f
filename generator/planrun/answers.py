"""The answers of plan/project.yaml by their keys: what reads a misspelt one fails the type check."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeGuard, get_args

from planrun.catalogue import AnswerKey
from planrun.trouble import Trouble

Given = Mapping[AnswerKey, str]  # answers by key, each as its text
Applies = Callable[[Given], bool]  # whether answers call for a command, a gate or a signature


class Answers(dict[AnswerKey, str]):
    """plan/project.yaml; an answer that is not there is said to be missing."""

    def __init__(self, texts: Iterable[tuple[Any, str]]) -> None:
        """`texts` may hold keys of another version, which this engine does not know: the plan's hash counts them."""
        super().__init__(texts)

    # Narrower than a dict's, which would let a misspelt key be asked for and answer no.
    def __contains__(self, key: AnswerKey) -> bool:  # type: ignore[override]
        return super().__contains__(key)

    def __missing__(self, key: AnswerKey) -> str:
        raise Trouble(f"plan/project.yaml has no answer {key}.", f"mlscaffold replan --set {key}=…")


def is_answer(key: str) -> TypeGuard[AnswerKey]:
    """Whether a text that is not written in the code, such as the name of a number's input, is an answer's key."""
    return key in get_args(AnswerKey)


def always(answers: Given) -> bool:
    """For a command or a gate that every repository of its kind has."""
    return True
