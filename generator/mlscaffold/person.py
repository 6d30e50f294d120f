"""Somebody of the team."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Person:
    """One entry of `team`: a role, who fills it ("?" while nobody does), and which share of a week."""

    role: str
    name: str
    share: float
