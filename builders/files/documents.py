"""Small files of keys and values, as this project writes them: one line says which is damaged."""

import json
from pathlib import Path
from typing import Any

import yaml

from builders.errors import BadInput, reason_of


def read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file; BadInput with the file's name if it is anything else."""
    try:
        return _mapping(path, json.loads(_text(path)))
    except ValueError as error:
        raise BadInput(f"{path}: not JSON ({reason_of(error)})") from None


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping in a YAML file, {} if it is empty; BadInput as above."""
    try:
        return _mapping(path, yaml.safe_load(_text(path)) or {})
    except (yaml.YAMLError, ValueError) as error:
        raise BadInput(f"{path}: not YAML ({reason_of(error)})") from None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise BadInput(f"{path}: not UTF-8 ({error.reason})") from None
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror})") from None


def _mapping(path: Path, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise BadInput(f"{path}: damaged (it has no keys)")
    return value
