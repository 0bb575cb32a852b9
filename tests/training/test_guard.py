"""Losses and gradients that are not finite: never applied, named with task, term and rows, skipped within a budget."""

import json

import pytest
import torch

import mtsmart
from mtsmart.config import load_experiment
from mtsmart.config.regularizers import REGULARIZERS
from mtsmart.data.batch import Batch
from mtsmart.errors import TrainingError
from mtsmart.runs.checkpoints import list_checkpoints
from mtsmart.runs.folder import RunFolder
from mtsmart.training.callbacks import Callback
from mtsmart.training.figures.guard import Guard, gradient_norm
from mtsmart.training.figures.watch import Watch
from mtsmart.training.setup import prepare
from mtsmart.training.trainer import Trainer

NAN, INF = float("nan"), float("inf")


class Notices(Callback):
    def __init__(self):
        self.texts = []

    def on_notice(self, event):
        self.texts.append(event.text)


def trainer_of(workspace, *overrides):
    (workspace.folder / "run").mkdir(exist_ok=True)
    notices = Notices()
    return Trainer(
        prepare(load_experiment(workspace.experiment, overrides)), RunFolder(workspace.folder / "run"), notices
    )


def spoil(trainer, updates, part, monkeypatch):
    """Make a part of the objective NaN in the given updates (from 0)."""
    inner = trainer.step.forward

    def forward(batch, scale=1.0):
        loss, figures = inner(batch, scale)
        if trainer.progress.update not in updates:
            return loss, figures
        if part == "gradients":  # a term whose value is 0 and whose slope is not finite
            weight = next(trainer.setup.model.parameters())
            return loss + (weight.sum() * 0).sqrt(), figures
        return loss * NAN, {**figures, part: figures[part] * NAN}

    monkeypatch.setattr(trainer.step, "forward", forward)


@pytest.mark.parametrize(
    ("part", "told"),
    [
        (
            "loss",
            r"the task's loss is nan at update 3: task (color|near), batch 3 of the epoch, rows \d+, ",
        ),
        ("R", r"SMART's term is nan at update 3: task (color|near), batch 3"),
        ("D", r"MBPP's term is nan at update 3: task (color|near), batch 3"),
        ("gradients", r"the gradients are not finite at update 3 \(each term is\): task (color|near), batch 3"),
    ],
)
def test_the_term_the_task_and_the_rows_are_named(workspace, monkeypatch, part, told):
    trainer = trainer_of(workspace, "training.log_every=100")
    spoil(trainer, {2}, part, monkeypatch)
    with pytest.raises(TrainingError, match=told) as caught:
        trainer.train()
    batch = trainer.sampler.plan(0)[2]
    split = trainer.setup.train[batch.task]
    rows = ", ".join(str(split.rows[row]["row"] + 1) for row in batch.rows)
    assert f"task {batch.task}, batch 3 of the epoch, rows {rows} of its training data" in str(caught.value)


def test_a_stop_leaves_the_weights_of_before(workspace, monkeypatch):
    reference = trainer_of(workspace, "training.max_updates=12")
    spoil(reference, {2}, "loss", monkeypatch)
    before = {}

    def remember(event):
        if event.update == 2:
            before.update({name: tensor.clone() for name, tensor in reference.setup.model.state_dict().items()})

    monkeypatch.setattr(reference.callback, "on_update", remember)
    with pytest.raises(TrainingError):
        reference.train()
    after = reference.setup.model.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)


@pytest.mark.parametrize("optimizer", ["adamw", "adamax"])
@pytest.mark.parametrize("part", ["loss", "R", "gradients"])
def test_skipped_updates_change_no_weight_and_training_goes_on(workspace, monkeypatch, optimizer, part):
    trainer = trainer_of(workspace, "training.non_finite=skip", f"optimizer.name={optimizer}", "training.max_updates=8")
    spoil(trainer, {2, 5}, part, monkeypatch)
    weights = []

    def remember(event):
        weights.append(torch.cat([p.detach().flatten() for p in trainer.setup.model.parameters()]).clone())

    monkeypatch.setattr(trainer.callback, "on_update", remember)
    trainer.train()
    assert [bool(torch.equal(weights[i], weights[i - 1])) for i in range(1, 7)] == [
        False,
        True,
        False,
        False,
        True,
        False,
    ]
    assert len(trainer.callback.texts) == 2 and "skipped (2 of at most 10)" in trainer.callback.texts[1]
    lines = [json.loads(line) for line in (workspace.folder / "run" / "metrics.jsonl").read_text().splitlines()]
    assert [line["skipped"] for line in lines if line["type"] == "train"][-1] == 2
    assert "NaN" not in (workspace.folder / "run" / "metrics.jsonl").read_text().replace('"gradient_norm": NaN', "")


def test_the_budget_ends_the_run(workspace, monkeypatch):
    trainer = trainer_of(workspace, "training.non_finite=skip", "training.max_skipped=2")
    spoil(trainer, {1, 2, 3}, "loss", monkeypatch)
    with pytest.raises(TrainingError, match=r"update 4: .*more than training\.max_skipped=2 such updates"):
        trainer.train()


def test_what_was_skipped_counts_after_a_resume(workspace, monkeypatch):
    overrides = ["training.non_finite=skip", "training.max_skipped=1", "training.checkpoint_every=3"]
    overrides.append("training.keep_checkpoints=99")
    trainer = trainer_of(workspace, *overrides)
    spoil(trainer, {1}, "loss", monkeypatch)
    trainer.train()
    again = trainer_of(workspace, *overrides)
    spoil(again, {20}, "loss", monkeypatch)
    with pytest.raises(TrainingError, match="more than"):
        again.train(list_checkpoints(workspace.folder / "run" / "checkpoints")[0])


def test_from_the_command_line_it_is_one_message(workspace, cli):
    result = cli("train", workspace.experiment, "optimizer.learning_rate=1e30", "-o", workspace.folder / "run")
    assert result.code == 2
    assert result.err.count("\n") == 1 and " at update " in result.err and "training.non_finite=skip" in result.err


@pytest.mark.parametrize("bad", [NAN, INF, -INF])
def test_the_guard_without_a_sync_is_the_guard_with_one(bad):
    """The fused optimizer, told by a tensor, and the other one, told by a branch, skip the same updates."""
    final = []
    for fused in (True, False):
        weight = torch.nn.Parameter(torch.ones(3))
        optimizer = torch.optim.AdamW([weight], lr=0.1, fused=fused)
        guard = Guard(optimizer, skip=True, budget=5)
        for update, gradient in enumerate([1.0, bad, 2.0], start=1):
            weight.grad = torch.full((3,), gradient)
            guard.see(0, Batch("t", {}, rows=[0]), {"loss": torch.tensor(1.0)})
            guard.apply(update, gradient_norm([weight], 1.0))
        assert len(guard.check()) == 1
        final.append(weight.detach().clone())
    assert torch.allclose(final[0], final[1], atol=1e-7)
    assert torch.isfinite(final[0]).all()


@pytest.mark.parametrize("limit", [None, 0.5, 100.0])
def test_the_gradient_norm_is_torchs(limit):
    torch.manual_seed(0)
    parameters = [torch.nn.Parameter(torch.zeros(4, 3)), torch.nn.Parameter(torch.zeros(5))]
    theirs = [torch.nn.Parameter(torch.zeros_like(p)) for p in parameters]
    for p, q in zip(parameters, theirs, strict=True):
        p.grad = torch.randn_like(p)
        q.grad = p.grad.clone()
    norm = gradient_norm([*parameters, torch.nn.Parameter(torch.zeros(2))], limit)
    expected = torch.nn.utils.clip_grad_norm_(theirs, INF if limit is None else limit)
    assert torch.equal(norm, expected)
    assert all(torch.equal(p.grad, q.grad) for p, q in zip(parameters, theirs, strict=True))


def lines(*losses, name="loss"):
    return [{"t": {"loss": 1.0, name: loss}} for loss in losses]


def said(watch, records, start=100):
    return [text for number, record in enumerate(records) for text in watch.look(start + number, record)]


def test_a_flat_loss_is_told_once():
    (text,) = said(Watch(200), lines(*[0.693, 0.694] * 30))
    assert text.startswith("the loss of task t stays flat (0.694 at first")


@pytest.mark.parametrize("losses", [[1 - i / 40 for i in range(30)], [0.7] * 9, [0.7, 0.69, *[0.6] * 20]])
def test_a_loss_that_falls_or_has_few_lines_is_not_flat(losses):
    assert said(Watch(200), lines(*losses)) == []


def test_a_flat_loss_is_not_told_before_half_of_training():
    assert said(Watch(100_000), lines(*[0.7] * 30)) == []
    assert said(Watch(610), lines(*[0.7] * 30)) == []


ALARMED = [figure for figure in REGULARIZERS.figures() if figure.alarm is not None]
TERMS = [figure for figure in REGULARIZERS.figures() if figure.is_term]


@pytest.mark.parametrize("figure", ALARMED, ids=lambda figure: figure.name)
def test_a_term_that_jumps_is_told_once_with_advice(figure):
    least = figure.alarm.least
    values = [each * least for each in (0.1, 0.2, 0.1, 0.15, 5.0, 6.0, 9.0)]
    (text,) = said(Watch(10**6, [figure]), lines(*values, name=figure.name))
    assert text.startswith(f"{figure.what} of task t has jumped to {5.0 * least:.3g}")
    assert text.endswith(figure.alarm.advice)


@pytest.mark.parametrize("values", [[0.001, 0.001, 0.001, 0.5], [3.0, 4.0, 5.0, 20.0, 30.0], [9.0, 0.1]])
def test_a_term_that_grows_slowly_or_is_small_is_not_told(values):
    assert said(Watch(10**6, ALARMED), lines(*values, name="D")) == []


@pytest.mark.parametrize("unit", [1e-4, 1.0, 1e4])
@pytest.mark.parametrize(("share", "is_told"), [(2e-5, True), (5e-4, False)])
def test_a_term_that_does_nothing_is_told_once_in_whatever_unit_the_labels_are(unit, share, is_told):
    records = [{"t": {"loss": unit * (1 - 0.01 * number), "R": share * unit}} for number in range(40)]
    texts = said(Watch(200, REGULARIZERS.figures()), records)
    assert len(texts) == is_told
    assert all(text.startswith("SMART's term of task t stays at") for text in texts)


@pytest.mark.parametrize("figure", TERMS, ids=lambda figure: figure.name)
def test_a_term_that_is_not_finite_is_named(figure):
    """Every regulariser's term, and not "the gradients"."""
    weight = torch.nn.Parameter(torch.ones(1))
    guard = Guard(torch.optim.SGD([weight], lr=0.1), skip=False, budget=0, figures=TERMS)
    figures = {"loss": torch.tensor(1.0), figure.name: torch.tensor(float("inf"))}
    guard.see(0, Batch("t", {}, rows=[4]), figures)
    guard.apply(1, torch.tensor(float("nan")))
    with pytest.raises(TrainingError, match=f"^{figure.what} is inf at update 1: task t, batch 1 .* rows 5 "):
        guard.check()


def test_the_watch_remembers_no_more_of_a_long_run_than_of_a_short_one():
    watch = Watch(10**6)
    said(watch, lines(*[0.7 - number / 10**5 for number in range(3000)]))
    kept = watch.state_dict()["lines"]["t"]["loss"]
    assert len(kept) < 250 and kept[:2] == [0.7, 0.7 - 1 / 10**5] and kept[-1] == 0.7 - 2999 / 10**5


def test_the_watch_goes_on_after_a_resume():
    first, second = Watch(200), Watch(200)
    records = lines(*[0.7] * 40)
    assert len(said(first, records[:20])) == 1
    second.load_state(json.loads(json.dumps(first.state_dict())))
    assert said(second, records[20:], 120) == []


def test_a_run_that_learns_nothing_says_so(workspace):
    notices = Notices()
    settings = ["optimizer.learning_rate=1e-12", "training.epochs=12", "training.log_every=2", "encoder.dropout=0"]
    settings.append("training.batch_size=44")  # all rows of a task, so that no batch is easier than another
    mtsmart.train(workspace.experiment, settings, output_dir=workspace.folder / "run", callback=notices)
    assert sorted(text.split(" stays")[0] for text in notices.texts) == [
        "the loss of task color",
        "the loss of task near",
    ]


def test_weights_that_finite_gradients_have_spoilt_are_neither_scored_nor_kept(workspace):
    overrides = ["training.max_updates=2", "optimizer.learning_rate=1e300"]
    with pytest.raises(TrainingError, match="the weights are no longer finite after update 2"):
        mtsmart.train(workspace.experiment, overrides, output_dir=workspace.folder / "spoilt")
    assert not (workspace.folder / "spoilt" / "model").exists()
    assert not list_checkpoints(workspace.folder / "spoilt" / "checkpoints")


def test_a_score_that_is_no_number_is_never_the_best():
    from mtsmart.evaluation.evaluator import Evaluation, TaskResult
    from mtsmart.training.selection import Selection

    selection = Selection(None)
    best = [selection.add(Evaluation({"t": TaskResult({"m": score})}), 1) for score in (NAN, 0.2, NAN, 0.3, 0.1)]
    assert best == [False, True, False, True, False] and selection.best.score == 0.3
