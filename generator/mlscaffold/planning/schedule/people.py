"""Who answers for what: RACI tables, stand-ins for empty roles, the rules they must keep, each person's load."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mlscaffold import catalogue
from mlscaffold.answers import Answers

NOBODY = "?"
TITLES = {role.key: role.title for role in catalogue.roles().values()}

# What is signed, and the roles that have to; where nobody holds one, its stand-in signs.
SIGNED = {
    "ml": {"G1": ("de", "po"), "G3": ("po", "ds", "ops")},
    "software": {"T1": ("po", "swe"), "T3": ("po",)},
}

Row = tuple[str, str]  # deliverable, and one cell a role in the order of ROLES
ML_ROLES = ("po", "ds", "mle", "swe", "de", "ops")
ML_RACI = (
    ("charter and ML-or-not decision", "A R C C C I"),
    ("data audit", "I C C I AR I"),
    ("privacy and rights", "A R C I C I"),
    ("labelling guide and gold set", "C AR I I C I"),
    ("data and training pipeline", "I C AR C R C"),
    ("evaluation harness", "I AR R C I I"),
    ("acceptance thresholds sign-off", "A R C C I C"),
    ("experiments", "I AR R I C I"),
    ("serving interface contract", "C C R AR I C"),
    ("release and rollback", "I C AR R I R"),
    ("monitoring and retraining", "I R AR C C R"),
    ("incident response", "I C R R C AR"),
)
SOFTWARE_ROLES = ("po", "swe", "ops", "expert")
SOFTWARE_RACI = (
    ("charter and decision on the approach", "A R C C"),
    ("requirements", "A R C C"),
    ("quality scenarios and objectives", "A R R I"),
    ("architecture and interfaces", "I AR C I"),
    ("environments and CI", "I AR R I"),
    ("implementation and tests", "I AR I C"),
    ("acceptance scenarios", "A R I C"),
    ("release and rollback", "I AR R I"),
    ("monitoring and alerts", "I R AR I"),
    ("incident response", "I R AR I"),
    ("dependencies and security updates", "I AR R I"),
)

# What is delivered under some answers only, and the expert's letter where the team has one and more than I is due.
CALLED_FOR: Mapping[str, Callable[[Answers], bool]] = {
    "privacy and rights": lambda answers: answers.personal_data != "none",
    "labelling guide and gold set": lambda answers: answers.label_source in ("people", "both"),
    "monitoring and alerts": lambda answers: answers.deliverable not in ("cli", "library"),
}
EXPERT = (
    "charter and ML-or-not decision",
    "data audit",
    "labelling guide and gold set",
    "acceptance thresholds sign-off",
)


@dataclass(frozen=True)
class Staff:
    """Who does a role's work: the role that is really filled, the names, and their share of a week together."""

    role: str | None
    names: tuple[str, ...]
    share: float

    @property
    def person(self) -> str:
        """The names as one text; the role's title while nobody is named."""
        named = [name for name in self.names if name != NOBODY]
        return " and ".join(named) if named else f"{TITLES[self.role]} (not named yet)" if self.role else "nobody"


def staff(answers: Answers, role: str) -> Staff:
    """The people of a role, or of the nearest role that stands in for it; a full-time nobody where none does."""
    for filled in (role, *catalogue.roles()[role].stand_ins):
        people = [person for person in answers.team if person.role == filled]
        if people:
            share = math.fsum(person.share for person in people)  # sum() of floats differs between Python versions
            return Staff(filled, tuple(dict.fromkeys(person.name for person in people)), share)
    return Staff(None, (), 1.0)


def people(answers: Answers) -> dict[str, Any]:
    """The plan's `people`: names by role, the RACI table, each person's load, gaps in the team, broken rules."""
    roles, table = responsibilities(answers)
    raci = [_row(deliverable, dict(zip(roles, letters.split(), strict=True))) for deliverable, letters in table]
    filled = {role: staff(answers, role).role for role in roles}
    carried = [carried_by(dict(zip(roles, letters.split(), strict=True)), filled) for _, letters in table]
    named = {role.upper(): staff(answers, role).person for role in TITLES if answers.kind == "ml" or role in roles}
    load = _load(answers, carried)
    return {
        "roles": named,
        "columns": [role.upper() for role in roles],
        "raci": raci,
        "load": load,
        "gaps": _gaps(answers, roles, load),
        "problems": problems(answers.kind, [name for name, _ in table], carried),
        "signers": {name: signers(answers, roles) for name, roles in SIGNED[answers.kind].items()},
    }


def responsibilities(answers: Answers) -> tuple[tuple[str, ...], tuple[Row, ...]]:
    """The roles, and the letters of each deliverable that the answers call for; an expert of the team is a column."""
    roles, table = (ML_ROLES, ML_RACI) if answers.kind == "ml" else (SOFTWARE_ROLES, SOFTWARE_RACI)
    found = tuple(row for row in table if row[0] not in CALLED_FOR or CALLED_FOR[row[0]](answers))
    if "expert" in roles or not any(person.role == "expert" for person in answers.team):
        return roles, found
    return (*roles, "expert"), tuple((name, f"{letters} {'C' if name in EXPERT else 'I'}") for name, letters in found)


def signers(answers: Answers, roles: Sequence[str]) -> list[dict[str, Any]]:
    """Who signs for these roles, each person once: the roles they sign for, stand-ins named, and the person's name.

    The name is "" while nobody is named. Where several people hold a role, one of them is enough: they share a row.
    """
    rows: dict[str, dict[str, Any]] = {}
    for role in roles:
        filled = staff(answers, role)
        if filled.role is None:
            continue
        name = " or ".join(one for one in filled.names if one != NOBODY)
        row = rows.setdefault(name, {"name": name, "roles": [], "for": []})
        row["roles"] += [filled.role.upper()] if filled.role.upper() not in row["roles"] else []
        row["for"] += [role.upper()] if role != filled.role else []
    return list(rows.values())


def _row(deliverable: str, cells: Mapping[str, str]) -> dict[str, Any]:
    return {"deliverable": deliverable, "cells": {role.upper(): letters for role, letters in cells.items()}}


def carried_by(cells: Mapping[str, str], filled: Mapping[str, str | None]) -> dict[str, str]:
    """One row's letters on the roles that are really filled; A and R swallow C, and C swallows I, in one person."""
    merged: dict[str, str] = {}
    for role, letters in cells.items():
        carrier = filled[role]
        if carrier is not None:
            merged[carrier] = "".join(sorted(set(merged.get(carrier, "") + letters)))
    return {role: _strongest(letters) for role, letters in merged.items()}


def _strongest(letters: str) -> str:
    kept = "".join(letter for letter in letters if letter in "AR")
    return kept or ("C" if "C" in letters else "I")


def problems(kind: str, deliverables: Sequence[str], carried: Sequence[Mapping[str, str]]) -> list[str]:
    """Rules of the RACI that these people break, each as a sentence with its remedy (gates G0.4 and T0.3)."""
    found = []
    pairs = list(zip(deliverables, carried, strict=True))
    answered = [name for name, cells in pairs if sum("A" in letters for letters in cells.values()) != 1]
    if answered:
        found.append(f"Nobody answers for {_listed(answered)}: name a person for the role in `team`.")
    done = [name for name, cells in pairs if not any("R" in letters for letters in cells.values())]
    if done:
        found.append(f"Nobody does {_listed(done)}: name a person for the role in `team`.")
    rows = dict(pairs)
    owned = ("acceptance thresholds sign-off",) if kind == "ml" else ("acceptance scenarios",)
    for deliverable in (deliverables[0], *owned):
        if "A" not in rows[deliverable].get("po", ""):
            found.append(f"The product owner must answer for {deliverable}: name one with po=… in `team`.")
    return found + (_modeller_problems(rows) if kind == "ml" else [])


def _modeller_problems(rows: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Whoever models takes part from the charter to the incident, and hands nothing over completely."""
    found = []
    absent = [name for name, cells in rows.items() if not _takes_part(cells)]
    if absent:
        found.append(f"No data scientist or ML engineer takes part in {_listed(absent)}: name one in `team`.")
    doers = [role for role, letters in rows["experiments"].items() if "R" in letters]
    for deliverable in ("serving interface contract", "release and rollback", "monitoring and retraining"):
        for role in doers:
            if not any(letter in rows[deliverable].get(role, "") for letter in "RC"):
                found.append(f"The {TITLES[role]} runs experiments and hands {deliverable} over completely.")
    return found


def _takes_part(cells: Mapping[str, str]) -> bool:
    return any(letter in cells.get("ds", "") + cells.get("mle", "") for letter in "ARC")


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _load(answers: Answers, carried: Sequence[Mapping[str, str]]) -> list[dict[str, Any]]:
    """A and R letters of each person over all deliverables, heaviest first; a role's letters fall on all its people."""
    letters: dict[str, list[str]] = {}
    roles: dict[str, list[str]] = {}
    for role in dict.fromkeys(person.role for person in answers.team):
        for name in _names(answers, role):
            roles.setdefault(name, []).append(role.upper())
            for row, cells in enumerate(carried):
                letters.setdefault(name, []).extend(
                    f"{row}{letter}" for letter in cells.get(role, "") if letter in "AR"
                )
    held = {name: len(set(found)) for name, found in letters.items()}
    total = sum(sum(letter in "AR" for letter in cell) for cells in carried for cell in cells.values())
    return [
        {
            "person": name,
            "roles": roles[name],
            "letters": " ".join(f"{sum(mark[-1] == letter for mark in set(letters[name]))}{letter}" for letter in "AR"),
            "a_and_r": count,
            "share": count / total if total else 0.0,
        }
        for name, count in sorted(held.items(), key=lambda item: -item[1])
    ]


def _names(answers: Answers, role: str) -> list[str]:
    found = dict.fromkeys(person.name for person in answers.team if person.role == role)
    return [f"{TITLES[role]} (not named yet)" if name == NOBODY else name for name in found]


def overloaded(load: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """People with more than half of all A and R letters."""
    return [person for person in load if person["share"] > 0.5]


def _gaps(answers: Answers, roles: Sequence[str], load: Sequence[Mapping[str, Any]]) -> list[str]:
    """What to hire or name first, as sentences."""
    found = []
    for role in roles:
        stand_in = staff(answers, role)
        if stand_in.role is None:
            found.append(f"No {TITLES[role]}, and nobody stands in.")
        elif stand_in.role != role and role != "expert":
            found.append(f"No {TITLES[role]}: {stand_in.person} does this work as well.")
        elif NOBODY in stand_in.names:
            found.append(f"The {TITLES[role]} has no name yet: replace the ? in `team`.")
    for person in overloaded(load):
        held = f"{person['a_and_r']} of the A and R letters ({person['share']:.0%})"
        who = person["person"] if person["person"][:1].isupper() else f"The {person['person']}"
        found.append(f"{who} holds {held}: hire, or share the work.")
    for name, share in _weeks(answers).items():
        if share > 1 + 1e-9:
            found.append(f"{name} is planned for {share:.0%} of a week: lower the shares in `team`.")
    return found


def _weeks(answers: Answers) -> dict[str, float]:
    shares: dict[str, float] = {}
    for person in answers.team:
        if person.name != NOBODY:
            shares[person.name] = shares.get(person.name, 0.0) + person.share
    return shares
