"""What a local clone of a Hub data set says about itself: its configurations, its files and the names of its labels.

All of it was written by somebody else. So the card's YAML may have no tags, and the names of files stay in the clone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path
from typing import Any

from mtsmart.config.document import MAX_BYTES, parse_yaml
from mtsmart.errors import DataError, MtsmartError, did_you_mean
from mtsmart.storage.durable import read_bytes, read_json
from mtsmart.storage.failures import reason_of
from mtsmart.user_paths import is_pattern

CARD = "README.md"
_INFOS = "dataset_infos.json"
_MAX_CARD = 16_000_000  # bytes
_MAX_PATTERNS = 200  # for one configuration
_DEFAULT = "default"


@dataclass(frozen=True)
class Configuration:
    """One configuration of a data set.

    Attributes:
        folder: where its files are, relative to the clone.
        patterns: split -> patterns of its files; None: the names of the files and folders say which split they are.
        labels: column -> the names that stand for its numbers.
        rows: split -> number of rows, where it is stated.
    """

    folder: str = ""
    patterns: dict[str, list[str]] | None = None
    labels: dict[str, list[str]] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)


def read_configuration(clone: Path, name: str | None) -> Configuration:
    """The configuration ``name`` of a clone; None: its only one, or its default one.

    Raises:
        DataError: it has no such configuration, or its card cannot be used.
    """
    card = _card(clone / CARD)
    listed = [each for each in _list(card.get("configs")) if "data_files" in each or "data_dir" in each]
    chosen = _chosen(listed, name, clone)
    known = str(chosen.get("config_name", _DEFAULT)) if chosen else name or _DEFAULT
    stated = _stated(card, clone, known)
    folder = str(chosen.get("data_dir") or "")
    if not listed and name is not None and name != _DEFAULT:
        folder = name
        if not _is_inside(name) or not (clone / name).is_dir():
            raise DataError("has no such configuration", file=clone, value=name)
    return Configuration(
        folder, _patterns(chosen.get("data_files"), clone), _labels(stated.get("features")), _rows(stated.get("splits"))
    )


def names_in_metadata(text: bytes | None) -> dict[str, list[str]]:
    """Column -> names of its labels, from what ``datasets`` writes into a parquet file; empty if it says nothing."""
    try:
        info = json.loads(text or b"{}")
    except (ValueError, RecursionError):
        return {}
    inner = info.get("info") if isinstance(info, dict) else None
    return _labels(inner.get("features")) if isinstance(inner, dict) else {}


def _card(file: Path) -> dict[str, Any]:
    """The YAML at the start of a card, between two lines of three dashes; empty if there is none."""
    if not file.exists():
        return {}
    try:
        lines = read_bytes(file, _MAX_CARD).decode("utf-8-sig", "replace").splitlines()
    except (OSError, ValueError) as error:
        raise DataError(f"cannot be read: {reason_of(error)}", file=file) from None
    if not lines or lines[0].rstrip() != "---":
        return {}
    text = "\n".join(takewhile(lambda line: line.rstrip() != "---", lines[1:]))
    if not text.strip():
        return {}
    if len(text) > MAX_BYTES:
        raise DataError(f"has more than {MAX_BYTES:,} characters of YAML at its start", file=file)
    try:
        return parse_yaml("\n" + text, str(file), duplicates=[]).data
    except MtsmartError as error:
        raise DataError(error.message, file=error.file, line=error.line) from None


def _chosen(listed: list[dict[str, Any]], name: str | None, clone: Path) -> dict[str, Any]:
    """The entry of a configuration; empty where the card lists none."""
    if not listed:
        return {}
    names = [str(each.get("config_name", _DEFAULT)) for each in listed]
    if name is None and len(listed) > 1:
        marked = [each for each in listed if each.get("default") is True]
        named = [each for each, known in zip(listed, names, strict=True) if known == _DEFAULT]
        if not marked + named:
            hint = did_you_mean("", names)
            raise DataError("has several configurations, so the task must give a 'name'", file=clone, hint=hint)
        return (marked + named)[0]
    if name is not None and name not in names:
        raise DataError("has no such configuration", file=clone, value=name, hint=did_you_mean(name, names))
    return listed[0 if name is None else names.index(name)]


def _patterns(files: Any, clone: Path) -> dict[str, list[str]] | None:
    """``data_files`` of a card: a pattern, some patterns, or patterns for each split."""
    if not files:
        return None
    entries = files if isinstance(files, list) else [files]
    found: dict[str, list[str]] = {}
    for entry in entries:
        by_split = [("train", entry)]
        if isinstance(entry, dict):
            by_split = [(str(entry["split"]), entry.get("path"))] if "split" in entry else list(entry.items())
        for split, paths in by_split:
            for path in paths if isinstance(paths, list) else [paths]:
                found.setdefault(split, []).append(_pattern(path, clone))
    wild = sum(is_pattern(pattern) for patterns in found.values() for pattern in patterns)
    if wild > _MAX_PATTERNS:  # Each is compared with the name of each file.
        raise DataError(f"has {wild:,} patterns, where {_MAX_PATTERNS} are the most", file=clone / CARD)
    return found


def _pattern(path: Any, clone: Path) -> str:
    if not isinstance(path, str) or not _is_inside(path):
        message = "names a data file that is not in the clone, and no other file is read"
        raise DataError(message, file=clone / CARD, key="data_files", value=path)
    return path.removeprefix("./")


def _is_inside(path: str) -> bool:
    """Whether a path, or a pattern of paths, is relative and does not lead upward; URLs are neither."""
    return bool(path) and "://" not in path and "::" not in path and not _leaves(path.replace("\\", "/"))


def _leaves(path: str) -> bool:
    return path.startswith(("/", "~")) or path[1:2] == ":" or ".." in path.split("/")


def _stated(card: Mapping[str, Any], clone: Path, name: str) -> dict[str, Any]:
    """What is stated about the columns and splits of a configuration, in the card or in a file of its own."""
    infos = card.get("dataset_info")
    entries = [each for each in _list(infos) if str(each.get("config_name", _DEFAULT)) == name]
    if entries or (isinstance(infos, dict) and "config_name" not in infos):
        return entries[0] if entries else infos  # type: ignore[return-value]
    file = clone / _INFOS
    if not file.exists():
        return {}
    try:
        data = read_json(file)
    except (OSError, ValueError) as error:
        raise DataError(f"cannot be read: {reason_of(error)}", file=file) from None
    entry = data.get(name) if isinstance(data, dict) else None
    return entry if isinstance(entry, dict) else {}


def _list(value: Any) -> list[dict[str, Any]]:
    return [each for each in (value if isinstance(value, list) else [value]) if isinstance(each, dict)]


def _labels(features: Any) -> dict[str, list[str]]:
    """Column -> names of its labels, of a card's list of features or of a mapping as ``datasets`` writes it."""
    if isinstance(features, list):
        features = {str(each.get("name")): each for each in _list(features)}
    if not isinstance(features, dict):
        return {}
    found = {column: _names(kind, 0) for column, kind in features.items()}
    return {column: names for column, names in found.items() if names is not None}


def _names(kind: Any, depth: int) -> list[str] | None:
    """The names in the type of a column of labels, or of lists of labels; None for any other type."""
    if not isinstance(kind, dict) or depth > 2:
        return None
    if kind.get("_type") == "ClassLabel":
        names = kind.get("names")
        return list(map(str, names)) if isinstance(names, list) else None
    if "class_label" in kind:
        names = kind["class_label"].get("names") if isinstance(kind["class_label"], dict) else None
        return list(map(str, names.values() if isinstance(names, dict) else names or ()))
    inner = (kind.get(key) for key in ("dtype", "feature", "sequence", "list"))
    return next((names for names in (_names(part, depth + 1) for part in inner) if names is not None), None)


def _rows(splits: Any) -> dict[str, int]:
    entries = splits.values() if isinstance(splits, dict) else _list(splits)
    counts = {str(each.get("name")): each.get("num_examples") for each in entries if isinstance(each, dict)}
    return {split: count for split, count in counts.items() if isinstance(count, int) and 0 < count < 2**40}
