"""Tasks of a run as a folder that needs nothing of mtsmart, with a card: in the form of Hugging Face, or as a graph."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from mtsmart.errors import ConfigError, did_you_mean
from mtsmart.evaluation.loaded import LoadedRun
from mtsmart.exporting.examples import candidate_columns, example_row
from mtsmart.exporting.onnx.card import graph_card
from mtsmart.exporting.onnx.export import export_graph
from mtsmart.exporting.pair_model import export_pair, is_pair
from mtsmart.exporting.sentence_modules import export_modules, has_modules
from mtsmart.models.export_folder import Exported, check_target
from mtsmart.models.hugging_face import export_head
from mtsmart.reporting.card import how_trained, versions
from mtsmart.reporting.model_card import ModelCard
from mtsmart.runs.claim import refuse_inside_run
from mtsmart.runs.folder import RunFolder
from mtsmart.runs.hub_address import HubAddress, run_path
from mtsmart.task_types import TaskType
from mtsmart.task_types.interface.explains_outputs import HasUnit, decoding_rule, unit_of
from mtsmart.task_types.shared.candidates import CandidateTask
from mtsmart.task_types.windows.reads_windows import cuts_texts, is_in_windows
from mtsmart.training.setup import recipe_of
from mtsmart.user_paths import HUB_PREFIX, user_path

TRANSFORMERS = "transformers"
ONNX = "onnx"
FORMS = (TRANSFORMERS, ONNX)


def export_task(
    run: str | Path,
    task: str | Iterable[str],
    folder: str | Path,
    *,
    form: str = TRANSFORMERS,
    int8: bool = False,
    overwrite: bool = False,
    task_files: Iterable[str | Path] = (),
) -> Exported:
    """Write one task of a run as a Hugging Face model, or several as one graph of ONNX. Neither needs mtsmart.

    A plain head that pools becomes modules of sentence-transformers. A head that compares two texts brings its class.

    Args:
        run: the run's folder, or ``hub:owner/name[@revision]``.
        task: a task of the run, or of the library if it uses one of the run's heads; as ``onnx`` also several.
        folder: gets weights, configuration, tokenizer and card.
        form: ``transformers`` or ``onnx``.
        int8: whether the graph's weights become 8-bit integers.
        overwrite: whether an earlier export in ``folder`` may be replaced.
        task_files: YAML files with further tasks.

    Raises:
        MtsmartError: there is no such task or form, or the folder is taken.
    """
    names = [task] if isinstance(task, str) else list(dict.fromkeys(task))
    _check_form(names, form, int8)
    source = run_path(run)
    target = _target(folder, source, overwrite)
    loaded = LoadedRun(source, task_files, device="cpu")
    chosen = _trained(loaded, names)
    if form == ONNX:
        card = partial(graph_card, [_card(loaded, each) for each in chosen], int8)
        return export_graph(loaded, chosen, target, int8=int8, overwrite=overwrite, card=card)
    return _write(loaded, chosen[0], target, overwrite)


def _target(folder: str | Path, source: Path, overwrite: bool) -> Path:
    """The folder that gets the export, which holds nothing that would be lost."""
    target = user_path(folder, argument="folder").absolute()
    _refuse_overlap(target, source, folder)
    refuse_inside_run(target, "folder")
    check_target(target, overwrite)
    return target


def _trained(run: LoadedRun, names: Sequence[str]) -> list[TaskType]:
    """The tasks of these names. One whose head no update has trained is refused."""
    tasks = [run.task(name) for name in names]
    for name in filter(run.is_untrained, names):
        hint = "Train longer, or draw every task in each update: mixing.strategy=rounds"
        raise ConfigError("got no update in this run, so its head is random", argument="task", value=name, hint=hint)
    return tasks


def _check_form(tasks: Sequence[str], form: str, int8: bool) -> None:
    if form not in FORMS:
        raise ConfigError("there is no such form", argument="form", value=form, hint=did_you_mean(form, FORMS))
    if not tasks:
        raise ConfigError("names no task", argument="task", value=None)
    if form == ONNX:
        return
    if len(tasks) > 1:
        message = "one model of transformers has one task"
        hint = "Export them one by one, or together with `form=onnx`"
        raise ConfigError(message, argument="task", value=", ".join(tasks), hint=hint)
    if int8:
        raise ConfigError("is for graphs of ONNX", argument="int8", hint="Add `form=onnx`")


def _write(run: LoadedRun, task: TaskType, folder: Path, overwrite: bool) -> Exported:
    """Write the task in the form that its head has outside mtsmart, unless there is none."""
    _refuse_windows(task)
    _refuse_computed_labels(run, task)
    card = _card(run, task)
    given = (run.model, task.head_name, run.tokenizer, folder)
    common: dict[str, Any] = {
        "max_length": card.max_length,
        "card": card.text,
        "overwrite": overwrite,
        "unit": unit_of(task),
    }
    if has_modules(run.model, task.head_name):
        return export_modules(*given, **common)
    write = export_pair if is_pair(run.model, task.head_name) else export_head
    return write(*given, problem_type=card.problem_type, **common)


def _card(run: LoadedRun, task: TaskType) -> ModelCard:
    results = run.run_folder.results_so_far()
    return ModelCard(
        name=task.name,
        definition=task.definition,
        encoder=base_encoder(run.run_folder),
        labels=run.model.specs[task.head_name].labels,
        max_length=run.max_length(task.name),
        scores=results.tasks.get(task.name, {}),
        baselines=results.baselines.get(task.name, {}),
        others=[name for name in run.definitions if name != task.name],
        decoding={} if isinstance(task, HasUnit) else task.decoding,  # The exported weights have the unit in them.
        problem_type=task.problem_type,
        recipe=[how_trained(run.config), *recipe_of(run.config, {task.name: run.definitions[task.head_name]})],
        versions=versions(),
        rule=decoding_rule(task),
        candidates=candidate_columns(task),
        row=example_row(task),
        is_cut=cuts_texts(task) or isinstance(task, CandidateTask),
    )


def _refuse_overlap(target: Path, run: Path, given: str | Path) -> None:
    """Refuse to write into the run, or in place of a folder that holds it."""
    export = Path(os.path.realpath(target))
    source = Path(os.path.realpath(run))
    inside = export.is_relative_to(source)
    around = source.is_relative_to(export)
    if inside or around:
        raise ConfigError("must neither be in the run nor hold it", argument="folder", value=str(given))


def _refuse_computed_labels(run: LoadedRun, task: TaskType) -> None:
    """Refuse a task whose labels are not those of the head that it uses."""
    labels = run.model.specs[task.head_name].labels
    if task.definition.project is not None or task.head_spec.labels != labels:
        raise ConfigError(
            f"the task computes its labels from those of {task.head_name}'s head, which no Hugging Face class does",
            argument="task",
            value=task.name,
            hint=f"Export the head's own task: `task={task.head_name}`",
        )


def _refuse_windows(task: TaskType) -> None:
    """Refuse a task whose logits are those of several windows."""
    if is_in_windows(task):
        message = "the task reads long texts in windows (options.windows), which no Hugging Face class does"
        hint = "Say `form=onnx`, or train the task without windows"
        raise ConfigError(message, argument="task", value=task.name, hint=hint)


def base_encoder(run: RunFolder) -> str:
    """The encoder that a run started with, or that the first of the runs before it started with."""
    seen: set[Path] = set()  # the user may edit the configurations so that they name one another in a circle
    while run.exists:
        if run.path.resolve() in seen:
            return "unknown"
        seen.add(run.path.resolve())
        config = run.config()
        if config.init is None:
            return config.encoder.path or "unknown"
        if config.init.run.startswith(HUB_PREFIX):
            return HubAddress.of(config.init.run, None, "init.run").repository
        run = RunFolder(Path(config.init.run))
    return f"the run {run.path.name}"
