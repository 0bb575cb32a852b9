"""What goes to the Hub: for each file its name there and its content. Only files on a list ever go."""

from __future__ import annotations

import fnmatch
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mtsmart.config.document import Document, dump_yaml
from mtsmart.config.loader import change_places
from mtsmart.errors import CheckpointError
from mtsmart.evaluation.details.temperatures import read_temperatures
from mtsmart.exporting.task import base_encoder
from mtsmart.hub.card import CardFacts, run_card, with_facts
from mtsmart.hub.places import last_name
from mtsmart.log import log_notice
from mtsmart.models.files import no_model
from mtsmart.runs.folder import RunFolder
from mtsmart.runs.hub_address import RUN_FILES
from mtsmart.runs.results import untrained_told
from mtsmart.storage.durable import MANIFEST, written_files
from mtsmart.storage.owned import Kind, OwnedFolder

EXPORT_FILES = (
    "README.md",
    "*.json",
    "*.safetensors",
    "*.txt",
    "*.model",
    "*/config.json",  # the modules of sentence-transformers
    "*/model.safetensors",
    "modeling_*.py",  # the class of a head that no library has
    "model.onnx",  # a graph, and the file that predicts with it
    "answer.py",
)
"""The files of an exported model that go to the Hub."""

_LEFT_OUT = (
    ("folds",),
    ("grid",),
    ("init",),
    ("search",),
    ("task_files",),
    ("tracking",),
    ("data", "cache_dir"),
    ("data", "hub_dir"),
)
"""The keys of a run's configuration that do not go to the Hub."""


@dataclass(frozen=True)
class Content:
    """What goes to a repository.

    Attributes:
        files: name in the repository -> the file, or its content.
    """

    files: Mapping[str, Path | bytes]

    def sizes(self) -> dict[str, int]:
        """Name in the repository -> bytes."""
        return {name: _size(file) for name, file in self.files.items()}


def content_of(source: Path, facts: CardFacts) -> Content:
    """What goes to the Hub of a run's folder, or of the folder of an exported model.

    Raises:
        CheckpointError: it is neither, a file leads elsewhere, or the run has no model.
    """
    run = RunFolder(source)
    if run.exists:
        return _of_run(run, facts)
    owned = OwnedFolder.read(source)
    if owned is None or owned.kind is not Kind.EXPORT:
        raise CheckpointError("is neither a run nor an exported model", file=source)
    return _of_export(owned, facts)


def _of_run(run: RunFolder, facts: CardFacts) -> Content:
    if not (run.model / MANIFEST).is_file():
        raise no_model(run.model)
    names = [f"model/{name}" for name in (*written_files(run.model), MANIFEST)]
    of_model = {name: _own(run.model, name.removeprefix("model/")) for name in _allowed(names, RUN_FILES)}
    texts = {"README.md": run_card(run, base_encoder(run), facts), "config.yaml": _config_without_places(run)}
    files: dict[str, Path | bytes] = {name: text.encode() for name, text in texts.items()}
    if run.results_file.is_file():
        results = run.results()  # It is one, and not just a file of this name.
        if untrained := untrained_told(results.untrained):
            log_notice(f"{run.path}: {untrained}")
        files["results.json"] = _own(run.path, "results.json")
    if run.calibration_file.is_file():
        files |= _temperatures(run)
    return Content({**files, **of_model})


def _temperatures(run: RunFolder) -> dict[str, Path | bytes]:
    """The run's file of temperatures, if it is for the weights that go along."""
    file = _own(run.path, run.calibration_file.name)
    try:
        read_temperatures(run)
    except CheckpointError as error:
        log_notice(f"the temperatures do not go along: {error}")
        return {}
    return {file.name: file}


def _of_export(owned: OwnedFolder, facts: CardFacts) -> Content:
    files: dict[str, Path | bytes] = {name: _own(owned.path, name) for name in _allowed(owned.files, EXPORT_FILES)}
    card = (owned.path / "README.md").read_text(encoding="utf-8")
    return Content({**files, "README.md": with_facts(card, owned.path.name, facts).encode()})


def _allowed(names: Iterable[str], patterns: Sequence[str]) -> list[str]:
    """The names that fit a pattern. A star stands for no slash."""
    return [
        name
        for name in names
        if any(fnmatch.fnmatch(name, one) and name.count("/") == one.count("/") for one in patterns)
    ]


def _own(folder: Path, name: str) -> Path:
    """A file of a folder.

    Raises:
        CheckpointError: it leads to a file elsewhere, which somebody may want to see sent.
    """
    file = folder / name
    inside = Path(os.path.realpath(folder))
    if Path(os.path.realpath(file)) != inside / name or not file.is_file():
        raise CheckpointError("is a link or no file, so it is not sent", file=file)
    return file


def _config_without_places(run: RunFolder) -> str:
    """The run's configuration without names of folders on this machine, and without what only training needs."""
    config = run.config()
    document = run.document()
    for path in (*_LEFT_OUT, *(("tasks", name, "init") for name in config.tasks)):
        document = document.without(path)
    if config.encoder.path is None:
        document = document.merged(Document({"encoder": {"path": base_encoder(run)}}))
    change_places(document.data, last_name)
    return dump_yaml(document.data)


def _size(file: Path | bytes) -> int:
    return len(file) if isinstance(file, bytes) else file.stat().st_size
