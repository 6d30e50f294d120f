"""What every harness can do: start one copy of a release, ask it, keep and bring back what it remembers."""

import importlib
import importlib.util
import os
import re
import traceback
import zlib
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol, Self

from planrun.catalogue import NumberKey
from planrun.git import way_back
from planrun.repository import Repo
from planrun.trouble import Blocked, Trouble

from planrun_software.traceability.offered import SAMPLES, after, named

WRITE = "Write it, or take its import out."
Samples = Mapping[str, Callable[[int], Mapping[str, Any]]]
STAND_INS = {"DEPENDENCIES": "stand-in"}  # systems without an address of their own are taken as answering


@dataclass(frozen=True)
class Content:
    """A table's number of rows, and a hash of all of them in the order of its key."""

    rows: int
    sha256: str


@dataclass(frozen=True)
class Reply:
    """What came back: carried out, refused with a reason, or neither (an error)."""

    ok: bool
    refused: bool
    body: dict[str, Any]
    seconds: float


class Product(Protocol):
    """One copy of a release that was started."""

    def perform(self, capability: str, request: Mapping[str, Any]) -> Reply:
        """Ask for one capability; the request by field, as `Harness.sample` gives it."""

    def kept(self) -> list[dict[str, Any]]:
        """What the product remembers, newest first."""


class Harness:
    """How one repository's product is driven. `SAMPLES` is the plan's number of timed answers, `PARALLEL` how many
    callers it can have at once."""

    SAMPLES: NumberKey = "slo.demo_samples"
    PARALLEL = 1

    def __init__(self, repo: Repo) -> None:
        self.repo = repo
        self.package = package_of(repo)
        found = find_spec(self.package)
        own = Path(found.origin).resolve().parents[1] if found and found.origin else repo.root / "src"
        self.source = own  # of the package that is imported here: what is measured is what was loaded

    def module(self, name: str) -> ModuleType:
        """A module of the product's package. `Trouble` where it, or one that it imports, cannot be imported."""
        try:
            return importlib.import_module(f"{self.package}.{name}")
        except Exception as error:  # whatever the product's own code raises is told as its file's
            raise self._broken(error) from error

    def _broken(self, error: Exception) -> Trouble:
        """Which file of the product cannot be imported, and what brings it back, or who corrects it."""
        lacking = getattr(error, "name", None) if isinstance(error, ModuleNotFoundError) else None
        if lacking and lacking.partition(".")[0] == self.package:
            path = f"src/{lacking.replace('.', '/')}.py"
            return Trouble(f"{path} is missing, and the product imports it.", way_back(self.repo.root, path) or WRITE)
        frames = [frame.filename for frame in traceback.extract_tb(error.__traceback__)]
        inside = [name for name in frames if Path(name).is_relative_to(self.source)]
        at = Path(error.filename or "" if isinstance(error, SyntaxError) else (inside or [""])[-1])
        file = f"src/{at.relative_to(self.source).as_posix()}" if at.is_relative_to(self.source) else "the product"
        told = f"{file} cannot be imported: {type(error).__name__}: {str(error).rstrip('.')}."
        return Trouble(told, f"Add {lacking} to pyproject.toml, then: make setup" if lacking else f"Correct {file}.")

    @classmethod
    def here(cls, file: str) -> Self:
        """The harness of the repository that a file belongs to, in tests that know what is delivered."""
        return cls(Repo.here(Path(file).parent))

    @property
    def capabilities(self) -> Mapping[str, Any]:
        """The product's capabilities by name. `Trouble` where nothing declares them."""
        declared: Mapping[str, Any] | None = getattr(self.module("capabilities"), "CAPABILITIES", None)
        if declared is None:  # a folder without its __init__.py can be imported, and holds nothing
            path = f"src/{self.package}/capabilities/__init__.py"
            raise Trouble(f"{path} declares no CAPABILITIES.", way_back(self.repo.root, path) or f"Correct {path}.")
        return declared

    @property
    def first(self) -> str:
        """The capability that drills ask for, which needs nothing to be there. `Blocked` where there is none."""
        for name in self.capabilities:
            if name not in self.queries | self.changes | set(self.needs) and not self.before(name):
                return name
        raise Blocked("The product offers nothing to do.", f"Give it a file in src/{self.package}/capabilities.")

    @property
    def queries(self) -> frozenset[str]:
        """The capabilities that only answer, and keep nothing."""
        return frozenset(getattr(self.module("capabilities"), "QUERIES", ()))

    @property
    def changes(self) -> frozenset[str]:
        """The capabilities that change a part of what is there: asked over HTTP with PATCH."""
        return frozenset(getattr(self.module("capabilities"), "CHANGES", ()))

    @property
    def needs(self) -> Mapping[str, str]:
        """The capabilities that only holders of a role may ask for, and that role."""
        return dict(getattr(self.module("capabilities"), "NEEDS", {}))

    @cached_property
    def samples(self) -> Samples:
        """The team's samples by capability. `Blocked` where one of their files cannot be used."""
        return samples_in(self.repo.root / SAMPLES)

    def before(self, capability: str) -> tuple[str, ...]:
        """What has to be done before a capability's sample can be, in this order. `Trouble` where that is nothing."""
        return after(self.repo.root / SAMPLES, capability)

    def sample(self, capability: str, number: int | None = None, **changes: Any) -> dict[str, Any]:
        """The request that stands for a capability, with other fields where `changes` names them. `Blocked`.

        Another subject has a number of its own, so that what else may be there only once differs too.
        """
        return sample_of(self.samples, capability, self._number(capability, number, changes)) | changes

    def _number(self, capability: str, number: int | None, changes: Mapping[str, Any]) -> int:
        """The number that is given, else the subject's: that of the sample with this subject, or one of its own.

        It stays small enough to be a day or an amount.
        """
        if number is not None or "subject" not in changes:
            return number or 0
        subject = str(changes["subject"]).strip()
        ends = re.search(r"[0-9]{1,6}$", subject)
        if ends and sample_of(self.samples, capability, int(ends[0])).get("subject") == subject:
            return int(ends[0])
        return 1_000_000 + zlib.crc32(subject.encode("utf-8", "surrogatepass")) % 1_000_000

    def asked(self, product: Product, capability: str, number: int | None = None, **changes: Any) -> Reply:
        """Have a sample carried out, after what has to be there, with the same number. `Blocked` where that fails."""
        self.prepare(product, capability, number, **changes)
        return product.perform(capability, self.sample(capability, number, **changes))

    def prepare(self, product: Product, capability: str, number: int | None = None, **changes: Any) -> None:
        """Do what has to be done before this sample, on the same subject. `Blocked` where the product refuses it."""
        request, at = self.sample(capability, number, **changes), self._number(capability, number, changes)
        about = {key: request[key] for key in ("subject", "person") if key in request}
        for name in self.before(capability):
            reply = product.perform(name, self.sample(name, at, **about))
            if not reply.ok:
                raise not_carried_out(name, reply)

    def product(
        self, folder: Path, source: Path | None = None, workers: int = 1, **environment: str
    ) -> AbstractContextManager[Product]:
        """One copy of a release: `source` holds its package (this repository's own when absent), `folder` its data.

        Raises `NotImplementedError` until a form of delivery says how.
        """
        raise NotImplementedError

    def backup(self, folder: Path, file: Path) -> int:
        """Copy what the product keeps to a file; how many records there were (0 where it keeps nothing)."""
        return 0

    def restore(self, file: Path, folder: Path) -> int:
        """Bring a backup back into an empty folder; how many records came back."""
        return 0

    def content(self, folder: Path) -> dict[str, "Content"]:
        """What is kept in a folder by table, looked at without the product's own code; empty where it keeps nothing."""
        return {}


def samples_in(folder: Path) -> Samples:
    """What a folder of samples declares, by capability. `Blocked` where it is missing or a file cannot be used."""
    if not folder.is_dir():
        raise Blocked(f"There is no {SAMPLES}, so nothing stands for a capability.", f"git checkout {SAMPLES}")
    return {name: _sample_in(folder / f"{name}.py") for name in named(folder)}


def _sample_in(file: Path) -> Callable[[int], Mapping[str, Any]]:
    """The function in a file that is called like it."""
    spec = importlib.util.spec_from_file_location(f"_sample_{file.stem}", file)
    assert spec is not None, "a path that ends in .py has a loader"
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    path = f"{SAMPLES}/{file.name}"
    try:
        spec.loader.exec_module(module)
        found: Callable[[int], Mapping[str, Any]] = getattr(module, file.stem)
    except Exception as error:  # whatever a team's own file raises is told as its file's
        raise Blocked(f"{path} cannot be used: {type(error).__name__}: {error}.", f"Correct {path}.") from error
    return found


def sample_of(samples: Samples, capability: str, number: int) -> dict[str, Any]:
    """One request of a capability. `Blocked` where nothing stands for it."""
    if capability not in samples:
        raise Blocked(
            f"{capability} has no sample.", f"Add {SAMPLES}/{capability}.py with a request that stands for it."
        )
    return dict(samples[capability](number))


def not_carried_out(name: str, reply: Reply) -> Blocked:
    """What is told of a sample that the product refuses."""
    told = f"The sample of {name} was not carried out: {reply.body.get('detail', reply.body)}"
    return Blocked(told, f"Correct {SAMPLES}/{name}.py, or what refuses it.")


class Surroundings:
    """Environment variables for as long as a copy runs in this process."""

    def __init__(self, **changes: str) -> None:
        self._changes = STAND_INS | changes
        self._before: dict[str, str | None] = {}

    def enter(self) -> None:
        """Set the variables, and keep what they were."""
        self._before = {name: os.environ.get(name) for name in self._changes}
        os.environ.update(self._changes)

    def leave(self) -> None:
        """Bring back what they were; one that was not set is gone again."""
        for name, value in self._before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


def package_of(repo: Repo) -> str:
    """The product's package, by the answers."""
    return repo.answers["project_slug"].replace("-", "_")
