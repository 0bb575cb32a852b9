"""The Python interface: the same few verbs as the command line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import torch

from mtsmart.arguments import checked, items_of
from mtsmart.config.loader import Experiment, find_experiment, load_experiment, mapping_experiment
from mtsmart.evaluation.loaded import LoadedRun
from mtsmart.exporting.task import export_task
from mtsmart.hub.push import push_model
from mtsmart.merging.merge import merge_runs
from mtsmart.models.export_folder import Exported
from mtsmart.preparation.in_memory import with_stored_rows
from mtsmart.processes import join_processes
from mtsmart.quiet import without_bars
from mtsmart.reporting.progress.console import in_notebook, progress_on, python_console
from mtsmart.reporting.report.writing import PictureFormat, write_report
from mtsmart.running import Run, only_training, train_experiment
from mtsmart.runs.finetune import finetune_experiment
from mtsmart.runs.folder import RunFolder
from mtsmart.runs.hub_address import run_path
from mtsmart.runs.results import Results
from mtsmart.tasks.library import TaskLibrary
from mtsmart.torch_state import own_torch_state
from mtsmart.training.callbacks import Callback, Callbacks


@checked
def load(
    run: str | Path,
    task_files: Iterable[str | Path] = (),
    device: str | torch.device | None = None,
    precision: str = "float32",
) -> LoadedRun:
    """The best model of a run, ready to evaluate and predict; see :class:`LoadedRun`.

    Args:
        run: the run's folder, or ``hub:owner/name[@revision]`` for one that ``push`` has sent to the Hub.
        task_files, device, precision: as for :class:`LoadedRun`.

    Raises:
        MtsmartError: there is no such run, or its files do not fit together.
    """
    return LoadedRun(run, task_files, device, precision)


@checked
def load_tasks(*files: str | Path) -> TaskLibrary:
    """All tasks that ship with the package and those of the given files; a mapping of name to definition."""
    return TaskLibrary(files)


@checked
@without_bars()
@only_training()
@own_torch_state()
def train(
    experiment: str | Path | Mapping[str, Any],
    overrides: Iterable[str] = (),
    *,
    output_dir: str | Path | None = None,
    resume: bool = False,
    allow_changes: Iterable[str] = (),
    callback: Callback | None = None,
    progress: bool | None = None,
) -> Run:
    """Train an experiment.

    Args:
        experiment: a YAML file, the name of a shipped experiment such as ``quickstart``, or a mapping with the keys of
            such a file. In a mapping, ``dataset: {rows: ...}`` of a task may hold rows in memory: split -> a list of
            mappings, a DataFrame, or a ``datasets.Dataset`` or ``IterableDataset``. They are stored in the cache, and
            the run names the files.
        overrides: ``dotted.key=value`` items.
        output_dir: the run's folder; None: ``runs/<name>``, with a number if that is taken.
        resume: continue from the newest undamaged resume point in the run's folder.
        allow_changes: keys that may differ from the interrupted run's, such as ``training.epochs``; a key covers those
            under it. Data is ``rows.<task>.<split>``.
        callback: receives what happens.
        progress: whether progress is printed on standard output; None: in a terminal and in a notebook only.

    Raises:
        MtsmartError: anything in the experiment, its data or the folder that does not fit, before training; or this
            process trains already.
        Interrupted: stopped by a signal, after a resume point was written.
    """
    loaded = join_processes().together(lambda: single_experiment(experiment, items_of("overrides", overrides)))
    return train_experiment(loaded, output_dir, resume, allow_changes, _shown(progress, callback))


@checked
@without_bars()
@only_training()
@own_torch_state()
def finetune(
    run: str | Path,
    task: str,
    overrides: Iterable[str] = (),
    *,
    output_dir: str | Path | None = None,
    resume: bool = False,
    allow_changes: Iterable[str] = (),
    callback: Callback | None = None,
    task_files: Iterable[str | Path] = (),
    progress: bool | None = None,
) -> Run:
    """Fine-tune one task from a run's encoder, and from its head where the run has one.

    Args:
        run: the folder to start from; its configuration is the default.
        task: a task of the run, of the library, or a YAML file that defines one new task.
        overrides: ``dotted.key=value`` items; ``head=fresh`` starts the task's head anew.
        output_dir, resume, allow_changes, callback: as in :func:`train`.
        task_files: YAML files with further tasks. A task of the run that one of them defines too is the file's.
        progress: as in :func:`train`.

    Raises:
        MtsmartError, Interrupted: as in :func:`train`.
    """

    def read() -> Experiment:
        files = items_of("task_files", task_files)
        return finetune_experiment(RunFolder(run_path(run)), task, items_of("overrides", overrides), files)

    loaded = join_processes().together(read)
    return train_experiment(loaded, output_dir, resume, allow_changes, _shown(progress, callback))


@checked
@without_bars()
@own_torch_state()
def merge(
    runs: Iterable[str | Path],
    weights: Iterable[float] | None = None,
    *,
    base: str | Path | None = None,
    output_dir: str | Path | None = None,
) -> Run:
    """Write a run whose model is a mixture of others' weights; nothing is trained.

    The encoder is the sum of w_i theta_i (model soups), or with a base base + sum of w_i (theta_i - base) (WiSE-FT,
    task arithmetic). A head that several runs have is their mean with the same weights, a head of one run stays.

    Args:
        runs: their folders. Encoder, tokenizer and heads of the same name must have one form.
        weights: a number a run. Without a base they sum to 1; None: all have the same.
        base: what the runs are measured from: a run, or ``start`` for what the first run started from.
        output_dir: the folder of the new run; None: ``runs/<name of the first>-merged``, with a number if taken.

    Raises:
        MtsmartError: a folder is none of a run, the runs do not fit together, or the weights do not.
    """
    shares = None if weights is None else items_of("weights", weights)
    return Run(merge_runs(items_of("runs", runs), shares, base, output_dir).path, Results().to_json())


@checked
@without_bars()
@own_torch_state()
def export(
    run: str | Path,
    task: str | Iterable[str],
    folder: str | Path,
    *,
    form: str = "transformers",
    int8: bool = False,
    overwrite: bool = False,
    task_files: Iterable[str | Path] = (),
) -> Exported:
    """Write one task of a run as a Hugging Face model, or several as one graph of ONNX. Neither needs mtsmart.

    Args:
        run: the run's folder.
        task: a task of the run, or of the library if it uses one of the run's heads. In the form ``onnx`` also several.
        folder: what to write: weights, configuration, tokenizer, card.
        form: ``transformers``, or ``onnx``, which onnxruntime runs with the file ``answer.py`` of the folder.
        int8: whether the graph's weights become 8-bit integers: a quarter of the size.
        overwrite: whether an earlier export in ``folder`` may be replaced.
        task_files: YAML files with further tasks.

    Raises:
        MtsmartError: there is no such task, its head has no such form, or the folder is taken.
    """
    names = task if isinstance(task, str) else items_of("task", task)
    return export_task(run, names, folder, form=form, int8=int8, overwrite=overwrite, task_files=task_files)


@checked
@without_bars()
@own_torch_state()
def report(
    runs: str | Path | Iterable[str | Path],
    output: str | Path | None = None,
    *,
    figures: str | Path | None = None,
    figure_format: str = PictureFormat.SVG,
) -> Path:
    """Write a page in HTML about a run, or about several runs side by side.

    Args:
        runs: the folder of a run, or several.
        output: the page's file, which may replace an earlier report; None: ``report.html`` in the folder of the one
            run, beside calibration.json with the temperatures that ``predict(..., calibrated=True)`` uses; for several
            runs in the working directory.
        figures: a new or empty folder that gets each picture as a file; None: no such files.
        figure_format: ``svg`` or ``png``.

    Returns:
        the page's file.

    Raises:
        MtsmartError: a folder is none of a run, a file of it is damaged, or something would be replaced that is no
            report.
    """
    given = [runs] if isinstance(runs, str | Path) else list(runs)
    folder = None if figures is None else Path(figures)
    target = None if output is None else Path(output)
    return write_report(list(map(Path, given)), target, folder, figure_format)


@checked
@without_bars()
def push(
    source: str | Path,
    repository: str,
    *,
    public: bool = False,
    task: str | None = None,
    licence: str | None = None,
    languages: Iterable[str] = (),
) -> str:
    """Send a run, one task of a run, or an exported model to the Hub, in one commit.

    Data, resume points, logs and files of trackers never go along.

    Args:
        source: the folder of a run, or of an exported model.
        repository: owner/name. It is made if it is not there.
        public: whether everybody may see it.
        task: send this task of the run, as a Hugging Face model; None: the run, which ``load("hub:owner/name")`` reads.
        licence: the licence of the model, as the Hub names it, for example ``apache-2.0``.
        languages: the languages of its texts, as codes.

    Returns:
        the address of the commit.

    Raises:
        MtsmartError: the source is no run or export, the repository is public and should not be, or the Hub refuses.
    """
    spoken = items_of("languages", languages)
    return str(push_model(source, repository, public=public, task=task, licence=licence, languages=spoken))


def single_experiment(experiment: str | Path | Mapping[str, Any], overrides: Iterable[str]) -> Experiment:
    """Read an experiment that is for one run; the arguments are those of :func:`train`.

    Raises:
        ConfigError: it contains a mistake, or is for several runs.
    """
    if isinstance(experiment, Mapping):
        loaded = mapping_experiment(with_stored_rows(experiment), overrides)
    else:
        loaded = load_experiment(find_experiment(experiment), overrides)
    for key in ("grid", "folds", "search"):
        if getattr(loaded.config, key) is not None:
            hint = "mtsmart sweep FILE" if isinstance(experiment, Mapping) else f"mtsmart sweep {experiment}"
            raise loaded.document.error("is for several runs, which another command trains", (key,), hint=hint)
    return loaded


def _shown(progress: bool | None, callback: Callback | None) -> Callback | None:
    """What receives the events of training: the user's callback, and what shows progress if it should be shown."""
    console = python_console()
    wanted = console.is_terminal or in_notebook() if progress is None else progress
    if not wanted:
        return callback
    shown = progress_on(console)
    return shown if callback is None else Callbacks(shown, callback)
