"""Pages that people fill in: open questions and front matter."""

import yaml

OPEN = "[NEEDS ANSWER"


def open_questions(text: str) -> int:
    """How many answers a document still waits for."""
    return text.count(OPEN)


def front_matter(text: str) -> dict[str, str]:
    """The lines between the two rules that open a decision record."""
    try:
        found = yaml.load("".join(text.split("---\n", 2)[1:2]), Loader=yaml.BaseLoader)  # noqa: S506  (texts and lists)
    except yaml.YAMLError:
        return {}
    return {key: value for key, value in (found or {}).items() if isinstance(value, str)}
