"""The Python interface: the same few verbs as the command line."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mtsmart.config.document import Document, Origin, parse_yaml
from mtsmart.config.loader import Experiment, build_experiment, dump_config, find_experiment, load_experiment
from mtsmart.config.sections import RunConfig
from mtsmart.durable import clear_leftovers, write_text
from mtsmart.errors import CheckpointError, ConfigError
from mtsmart.evaluation.loaded import LoadedRun
from mtsmart.models.export import Exported, check_target, export_head
from mtsmart.processes import join_processes
from mtsmart.reporting.card import write_card
from mtsmart.reporting.model_card import model_card
from mtsmart.runs.changes import describe_rows, differences, not_allowed
from mtsmart.runs.folder import RunFolder, resolved_config
from mtsmart.runs.lock import RunLock
from mtsmart.task_types.interface.explains_decoding import decoding_rule
from mtsmart.tasks.library import TaskLibrary, read_task_file
from mtsmart.training.callbacks import Callback
from mtsmart.training.checkpoints import newest_checkpoint, stored_rows
from mtsmart.training.setup import Setup, prepare
from mtsmart.training.trainer import Trainer

RUNS = Path("runs")


@dataclass(frozen=True)
class Run:
    """A finished run.

    Attributes:
        path: its folder.
        results: what results.json holds: score, tasks, baselines, best, last.
    """

    path: Path
    results: dict[str, Any]

    def load(self) -> LoadedRun:
        """The best model, ready to evaluate and predict."""
        return LoadedRun(self.path)


def load(run: str | Path, task_files: Iterable[str | Path] = (), device: str | None = None) -> LoadedRun:
    """The best model of a run's folder, ready to evaluate and predict; see :class:`LoadedRun`."""
    return LoadedRun(run, task_files, device)


def load_tasks(*files: str | Path) -> TaskLibrary:
    """All tasks that ship with the package and those of the given files; a mapping of name to definition."""
    return TaskLibrary(files)


def train(
    experiment: str | Path,
    overrides: Iterable[str] = (),
    *,
    output_dir: str | Path | None = None,
    resume: bool = False,
    allow_changes: Iterable[str] = (),
    callback: Callback | None = None,
) -> Run:
    """Train an experiment.

    Args:
        experiment: a YAML file, or the name of a shipped experiment such as ``quickstart``.
        overrides: ``dotted.key=value`` items.
        output_dir: the run's folder; None: ``runs/<name>``, with a number if that is taken.
        resume: go on from the newest resume point in the run's folder that is whole.
        allow_changes: keys that may differ from the interrupted run's, such as ``training.epochs``; a key covers those
            under it. Data is ``rows.<task>.<split>``.
        callback: told what happens.

    Raises:
        MtsmartError: anything in the experiment, its data or the folder that does not fit, before training.
        Interrupted: stopped by a signal, after a resume point was written.
    """
    loaded = join_processes().together(lambda: _single_experiment(experiment, overrides))
    return train_experiment(loaded, output_dir, resume, allow_changes, callback)


def finetune(
    run: str | Path,
    task: str,
    overrides: Iterable[str] = (),
    *,
    output_dir: str | Path | None = None,
    resume: bool = False,
    allow_changes: Iterable[str] = (),
    callback: Callback | None = None,
) -> Run:
    """Fine-tune one task from a run's encoder, and from its head where the run has one.

    Args:
        run: the folder to start from; its configuration is the default.
        task: a task of the run, of the library, or a YAML file that defines one new task.
        overrides: ``dotted.key=value`` items; ``head=fresh`` starts the task's head anew.
        output_dir, resume, allow_changes, callback: as in :func:`train`.

    Raises:
        MtsmartError, Interrupted: as in :func:`train`.
    """
    loaded = join_processes().together(lambda: _finetune_experiment(RunFolder(Path(run)), task, overrides))
    return train_experiment(loaded, output_dir, resume, allow_changes, callback)


def export(
    run: str | Path,
    task: str,
    folder: str | Path,
    *,
    overwrite: bool = False,
    task_files: Iterable[str | Path] = (),
) -> Exported:
    """Write one task of a run as a Hugging Face model that needs nothing of mtsmart.

    Args:
        run: the run's folder.
        task: a task of the run, or of the library if it uses one of the run's heads as it is.
        folder: what to write: weights, configuration, tokenizer, model card.
        overwrite: whether an earlier export in ``folder`` may be replaced.
        task_files: YAML files with further tasks.

    Raises:
        MtsmartError: there is no such task, no Hugging Face class for its head, or the folder is taken.
    """
    target, source = Path(folder).expanduser().absolute(), RunFolder(Path(run))
    if target.resolve().is_relative_to(source.path.resolve()) or source.path.resolve().is_relative_to(target.resolve()):
        raise ConfigError("must neither be in the run nor hold it", key="DIR", value=str(folder))
    check_target(target, overwrite)
    loaded = LoadedRun(run, task_files, device="cpu")
    chosen = loaded.task(task)
    definition, spec = chosen.definition, loaded.model.specs[chosen.head_name]
    if definition.project is not None or chosen.head_spec.labels != spec.labels:
        raise ConfigError(
            f"the task computes its labels from those of {chosen.head_name}'s head, which no Hugging Face class does",
            key="--task",
            value=task,
            hint=f"Export the head's own task: --task {chosen.head_name}",
        )
    max_length = loaded.max_length(task)

    def card(exported: Exported) -> str:
        return model_card(
            exported,
            task,
            definition,
            encoder=_base_encoder(source),
            labels=spec.labels,
            max_length=max_length,
            scores=source.scores().get(task, {}) if source.results_file.is_file() else {},
            decoding=chosen.decoding,
            problem_type=chosen.problem_type,
            rule=decoding_rule(chosen),
        )

    return export_head(
        loaded.model,
        chosen.head_name,
        loaded.tokenizer,
        target,
        problem_type=chosen.problem_type,
        max_length=max_length,
        card=card,
        overwrite=overwrite,
    )


def _base_encoder(run: RunFolder) -> str:
    """The encoder that a run, or the first of those it goes on from, started with."""
    seen: set[Path] = set()  # the folders are the user's to edit, and may name one another in a circle
    while run.exists:
        if run.path.resolve() in seen:
            return "unknown"
        seen.add(run.path.resolve())
        config = run.config()
        if config.init is None:
            return (config.encoder.path if config.encoder else None) or "unknown"
        run = RunFolder(Path(config.init.run))
    return f"the run {run.path.name}"


def _finetune_experiment(folder: RunFolder, task: str, overrides: Iterable[str]) -> Experiment:
    document, name = _finetune_document(folder, task)
    items = [item.replace("head=", "init.heads=", 1) if item.startswith("head=") else item for item in overrides]
    if name not in folder.definitions():
        items = ["init.heads=fresh", *items]
    return build_experiment(document, items)


def _finetune_document(folder: RunFolder, task: str) -> tuple[Document, str]:
    document = folder.document()
    origin = Origin(str(folder.config_file))
    changes: dict[str, Any] = {"init": {"run": str(folder.path.resolve())}}
    name = task
    if task.endswith((".yaml", ".yml")):
        entries = read_task_file(task)
        if len(entries) != 1:
            names = ", ".join(entry.name for entry in entries)
            raise ConfigError(f"must define exactly one task to fine-tune (it has: {names})", file=task)
        name = entries[0].name
        changes["task_files"] = [str(Path(task).absolute())]
    changes["name"] = f"{document.data.get('name', 'run')}-{name}"
    changes["tasks"] = [name]
    data = _without(document.data, "mixing", "description", "distill")
    # How long the joint run was cut to says nothing about this one, and the encoder comes from the run.
    data["training"] = _without(data.get("training", {}), "max_updates")
    # Whether the run's files may bring code is for this user to say, not for who wrote the run's configuration.
    data["encoder"] = _without(data.get("encoder", {}), "path", "revision", "sha256", "trust_remote_code")
    return Document({**data, **changes}, {**document.origins, (): origin}), name


def _without(mapping: dict[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in mapping.items() if key not in keys}


def _single_experiment(name: str | Path, overrides: Iterable[str]) -> Experiment:
    loaded = load_experiment(find_experiment(name), overrides)
    if loaded.config.grid is not None:
        hint = f"mtsmart sweep {name}"
        raise loaded.document.error("is for several runs, which another command trains", ("grid",), hint=hint)
    return loaded


def train_experiment(
    experiment: Experiment,
    output_dir: str | Path | None,
    resume: bool = False,
    allow_changes: Iterable[str] = (),
    callback: Callback | None = None,
) -> Run:
    """As :func:`train`, for an experiment that has been read."""
    processes = join_processes()
    allowed = processes.together(lambda: _allowed(allow_changes, resume))
    folder = processes.on_main(lambda: _run_folder(experiment.config, output_dir, resume))
    with RunLock(folder.path) as lock:
        # A new folder is created once everything is known to fit.
        processes.on_main(lambda: lock.acquire() if folder.path.is_dir() else None)
        setup = processes.together(lambda: prepare(experiment, processes))
        config = resolved_config(experiment.config, setup.definitions)
        text = processes.together(lambda: dump_config(config))
        trainer = Trainer(setup, folder, callback, processes)

        def open_folder() -> Path | None:
            lock.acquire()
            _refuse_taken(folder, resume)  # another process may have made it since
            point = _resume_point(folder, setup, text, allowed, trainer.callback) if folder.exists else None
            clear_leftovers(folder.path, ["model"])
            folder.check_own()
            write_text(folder.config_file, text)
            return point

        results = trainer.train(processes.on_main(open_folder))
        processes.on_main(lambda: write_card(folder, config, setup.definitions, results))
    return Run(folder.path, results)


def _run_folder(config: RunConfig, output_dir: str | Path | None, resume: bool) -> RunFolder:
    """Where a run goes; nothing is created yet."""
    if output_dir is not None:
        folder = RunFolder(Path(output_dir))
        existing = next(path for path in (folder.path.absolute(), *folder.path.absolute().parents) if path.exists())
        if not existing.is_dir() or not os.access(existing, os.W_OK):
            raise ConfigError(f"cannot be written: {existing}", key="--output-dir", value=str(output_dir))
        _refuse_taken(folder, resume)
        return folder
    candidates = [RunFolder(RUNS / config.name), *(RunFolder(RUNS / f"{config.name}-{n}") for n in range(2, 10_000))]
    taken = next(index for index, folder in enumerate(candidates) if not folder.exists)
    return candidates[max(0, taken - 1) if resume else taken]


def _refuse_taken(folder: RunFolder, resume: bool) -> None:
    if folder.exists and not resume:
        hint = "Say --resume to go on with it, or name another folder"
        raise ConfigError("there already is a run", key="--output-dir", value=str(folder.path), hint=hint)


def _allowed(keys: Iterable[str], resume: bool) -> list[str]:
    allowed = list(keys)
    if allowed and not resume:
        raise ConfigError("is for a run that goes on", key="--allow-changes", value=allowed[0], hint="Say --resume too")
    return allowed


def _resume_point(
    folder: RunFolder, setup: Setup, text: str, allowed: Iterable[str], callback: Callback
) -> Path | None:
    """The resume point to go on from.

    A resumed run computes what the interrupted one would have; another configuration or other data is another run.
    """
    found = differences(folder.document().data, parse_yaml(text, str(folder.config_file)).data)
    point = newest_checkpoint(folder.checkpoints, callback.on_notice)
    if point is not None:
        rows = describe_rows(setup.train, setup.validation)
        found |= differences({"rows": stored_rows(point)}, {"rows": rows})
    if left := not_allowed(found, allowed):
        raise CheckpointError(
            f"cannot be resumed, for it is another run now: {left}",
            file=folder.path,
            hint="Undo the change, train into another folder, or say --allow-changes KEY for each of these",
        )
    return point
