"""What may differ between an interrupted run and the one that goes on with it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol


class Split(Protocol):
    """Encoded rows; ``key`` changes with any of them."""

    @property
    def key(self) -> str: ...
    def __len__(self) -> int: ...


# Where things lie, how often they are kept and how they are worked through: none of it changes what a run computes.
HARMLESS = (
    "description",
    "data.workers",
    "data.cache_dir",
    "data.hub_dir",
    "training.checkpoint_every",
    "training.keep_checkpoints",
    "training.keep_best",
    "training.shard",
)
_SHOWN = 8


def describe_rows(train: Mapping[str, Split], validation: Mapping[str, Split]) -> dict[str, Any]:
    """Task -> split -> what its encoded rows are, in a form that changes with any of them (JSON types)."""
    described: dict[str, Any] = {}
    for kind, splits in (("train", train), ("validation", validation)):
        for name, split in splits.items():
            described.setdefault(name, {})[kind] = f"{len(split):,} rows, {split.key[:12]}"
    return described


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Dotted key -> (old value, new value), where two nested mappings differ in more than what is harmless."""
    before, after = flatten(old), flatten(new)
    found = {
        key: (before.get(key), after.get(key))
        for key in {**before, **after}
        if before.get(key) != after.get(key) and not _covered(key, HARMLESS)
    }
    was, is_now = list(old.get("tasks", ())), list(new.get("tasks", ()))
    if was != is_now and sorted(was) == sorted(is_now):  # batches are drawn, and heads made, in the order of the tasks
        found["tasks"] = ", ".join(was), ", ".join(is_now)
    return found


def not_allowed(found: Mapping[str, tuple[Any, Any]], allowed: Iterable[str]) -> str:
    """``key: old -> new; ...`` for the differences that no allowed key covers; empty when all are."""
    allowed = list(allowed)
    left = [f"{key}: {old} -> {new}" for key, (old, new) in found.items() if not _covered(key, allowed)]
    more = f"; and {len(left) - _SHOWN} more" if len(left) > _SHOWN else ""
    return "; ".join(left[:_SHOWN]) + more


def flatten(data: Any, prefix: str = "") -> dict[str, Any]:
    """Nested mappings as one of dotted keys."""
    if not isinstance(data, Mapping):
        return {prefix: data}
    return {
        key: value
        for name, part in data.items()
        for key, value in flatten(part, f"{prefix}.{name}" if prefix else name).items()
    }


def _covered(key: str, allowed: Iterable[str]) -> bool:
    """Whether a key, or one that it stands under, is among ``allowed``."""
    return any(key == other or key.startswith(f"{other}.") for other in allowed)
