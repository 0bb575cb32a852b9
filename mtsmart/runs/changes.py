"""How an interrupted run differs from the run that resumes it, and which differences are harmless."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from mtsmart.config.regularizers import REGULARIZERS, is_off
from mtsmart.config.sections import RunConfig
from mtsmart.config.weightings import DEFAULT_WEIGHTING
from mtsmart.errors import shorten
from mtsmart.registry import Extension, extensions_of
from mtsmart.tasks.definition import TaskDefinition


class Split(Protocol):
    """Encoded rows; ``key`` changes if any of them changes."""

    @property
    def key(self) -> str: ...
    def __len__(self) -> int: ...


# Places, how often something is saved, and how the work is spread: none of it changes what a run computes.
HARMLESS = (
    "description",
    "data.workers",
    "data.cache_dir",
    "data.hub_dir",
    "tracking",
    "training.checkpoint_every",
    "training.keep_checkpoints",
    "training.keep_best",
    "training.report",
    "training.shard",
)
_SHOWN = 8


def describe_rows(train: Mapping[str, Split], validation: Mapping[str, Split]) -> dict[str, Any]:
    """Task -> split -> a text (JSON types) that changes if any of the encoded rows changes."""
    described: dict[str, Any] = {}
    for kind, splits in (("train", train), ("validation", validation)):
        for name, split in splits.items():
            described.setdefault(name, {})[kind] = f"{len(split):,} rows, {split.key[:12]}"
    return described


@dataclass(frozen=True)
class Described:
    """What determines a run, apart from its data.

    Attributes:
        config: the configuration.
        definitions: task -> its definition.
    """

    config: RunConfig
    definitions: Mapping[str, TaskDefinition]

    def settings(self, left_out: Iterable[str] = ()) -> dict[str, Any]:
        """All settings, defaults included, as plain nested data. Null is the same as nothing.

        Args:
            left_out: regularisers whose settings do not count.
        """
        methods = set(left_out)
        data = self.config.model_dump(exclude_none=True, exclude={"tasks", "task_files", "weighting", *methods})
        data["tasks"] = {
            name: without(definition.model_dump(exclude_none=True), {"description", *methods})
            for name, definition in self.definitions.items()
        }
        weighting = self.config.weighting
        if weighting.name != DEFAULT_WEIGHTING:
            data["weighting"] = {weighting.name: weighting.settings.model_dump(exclude_none=True)}
        return without(data, methods)

    def within(self, most: int | None) -> Described:
        """The same with no ``max_length`` above ``most`` tokens, which is all that the encoder takes; None: any."""
        if most is None:
            return self
        data = self.config.data
        if data.max_length > most:
            data = data.model_copy(update={"max_length": most})
        own = {name: each.max_length for name, each in self.definitions.items() if (each.max_length or 0) > most}
        capped = {name: self.definitions[name].model_copy(update={"max_length": most}) for name in own}
        return Described(self.config.model_copy(update={"data": data}), {**self.definitions, **capped})

    def methods(self) -> set[str]:
        """The regularisers that the experiment or a task names."""
        return {name for parts in self._parts() for name in parts}

    def effect(self, method: str, tasks: Iterable[str]) -> Any:
        """What a regulariser does for some of the tasks."""
        sections = {name: self.definitions[name].parts.get(method) for name in tasks}
        return REGULARIZERS[method].effect(self.config.parts.get(method), sections)

    def extensions(self) -> list[Extension]:
        """The entries of installed packages that the run uses; those of methods that are off do not count."""
        tasks = self.definitions.values()
        divergences = [name for each in tasks for name in (each.adv_loss, each.prox_loss, each.kd_loss)]
        used: dict[str, Iterable[str | None]] = {
            "mtsmart.regularizers": [name for name in self.methods() if self._names_more_than_off(name)],
            "mtsmart.task_types": [each.task_type for each in tasks],
            "mtsmart.heads": [each.head.type for each in tasks],
            "mtsmart.losses": [each.loss for each in tasks],
            "mtsmart.divergences": divergences,
            "mtsmart.metrics": [name for each in tasks for name in each.metrics or ()],
            "mtsmart.weightings": [self.config.weighting.name],
            "mtsmart.transforms": self.config.encoder.parts,
            "mtsmart.trackers": self.config.tracking.parts,
        }
        return extensions_of({group: filter(None, names) for group, names in used.items()})

    def _names_more_than_off(self, method: str) -> bool:
        sections = (parts[method] for parts in self._parts() if method in parts)
        return any(not is_off(section.model_dump(exclude_none=True)) for section in sections)

    def _parts(self) -> Iterator[Mapping[str, Any]]:
        yield self.config.parts
        yield from (definition.parts for definition in self.definitions.values())


def changed_settings(old: Described, new: Described) -> dict[str, tuple[Any, Any]]:
    """The differences that change what a run computes, as ``differences`` gives them.

    A regulariser that does the same in both runs does not count, in whatever form its settings are written.
    """
    both = [name for name in old.definitions if name in new.definitions]
    named = old.methods() | new.methods()
    same = [method for method in named if old.effect(method, both) == new.effect(method, both)]
    return differences(old.settings(same), new.settings(same))


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Dotted key -> (old value, new value), for each difference between two nested mappings that is not harmless."""
    before = flatten(old)
    after = flatten(new)
    found = {
        key: (before.get(key), after.get(key))
        for key in {**before, **after}
        if before.get(key) != after.get(key) and not _covered(key, HARMLESS)
    }
    old_tasks = list(old.get("tasks", ()))
    new_tasks = list(new.get("tasks", ()))
    # Batches are drawn, and heads are built, in the order of the tasks.
    if old_tasks != new_tasks and sorted(old_tasks) == sorted(new_tasks):
        found["tasks"] = (", ".join(old_tasks), ", ".join(new_tasks))
    return found


def not_allowed(found: Mapping[str, tuple[Any, Any]], allowed: Iterable[str]) -> str:
    """``key: old -> new; ...`` for the differences that no allowed key covers; empty if there are none."""
    allowed = list(allowed)
    left = [f"{key}: {_shown(old)} -> {_shown(new)}" for key, (old, new) in found.items() if not _covered(key, allowed)]
    more = f"; and {len(left) - _SHOWN} more" if len(left) > _SHOWN else ""
    return "; ".join(left[:_SHOWN]) + more


def flatten(data: Any, prefix: str = "") -> dict[str, Any]:
    """Nested mappings as one mapping with dotted keys.

    An empty section counts as if it were left out. Further down an empty mapping counts: a name with default settings.
    """
    is_name_alone = not data and "." in prefix
    if not isinstance(data, Mapping) or is_name_alone:
        return {prefix: data}
    return {
        key: value
        for name, part in data.items()
        for key, value in flatten(part, f"{prefix}.{name}" if prefix else name).items()
    }


def without(data: Mapping[str, Any], keys: Iterable[str]) -> dict[str, Any]:
    """A copy of a mapping without some of its keys."""
    left_out = set(keys)
    return {key: value for key, value in data.items() if key not in left_out}


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else shorten(value)


def _covered(key: str, allowed: Iterable[str]) -> bool:
    """Whether a key, or a key above it, is among ``allowed``."""
    return any(key == other or key.startswith(f"{other}.") for other in allowed)
