"""Who signs, as the pages say it: lines to type, and a table of whose turn it is."""

from collections.abc import Mapping
from typing import Any

from mlscaffold.answers import Answers
from mlscaffold.catalogue.keys import PlanKey
from mlscaffold.wording import cell

UNNAMED = "not named yet"
LAST = {"ml": "G3", "software": "T1"}  # the signature by whose roles a team counts as named


class Signing:
    """The signatures of one plan."""

    def __init__(self, answers: Answers, plan: Mapping[PlanKey, Any]) -> None:
        self._shown = [
            name for name in plan["people"]["signers"] if answers.kind == "software" or name in _needed(answers)
        ]
        self._signers: Mapping[str, list[Mapping[str, Any]]] = plan["people"]["signers"]
        self.named = any(one["name"] for one in self._signers[LAST[answers.kind]])

    def lines(self, gate: str) -> list[str]:
        """What each person types to sign; one line for everybody while nobody is named."""
        typed = f".venv/bin/planrun sign {gate}"
        if self.named:
            return [f"{typed}   # {one['name'] or UNNAMED} ({', '.join(one['roles'])})" for one in self._signers[gate]]
        return [typed for at, one in enumerate(self._signers[gate]) if one["name"] or at == 0]

    @property
    def table(self) -> dict[str, str]:
        """For each signature who gives it, by name and role, as a cell."""
        return {
            gate: "; ".join(_signer(one) for one in rows) for gate, rows in self._signers.items() if gate in self._shown
        }


def _needed(answers: Answers) -> tuple[str, ...]:
    return ("G1", "G3") if answers.rigor == "strict" else ("G3",)


def _signer(one: Mapping[str, Any]) -> str:
    stands_in = f", who stands in for {' and '.join(one['for'])}" if one["for"] else ""
    return f"{cell(one['name'] or UNNAMED)} as {' and '.join(one['roles'])}{stands_in}"
