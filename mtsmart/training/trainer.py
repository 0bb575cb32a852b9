"""The training loop. It knows no task type and no regulariser by name."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from accelerate.utils import DistributedDataParallelKwargs
from torch import Tensor

from mtsmart.cpu.allocator import give_back_memory, keep_freed_memory
from mtsmart.data.batch import Batch
from mtsmart.data.loader import load_batches
from mtsmart.data.sampler import MultiTaskSampler
from mtsmart.durable import write_json
from mtsmart.evaluation.evaluator import Evaluation, evaluate_task
from mtsmart.models.files import save_model
from mtsmart.models.multitask import MultiTaskModel
from mtsmart.processes import ALONE, Processes
from mtsmart.random_state import random_state
from mtsmart.regularizers import Context, build_regularizers
from mtsmart.runs.best_model import keep_model, put_model_back
from mtsmart.runs.changes import describe_rows
from mtsmart.runs.folder import RunFolder
from mtsmart.runs.interrupt import Interrupt, Interrupted
from mtsmart.runs.journal import Journal
from mtsmart.training.callbacks import Callback, Silent
from mtsmart.training.checkpoints import (
    checkpoint_path,
    delete_old_checkpoints,
    load_checkpoint,
    put_newer_aside,
    resuming,
    save_checkpoint,
)
from mtsmart.training.guard import Guard, gradient_norm
from mtsmart.training.meter import Meter
from mtsmart.training.optim import build_optimizer, learning_rate, optimizer_tensors, set_learning_rate
from mtsmart.training.parts import in_parts
from mtsmart.training.selection import Selection
from mtsmart.training.setup import Setup
from mtsmart.training.sharding import Student
from mtsmart.training.step import TrainStep
from mtsmart.training.watch import Watch

_OVERALL = ""  # where the meter keeps what belongs to no task; no task has an empty name


@dataclass
class Progress:
    """How far a run is: ``update`` updates done, the next batch is number ``batch`` of ``epoch`` (both from 0)."""

    update: int = 0
    epoch: int = 0
    batch: int = 0


class Trainer:
    """Trains a setup into a run's folder.

    Args:
        setup: the parts of the run.
        folder: where it is written.
        callback: told what happens.
        processes: those that train together; each has a trainer of its own.
    """

    def __init__(
        self, setup: Setup, folder: RunFolder, callback: Callback | None = None, processes: Processes = ALONE
    ) -> None:
        self.setup, self.folder, self.processes = setup, folder, processes
        self.callback = callback if callback is not None and processes.is_main else Silent()
        self.config = setup.config.training
        self.sampler = MultiTaskSampler(
            {name: split.lengths for name, split in setup.train.items()},
            {name: setup.definitions[name].batch_size or self.config.batch_size for name in setup.train},
            setup.config.mixing,
            self.config.epochs,
            self.config.seed,
            setup.config.data.length_grouped,
            setup.config.data.max_tokens,
            {name: split.sequences for name, split in setup.train.items() if split.sequences is not None},
            self.config.accumulation,
        )
        self.updates_per_epoch = math.ceil(len(self.sampler) / self.sampler.batches_per_update)
        planned = self.updates_per_epoch * self.config.epochs
        self.total_updates = min(planned, self.config.max_updates or planned)
        self.accelerator = _accelerator(self.config.precision)
        # Not cpu:0, as accelerate calls it in several processes: moving there would copy all weights to other places
        # in memory, of which the last bits of matrix products depend.
        self.device = torch.device("cpu") if self.accelerator.device.type == "cpu" else self.accelerator.device
        self._collate = {
            name: in_parts(collate, setup.tasks[name], processes) for name, collate in setup.collate.items()
        }
        setup.model.to(self.device)
        if self.device.type == "cpu":
            keep_freed_memory()
        if self.config.compile:
            setup.model.encoder.compile_shapes()
        regularizers = build_regularizers(setup.config, Context(setup.model, setup.tasks, self.total_updates))
        figures = [figure for regularizer in regularizers.values() for figure in regularizer.figures]
        self.step = TrainStep(setup.model, setup.tasks, regularizers)
        self.student = Student(setup.model)
        if self.config.shard and processes.count > 1:
            self.student.shard(self.step, processes.count)
        elif self.config.shard:
            self.callback.on_notice("training.shard: there is one process alone, which keeps all weights")
        factors = {name: setup.definitions[name].learning_rate_factor for name in setup.model.specs}
        self.optimizer = build_optimizer(setup.model, setup.config.optimizer, factors)
        skip = self.config.non_finite == "skip"
        self.guard = Guard(self.optimizer, skip, self.config.max_skipped, figures, processes)
        self.watch = Watch(self.total_updates, figures)
        # FSDP has wrapped the step already.
        self._prepared = self.accelerator.prepare_model(
            self.step, device_placement=False, evaluation_mode=self.student.is_sharded
        )
        self.meter, self.selection, self.progress = Meter(processes), Selection(self.config.patience), Progress()
        self.interrupt, self.journal = Interrupt(), Journal(folder)

    def train(self, resume_from: Path | None = None) -> dict[str, Any]:
        """Train to the end, or until interrupted.

        Args:
            resume_from: a resume point; the run goes on exactly as if it had never stopped.

        Returns:
            what results.json holds.

        Raises:
            TrainingError: loss or gradients are not finite.
            StorageError: something cannot be written; the last resume point stays good.
            Interrupted: a signal stopped the run; a resume point has been written.
        """
        _draw_apart(self.config.seed, self.processes.rank)
        with self.processes.listening():
            size = 0 if resume_from is None else self._resume(resume_from)
        self.processes.on_main(lambda: self.journal.start(size, self.callback.on_notice))
        self.callback.on_start(self._facts())
        for text in self.sampler.overlong():
            self.callback.on_notice(text)
        started = time.perf_counter()
        with self.interrupt, self.processes.listening():
            try:
                self._run()
            finally:
                self.callback.on_end()
                give_back_memory()
        self.processes.on_main(lambda: self._write_timing(time.perf_counter() - started))
        if self.interrupt.signal is not None and not self._finished:
            raise Interrupted(self.interrupt.signal)
        if not self.setup.validation:
            self._save_model()
        return self._write_results()

    def _save_model(self) -> None:
        decoding = {name: task.decoding for name, task in self.setup.tasks.items() if task.decoding}
        model = self.student.whole()
        self.processes.on_main(lambda: save_model(self.folder.model, model, self.setup.tokenizer, decoding))

    @property
    def _finished(self) -> bool:
        return self.progress.update >= self.total_updates or self.selection.exhausted

    def _run(self) -> None:
        while not self._finished:
            for batches in self.updates():
                self.update(batches)
                at_epoch_end = self.advance(len(batches))
                self._after_update(at_epoch_end)
                self.interrupt.signal = self.processes.highest(self.interrupt.signal or 0) or None
                if self._finished or self.interrupt.signal is not None:
                    break
            if self.interrupt.signal is not None:
                self._checkpoint()
                return

    def updates(self) -> Iterator[tuple[Batch, ...]]:
        """The rest of the present epoch, grouped into updates."""
        plan = self.sampler.plan(self.progress.epoch)[self.progress.batch :]
        device = self.device
        loaded = load_batches(
            plan, self.setup.train, self._collate, self.setup.config.data.workers, device.type == "cuda"
        )
        return _groups((batch.to(device) for batch in loaded), self.sampler.batches_per_update)

    def update(self, batches: tuple[Batch, ...]) -> None:
        """One optimizer update: gradients of the mean objective of ``batches``."""
        self._prepared.train()
        set_learning_rate(
            self.optimizer, learning_rate(self.setup.config.optimizer, self.progress.update, self.total_updates)
        )
        for number, batch in enumerate(batches):
            is_last = number == len(batches) - 1
            with nullcontext() if is_last else self.accelerator.no_sync(self._prepared):
                loss, figures = self._prepared(batch)
                self.accelerator.backward(loss / len(batches))
            self.meter.add(batch.task, figures)
            self.guard.see(self.progress.batch + number, batch, figures)
        norm = gradient_norm(self.setup.model.parameters(), self.config.max_grad_norm)
        self.meter.add(_OVERALL, {"gradient_norm": norm.detach()})
        self.guard.apply(self.progress.update + 1, norm)
        self.optimizer.zero_grad(set_to_none=True)
        self.student.has_moved()
        for regularizer in self.step.regularizers.values():
            regularizer.after_update(self.student.whole)
        self.callback.on_update(self.progress.update + 1, sum(batch.whole_size for batch in batches))

    def advance(self, batches: int) -> bool:
        """Count an update; whether it was the epoch's last."""
        self.progress.update += 1
        self.progress.batch += batches
        if self.progress.batch < len(self.sampler):
            return False
        self.progress.epoch, self.progress.batch = self.progress.epoch + 1, 0
        return True

    def _after_update(self, at_epoch_end: bool) -> None:
        update, last = self.progress.update, self.progress.update >= self.total_updates
        log = update % self.config.log_every == 0 or last
        evaluate = _is_due(update, self.config.evaluate_every, at_epoch_end) or last
        checkpoint = _is_due(update, self.config.checkpoint_every, at_epoch_end) or last
        if log or evaluate or checkpoint or self.guard.is_due:
            for text in self.guard.check():
                self.callback.on_notice(text)
        if evaluate or checkpoint:
            self.guard.check_weights(update, self.setup.model.parameters())
        if log:
            self._log()
        if evaluate:
            self._evaluate()
        if checkpoint:
            self._checkpoint()

    def _log(self) -> None:
        tasks = self.meter.flush()
        overall = tasks.pop(_OVERALL, {})
        update = self.progress.update
        rate = learning_rate(self.setup.config.optimizer, update - 1, self.total_updates)
        skipped = {"skipped": self.guard.skipped} if self.guard.skipped else {}
        record: dict[str, Any] = {"type": "train", "update": update, "learning_rate": rate, **overall, **skipped}
        record["tasks"] = tasks
        for regularizer in self.step.regularizers.values():
            record.update(regularizer.measure(self.student.whole()))
        self.processes.on_main(lambda: self.journal.add(record))
        self.callback.on_log(record)
        for text in self.watch.look(update, tasks):
            self.callback.on_notice(text)

    def _evaluate(self) -> None:
        setup = self.setup
        if not setup.validation:
            return
        model = self.student.whole()
        results = {
            name: evaluate_task(
                model,
                setup.tasks[name],
                split,
                setup.collate[name],
                self.config.eval_batch_size,
                setup.baselines.get(name),
                fit=True,
                processes=self.processes,
            )
            for name, split in setup.validation.items()
        }
        evaluation = Evaluation(results)
        best = self.selection.add(evaluation, self.progress.update)
        if best:
            self._save_model()
        record = {"type": "evaluation", "update": self.progress.update, "best": best, **evaluation.to_json()}
        self.processes.on_main(lambda: self.journal.add(record))
        self._write_results()
        self.callback.on_evaluation(evaluation, self.progress.update, best)

    def _checkpoint(self) -> None:
        # What all processes must take part in, before one of them writes.
        meter, random = self.meter.state_dict(), self.processes.gather(random_state(self.device))
        model, optimizer = self.student.whole(), optimizer_tensors(self.optimizer, self.student.trained)
        self.processes.on_main(lambda: self._write_checkpoint(model, optimizer, random, meter))
        self.callback.on_checkpoint(self.progress.update)

    def _write_checkpoint(
        self,
        model: MultiTaskModel,
        optimizer: dict[str, Tensor],
        random: list[dict[str, Tensor]],
        meter: list[list[Any]],
    ) -> None:
        state = {
            "epoch": self.progress.epoch,
            "batch": self.progress.batch,
            "selection": self.selection.state_dict(),
            "meter": meter,
            "skipped": self.guard.skipped,
            "watch": self.watch.state_dict(),
            "metrics_bytes": self.journal.flushed_size(),
            "rows": describe_rows(self.setup.train, self.setup.validation),
        }
        keep_model(self.folder, checkpoint_path(self.folder.checkpoints, self.progress.update))
        save_checkpoint(
            self.folder.checkpoints,
            self.progress.update,
            model,
            self.step.regularizers,
            optimizer,
            random,
            state,
        )
        best = self.selection.best["update"] if self.selection.best and self.config.keep_best else None
        delete_old_checkpoints(self.folder.checkpoints, self.config.keep_checkpoints, best)

    def _resume(self, path: Path) -> int:
        """Continue from a resume point; how many bytes of metrics.jsonl it knows of."""
        state = load_checkpoint(path, self.student, self.step.regularizers, self.optimizer, self.processes.rank)
        with resuming(path):
            self.progress = Progress(int(state["update"]), int(state["epoch"]), int(state["batch"]))
            if self.progress.batch >= len(self.sampler):  # epochs have become shorter, as the user allowed
                self.progress.epoch, self.progress.batch = self.progress.epoch + 1, 0
            self.selection.load_state(state["selection"])
            self.meter.load_state(state["meter"], self.device)
            self.guard.skipped = int(state["skipped"])
            self.watch.load_state(state["watch"])
            size = int(state["metrics_bytes"])
        self.processes.on_main(lambda: self._go_back(path))
        return size

    def _go_back(self, path: Path) -> None:
        put_newer_aside(path)
        put_model_back(self.folder, path, self.callback.on_notice)

    def _write_results(self) -> dict[str, Any]:
        best = self.selection.best or {"score": None, "tasks": {}}
        results = {
            "score": best["score"],
            "tasks": best["tasks"],
            "baselines": dict(self.setup.baselines),
            "best": self.selection.best,
            "last": self.selection.last,
        }
        self.processes.on_main(lambda: write_json(self.folder.results_file, results))
        return results

    def _write_timing(self, seconds: float) -> None:
        device = str(self.device)
        self.journal.add_timing({"update": self.progress.update, "seconds": round(seconds, 3), "device": device})

    def _facts(self) -> dict[str, Any]:
        return {
            "train_rows": {name: len(split) for name, split in self.setup.train.items()},
            "validation_rows": {name: len(split) for name, split in self.setup.validation.items()},
            "dropped": {
                f"{name} ({kind})": split.dropped
                for kind, splits in (("train", self.setup.train), ("validation", self.setup.validation))
                for name, split in splits.items()
                if split.dropped
            },
            "unscored": [name for name in self.setup.train if name not in self.setup.validation],
            "updates": self.total_updates,
            "done": self.progress.update,
            "device": str(self.device),
            "regularizers": list(self.step.regularizers),
        }


def _draw_apart(seed: int, rank: int) -> None:
    """Give each process but the first random numbers of its own, for dropout."""
    if rank:
        torch.manual_seed(int(np.random.SeedSequence([seed, rank]).generate_state(1)[0]))


def _groups(batches: Iterator[Batch], size: int) -> Iterator[tuple[Batch, ...]]:
    while group := tuple(islice(batches, size)):
        yield group


def _is_due(update: int, every: int | None, at_epoch_end: bool) -> bool:
    return at_epoch_end if every is None else update % every == 0


def _accelerator(precision: str) -> Accelerator:
    # Accelerate keeps the precision of the first Accelerator for the whole process; each run has its own.
    AcceleratorState._reset_state()
    # A batch uses one task's head of many.
    settings = DistributedDataParallelKwargs(find_unused_parameters=True)
    return Accelerator(mixed_precision="bf16" if precision == "bfloat16" else "no", kwargs_handlers=[settings])
