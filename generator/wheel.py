"""What is built holds beside the package: templates as one archive, which no installer compiles, and their commit."""

import importlib.util
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.config import BuilderConfig
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

COMMIT = "_commit.txt"  # mlscaffold/origin.py reads it by this name


class TemplateArchive(BuildHookInterface[BuilderConfig]):
    """Packs the templates for a wheel; an editable installation reads them where they lie."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Make the archive and add it to what the wheel takes."""
        if version == "editable":
            return
        self._folder = tempfile.TemporaryDirectory()
        self._keep_commit(build_data)
        if self.target_name == "sdist":
            return
        templates = _templates_module(Path(self.root))
        archive = Path(self._folder.name, templates.ARCHIVE)
        templates.pack(Path(self.root), archive)
        build_data["force_include"][str(archive)] = f"mlscaffold/{templates.ARCHIVE}"
        # `mlscaffold update` tells a team what changed; mlscaffold/changes.py reads it by this name.
        build_data["force_include"][str(Path(self.root, "CHANGELOG.md"))] = "mlscaffold/_changelog.md"

    def _keep_commit(self, build_data: dict[str, Any]) -> None:
        """Say of which commit the templates are, where git knows; an archive of the source has it from its build."""
        if not (commit := _commit(Path(self.root))):
            return
        kept = Path(self._folder.name, COMMIT)
        kept.write_text(f"{commit}\n", "utf-8")
        package = "generator/mlscaffold" if self.target_name == "sdist" else "mlscaffold"
        build_data["force_include"][str(kept)] = f"{package}/{COMMIT}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove the archive, which is in the wheel now."""
        if version != "editable":
            self._folder.cleanup()


def _commit(root: Path) -> str:
    """The commit that is checked out at `root`, where package and templates are as it has them; "" elsewhere."""
    try:
        told = [
            subprocess.run(["git", *words], cwd=root, capture_output=True, text=True, check=True).stdout.strip()
            for words in (
                ("rev-parse", "--show-toplevel"),
                ("rev-parse", "HEAD"),
                ("status", "--porcelain", "--", "generator/mlscaffold", "templates"),
            )
        ]
    except (OSError, subprocess.CalledProcessError):
        return ""
    return "" if told[2] or not Path(told[0]).samefile(root) else told[1]


def _templates_module(root: Path) -> Any:
    """The package's own module, by its file: what the package needs is not installed where it is built."""
    spec = importlib.util.spec_from_file_location("templates", root / "generator/mlscaffold/templates.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
