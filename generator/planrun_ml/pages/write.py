"""The pages that acceptance writes, and what they must say today."""

from planrun.files import as_text, write_text
from planrun.repository import Repo

from planrun_ml.pages.datasheet import DATASHEET, datasheet
from planrun_ml.pages.model_card import model_card

MODEL = "evidence/model-card.md"


def pages(repo: Repo) -> dict[str, str]:
    """Path → text of each page, from today's evidence. Raises `Blocked` where a piece of it is missing or stale."""
    return {MODEL: as_text(model_card(repo)), DATASHEET: as_text(datasheet(repo))}


def write(repo: Repo) -> None:
    """Write every page from today's evidence. Raises as `pages` does, with no page written."""
    for path, text in pages(repo).items():
        write_text(repo.root / path, text)
