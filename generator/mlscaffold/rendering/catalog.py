"""What a software catalogue is told of a repository, in the form that Backstage reads."""

from collections.abc import Mapping
from typing import Any

from mlscaffold.answers import Answers
from mlscaffold.catalogue.keys import PlanKey
from mlscaffold.rendering import governance
from mlscaffold.rendering.forms import lines
from mlscaffold.yamltext import quoted

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
    """The entity of a repository: its type, the phase after which it is in production, and its further metadata."""

    def __init__(self, answers: Answers, plan: Mapping[PlanKey, Any]) -> None:
        self._answers = answers
        self._url = answers.repository_url.rstrip("/")
        ml = answers.kind == "ml"
        self.type = TYPES[answers.serving if ml else answers.deliverable]
        self.released = "G4" if ml else "T4"

    @property
    def details(self) -> str:
        """Lines of the metadata: what it is about, by which name the code host knows it, tags, links."""
        answers = self._answers
        kind = "machine-learning" if answers.kind == "ml" else "software"
        about = [f"  description: {quoted(answers.decision)}"] if answers.decision else []
        tags = [f"  tags: [{kind}, rigor-{answers.rigor}]"]
        return lines([*about, *self._annotations(), *tags, *self._links()])

    def _links(self) -> list[str]:
        """The pages that its readers look for; none where nobody said where it will be."""
        if not self._url:
            return []
        found = {"Repository": self._url}
        if form := FILES[self._answers.ci]:
            duties = {"Governance": "docs/governance.md"} if governance.called(self._answers) else {}
            folder = f"{self._answers.folder}/" if self._answers.folder else ""
            found |= {title: self._url + form.format(folder + path) for title, path in (PAGES | duties).items()}
        return ["  links:", *(f"    - {{title: {title}, url: {quoted(url)}}}" for title, url in found.items())]

    def _annotations(self) -> list[str]:
        """The one by which plugins for the code host find the repository: its owner and name there."""
        path = self._url.partition("://")[2].partition("/")[2]
        if self._answers.ci not in SLUGS or "/" not in path:
            return []
        return ["  annotations:", f"    {SLUGS[self._answers.ci]}: {quoted(path)}"]
