"""What a software catalogue is told of a repository, in the form that Backstage reads."""

from collections.abc import Mapping
from typing import Any

from mlscaffold.answers import Answers
from mlscaffold.catalogue.keys import PlanKey
from mlscaffold.rendering import governance

# Which type of component it is there: service, website and library are the words that Backstage itself uses.
TYPES = {
    "service": "service", "web-app": "website", "cli": "tool", "library": "library", "batch": "job",
    "api": "service", "alert": "job",
}  # fmt: skip
PAGES = {
    "The plan on a page": "docs/plan-on-a-page.md",
    "Operation": "docs/04-operations.md",
    "Risks": "docs/05-risks.md",
}
# How a host's page of one file is called, below the repository's own address.
FILES = {"github": "/blob/HEAD/{}", "gitlab": "/-/blob/HEAD/{}", "azure": "?path=/{}", "none": ""}
SLUGS = {"github": "github.com/project-slug", "gitlab": "gitlab.com/project-slug"}


class Catalog:
    """The entity of a repository: each field by its name there, and the phase after which it is in production."""

    def __init__(self, answers: Answers, plan: Mapping[PlanKey, Any]) -> None:
        self._answers = answers
        ml = answers.kind == "ml"
        self.type = TYPES[answers.serving if ml else answers.deliverable]
        self.tags = ["machine-learning" if ml else "software", f"rigor-{answers.rigor}"]
        self.released = "G4" if ml else "T4"
        self.url = answers.repository_url.rstrip("/")

    @property
    def links(self) -> list[tuple[str, str]]:
        """Title and address of the pages that its readers look for; none where nobody said where it will be."""
        form = FILES[self._answers.ci]
        pages = dict(PAGES) | ({"Governance": "docs/governance.md"} if governance.called(self._answers) else {})
        if not self.url:
            return []
        folder = f"{self._answers.folder}/" if self._answers.folder else ""
        files = [(title, f"{self.url}{form.format(folder + path)}") for title, path in pages.items()] if form else []
        return [("Repository", self.url), *files]

    @property
    def slug(self) -> tuple[str, str] | None:
        """The annotation by which plugins for the code host find it: its key, and owner and name there."""
        path = self.url.partition("://")[2].partition("/")[2]
        return (SLUGS[self._answers.ci], path) if self._answers.ci in SLUGS and "/" in path else None
