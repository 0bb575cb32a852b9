"""The folder of a run: what lies where, and reading its configuration back.

::

    config.yaml     the resolved configuration, all task definitions included
    metrics.jsonl   training and evaluation figures, a line each; the same for the same seed
    timing.jsonl    seconds and rows per second (kept apart, because they never repeat)
    results.json    {"score": ..., "tasks": {...}, "best": {...}, "last": {...}}
    checkpoints/    resume points
    model/          the best model
    README.md       a small card
    report.html     a page with curves, scores of labels, errors
    calibration.json  the temperature of each task
    tracking/       files of trackers, and how far each tracker is
    .mtsmart.json   the marker: which of these names the run has taken

A run deletes and replaces only what it wrote. A run of a build from before the marker gets one when it is resumed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from mtsmart.config.document import Document, read_yaml
from mtsmart.config.loader import build_experiment
from mtsmart.config.sections import RunConfig
from mtsmart.config.stored import check_packages, without_off
from mtsmart.config.validate import validate
from mtsmart.errors import CheckpointError, StorageError
from mtsmart.registry import Extension
from mtsmart.runs.lock import HOLDER, LOCK
from mtsmart.runs.results import Results, read_results
from mtsmart.storage.durable import (
    MANIFEST,
    present,
    put_in_place,
    refuse_links,
    sha256_of,
    write_json,
    write_text,
    written_files,
)
from mtsmart.storage.owned import (
    MARKER,
    PREFIX,
    Kind,
    OwnedFolder,
    clear_scratch,
    files_of_others,
    own_names,
    refuse_others,
    remove_files,
    remove_written,
    scratch_of,
    start,
)
from mtsmart.tasks.definition import TaskDefinition, as_it_began
from mtsmart.tasks.library import check_names

RUN_NAMES = (
    *("config.yaml", "metrics.jsonl", "timing.jsonl", "results.json", "README.md", "report.html", "calibration.json"),
    *("checkpoints", "model", "tracking"),
)
"""What a run writes into its folder."""

_LATER_NAMES = ("report.html", "calibration.json", "tracking")  # Runs of early builds have none of them.
_LONGEST_LINE = 1_000_000  # bytes
_OLD_CARD = "Trained with mtsmart from "  # is in each card


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
    def report_file(self) -> Path:
        return self.path / "report.html"

    @property
    def calibration_file(self) -> Path:
        return self.path / "calibration.json"

    @property
    def checkpoints(self) -> Path:
        return self.path / "checkpoints"

    @property
    def tracking(self) -> Path:
        """Files of trackers. They stay where the run is deleted, because they are there to be looked at later."""
        return self.path / "tracking"

    @property
    def model(self) -> Path:
        """The best model. Readers of other runs go through ``read_consistently``, because a run may be replacing it."""
        model = self.path / "model"
        if model.exists():
            return model
        found = present(model, self.scratch)
        old = self.path / "model.old"  # where early builds kept a model while it was replaced
        return old if found == model and written_files(old) else found

    @property
    def scratch(self) -> Path:
        """The folder for unfinished writes."""
        return scratch_of(self.path)

    @property
    def is_run(self) -> bool:
        """Whether a run has been started here. A config.yaml alone is no run, because other programs have one too."""
        return self.exists and (self._marker is not None or self._is_unmarked)

    def check_own(self) -> None:
        """Refuse a folder that a run must not write into.

        Raises:
            StorageError: it holds files of others where the run would write, or links.
            CheckpointError: it belongs to a sweep or an export.
            MtsmartError: it is a run without a marker whose configuration cannot be read.
        """
        owned = self._marker or self._adopted
        if owned is None:
            refuse_others(self.path)
            return
        if owned.kind is not Kind.RUN:
            raise CheckpointError(f"is the folder of {owned.kind.with_article}, not of a run", file=self.path)
        refuse_links(own_names(self.path))
        owned.check(RUN_NAMES)
        for point in self.checkpoints.glob("update-*[0-9]"):
            if not _is_point(point):
                message = "was not written by mtsmart, and would be replaced"
                raise StorageError(message, file=point, hint="Move it to another place first")

    def open(self) -> None:
        """Mark the folder, and remove what a killed process left, before a run begins here or continues.

        Raises:
            MtsmartError: as for :meth:`check_own`, or the marker cannot be written.
        """
        self.check_own()
        if self.model.name == "model.old":
            self.model.rename(self.path / "model")
        if self._marker is None:
            owned = self._adopted
            start(self.path, Kind.RUN) if owned is None else owned.write()
        scratch = self.scratch
        replaced = [self.checkpoints / path.stem for path in scratch.glob("update-*.old")]
        clear_scratch(scratch, [self.path / "model", *replaced])

    def claim(self, file: Path) -> None:
        """Take a name before the run writes it. A folder that nobody opened has no marker, and takes no names.

        Raises:
            StorageError: there is something that the run did not write.
        """
        if (owned := self._marker) is not None:
            owned.claim(file.name)

    def claimed_model(self) -> Path:
        """The path of the best model, for a run that is about to write it.

        Raises:
            StorageError: there is something that the run did not write.
        """
        self.claim(self.model)
        return self.model

    def store(self, config: str) -> None:
        """Write the resolved configuration, as YAML.

        Raises:
            StorageError: it cannot be written.
        """
        self.claim(self.config_file)
        write_text(self.config_file, config, self.scratch)

    def store_results(self, results: Results) -> None:
        """Write results.json.

        Raises:
            StorageError: it cannot be written.
        """
        self.claim(self.results_file)
        write_json(self.results_file, results.to_json(), self.scratch)

    def store_page(self, file: Path, text: str) -> bool:
        """Write a text for people or programs, unless somebody else has written or changed it since the run began.

        Args:
            file: the card, the report or the temperatures.
            text: its content.

        Returns:
            whether it was written.

        Raises:
            StorageError: it cannot be written.
        """
        owned = self._marker
        if owned is not None and not owned.may_replace(file.name):
            return False
        if owned is not None:
            # The name is taken before the file is there. Its hash is known afterwards.
            owned.claim(file.name, owned.files.get(file.name))
        write_text(file, text, self.scratch)
        if owned is not None:
            owned.claim(file.name, sha256_of(file))
        return True

    def remove(self) -> None:
        """Delete the run. Files that it did not write stay, and so does the folder if there are any."""
        self.open()
        for folder in (*self.checkpoints.glob("update-*"), self.path / "model", self.checkpoints):
            remove_written(folder)
        owned = self._marker
        remove_files(self.path, () if owned is None else owned.files)
        self._forget()

    def move_to(self, target: RunFolder) -> None:
        """Move a finished run, without its resume points. Files that it did not write stay.

        Raises:
            StorageError: the target holds files of others, or cannot be written.
        """
        target.path.mkdir(parents=True, exist_ok=True)
        target.open()
        target.claim(target.model)
        target.scratch.mkdir(exist_ok=True)
        put_in_place(self.model, target.model, target.scratch)
        # The results go last, because they show that the run is there.
        pages = (self.card_file, self.report_file, self.calibration_file)
        files = (self.config_file, self.metrics_file, self.timing_file, *pages, self.results_file)
        for file in (file for file in files if file.is_file()):
            target.claim(file)
            file.replace(target.path / file.name)
        self.remove()

    def _forget(self) -> None:
        """Delete the marker if nothing else is left; otherwise it says that no name but that of trackers is taken."""
        if files_of_others(self.path):
            owned = self._marker
            kept = [] if owned is None else [name for name in owned.files if name == self.tracking.name]
            token = self.scratch.name.removeprefix(PREFIX)
            OwnedFolder(self.path, Kind.RUN, token, dict.fromkeys(kept)).write()
            return
        for name in (HOLDER, LOCK, MARKER):
            (self.path / name).unlink(missing_ok=True)
        with suppress(OSError):  # somebody has put a file there
            self.path.rmdir()

    @property
    def _marker(self) -> OwnedFolder | None:
        return OwnedFolder.read(self.path)

    @property
    def _is_unmarked(self) -> bool:
        """Whether only a run leaves such files. A run of a build from before the marker has none."""
        folders = (self.path / "model", self.path / "model.old", *self.checkpoints.glob("update-*"))
        return any(written_files(folder) for folder in folders) or _is_journal(self.metrics_file)

    @property
    def _adopted(self) -> OwnedFolder | None:
        """A marker for a run that has none; None if this is no such run.

        Raises:
            MtsmartError: the configuration is not one that mtsmart wrote.
        """
        if not self.exists or not self._is_unmarked:
            return None
        self.definitions()
        self.config()
        names = [name for name in RUN_NAMES if name not in _LATER_NAMES and (self.path / name).exists()]
        files: dict[str, str | None] = dict.fromkeys(names)
        if self.card_file.is_file():
            if _OLD_CARD in self.card_file.read_text(encoding="utf-8", errors="replace"):
                files[self.card_file.name] = sha256_of(self.card_file)
            else:
                del files[self.card_file.name]
        return OwnedFolder(self.path, Kind.RUN, files=files)

    @property
    def exists(self) -> bool:
        """Whether there is a configuration, which a run can be loaded with."""
        return self.config_file.is_file()

    def document(self) -> Document:
        """The stored configuration, unvalidated, without the place of the cache and unknown methods that are off.

        The present user says where files are written, not the person who wrote the run's configuration.

        Raises:
            CheckpointError: this is no run's folder.
        """
        if not self.exists:
            is_graph = (self.path / "tasks.json").is_file()
            hint = "It is that of an exported graph, for `mtsmart serve` and its own answer.py" if is_graph else None
            raise CheckpointError("is not the folder of a run (it has no config.yaml)", file=self.path, hint=hint)
        document = read_yaml(self.config_file)
        data = document.data.get("data")
        if isinstance(data, dict):
            data.pop("cache_dir", None)
        return without_off(document, TaskDefinition)

    def config(self) -> RunConfig:
        """The stored configuration; :class:`MissingPackageError` if it needs a package that is not installed."""
        document = self.document()
        check_packages(document, TaskDefinition, self.extensions)
        return build_experiment(document).config

    def extensions(self) -> Sequence[Extension]:
        """The entries of installed packages that the run uses, as far as it has recorded them."""
        with suppress(CheckpointError):
            return self.results().extensions
        return ()

    def definitions(self) -> dict[str, TaskDefinition]:
        """The stored task definitions.

        Raises:
            ConfigError: a definition or a name is wrong, or a task shares the head of one that has none of its own.
        """
        whole = self.document()
        check_packages(whole, TaskDefinition, self.extensions, above=("tasks",))
        document = whole.below("tasks")
        check_names(document.data, document)
        found = {name: as_it_began(validate(TaskDefinition, document.below(name))) for name in document.data}
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
        return read_results(self.results_file)

    def results_so_far(self) -> Results:
        """The same, but without any scores for a run that has none yet, or never gets any, such as a merged one.

        Raises:
            CheckpointError: the file is damaged.
        """
        return self.results() if self.results_file.exists() else Results()


def resolved_config(config: RunConfig, definitions: Mapping[str, TaskDefinition]) -> RunConfig:
    """The configuration with every task's definition written out."""
    tasks = {name: definition.model_dump(exclude_defaults=True) for name, definition in definitions.items()}
    return config.model_copy(update={"tasks": tasks, "task_files": []})


def _is_journal(file: Path) -> bool:
    """Whether the first line is one that a run writes into metrics.jsonl."""
    try:
        with file.open("rb") as stream:
            line = json.loads(stream.readline(_LONGEST_LINE))
        return isinstance(line, dict) and "type" in line and "update" in line
    except (OSError, ValueError, RecursionError):
        return False


def _is_point(folder: Path) -> bool:
    """Whether a folder is a resume point, which may be damaged."""
    return (folder / MANIFEST).is_file() or ((folder / "state.json").is_file() and any(folder.glob("*.safetensors")))
