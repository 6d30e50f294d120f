"""What a wheel holds beside the package: the templates as one archive, which no installer compiles."""

import importlib.util
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.config import BuilderConfig
from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class TemplateArchive(BuildHookInterface[BuilderConfig]):
    """Packs the templates for a wheel; an editable installation reads them where they lie."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Make the archive and add it to what the wheel takes."""
        if version == "editable":
            return
        templates = _templates_module(Path(self.root))
        self._folder = tempfile.TemporaryDirectory()
        archive = Path(self._folder.name, templates.ARCHIVE)
        templates.pack(Path(self.root), archive)
        build_data["force_include"][str(archive)] = f"mlscaffold/{templates.ARCHIVE}"
        # `mlscaffold update` tells a team what changed; mlscaffold/changes.py reads it by this name.
        build_data["force_include"][str(Path(self.root, "CHANGELOG.md"))] = "mlscaffold/_changelog.md"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove the archive, which is in the wheel now."""
        if version != "editable":
            self._folder.cleanup()


def _templates_module(root: Path) -> Any:
    """The package's own module, by its file: what the package needs is not installed where it is built."""
    spec = importlib.util.spec_from_file_location("templates", root / "generator/mlscaffold/templates.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
