"""What a run remembers about its trackers, so that a resumed run goes on with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from mtsmart.storage.durable import read_json
from mtsmart.text.json_text import json_text
from mtsmart.tracking.shared.curves import Position


@dataclass(frozen=True)
class Known:
    """What is known about one tracker.

    Attributes:
        run_id: the tracker's own name of the run.
        logged: the last line of metrics.jsonl that the tracker has taken.
    """

    run_id: str
    logged: Position


_STATES = TypeAdapter(dict[str, Known])


def read_state(file: Path) -> dict[str, Known]:
    """Tracker -> what is known; nothing if there is no such file.

    Raises:
        OSError, ValueError: it cannot be read.
    """
    if not file.exists():
        return {}
    try:
        return _STATES.validate_python(read_json(file))
    except ValidationError:
        raise ValueError("it is damaged") from None


def write_state(file: Path, known: Mapping[str, Known]) -> None:
    """Replace the file. This happens at each line of figures, so it does not wait for the disk.

    Raises:
        OSError: it cannot be written.
    """
    data: dict[str, Any] = {name: asdict(one) for name, one in known.items()}
    new = file.with_name(f"{file.name}.new")
    new.write_text(json_text(data, indent=2) + "\n", encoding="utf-8")
    new.replace(file)
