"""YAML as people mean it: every scalar stays the text that was typed (`no` is "no", a date is its letters)."""

import json
from collections.abc import Mapping
from typing import Any

import yaml

# The pure Python parser costs as much as half a render, so libyaml's is used where PyYAML was built with it.
_Base: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


class _TextLoader(_Base):  # type: ignore[misc]
    """A loader without implicit types that refuses a key given twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[str, Any]:
        seen: set[str] = set()
        for key_node, _ in node.value:
            if key_node.value in seen:
                line = key_node.start_mark.line + 1
                raise yaml.constructor.ConstructorError(None, None, f"line {line} repeats the key {key_node.value}")
            seen.add(key_node.value)
        return dict(super().construct_mapping(node, deep))


def load(text: str) -> Any:
    """Parse YAML into dicts, lists and texts. Raises `yaml.YAMLError` for what is not YAML."""
    return yaml.load(text, Loader=_TextLoader)  # noqa: S506  (a BaseLoader builds texts, lists and dicts only)


def dump(values: Mapping[str, str]) -> str:
    """A flat mapping as YAML, every value quoted, so that `load` gives the same texts back."""
    return "".join(f"{key}: {quoted(value)}\n" for key, value in values.items())


def quoted(text: str) -> str:
    """A text as a quoted string that is valid JSON, YAML, TOML and Python alike; letters of all scripts stay."""
    return json.dumps(text, ensure_ascii=False)
