"""What a person types stays a text wherever it lands: no HTML, no image, no letter that hides another."""

import json
import re
import tomllib
from pathlib import Path

import pytest
import yaml
from cookiecutter.main import cookiecutter
from material import ROOT
from mlscaffold import answers, export, render
from mlscaffold.errors import InvalidAnswer
from mlscaffold.wording import as_text

EVIL = "<img src=http://evil.example/a.png> ![x](http://evil.example/b.png) <script>alert(1)</script> <!-- <b>é"
GIVEN = {
    "ml": {"decision": EVIL, "project_name": f"Ours {EVIL}", "project_slug": "ours", "segments": "<u>region</u>"},
    "software": {"decision": EVIL, "project_name": f"Ours {EVIL}", "project_slug": "ours", "capabilities": EVIL},
}
# HTML or a picture that a text could have brought; the pages' own marks are known.
MARKUP = re.compile(r"<(?!/?(?:details|summary)>|http://127)[A-Za-z/!?]|!\[")


def pages(tree: Path) -> dict[str, str]:
    """Every Markdown page without what stands in fences and between backticks, where a text shows as it is."""
    texts = {path.name: path.read_text("utf-8") for path in tree.rglob("*.md")}
    return {name: re.sub(r"(?ms)^```.*?^```|`[^`\n]*`", "", text) for name, text in texts.items()}


@pytest.mark.parametrize("kind", GIVEN)
@pytest.mark.parametrize("door", ["mlscaffold", "cookiecutter"])
def test_html_and_images_in_an_answer_are_text_in_every_page(kind: str, door: str, tmp_path: Path) -> None:
    """At both doors; and the pages show every letter that was typed."""
    given = GIVEN[kind] | {"kind": kind, "start_date": "2026-03-02"}
    if door == "mlscaffold":
        tree = render.generate(answers.complete(given), tmp_path)
    else:
        template = ROOT / "templates" / kind
        prompted = json.loads((template / "cookiecutter.json").read_text("utf-8"))
        texts = {key if key in prompted else f"_{key}": text for key, text in given.items() if key != "kind"}
        tree = Path(cookiecutter(str(template), no_input=True, extra_context=texts, output_dir=str(tmp_path)))

    found = {name: MARKUP.findall(text) for name, text in pages(tree).items()}
    assert {name: marks for name, marks in found.items() if marks} == {}
    assert (
        "&lt;img src=http://evil.example/a.png> !\\[x](http://evil.example/b.png)" in (tree / "README.md").read_text()
    )


@pytest.mark.parametrize("kind", GIVEN)
def test_settings_and_code_keep_the_text_as_it_was_typed(kind: str, tmp_path: Path) -> None:
    """Escaping is for Markdown: YAML, JSON and TOML hold the letters themselves."""
    tree = render.generate(answers.complete(GIVEN[kind] | {"kind": kind}), tmp_path)

    assert yaml.safe_load((tree / "plan/project.yaml").read_text("utf-8"))["decision"] == EVIL
    assert EVIL in tomllib.loads((tree / "pyproject.toml").read_text("utf-8"))["project"]["description"]


def test_an_issue_made_from_the_backlog_holds_a_text_too(tmp_path: Path) -> None:
    """GitHub and GitLab read a description as Markdown; a table for a spreadsheet keeps the letters."""
    tree = render.generate(answers.complete(GIVEN["software"] | {"kind": "software"}), tmp_path)

    for tool in ("github", "gitlab"):
        described = export.export(tree, tool).split("When a client asks")[1:]
        assert described
        assert [MARKUP.findall(text.partition("”")[0]) for text in described] == [[]] * len(described)
    assert "<img src=http" in export.export(tree, "csv")


def test_only_what_could_be_markup_changes() -> None:
    """A smaller-than sign, an arrow and a link stay as they are."""
    for text in ("a < b", "1<2", "a -> b", "[x](http://example.org)", "5 <= 6", "!important", "<3"):
        assert as_text(text) == text
    assert as_text("<b> </b> <!-- <?php") == "&lt;b> &lt;/b> &lt;!-- &lt;?php"


UNSEEN = [*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F, 0x061C, 0x200B, 0x2060, 0xFFF9]


@pytest.mark.parametrize("letter", UNSEEN, ids=hex)
def test_a_letter_that_turns_or_hides_others_is_refused(letter: int) -> None:
    """It would make code and settings read otherwise than they run."""
    for key in ("decision", "project_name", "author"):
        with pytest.raises(InvalidAnswer, match=f"{key} is .* cannot be seen"):
            answers.complete({"kind": "software", "project_name": "Ours", key: f"admin{chr(letter)}nimda"})


@pytest.mark.parametrize("text", ["שלום עולם", "مرحبا بالعالم", "می‌خواهم", "क्‍ष", "👩‍🚒 team", "日本語", "Ünïcödé"])
def test_letters_of_all_scripts_are_answers(text: str) -> None:
    """Those written from right to left and those that need a joiner among them."""
    assert answers.complete({"kind": "software", "decision": f"{text} decides every day"}).decision.startswith(text)
