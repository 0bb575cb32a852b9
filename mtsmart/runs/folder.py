"""The folder of a run: what lies where, and reading its configuration back.

::

    config.yaml     the resolved configuration, all task definitions included
    metrics.jsonl   training and evaluation figures, a line each; the same for the same seed
    timing.jsonl    seconds and rows per second (kept apart, because they never repeat)
    results.json    {"score": ..., "tasks": {...}, "best": {...}, "last": {...}}
    checkpoints/    resume points
    model/          the best model
    README.md       a small card
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mtsmart.config.document import Document, read_yaml
from mtsmart.config.loader import build_experiment
from mtsmart.config.sections import RunConfig
from mtsmart.config.validate import validate
from mtsmart.durable import clear_leftovers, read_json, reason_of, write_text
from mtsmart.errors import CheckpointError
from mtsmart.runs.results import Results
from mtsmart.tasks.definition import TaskDefinition


@dataclass(frozen=True)
class RunFolder:
    """Paths inside a run's folder."""

    path: Path

    @property
    def config_file(self) -> Path:
        return self.path / "config.yaml"

    @property
    def metrics_file(self) -> Path:
        return self.path / "metrics.jsonl"

    @property
    def timing_file(self) -> Path:
        return self.path / "timing.jsonl"

    @property
    def results_file(self) -> Path:
        return self.path / "results.json"

    @property
    def card_file(self) -> Path:
        return self.path / "README.md"

    @property
    def checkpoints(self) -> Path:
        return self.path / "checkpoints"

    @property
    def model(self) -> Path:
        """The best model. Readers of other runs go through ``read_consistently``, because a run may be replacing it."""
        return self.path / "model"

    def check_own(self) -> None:
        """Refuse a folder whose resume points would be written to, and deleted from, another place.

        Raises:
            CheckpointError: ``checkpoints`` is a link.
        """
        if self.checkpoints.is_symlink():
            raise CheckpointError("is a link; a run writes into its own folder", file=self.checkpoints)

    def open(self) -> None:
        """Remove what a killed process left, before a run begins here or continues.

        Raises:
            CheckpointError: ``checkpoints`` is a link.
        """
        clear_leftovers(self.path, ["model"])
        self.check_own()

    def store(self, config: str) -> None:
        """Write the resolved configuration, as YAML.

        Raises:
            StorageError: it cannot be written.
        """
        write_text(self.config_file, config)

    @property
    def exists(self) -> bool:
        """Whether a run has been started here."""
        return self.config_file.is_file()

    def document(self) -> Document:
        """The stored configuration, unvalidated.

        Raises:
            CheckpointError: this is no run's folder.
        """
        if not self.exists:
            raise CheckpointError("is not the folder of a run (it has no config.yaml)", file=self.path)
        return read_yaml(self.config_file)

    def config(self) -> RunConfig:
        """The stored configuration."""
        return build_experiment(self.document()).config

    def definitions(self) -> dict[str, TaskDefinition]:
        """The stored task definitions.

        Raises:
            ConfigError: a definition is wrong, or shares the head of a task that has none of its own.
        """
        document = self.document().below("tasks")
        found = {name: validate(TaskDefinition, document.below(name)) for name in document.data}
        for name, definition in found.items():
            owner = definition.share_head
            if owner is not None and (owner not in found or found[owner].share_head is not None):
                message = "names no task of the run with a head of its own"
                raise document.error(message, (name, "share_head"), value=owner)
        return found

    def results(self) -> Results:
        """What results.json holds.

        Raises:
            CheckpointError: the run has no results yet, or the file is damaged.
        """
        try:
            return Results.from_json(read_json(self.results_file))
        except FileNotFoundError:
            raise CheckpointError("the run has no results yet", file=self.path) from None
        except (OSError, json.JSONDecodeError) as error:
            raise CheckpointError(f"is damaged: {reason_of(error)}", file=self.results_file) from None
        except (KeyError, TypeError, ValueError):
            raise CheckpointError("is damaged: it has no scores", file=self.results_file) from None


def resolved_config(config: RunConfig, definitions: Mapping[str, TaskDefinition]) -> RunConfig:
    """The configuration with every task's definition written out."""
    tasks = {name: definition.model_dump(exclude_defaults=True) for name, definition in definitions.items()}
    return config.model_copy(update={"tasks": tasks, "task_files": []})
