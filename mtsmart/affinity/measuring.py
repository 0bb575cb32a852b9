"""Trains a joint run for some updates, and measures now and then how its tasks affect each other."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from torch import Tensor, nn

from mtsmart.affinity.batches import Draw
from mtsmart.affinity.gradients import cosines, encoder_gradients
from mtsmart.affinity.look_ahead import Step, look_ahead
from mtsmart.affinity.result import Affinity, Table
from mtsmart.config.loader import Experiment
from mtsmart.cpu.allocator import memory_of_updates
from mtsmart.data.loader import lost_workers_as_errors
from mtsmart.errors import ConfigError
from mtsmart.log import log_notice
from mtsmart.models.weights import trained
from mtsmart.runs.folder import RunFolder
from mtsmart.training.setup import Setup, prepare
from mtsmart.training.trainer import Trainer

Notify = Callable[[str], None]


@dataclass
class _Measured:
    """What the measurements so far have found, one tensor for each of them."""

    norms: list[Tensor] = field(default_factory=list)
    cosines: list[Tensor] = field(default_factory=list)
    look_ahead: list[Tensor] = field(default_factory=list)
    seconds: float = 0.0


def measure(
    experiment: Experiment, every: int, batches: int, notify: Notify, targets: Collection[str] = ()
) -> Affinity:
    """Train an experiment's joint run to its end, and measure after every ``every`` updates.

    A measurement changes nothing: the run is the same as without it. Nothing is written.

    Args:
        experiment: the joint run. It needs at least two tasks that are trained on labels. Tasks without labels have no
            loss of their own, so they are trained but not measured, and a notice names them.
        every: updates between two measurements; at most as many as the run has.
        batches: batches of each task that give a gradient, and as many others that give a loss.
        notify: called with a line after each measurement.
        targets: tasks that the user wants to know about; they must be measured.

    Raises:
        MtsmartError: something of the experiment does not fit, or training failed.
    """
    setup = prepare(experiment)
    tasks = _measured_tasks(setup, targets)
    with tempfile.TemporaryDirectory(prefix="mtsmart-") as scratch, lost_workers_as_errors():
        trainer = Trainer(setup, RunFolder(Path(scratch)))
        _check_length(every, trainer.total_updates)
        with memory_of_updates(trainer.device.type == "cpu", setup.model.encoder.recomputes):
            start = time.perf_counter()
            found = _run(trainer, every, Draw(setup, tasks, batches, trainer.device), notify)
            seconds = time.perf_counter() - start
    return Affinity(
        name=setup.config.name,
        norms=_stacked(found.norms),
        cosines=Table(tasks, _stacked(found.cosines)),
        look_ahead=Table(tasks, _stacked(found.look_ahead)),
        updates=trainer.total_updates,
        every=every,
        training_seconds=seconds - found.seconds,
        measuring_seconds=found.seconds,
    )


def _measured_tasks(setup: Setup, targets: Collection[str]) -> Sequence[str]:
    """The tasks that are trained on labels.

    Raises:
        ConfigError: there are fewer than two, a target is none of them, or nothing of the encoder is trained.
    """
    tasks = [name for name in setup.train if setup.definitions[name].has_labels]
    left_out = [name for name in setup.train if name not in tasks]
    if len(tasks) < 2:
        labelled = " on labels" if left_out else ""
        raise ConfigError(f"are fewer than two that are trained{labelled}", key="tasks", value=tasks)
    for target in targets:
        if target not in tasks:
            hint = f"Choose from: {', '.join(tasks)}"
            raise ConfigError("is not measured: it is not trained on labels", argument="start", value=target, hint=hint)
    if not trained(setup.model.encoder):
        message = "leaves nothing of the encoder that is trained, so that no task changes another"
        raise ConfigError(message, key="encoder.freeze")
    if left_out:
        log_notice(f"tasks without labels have no loss to compare, so they are not measured: {', '.join(left_out)}")
    return tasks


def _check_length(every: int, updates: int) -> None:
    if every > updates:
        message = f"is more than the {updates} updates of the run, so nothing would be measured"
        raise ConfigError(message, argument="every", value=every)


def _run(trainer: Trainer, every: int, draw: Draw, notify: Notify) -> _Measured:
    found = _Measured()
    shared = list(trained(trainer.setup.model.encoder).values())
    total = trainer.total_updates
    trainer.begin()
    while trainer.progress.update < total:
        for batches in trainer.updates():
            trainer.update(batches)
            trainer.advance(len(batches))
            trainer.guard.check()
            if trainer.progress.update % every == 0:
                _measure(trainer, shared, draw, found)
                notify(f"update {trainer.progress.update:,} of {total:,}: measured")
            if trainer.progress.update >= total:
                break
    return found


def _measure(trainer: Trainer, shared: list[nn.Parameter], draw: Draw, found: _Measured) -> None:
    """Add the figures of the present weights."""
    start = time.perf_counter()
    model = trainer.setup.model
    types = trainer.setup.task_types
    number = len(found.norms)
    step = Step(trainer.optimizer, trainer.setup.config.optimizer.learning_rate, trainer.config.max_grad_norm)
    model.eval()  # without dropout; the next update switches it on again
    gradients = encoder_gradients(model, types, draw.training(number), shared)
    found.norms.append(gradients.norm(dim=1).double().cpu())
    found.cosines.append(cosines(gradients).cpu())
    found.look_ahead.append(look_ahead(model, types, gradients, draw.held(number), shared, step).cpu())
    found.seconds += time.perf_counter() - start


def _stacked(tables: list[Tensor]) -> np.ndarray:
    return np.stack([table.numpy() for table in tables])
