"""Where a template comes from: a folder, a zip file or a git address, as a copy that is gone afterwards."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cookiecutter.config import get_user_config
from cookiecutter.exceptions import CookiecutterException
from cookiecutter.repository import determine_repo_dir, expand_abbreviations, is_repo_url, is_zip_file

from mlscaffold import questions
from mlscaffold.errors import SecretGiven, UnreachableTemplate

FORM = "cookiecutter.json"


@contextmanager
def fetched(source: str, checkout: str | None = None) -> Iterator[Path]:
    """A copy of a template's folder; what runs in it, or writes caches into it, leaves the original alone.

    `source` is what cookiecutter takes: a folder, a zip file, an address, or one of its short forms such as gh:a/b.
    Raises `SecretGiven` for a password in an address, `UnreachableTemplate` where there is no template.
    """
    if questions.holds_secret(source):
        raise SecretGiven("--template")
    with tempfile.TemporaryDirectory(prefix="mlscaffold-template-") as scratch:
        copy = Path(scratch, "template")
        try:
            abbreviations = get_user_config()["abbreviations"]
            found, is_scratch = determine_repo_dir(
                template=_address(source, checkout, abbreviations),
                abbreviations=abbreviations,
                clone_to_dir=scratch,
                checkout=checkout,
                no_input=True,
            )
            shutil.copytree(found, copy, symlinks=True, ignore=shutil.ignore_patterns(".git", "__pycache__"))
            if is_scratch:  # a zip file is unpacked into a folder of its own
                shutil.rmtree(found, ignore_errors=True)
        except (CookiecutterException, OSError) as error:
            raise UnreachableTemplate(source, said(error)) from error
        yield copy


def inside(template: Path, path: str) -> Path:
    """The folder of a nested template. Raises `UnreachableTemplate` where it lies outside, or is none."""
    found = template.joinpath(path).resolve()
    if not found.is_relative_to(template.resolve()) or not found.joinpath(FORM).is_file():
        raise UnreachableTemplate(path, f"is no folder of the template with a {FORM}")
    return found


def _address(source: str, checkout: str | None, abbreviations: dict[str, str]) -> str:
    """The source as it is fetched: of a folder, a branch or a tag is only to be had by a clone.

    cookiecutter guesses the kind of a repository from the letters of its address; where these say nothing, it is git.
    """
    address: str = expand_abbreviations(source, abbreviations)
    if is_zip_file(address):
        return address
    if is_repo_url(address):
        return address if "git" in address or "bitbucket" in address else f"git+{address}"
    if checkout is None:
        return address
    folder = Path(address).expanduser().resolve()
    if not folder.joinpath(".git").exists() and not folder.joinpath("HEAD").is_file():
        raise UnreachableTemplate(source, "is no git repository, so --checkout names nothing in it")
    return f"git+{folder.as_uri()}"


def said(error: BaseException) -> str:
    """The first line of what somebody else's program has against it, or the kind of error where it says nothing."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".:")
