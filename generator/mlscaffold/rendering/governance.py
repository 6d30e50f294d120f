"""Whether the answers call for the page of duties, docs/governance.md, and for its part on people in the data."""

from mlscaffold.answers import Answers


def called(answers: Answers) -> bool:
    """Rights or worse at stake, people in the data, or rules that somebody has named.

    The engine asks the same of plan/project.yaml (`planrun.governance.called`); a test holds the two equal.
    """
    return answers.consequence in ("rights", "intolerable") or answers.regime != "none" or about_people(answers)


def about_people(answers: Answers) -> bool:
    """Whether people are in the data, by the answers or because their regulation is named."""
    described = answers.personal_data if answers.kind == "ml" else answers.data_class
    return described in ("personal", "special", "regulated") or answers.regime == "gdpr"
