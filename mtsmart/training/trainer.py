"""The training loop. It knows no task type and no regulariser by name."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from mtsmart.cpu.allocator import memory_of_updates
from mtsmart.data.batch import Batch
from mtsmart.data.loader import in_groups, load_batches, lost_workers_as_errors
from mtsmart.evaluation.evaluator import Evaluation
from mtsmart.log import log_notice
from mtsmart.models.files import save_model
from mtsmart.models.multitask import MultiTaskModel
from mtsmart.models.weights import digest_of_frozen, trained
from mtsmart.processes import ALONE, Processes
from mtsmart.regularizers import Context, Regularizer, all_methods, build_regularizers
from mtsmart.runs.changes import describe_rows
from mtsmart.runs.checkpoints import add_checkpoint, go_back, resuming
from mtsmart.runs.cost import cost_record
from mtsmart.runs.folder import RunFolder
from mtsmart.runs.interrupt import Interrupt, Interrupted
from mtsmart.runs.journal import Journal
from mtsmart.runs.results import Results
from mtsmart.torch_state import draw_apart, random_state
from mtsmart.training.callbacks import (
    Callback,
    Checkpointed,
    Ended,
    Evaluated,
    Logged,
    Noticed,
    Started,
    UpdateDone,
    started,
)
from mtsmart.training.execution import Executor
from mtsmart.training.figures.guard import Guard, gradient_norm
from mtsmart.training.figures.meter import Meter
from mtsmart.training.figures.reported import measured
from mtsmart.training.figures.watch import Watch
from mtsmart.training.optim import (
    build_optimizer,
    learning_rate,
    names_of_parameters,
    optimizer_tensors,
    set_learning_rate,
    warn_if_still,
)
from mtsmart.training.resume import Progress, Resumable, ResumeState, begin, gather_tensors, restore
from mtsmart.training.selection import Candidate, Selection, best_of, candidates, score_tasks, without_scores
from mtsmart.training.setup import Setup, build_sampler
from mtsmart.training.sharding import Student
from mtsmart.training.step import TrainStep
from mtsmart.training.stopping.task_patience import TaskPatience, patience_of
from mtsmart.training.update_losses import Note, UpdateLosses
from mtsmart.weighting import WeightingContext, build_weighting

_OVERALL = ""  # the name under which the meter keeps what belongs to no task; no task has an empty name


class Trainer:
    """Trains a setup into a run's folder.

    Args:
        setup: the parts of the run.
        folder: the folder that the run is written to.
        callback: receives what happens.
        processes: the processes that train together; each has a trainer of its own.
    """

    def __init__(
        self, setup: Setup, folder: RunFolder, callback: Callback | None = None, processes: Processes = ALONE
    ) -> None:
        self.setup = setup
        self.config = setup.config.training
        self.processes = processes
        self.callback = callback if callback is not None and processes.is_main else Callback()
        self.sampler = build_sampler(setup)
        self.updates_per_epoch = math.ceil(len(self.sampler) / self.sampler.batches_per_update)
        self.total_updates = self.config.planned_updates(self.updates_per_epoch)
        warn_if_still(setup.config.optimizer, self.total_updates)
        self.device = processes.device
        self._place_model()
        self.step = TrainStep(setup.model, setup.task_types, self._build_regularizers())
        self.student = Student(setup.model)
        self._shard()
        factors = {name: setup.tasks[name].definition.learning_rate_factor or 1.0 for name in setup.model.specs}
        context = WeightingContext(list(setup.train), self.total_updates, self.updates_per_epoch, setup.task_types)
        self.weighting = build_weighting(setup.config.weighting, context).to(self.device)
        self.optimizer = build_optimizer(setup.model, setup.config.optimizer, factors, self.weighting)
        self.executor = Executor(self.step, self.device, self.config.precision, processes, self.student.is_sharded)
        figures = [figure for regularizer in self.step.regularizers.values() for figure in regularizer.figures]
        self.guard = Guard(self.optimizer, self.config.skips_non_finite, self.config.max_skipped, figures, processes)
        self.watch = Watch(self.total_updates, figures)
        self.meter = Meter(processes)
        self.selection = Selection(self.config.patience)
        self.patience = TaskPatience(patience_of(setup.tasks))
        self.progress = Progress()
        self.interrupt = Interrupt()
        self.write_into(folder)

    def _place_model(self) -> None:
        self.setup.model.to(self.device)
        if self.config.compile:
            self.setup.model.encoder.compile_shapes()

    def _build_regularizers(self) -> dict[str, Regularizer[Any]]:
        rate = partial(learning_rate, self.setup.config.optimizer, total=self.total_updates)
        context = Context(self.setup.model, self.setup.task_types, self.total_updates, rate, self.config.seed)
        return build_regularizers(self.setup.config, context)

    def _shard(self) -> None:
        """Leave each process a part of the weights, if the user wants that."""
        if self.config.shard and not self.student.shard(self.step, self.processes.count):
            self.notify("training.shard: there is only one process, which keeps all weights")

    def write_into(self, folder: RunFolder) -> None:
        """Take another folder to write the run to; to be called before training."""
        self.folder = folder
        self.journal = Journal(folder)

    def notify(self, text: str) -> None:
        """Tell the user something that stops nothing: the log and the callback get it, in the first process only."""
        if self.processes.is_main:
            log_notice(text)
        self.callback.receive(Noticed(text))

    def train(self, resume_from: Path | None = None, resumed: Callable[[], None] = lambda: None) -> Results:
        """Train to the end, or until interrupted.

        Args:
            resume_from: a resume point; the run goes on exactly as if it had never stopped.
            resumed: called in the first process once the resume point is loaded, if there is anything left to train.

        Returns:
            what results.json holds.

        Raises:
            TrainingError: loss or gradients are not finite, or a process that prepares batches was killed.
            StorageError: something cannot be written; the last resume point stays good.
            Interrupted: a signal stopped the run; a resume point has been written.
        """
        draw_apart(self.config.seed, self.processes.rank)
        with self.processes.listening():
            size = self.resume(resume_from) if resume_from is not None else self.begin()
        was_finished = self._finished
        if resume_from is not None and not was_finished:
            self.processes.on_main(resumed)
        self.processes.on_main(lambda: self.journal.start(size, self.notify))
        terms = list(self.step.regularizers)
        memory = memory_of_updates(self.device.type == "cpu", self.setup.model.encoder.recomputes)
        with self.interrupt, self.processes.listening(), memory, lost_workers_as_errors():
            self.callback.receive(self._started(terms))
            for text in self._notices():
                self.notify(text)
            start = time.perf_counter()
            try:
                self._run()
            finally:
                self.callback.receive(Ended())
        self._note_cost(time.perf_counter() - start, was_finished)
        if self.interrupt.signal is not None and not self._finished:
            raise Interrupted(self.interrupt.signal)
        if self.selection.best is None:
            self._save_model(next(iter(self._candidates().values())))
        return self._write_results()

    def _started(self, terms: Sequence[str]) -> Started:
        return started(self.setup, self.total_updates, self.progress.update, self.device, terms, self._finished)

    def _note_cost(self, seconds: float, was_finished: bool) -> None:
        """Add a line to timing.jsonl, unless nothing was left to train and an earlier line tells of that."""
        cost = cost_record(self.progress.update, self._finished, seconds, self.device)
        if not (was_finished and self.processes.on_main(self.journal.tells_of_end)):
            self.processes.on_main(lambda: self.journal.add_timing(cost))

    def _notices(self) -> list[str]:
        parameters = list(trained(self.setup.model).values())
        gradients = self.weighting.notices(parameters, self.sampler.batches_per_update)
        over = [f"nothing is left to train: update {self.progress.update:,} was the last one"] if self._finished else []
        return [*self.sampler.overlong(), *without_scores(self._candidates(), self.setup.validation), *gradients, *over]

    @property
    def _finished(self) -> bool:
        nothing_left = self.sampler.length(self.progress.epoch) == 0
        return self.progress.update >= self.total_updates or self.selection.exhausted or nothing_left

    def _run(self) -> None:
        while not self._finished:
            drawn_before = len(self.sampler.stopped)
            for batches in self.updates():
                self.update(batches)
                self._after_update(at_epoch_end=self.advance(len(batches)))
                self.interrupt.signal = self.processes.highest(self.interrupt.signal or 0) or None
                if self._finished or self.interrupt.signal is not None or len(self.sampler.stopped) > drawn_before:
                    break
            if self.interrupt.signal is not None:
                self._checkpoint()
                return
        self.step.reported.warn_of_missing()

    def updates(self) -> Iterator[tuple[Batch, ...]]:
        """The rest of the present epoch: the batches of each update."""
        plan = self.sampler.plan(self.progress.epoch)[self.progress.batch :]
        splits, collate = self.setup.sources_of_batches(self.processes)
        on_gpu = self.device.type == "cuda"
        loaded = load_batches(plan, splits, collate, self.setup.config.data.workers, on_gpu)
        return in_groups((batch.to(self.device) for batch in loaded), self.sampler.batches_per_update)

    def update(self, batches: tuple[Batch, ...]) -> None:
        """One optimizer update: batches, losses, one gradient, clipping, step; then the regularisers are notified."""
        self.executor.train()
        rate = learning_rate(self.setup.config.optimizer, self.progress.update, self.total_updates)
        set_learning_rate(self.optimizer, rate)
        self._differentiate(batches, self._note)
        for regularizer in self.step.regularizers.values():
            regularizer.before_step(self.setup.model, partial(self._differentiate_again, batches))
        norm = gradient_norm(self.setup.model.parameters(), self.config.max_grad_norm)
        self.meter.add(_OVERALL, {"gradient_norm": norm.detach()})
        self.guard.apply(self.progress.update + 1, norm)
        self.optimizer.zero_grad(set_to_none=True)
        for regularizer in self.step.regularizers.values():
            regularizer.after_step(self.setup.model)
        self.student.has_moved()
        methods = self.step.regularizers.values()
        all_methods.after_update(methods, self.setup.model, self.student.whole, self.progress.update + 1)
        self.callback.receive(UpdateDone(self.progress.update + 1, sum(batch.whole_size for batch in batches)))

    def _differentiate(self, batches: tuple[Batch, ...], note: Note | None) -> None:
        """Leave the gradient of an update in the parameters."""
        losses = UpdateLosses(batches, self.executor, self.weighting, self.setup.model, self.processes, note)
        with all_methods.differentiating(self.step.regularizers.values(), self.setup.model):
            losses.combine()

    def begin(self) -> int:
        """Begin a new run, before its first update; how many bytes metrics.jsonl has then."""
        self.executor.train()
        begin(self.student, self.step.regularizers.values(), lambda: map(self._differentiate_again, self.updates()))
        self.optimizer.zero_grad(set_to_none=True)
        return 0

    def _differentiate_again(self, batches: tuple[Batch, ...]) -> None:
        """Put the gradient with the present weights in the place of the one that is there."""
        self.optimizer.zero_grad(set_to_none=True)
        self._differentiate(batches, note=None)

    def _note(self, number: int, batch: Batch, figures: Mapping[str, Tensor]) -> None:
        self.meter.add(batch.task, figures)
        self.guard.see(self.progress.batch + number, batch, figures)

    def advance(self, batches: int) -> bool:
        """Count an update of so many batches; whether it was the epoch's last."""
        return self.progress.advance(batches, self.sampler.length(self.progress.epoch))

    def _after_update(self, at_epoch_end: bool) -> None:
        update = self.progress.update
        last = update >= self.total_updates
        log = update % self.config.log_every == 0 or last
        evaluate = self.progress.is_due(self.config.evaluate_every, at_epoch_end) or last
        checkpoint = self.progress.is_due(self.config.checkpoint_every, at_epoch_end) or last
        if log or evaluate or checkpoint or self.guard.is_due:
            for text in self.guard.check():
                self.notify(text)
        if evaluate or checkpoint:
            self.guard.check_weights(update, self.setup.model.parameters())
        if log:
            self._log()
        if evaluate:
            self._evaluate(is_logged=log)
        if checkpoint or self._finished:  # Patience may have run out.
            self._checkpoint()

    def _log(self) -> None:
        tasks = self.meter.flush()
        overall = tasks.pop(_OVERALL, {})
        update = self.progress.update
        measures = measured(self.step.regularizers.values(), self.student.whole(), self.weighting)
        rate = learning_rate(self.setup.config.optimizer, update - 1, self.total_updates)
        event = Logged(update, rate, overall, tasks, measures, self.guard.skipped)
        self.processes.on_main(lambda: self.journal.add(event.to_json()))
        self.callback.receive(event)
        for text in self.watch.look(update, tasks):
            self.notify(text)

    def _evaluate(self, is_logged: bool) -> None:
        all_methods.before_evaluation(self.step.regularizers.values(), self.student.whole())
        if not self.setup.scored:
            return
        chosen = self._stop_tasks(best_of(self._candidates(), self.setup.task_types, self._scores))
        best = self.selection.add(chosen.evaluation, self.progress.update)
        if self._finished and not is_logged:  # Of one update, the line of training stands before the evaluation.
            self._log()
        if best:
            self._save_model(chosen.model)
        event = Evaluated(chosen.evaluation, self.progress.update, best, chosen.name)
        self.processes.on_main(lambda: self.journal.add(event.to_json()))
        self._write_results()
        self.callback.receive(event)

    def _candidates(self) -> dict[str, MultiTaskModel]:
        return candidates(self.student.whole(), self.step.regularizers.values())

    def _scores(self, model: MultiTaskModel, names: Iterable[str] | None = None) -> Evaluation:
        tasks = [self.setup.tasks[name] for name in (self.setup.scored if names is None else names)]
        return score_tasks(model, tasks, self.config.eval_batch_size, self.processes)

    def _stop_tasks(self, chosen: Candidate) -> Candidate:
        """Draw the tasks no longer whose patience has run out; the evaluation with the scores of their kept heads."""
        methods = self.step.regularizers.values()
        found = self.patience.look(chosen, self.progress.update, self.student, methods, self._scores)
        if new := self.patience.stopped.keys() - self.sampler.stopped:
            self.progress.batch = self.sampler.stop(new, self.progress.epoch, self.progress.batch)
            self.progress.end_epoch_if_over(self.sampler.length(self.progress.epoch))
        for task in sorted(new):
            self.notify(self.patience.stopped[task].told(task))
        return found

    def _save_model(self, model: MultiTaskModel) -> None:
        decoding = {name: task.decoding for name, task in self.setup.task_types.items() if task.decoding}
        self.processes.on_main(
            lambda: save_model(self.folder.claimed_model(), model, self.setup.tokenizer, decoding, self.folder.scratch)
        )

    def _write_results(self) -> Results:
        setup = self.setup
        scores = (self.selection.best, self.selection.last, setup.baselines)
        results = Results(*scores, setup.untrained, self.patience.told(), setup.extensions, setup.automatic_heads)
        self.processes.on_main(lambda: self.folder.store_results(results))
        return results

    def _checkpoint(self) -> None:
        # All processes must take part in these before the first one writes.
        meter = self.meter.state_dict()
        random = self.processes.gather(random_state(self.device))
        model = self.student.whole()
        optimizer = optimizer_tensors(self.optimizer, self._named)

        def write() -> None:
            groups = gather_tensors(model, optimizer, random, self.step.regularizers, self.weighting, self.patience)
            state = self._resume_state(meter).to_json()
            best = self.selection.best.update if self.selection.best and self.config.keep_best else None
            add_checkpoint(self.folder, self.progress.update, groups, state, self.config.keep_checkpoints, best)

        self.processes.on_main(write)
        self.callback.receive(Checkpointed(self.progress.update))

    def _resume_state(self, meter: list[list[object]]) -> ResumeState:
        return ResumeState(
            update=self.progress.update,
            epoch=self.progress.epoch,
            batch=self.progress.batch,
            selection=self.selection.state_dict(),
            meter=meter,
            skipped=self.guard.skipped,
            watch=self.watch.state_dict(),
            metrics_bytes=self.journal.flushed_size(),
            rows=describe_rows(self.setup.train, self.setup.validation),
            regularizers=all_methods.states(self.step.regularizers),
            frozen=self._frozen,
            learnt=self.setup.learnt,
            task_patience=self.patience.state_dict(),
        )

    @cached_property
    def _frozen(self) -> str | None:
        """The digest of the frozen parameters. It is computed once, because training does not change them."""
        return digest_of_frozen(self.student.whole())

    def resume(self, point: Path) -> int:
        """Continue from a resume point; how many bytes metrics.jsonl had then."""
        parts = Resumable(
            self.student, self.step.regularizers, self.weighting, self.optimizer, self._named, self.patience
        )
        state = restore(point, parts, self.processes.rank)
        with resuming(point):
            self.progress = state.progress
            # Epochs may be shorter now, if the user has allowed the change.
            self.sampler.stopped = set(self.patience.stopped)
            self.progress.end_epoch_if_over(self.sampler.length(self.progress.epoch))
            self.selection.load_state(state.selection)
            self.meter.load_state([list(line) for line in state.meter], self.device)
            self.guard.skipped = state.skipped
            self.watch.load_state(state.watch)
            self.setup.use_again(state.learnt)
        self.processes.on_main(lambda: go_back(self.folder, point, self.notify))
        return state.metrics_bytes

    @property
    def _named(self) -> dict[str, nn.Parameter]:
        return names_of_parameters(self.student.trained, self.weighting)
