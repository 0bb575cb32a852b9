"""When an interrupted run may be resumed: only if it stays the same run, or if the user allows the difference."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

from mtsmart.arguments import items_of
from mtsmart.config.forms import sections_in, types_at
from mtsmart.config.sections import RunConfig
from mtsmart.config.strict import StrictModel
from mtsmart.errors import CheckpointError, ConfigError, did_you_mean
from mtsmart.runs.changes import Described, changed_settings, differences, not_allowed
from mtsmart.runs.checkpoints import newest_checkpoint, stored_rows
from mtsmart.runs.folder import RunFolder
from mtsmart.tasks.definition import TaskDefinition

_ROWS = "rows"
_TASKS = "tasks"
_SPLITS = ("train", "validation")


def check_allowed(keys: Iterable[str], resume: bool) -> list[str]:
    """The keys that may differ, as a list.

    The names of tasks are checked by :func:`find_resume_point`, which knows them.

    Raises:
        ConfigError: there are some, and no run is resumed; a key does not exist; the keys are one text.
    """
    allowed = items_of("allow_changes", keys)
    if allowed and not resume:
        raise ConfigError(
            "is only for a run that is resumed",
            argument="allow_changes",
            value=allowed[0],
            hint="Use `resume=True` too",
        )
    for key in allowed:
        _check_key(key)
    return allowed


def find_resume_point(
    folder: RunFolder,
    present: Described,
    rows: Mapping[str, Any],
    allowed: Collection[str],
    notify: Callable[[str], None],
    most_tokens: int | None = None,
) -> Path | None:
    """The resume point from which a run continues; None if it was interrupted before the first one.

    A resumed run computes what the interrupted run would have computed. With another configuration, or with other
    data, it would be another run.

    Args:
        folder: the interrupted run's.
        present: the present configuration.
        rows: what ``describe_rows`` says about the present data.
        allowed: the keys that may differ, and those under them.
        notify: called with a text about each damaged resume point.
        most_tokens: the most that the encoder takes. Earlier versions stored a larger ``max_length`` as it was given.

    Raises:
        ConfigError: an allowed key names a task that neither run has.
        CheckpointError: something else differs, or all resume points are damaged.
    """
    earlier = Described(folder.config(), folder.definitions()).within(most_tokens)
    _check_tasks(allowed, {*earlier.definitions, *present.definitions})
    found = changed_settings(earlier, present)
    point = newest_checkpoint(folder.checkpoints, notify)
    if point is not None:
        found |= differences({_ROWS: stored_rows(point)}, {_ROWS: rows})
    if left := not_allowed(found, allowed):
        raise CheckpointError(
            f"cannot be resumed, because it would be another run now: {left}",
            file=folder.path,
            hint="Undo the change, train into another folder, or allow each of these keys with `allow_changes`",
        )
    return point


def _check_key(key: str) -> None:
    """Refuse a key that no run has."""
    parts = key.split(".")
    if parts[0] == _ROWS:
        _check_word(key, parts[2:3], _SPLITS, parts[:2])
        _check_word(key, parts[3:], ())
    elif parts[0] == _TASKS:
        _check_settings(key, TaskDefinition, parts[2:])
    else:
        _check_settings(key, RunConfig, parts, others=[_ROWS])


def _check_settings(key: str, model: type[StrictModel], parts: list[str], others: Iterable[str] = ()) -> None:
    """Refuse a key that a section does not have.

    Args:
        key: the whole key, for the message.
        model: the section.
        parts: the key inside the section.
        others: further keys that may stand beside those of the section.
    """
    above = key.split(".")[: -len(parts)] if parts else []
    for depth, part in enumerate(parts):
        kinds = types_at(model, parts[:depth])
        if types_at(model, parts[: depth + 1]):
            continue
        known = [name for section in sections_in(kinds) for name in section.known_keys()]
        known += others if depth == 0 else ()
        _check_word(key, [part], known, [*above, *parts[:depth]])


def _check_tasks(allowed: Iterable[str], tasks: Collection[str]) -> None:
    for key in allowed:
        first, *rest = key.split(".")
        if first in (_ROWS, _TASKS):
            _check_word(key, rest[:1], tasks, [first])


def _check_word(key: str, words: Iterable[str], known: Collection[str], above: Iterable[str] = ()) -> None:
    """Refuse words that are not known.

    Args:
        key: the whole key, for the message.
        words: parts of the key.
        known: what may stand in their place.
        above: the parts before them, for the hint.
    """
    for word in words:
        if word not in known:
            options = [".".join([*above, name]) for name in known]
            hint = did_you_mean(".".join([*above, word]), options) if options else "Nothing stands below it"
            raise ConfigError("there is no such key", argument="allow_changes", value=key, hint=hint)
