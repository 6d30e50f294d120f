"""The capability that drills ask for."""


def _first() -> str:
    return next(iter(CAPABILITIES))
