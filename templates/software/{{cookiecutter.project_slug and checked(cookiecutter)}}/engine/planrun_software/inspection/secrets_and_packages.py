"""What can be seen by reading: secrets in files, weak or unpinned packages, tests that could never fail."""

import json
import re
import subprocess
import sys
import tomllib
from datetime import date
from pathlib import Path
from typing import Any

from planrun import environment, git
from planrun.repository import Repo
from planrun.trouble import Blocked, Outcome, counted

LOCK, DEVELOPMENT = environment.LOCK, environment.DEVELOPMENT
LOCKS = (LOCK, DEVELOPMENT)
ENGINE = "engine/"  # the same in every repository: nobody's secrets, and texts that only look like some
SECRET = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----"
    r"|\bAKIA[0-9A-Z]{16}\b"
    r"|\bgh[pousr]_[A-Za-z0-9]{36}\b"
    r"|\bglpat-[A-Za-z0-9_-]{20,}"
    r"|\bxox[abprs]-[A-Za-z0-9-]{10,}"
    r"|(?i:password|secret|api_?key|token)[\"']?\s*[:=]\s*[\"'][^\"'\s{}$]{12,}[\"']"
)


def audit(repo: Repo) -> Outcome:
    """Look for secrets in the files that git keeps and for known weaknesses, and write down what was found.

    Raises `Blocked` at rigor light, and without a history.
    """
    if repo.answers.get("rigor") == "light":
        raise Blocked("What the audit needs is not installed at rigor light.", step(repo))
    kept = (git.git(repo.root, "ls-files") or "").splitlines()
    if not kept:
        raise Blocked("There is no history that says which files are kept.", "git init")
    kept = [name for name in kept if not name.startswith(ENGINE)]
    secrets = [found for name in kept for found in secrets_in(repo.root, name)]
    packages, advisories, unknown = _weaknesses(repo.root)
    facts = {"secrets": secrets, "advisories": advisories, "unknown": unknown, "files": len(kept), "packages": packages}
    repo.write_evidence("audit", facts | {"on": date.today().isoformat()}, LOCKS)
    told = [*secrets, *advisories, f"{counted(len(secrets), 'possible secret')} in {counted(len(kept), 'file')}."]
    told += [f"{len(advisories)} of {counted(packages, 'package')} with a known weakness."]
    if unknown:
        told.append(f"{len(unknown)} more could not be looked up, first {unknown[0]}: no answer is no pass.")
    return Outcome("\n".join(told), 1 if secrets or advisories else 2 if unknown else 0)


def step(repo: Repo) -> str:
    """How to get the audit's evidence."""
    return "make audit" if repo.answers.get("rigor") != "light" else "mlscaffold replan --set rigor=standard"


def secrets_in(root: Path, name: str) -> list[str]:
    """Places in one file that look like a secret, as file:line."""
    try:
        lines = (root / name).read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return []
    return [f"{name}:{number}" for number, line in enumerate(lines, 1) if SECRET.search(line)]


def _weaknesses(root: Path) -> tuple[int, list[str], list[str]]:
    """How many locked packages were looked up, those with a known weakness, and those nobody could say anything of."""
    if not (root / DEVELOPMENT).is_file():
        try:
            environment.asked(root)
        except environment.CannotInstall as error:
            raise Blocked(error.sentence, error.command or "Write it, then: make setup") from None
        raise Blocked(f"{DEVELOPMENT} is missing.", "make setup")
    words = ["-m", "pip_audit", "--requirement", DEVELOPMENT, "--disable-pip", "--no-deps", "--format", "json"]
    done = subprocess.run([sys.executable, *words], cwd=root, capture_output=True, text=True, check=False)
    try:
        rows = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError, TypeError):
        reason = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        told = f"The advisories could not be read: {reason.rstrip('.')}."
        lacks = "No module named" in reason
        raise Blocked(told, "make setup" if lacks else "With a network, make audit again.") from None
    known = [row for row in rows if "vulns" in row]
    weak = [f"{row['name']} {row['version']}: {row['vulns'][0]['id']}" for row in known if row["vulns"]]
    return len(known), weak, [row["name"] for row in rows if "vulns" not in row]


# ---------------------------------------------------------------------------------------------------- lock files
def unpinned(root: Path) -> list[str]:
    """Direct dependencies of pyproject.toml that `requirements.lock`, or for developers' the other, has at no version.

    Those that only some machines need (`; python_version < …`) are not asked for.
    """
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))
    wanted = {
        LOCK: project["project"].get("dependencies", []),
        DEVELOPMENT: project.get("dependency-groups", {}).get("dev", []),
    }
    return [name for lock, texts in wanted.items() for name in _missing(root / lock, texts)]


def _missing(lock: Path, wanted: list[Any]) -> list[str]:
    pinned = {_plain(line) for line in lock.read_text("utf-8").splitlines() if re.search(r"==| @ ", line)}
    return [_plain(text) for text in wanted if isinstance(text, str) and ";" not in text and _plain(text) not in pinned]


def loose(root: Path) -> str:
    """What is wrong with the locks, in words."""
    try:
        behind = environment.behind(root)
    except environment.CannotInstall as error:  # pyproject.toml first: no lock can be made without it
        return str(error)
    if missing := [lock for lock in LOCKS if not (root / lock).is_file()]:
        return f"{missing[0]} is missing. Run: make setup"
    if names := ", ".join(unpinned(root)):
        return f"The locks do not pin {names}, which pyproject.toml asks for. Run: make lock"
    told = [f"{lock} is behind pyproject.toml: {', '.join(names)}" for lock, names in behind.items()]
    return f"{'; '.join(told)}. Run: make setup" if told else ""


def _plain(requirement: str) -> str:
    """A package's name as every index spells it."""
    return re.sub(r"[-_.]+", "-", re.split(r"[^\w.-]", requirement.strip(), maxsplit=1)[0]).lower()
