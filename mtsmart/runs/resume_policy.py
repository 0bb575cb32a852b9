"""When an interrupted run may be resumed: only if it stays the same run, or if the user allows the difference."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from mtsmart.config.document import parse_yaml
from mtsmart.errors import CheckpointError, ConfigError
from mtsmart.runs.changes import differences, not_allowed
from mtsmart.runs.checkpoints import newest_checkpoint, stored_rows
from mtsmart.runs.folder import RunFolder


def check_allowed(keys: Iterable[str], resume: bool) -> list[str]:
    """The keys that may differ, as a list.

    Raises:
        ConfigError: there are some, and no run is resumed.
    """
    allowed = list(keys)
    if allowed and not resume:
        raise ConfigError(
            "is only for a run that is resumed",
            argument="allow_changes",
            value=allowed[0],
            hint="Use `resume=True` too",
        )
    return allowed


def find_resume_point(
    folder: RunFolder, config: str, rows: Mapping[str, Any], allowed: Iterable[str], notify: Callable[[str], None]
) -> Path | None:
    """The resume point from which a run goes on; None if it was interrupted before the first one.

    A resumed run computes what the interrupted run would have computed. With another configuration, or with other
    data, it would be another run.

    Args:
        folder: the interrupted run's.
        config: the present configuration as YAML.
        rows: what ``describe_rows`` says about the present data.
        allowed: the keys that may differ, and those under them.
        notify: called with a text about each damaged resume point.

    Raises:
        CheckpointError: something else differs, or all resume points are damaged.
    """
    found = differences(folder.document().data, parse_yaml(config, str(folder.config_file)).data)
    point = newest_checkpoint(folder.checkpoints, notify)
    if point is not None:
        found |= differences({"rows": stored_rows(point)}, {"rows": rows})
    if left := not_allowed(found, allowed):
        raise CheckpointError(
            f"cannot be resumed, because it would be another run now: {left}",
            file=folder.path,
            hint="Undo the change, train into another folder, or allow each of these keys with `allow_changes`",
        )
    return point
