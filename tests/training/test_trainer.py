"""The loop: accumulation, selection, early stopping, precision, non-finite losses, tasks without a split."""

import json
import math
import multiprocessing
import os
import signal

import pytest
import torch
from safetensors.torch import load_file

import mtsmart
from mtsmart.errors import TrainingError
from mtsmart.evaluation.evaluator import Evaluation, TaskResult
from mtsmart.models import dropout
from mtsmart.runs.checkpoints import list_checkpoints
from mtsmart.training.callbacks import Callback
from mtsmart.training.selection import Selection


def train(workspace, *overrides, folder="run", callback=None):
    return mtsmart.train(workspace.experiment, overrides, output_dir=workspace.folder / folder, callback=callback)


def records(run, kind):
    lines = [json.loads(line) for line in (run.path / "metrics.jsonl").read_text().splitlines()]
    return [line for line in lines if line["type"] == kind]


def test_accumulated_batches_make_one_update_of_their_mean(workspace):
    """Two half batches are one whole batch: same gradient norm at the first update (one task, no dropout)."""
    common = ["tasks=[near]", "smart=off", "mbpp=off", "training.max_updates=1", "training.log_every=1",
              "encoder.dropout=0.0", "data.length_grouped=false"]  # fmt: skip
    whole = train(workspace, *common, "training.batch_size=44", folder="whole")
    halves = train(workspace, *common, "training.batch_size=22", "training.accumulation=2", folder="halves")
    norms = [records(run, "train")[0]["gradient_norm"] for run in (whole, halves)]
    assert norms[0] == pytest.approx(norms[1], rel=1e-5)


def test_the_last_update_of_an_epoch_takes_what_is_left(workspace):
    run = train(workspace, "training.accumulation=5", "training.log_every=1", "smart=off", "mbpp=off")
    assert [line["update"] for line in records(run, "train")] == [1, 2, 3, 4, 5, 6]  # 12 batches: 5, 5, 2


def evaluation(score):
    return Evaluation({"t": TaskResult({"accuracy": score})})


def test_selection_keeps_the_best_and_waits():
    selection = Selection(patience=2)
    assert [selection.add(evaluation(s), i) for i, s in enumerate([0.5, 0.6, 0.6, 0.4])] == [True, True, False, False]
    assert (selection.best.update, selection.last.update, selection.exhausted) == (1, 3, True)


def test_score_is_the_mean_of_main_metrics():
    tasks = {"a": TaskResult({"f1": 0.5, "accuracy": 1.0}), "b": TaskResult({"pearson": 0.9})}
    assert Evaluation(tasks).score == pytest.approx(0.7)


def test_a_score_that_the_rows_do_not_define_decides_nothing():
    undefined = TaskResult({"r2": math.nan})
    assert Evaluation({"a": TaskResult({"f1": 0.5}), "b": undefined}).score == 0.5
    assert math.isnan(Evaluation({"b": undefined}).score) and Evaluation({}).score is None
    selection = Selection(patience=1)
    assert not selection.add(Evaluation({"b": undefined}), 1) and not selection.exhausted


def test_patience_stops_early_and_the_model_is_the_best(workspace):
    """At learning rate 1 nothing gets better than the first evaluations."""
    run = train(workspace, "optimizer.learning_rate=1.0", "training.epochs=50", "training.patience=2")
    evaluations = records(run, "evaluation")
    assert len(evaluations) < 50
    best = max(evaluations, key=lambda line: (line["score"], -line["update"]))
    assert run.results["score"] == best["score"]
    assert run.load().evaluate().score == pytest.approx(best["score"], abs=1e-12)


# The first score is 0.5, and at so small a learning rate no later one is better. Nothing else is due at that update.
ENDED_BY_PATIENCE = ["tasks=[color]", "smart=off", "mbpp=off", "optimizer.learning_rate=1e-9", "training.epochs=9",
                     "training.evaluate_every=4", "training.log_every=5", "training.checkpoint_every=100"]  # fmt: skip


@pytest.mark.parametrize("patience", ["training.patience=1", "tasks.color.patience=1"])
def test_a_run_that_patience_ends_is_whole_and_a_resume_changes_nothing(workspace, cli, patience):
    """Of one task, its own patience leaves nothing to draw."""
    settings = [*ENDED_BY_PATIENCE, patience]
    done = cli("train", workspace.experiment, *settings, "-o", "run")
    assert done.code == 0 and "nothing is left" not in done.err
    run = workspace.folder / "run"
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert [(line["type"], line["update"]) for line in lines] == [
        ("evaluation", 4), ("train", 5), ("train", 8), ("evaluation", 8)
    ]  # fmt: skip
    assert [path.name for path in list_checkpoints(run / "checkpoints")] == ["update-00000008"]
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    again = cli("train", workspace.experiment, *settings, "-o", "run", "--resume")
    assert again.code == 0 and "nothing is left to train: update 8 was the last one" in again.out + again.err
    assert "training continues" not in again.out + again.err
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before


def test_bfloat16_autocast_keeps_float32_weights(workspace):
    run = train(workspace, "training.precision=bfloat16", "training.max_updates=3")
    weights = load_file(run.path / "model" / "encoder" / "model.safetensors")
    assert {tensor.dtype for tensor in weights.values()} == {torch.float32}
    plain = train(workspace, "training.max_updates=3", folder="plain")
    assert (run.path / "metrics.jsonl").read_bytes() != (plain.path / "metrics.jsonl").read_bytes()


def test_a_loss_that_is_not_finite_stops_with_the_task_named(workspace):
    class Spoil(Callback):
        def on_start(self, event):
            with torch.no_grad():
                trainer.setup.model.head("near").model.classifier.bias.fill_(float("nan"))

    from mtsmart.config import load_experiment
    from mtsmart.runs.folder import RunFolder
    from mtsmart.training.setup import prepare
    from mtsmart.training.trainer import Trainer

    (workspace.folder / "run").mkdir()
    trainer = Trainer(prepare(load_experiment(workspace.experiment)), RunFolder(workspace.folder / "run"), Spoil())
    with pytest.raises(TrainingError, match=r"the task's loss is nan at update \d: task near, batch \d of"):
        trainer.train()


def test_nothing_that_is_not_finite_becomes_a_model_or_a_resume_point(workspace):
    """Evaluation and checkpoint are due before the first log line; what they would save is refused first."""

    class Spoil(Callback):
        def on_update(self, event):
            with torch.no_grad():
                trainer.setup.model.encoder.model.embeddings.LayerNorm.bias.fill_(float("nan"))

    from mtsmart.config import load_experiment
    from mtsmart.runs.folder import RunFolder
    from mtsmart.training.setup import prepare
    from mtsmart.training.trainer import Trainer

    (workspace.folder / "run").mkdir()
    overrides = ["training.evaluate_every=2", "training.checkpoint_every=2", "training.log_every=100"]
    setup = prepare(load_experiment(workspace.experiment, overrides))
    trainer = Trainer(setup, RunFolder(workspace.folder / "run"), Spoil())
    with pytest.raises(TrainingError, match="is nan at update 2"):
        trainer.train()
    assert [path.name for path in (workspace.folder / "run").iterdir() if path.is_dir()] == []


def test_tasks_without_validation_are_trained_and_saved(workspace):
    text = (
        workspace.tasks.read_text()
        .replace(", validation: color_validation.jsonl", "")
        .replace(", validation: near_validation.jsonl", "")
    )
    workspace.tasks.write_text(text)
    run = train(workspace, "training.epochs=1")
    assert run.results["score"] is None
    assert run.load().predict("color", [{"text": "red"}])


def test_worker_processes_change_nothing(workspace):
    plain = train(workspace, "training.epochs=1", folder="plain")
    workers = train(workspace, "training.epochs=1", "data.workers=2", folder="workers")
    assert (plain.path / "metrics.jsonl").read_bytes() == (workers.path / "metrics.jsonl").read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("direction", ["ascent", "fisher"])
def test_a_compiled_encoder_trains_the_same_with_one_graph_for_all_shapes(workspace, monkeypatch, direction):
    """Without the code generator, which rounds otherwise: graphs, shapes, two passes through one graph, the teacher."""
    from torch._dynamo.utils import counters

    from mtsmart.models.encoder import Encoder

    monkeypatch.setattr(Encoder.compile_shapes, "__defaults__", ("aot_eager",))
    monkeypatch.setattr(dropout, "draw", torch.Tensor.bernoulli_)  # compiled masks are drawn by torch
    settings = ["training.epochs=1", f"smart.direction={direction}", "training.batch_size=7"]
    plain = train(workspace, *settings, folder="plain")
    torch._dynamo.reset()
    counters.clear()
    compiled = train(workspace, *settings, "training.compile=true", folder="compiled")
    assert 1 <= counters["stats"]["unique_graphs"] <= 4  # student and teacher, with and without gradients
    losses = [[line["tasks"] for line in records(run, "train")] for run in (plain, compiled)]
    for one, other in zip(*losses, strict=True):
        for task in one:
            assert one[task] == pytest.approx(other[task], rel=1e-3, abs=1e-6)
    assert compiled.load().predict("color", [{"text": "red"}])


@pytest.mark.parametrize("direction", ["ascent", "fisher"])
def test_gradient_checkpointing_trains_the_same(workspace, monkeypatch, direction):
    monkeypatch.setattr(dropout, "draw", torch.Tensor.bernoulli_)  # masks drawn twice are drawn by torch
    settings = ["training.max_updates=6", f"smart.direction={direction}"]
    plain = train(workspace, *settings, folder="plain")
    saving = train(workspace, *settings, "encoder.gradient_checkpointing=true", folder="saving")
    losses = [[line["tasks"] for line in records(run, "train")] for run in (plain, saving)]
    for one, other in zip(*losses, strict=True):
        for task in one:
            assert one[task] == pytest.approx(other[task], rel=1e-3, abs=1e-6)


def test_terms_that_are_never_due_and_rows_that_are_too_long_are_told(workspace, cli):
    overrides = ["training.max_updates=3", "smart.every=4", "tasks.color.mbpp.every=9", "data.max_tokens=5"]
    result = cli("train", workspace.experiment, *overrides, "-o", workspace.folder / "run")
    assert result.code == 0
    for key in ("smart.every=4", "tasks.color.mbpp.every=9"):
        assert f": {key}: the run has only 3 updates, so the term is never added" in result.err
    assert "rows have more tokens than data.max_tokens=5" in " ".join((result.out + result.err).split())


def test_rounds_train_each_task_in_every_update(workspace):
    """12 batches of two tasks are 6 rounds; with two rounds an update, an epoch has 3 updates."""
    common = ["mixing.strategy=rounds", "training.epochs=1", "training.log_every=1", "smart=off", "mbpp=off"]
    run = train(workspace, *common)
    logged = records(run, "train")
    assert len(logged) == 6
    assert all(set(line["tasks"]) == {"color", "near"} for line in logged)
    assert len(records(train(workspace, *common, "training.accumulation=2", folder="two"), "train")) == 3


def test_a_mixing_setting_that_the_strategy_ignores_is_told_when_training_alone(workspace, cli):
    """The stored configuration has it too, beside all defaults; commands that read it say nothing of it."""
    run = workspace.folder / "run"
    result = cli("train", workspace.experiment, "mixing.temperature=3", "training.max_updates=1", "-o", run)
    assert result.code == 0
    assert "mixing.temperature: only the strategy 'temperature' uses it" in result.err
    assert "exponent" not in result.err
    for command in (
        ["evaluate", run],
        ["finetune", run, "--task", "color", "training.max_updates=1", "-o", workspace.folder / "tuned"],
    ):
        later = cli(*command)
        assert later.code == 0
        assert "has no effect" not in later.err


def test_values_of_a_term_that_is_off_are_told(workspace, cli):
    overrides = [
        "smart=off",
        "smart.epsilon=3e-2",
        "mbpp.weight=0",
        "tasks.near.smart.weight=0",
        "tasks.near.smart.steps=2",
    ]
    result = cli("train", workspace.experiment, *overrides, "training.max_updates=1", "-o", workspace.folder / "run")
    assert result.code == 0
    for told in ("smart.epsilon=0.03", "tasks.near.smart.steps=2"):
        assert f"{told}: has no effect" in result.err
    assert "mbpp" not in result.err


def test_adamax_cosine_and_every_mixing_strategy_train(workspace):
    for strategy in ("proportional", "uniform", "temperature", "annealed", "rounds"):
        run = train(
            workspace, f"mixing.strategy={strategy}", "optimizer.name=adamax", "optimizer.schedule=cosine",
            "training.max_updates=3", folder=strategy,
        )  # fmt: skip
        assert run.results["score"] is not None


class KillWorker(Callback):
    """Ends processes that prepare batches, as the system does when the memory runs out."""

    def __init__(self, number, update, count):
        self.number = number
        self.update = update
        self.count = count

    def on_update(self, event):
        if event.update != self.update:
            return
        workers = [child for child in multiprocessing.active_children() if child.daemon]
        for worker in workers[: self.count]:
            os.kill(worker.pid, self.number)
            worker.join()


@pytest.mark.skipif(not hasattr(signal, "SIGCHLD"), reason="this system does not tell of ended processes")
@pytest.mark.parametrize(
    ("number", "update", "count"),
    [
        pytest.param(signal.SIGKILL, 1, 1, id="out of memory"),
        pytest.param(signal.SIGBUS, 1, 1, id="out of shared memory"),
        pytest.param(signal.SIGSEGV, 7, 1, id="a fault of a library, in the second epoch"),
        pytest.param(signal.SIGKILL, 3, 2, id="all"),
        pytest.param(signal.SIGTERM, 2, 1, id="asked to end"),
    ],
)
def test_a_lost_data_worker_is_one_error_with_advice(workspace, number, update, count):
    with pytest.raises(TrainingError, match=r"data.workers: a process .* ended: .*pid.*If the memory ran out.*resume"):
        callback = KillWorker(number, update, count)
        train(workspace, "data.workers=2", "training.batch_size=4", folder="killed", callback=callback)
    assert (workspace.folder / "killed" / "config.yaml").is_file()
