"""What can be seen by reading: secrets in files, weak or unpinned packages, tests that could never fail."""

import json
import re
import subprocess
import sys
import tomllib
from datetime import date
from pathlib import Path

from planrun import git
from planrun.repository import Repo
from planrun.trouble import Blocked, Outcome, counted

LOCK = "requirements.lock"
SECRET = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY-----"
    r"|\bAKIA[0-9A-Z]{16}\b"
    r"|\bgh[pousr]_[A-Za-z0-9]{36}\b"
    r"|\bglpat-[A-Za-z0-9_-]{20}\b"
    r"|\bxox[abprs]-[A-Za-z0-9-]{10,}"
    r"|(?i:password|secret|api_?key|token)[\"']?\s*[:=]\s*[\"'][^\"'\s{}$]{12,}[\"']"
)


def audit(repo: Repo) -> Outcome:
    """Look for secrets in the files that git keeps and for known weaknesses, and write down what was found."""
    if repo.answers.get("rigor") == "light":
        raise Blocked("What the audit needs is not installed at rigor light.", step(repo))
    kept = (git.git(repo.root, "ls-files") or "").splitlines()
    if not kept:
        raise Blocked("There is no history that says which files are kept.", "git init")
    secrets = [found for name in kept for found in secrets_in(repo.root, name)]
    packages, advisories, unknown = _weaknesses(repo.root)
    facts = {"secrets": secrets, "advisories": advisories, "unknown": unknown, "files": len(kept), "packages": packages}
    repo.write_evidence("audit", facts | {"on": date.today().isoformat()}, [LOCK])
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
    if not (root / LOCK).is_file():
        raise Blocked(f"{LOCK} is missing.", "make setup")
    words = ["-m", "pip_audit", "--requirement", LOCK, "--disable-pip", "--no-deps", "--format", "json"]
    done = subprocess.run([sys.executable, *words], cwd=root, capture_output=True, text=True, check=False)
    try:
        rows = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError, TypeError):
        reason = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise Blocked(f"The advisories could not be read: {reason}", "Try again with a network.") from None
    known = [row for row in rows if "vulns" in row]
    weak = [f"{row['name']} {row['version']}: {row['vulns'][0]['id']}" for row in known if row["vulns"]]
    return len(known), weak, [row["name"] for row in rows if "vulns" not in row]


# ---------------------------------------------------------------------------------------------------- lock file
def unpinned(root: Path) -> list[str]:
    """Direct dependencies of pyproject.toml, developers' included, that the lock file does not hold at one version.

    Those that only some machines need (`; python_version < …`) are not asked for.
    """
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))
    wanted = [*project["project"].get("dependencies", []), *project.get("dependency-groups", {}).get("dev", [])]
    pinned = {_plain(line) for line in (root / LOCK).read_text("utf-8").splitlines() if re.search(r"==| @ ", line)}
    return [_plain(text) for text in wanted if isinstance(text, str) and ";" not in text and _plain(text) not in pinned]


def loose(root: Path) -> str:
    """What is wrong with the lock file, in words."""
    if not (root / LOCK).is_file():
        return f"{LOCK} is missing. Run: make setup"
    names = ", ".join(unpinned(root))
    return f"{LOCK} does not pin {names}, which pyproject.toml asks for. Run: make lock" if names else ""


def _plain(requirement: str) -> str:
    """A package's name as every index spells it."""
    return re.sub(r"[-_.]+", "-", re.split(r"[^\w.-]", requirement.strip(), maxsplit=1)[0]).lower()
