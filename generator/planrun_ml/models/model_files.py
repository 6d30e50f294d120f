"""Model files: saved and loaded by their hash, running no code when they are loaded."""

import hashlib
import tempfile
from pathlib import Path

from planrun.files import put_in_place
from planrun.trouble import Trouble
from sklearn.pipeline import Pipeline

# What a model file may hold. It stands here, in code, and is never read from the file.
TRUSTED = [
    "numpy.dtype",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.tree._tree.Tree",  # its indices are not checked when it predicts, hence the hash before it is loaded
]


def save(model: Pipeline, folder: Path) -> tuple[Path, str]:
    """Write the model under the hash of its bytes; the path and the hash."""
    import skops.io  # imported late: it is slow, and most commands neither save nor load

    content = skops.io.dumps(model)
    digest = hashlib.sha256(content).hexdigest()
    path = folder / f"{digest}.skops"
    folder.mkdir(parents=True, exist_ok=True)
    if not path.is_file():
        with tempfile.NamedTemporaryFile(dir=folder, suffix=".part", delete=False) as file:
            file.write(content)
        put_in_place(Path(file.name), path)
    return path, digest


def load(path: Path, digest: str) -> Pipeline:
    """The model of a file whose hash is known. Raises `Trouble` for other bytes or a type we do not trust."""
    if not path.is_file():
        raise Trouble(f"{path.name} is not in {path.parent.name}/.", "Fetch the store that data/source.yaml names.")
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != digest:
        raise Trouble(f"{path.name} is not the file that was measured: its hash differs.", "Train it again.")
    import skops.io

    try:
        return skops.io.loads(content, trusted=TRUSTED)
    except (TypeError, skops.io.exceptions.UntrustedTypesFoundException) as error:
        raise Trouble(
            f"{path.name} is no model file we trust: {str(error).splitlines()[0]}", "Train it again."
        ) from error


def environment() -> str:
    """A hash of the versions that decide a model's bytes."""
    import platform
    from importlib.metadata import version

    names = ("numpy", "pandas", "scikit-learn", "skops", "duckdb")
    versions = [platform.python_version(), *(version(name) for name in names)]
    return hashlib.sha256("|".join(versions).encode()).hexdigest()
