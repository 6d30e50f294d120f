"""What there is to read in a rendered repository: words of a page and of a role, and what all repositories share.

`python tests/reading.py` renders every sample and prints both tables.
"""

import re
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "generator"), str(ROOT / "tests")]

from material import SAMPLES, sample_answers  # noqa: E402
from mlscaffold import render  # noqa: E402
from mlscaffold.rendering.reading import READERS  # noqa: E402

READABLE = [name for name in SAMPLES if not name.startswith("awkward")]
# What is the same wherever it stands: the handbook, and pages in which somebody looks one thing up.
LOOKED_UP = ("handbook", "glossary", "formulas", "limits", "bring-your-own", "more-examples")


def shown(page: Path) -> list[str]:
    """The lines of a page that are read: without front matter, folds, pictures and blocks of what is typed."""
    text = re.sub(r"^---\n.*?\n---\n|<details>.*?</details>|```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL)
    return [re.sub(r"\]\([^)]*\)", "]", line).strip() for line in text.splitlines() if line.strip()]


def count(lines: list[str]) -> int:
    """How many words lines have."""
    return sum(1 for line in lines for part in line.split() if re.search(r"\w", part))


def of_a_role(repository: Path, kind: str) -> dict[str, int]:
    """The words that each reader must read or has next, by who it is."""
    return {
        reader.who: sum(count(shown(repository / f"docs/{page}.md")) for page in {*reader.must, *reader.then})
        for reader in READERS[kind]
    }


def own_pages(repository: Path) -> dict[str, list[str]]:
    """The lines of each page that says something of this project, by its name."""
    pages = sorted((repository / "docs").rglob("*.md"))
    return {page.stem: shown(page) for page in pages if page.stem not in LOOKED_UP}


def the_same(repositories: list[Path]) -> dict[str, tuple[int, int]]:
    """Of each page that all have: its words in the mean, and how many of them stand in lines that all of them hold."""
    pages = [own_pages(repository) for repository in repositories]
    found = {}
    for name in set.intersection(*(set(one) for one in pages)):
        everywhere = set.intersection(*(set(one[name]) for one in pages))
        mean = sum(count(one[name]) for one in pages) // len(pages)
        found[name] = (mean, count([line for line in pages[0][name] if line in everywhere]))
    return found


def share(pages: dict[str, tuple[int, int]]) -> float:
    """The part of the words that all repositories share, between 0 and 1."""
    return sum(same for _, same in pages.values()) / sum(words for words, _ in pages.values())


def main() -> None:
    """Render and print."""
    with tempfile.TemporaryDirectory() as output:
        for kind, start in (("ml", "ml-"), ("software", "sw-")):
            names = [name for name in READABLE if name.startswith(start)]
            trees = [render.render(sample_answers(name), Path(output, name)) for name in names]
            pages = the_same(trees)
            for name, (words, same) in sorted(pages.items()):
                print(f"{kind:<9} {name:<20} {words:>6} words, {same:>5} of them everywhere")
            print(f"{kind:<9} {share(pages):.0%} of the project's own pages is the same in all {len(trees)}")
            roles = [of_a_role(tree, kind) for tree in trees]
            for who in roles[0]:
                print(f"{kind:<9} {who:<26} {min(one[who] for one in roles):>5} to {max(one[who] for one in roles)}")


if __name__ == "__main__":
    main()
