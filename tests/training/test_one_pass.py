"""Tasks that read the same texts: one batch and one pass of the encoder for all of them, with the gradient of each."""

import json
import shutil

import pytest
import torch

import mtsmart
from mtsmart.config import load_experiment
from mtsmart.data.joined.batch import JoinedBatch
from mtsmart.data.loader import load_batches
from mtsmart.errors import ConfigError, MtsmartWarning
from mtsmart.regularizers import REGULARIZERS, MethodSettings, MethodText, Preset, Regularizer, Term
from mtsmart.regularizers.shared.joins import Joins
from mtsmart.runs.checkpoints import list_checkpoints
from mtsmart.runs.folder import RunFolder
from mtsmart.training.setup import prepare
from mtsmart.training.trainer import Trainer
from tests.conftest import sentences, write_jsonl
from tests.distributed.test_launch import by_forks, distance, launch  # noqa: F401 (a fixture)
from tests.training.test_resume import assert_same_run
from tests.two_layers import tiny_encoder, trained_workspace  # noqa: F401 (fixtures)

TASKS = """
kind: {task_type: classification, dataset: &files {files: {train: rows.jsonl, validation: rows.jsonl}}, text: [text],
  label: kind, labels: [a, b, c], missing: drop}
size: {task_type: regression, dataset: *files, text: [text], label: size, missing: drop, options: {standardize: false}}
topics: {task_type: multi_label, dataset: *files, text: [text], label: topics, labels: [x, y], missing: drop}
"""
EXPERIMENT = """
name: joined
task_files: [tasks.yaml]
tasks: [kind, size, topics]
encoder: {path: %s, dropout: 0.0}
mixing: {one_pass: true}
optimizer: {learning_rate: 1e-3, eps: 1e-4}
training: {epochs: 2, batch_size: 8, log_every: 2, evaluate_every: 5, checkpoint_every: 4, keep_checkpoints: 99}
"""


def rows(lacking=()):
    """Rows with three labels; every third row lacks the labels named."""
    made = [
        {"text": text, "kind": "abc"[i % 3], "size": i / 10, "topics": ["x"] if "red" in text else []}
        for i, text in enumerate(sentences(40))
    ]
    for row in made[::3]:
        row.update(dict.fromkeys(lacking))
    return made


@pytest.fixture
def experiment(tmp_path, tiny_encoder, monkeypatch):  # noqa: F811
    """A function that writes the experiment; its rows may lack labels."""
    monkeypatch.chdir(tmp_path)

    def write(lacking=()):
        write_jsonl(tmp_path / "rows.jsonl", rows(lacking))
        (tmp_path / "tasks.yaml").write_text(TASKS)
        (tmp_path / "e.yaml").write_text(EXPERIMENT % tiny_encoder)
        return tmp_path / "e.yaml"

    return write


def trainer_of(file, tmp_path, *settings):
    setup = prepare(load_experiment(file, list(settings)))
    return Trainer(setup, RunFolder(tmp_path / "run"))


def first_batch(trainer):
    """The first batch of an epoch."""
    (batch,) = load_batches(trainer.sampler.plan(0)[:1], *trainer.setup.sources_of_batches())
    return batch


class RateSettings(MethodSettings):
    """Its factor has another name than most."""

    switch = "rate"
    rate: float


class LossAgain(Joins, Regularizer[RateSettings]):
    """Adds the loss of the clean pass once more."""

    Settings = RateSettings
    per_task = True
    presets = (Preset("on", RateSettings(rate=2.0), "these tests"),)
    text = MethodText(title="Toy", formula="f", paper="none", cost="none", use="tests", evidence="none")

    def joined_terms(self, joined):
        return [Term(member.loss, {}) for member in joined.members]


def test_a_joined_term_has_the_factor_that_its_settings_name(experiment, tmp_path):
    with REGULARIZERS.lending({"again": LossAgain}):
        trainer = trainer_of(experiment(), tmp_path, "again=on", "smart=off", "mbpp=off", "tasks.size.again=off")
        losses = [(float(loss), float(figures["loss"])) for loss, figures in trainer.step(first_batch(trainer))]
    assert [total / plain for total, plain in losses] == pytest.approx([3, 1, 3])


def gradients(trainer, losses):
    model = trainer.setup.model
    model.zero_grad()
    torch.stack(losses).sum().backward()
    return {name: one.grad.clone() for name, one in model.named_parameters() if one.grad is not None}


@pytest.mark.parametrize("lacking", [(), ("size",), ("kind", "size")], ids=["all labels", "some lack one", "or two"])
def test_the_gradient_is_the_sum_of_the_separate_batches(experiment, tmp_path, lacking):
    trainer = trainer_of(experiment(lacking), tmp_path, "smart=off", "mbpp=off")
    trainer.step.double()
    batch = first_batch(trainer)
    assert isinstance(batch, JoinedBatch) and [member.task for member in batch.members] == ["kind", "size", "topics"]
    for member in batch.members:
        if "labels" in member.targets and member.targets["labels"].is_floating_point():
            member.targets["labels"] = member.targets["labels"].double()
    together = trainer.step(batch)
    alone = [trainer.step(member) for member in batch.members]
    for (loss, figures), (other, others) in zip(together, alone, strict=True):
        assert float(loss.detach()) == pytest.approx(float(other.detach()), abs=1e-9)
        assert figures.keys() == others.keys()
    ours = gradients(trainer, [loss for loss, _ in trainer.step(batch)])
    theirs = gradients(trainer, [trainer.step(member)[0] for member in batch.members])
    assert ours.keys() == theirs.keys()
    for name, gradient in ours.items():
        torch.testing.assert_close(gradient, theirs[name], atol=1e-9, rtol=1e-6)


def test_an_update_reads_each_text_once(experiment, tmp_path):
    trainer = trainer_of(experiment(), tmp_path, "smart=off", "mbpp=off")
    read = []
    hook = trainer.setup.model.encoder.register_forward_hook(
        lambda module, inputs, output: read.append(inputs[0].shape[0])
    )
    trainer.step(first_batch(trainer))
    hook.remove()
    assert read == [8]
    assert len(trainer.sampler) == 5  # 40 rows in batches of 8, not three times as many


def test_rows_of_files_of_their_own_are_found_and_others_stay_alone(experiment, tmp_path):
    """Tasks that read the same texts need not read the same file, nor the same rows of it."""
    file = experiment()
    write_jsonl(tmp_path / "more.jsonl", [*rows()[10:], {"text": rows()[30]["text"], "size": 1.0}])
    write_jsonl(tmp_path / "other.jsonl", [{"text": f"{text} big", "kind": "a"} for text in sentences(9)])
    text = TASKS.replace(
        "size: {task_type: regression, dataset: *files", "size: {task_type: regression, dataset: {files: more.jsonl}"
    )
    text = text.replace("dataset: {files: more.jsonl}", "dataset: {files: {train: more.jsonl}}")
    (tmp_path / "tasks.yaml").write_text(
        text + "alone: {task_type: classification, dataset: {files: {train: other.jsonl}}, text: [text],\n"
        "  label: kind, labels: [a, b]}\n"
    )
    trainer = trainer_of(file, tmp_path, "tasks.alone={}")
    (joined,) = trainer.setup.joined
    assert joined.tasks == ("kind", "size", "topics") and len(joined.lengths) == 41
    assert [int(place) for place in joined.table["size"][:12]] == [-1] * 10 + [0, 1]
    assert int(joined.table["kind"][40]) == -1 and int(joined.table["size"][40]) == 30
    assert set(trainer.setup.drawn) == {"kind+size+topics", "alone"}


def test_without_equal_texts_it_is_told_that_nothing_is_shared(workspace):
    with pytest.warns(MtsmartWarning, match="one_pass=true: no two tasks"):
        prepare(load_experiment(workspace.experiment, ["mixing.one_pass=true"]))
    with pytest.raises(ConfigError, match="does not go with the strategy 'weights'"):
        load_experiment(
            workspace.experiment, ["mixing={one_pass: true, strategy: weights, weights: {color: 1, near: 1}}"]
        )


def test_gradients_that_a_weighting_could_not_tell_apart_are_refused(experiment):
    file = experiment(("size",))
    settings = ["mixing.strategy=rounds", "smart=off", "mbpp=off", "weighting=pcgrad", "free_lb=paper"]
    with pytest.raises(ConfigError, match=r"free_lb: does not go with weighting=pcgrad and mixing.one_pass=true"):
        prepare(load_experiment(file, settings))
    for other in ("weighting=mean", "free_lb=off", "mixing.one_pass=false"):
        prepare(load_experiment(file, [*settings, other]))
    with pytest.raises(ConfigError, match=r"tasks\.size\.free_lb: does not go with weighting=pcgrad"):
        prepare(load_experiment(file, [*settings, "free_lb=off", "tasks.size.free_lb=paper"]))


ASCENT = "smart={preset: paper, shared: true, epsilon: 1e-2, noise: 1e-2}"
TERMS = [
    pytest.param(["smart=tuned", "mbpp=tuned"], id="each its own perturbation", marks=pytest.mark.slow),
    pytest.param(["smart={preset: tuned, shared: true}", "mbpp=tuned", "smart.every=2"], id="one perturbation"),
    pytest.param([ASCENT, "r_drop=paper"], id="ascent, one perturbation", marks=pytest.mark.slow),
]


@pytest.mark.parametrize("terms", TERMS)
def test_a_stopped_run_goes_on_to_the_bit(experiment, tmp_path, terms):
    file = experiment(("size",))
    settings = [*terms, "encoder.dropout=0.1"]
    whole = mtsmart.train(file, settings, output_dir=tmp_path / "whole").path
    cut = shutil.copytree(whole, tmp_path / "cut")
    points = list_checkpoints(cut / "checkpoints")
    assert [point.name for point in points] == ["update-00000004", "update-00000008", "update-00000010"]
    for point in points[1:]:
        shutil.rmtree(point)
    mtsmart.train(file, settings, output_dir=cut, resume=True)
    assert_same_run(whole, cut, terms=sorted({text.partition("=")[0].partition(".")[0] for text in terms}))
    lines = [json.loads(line) for line in (whole / "metrics.jsonl").read_text().splitlines()]
    logged = [line["tasks"] for line in lines if line["type"] == "train"]
    assert all(set(tasks) == {"kind", "size", "topics"} for tasks in logged)


# In the l2 norm, because the signs of linf turn where a gradient is rounding alone.
_SMOOTH = "smart={preset: tuned, shared: true, norm: l2, epsilon: 1.0, noise: 0.01, direction: %s}"


@pytest.mark.parametrize("direction", ["ascent", "predicted", "fisher"])
@pytest.mark.slow
def test_two_processes_compute_what_one_does(experiment, launch, workspace, tmp_path, direction):  # noqa: F811
    workspace.write_experiment(experiment(("size",)).read_text())
    found = [
        launch(f"run{count}", count, [_SMOOTH % direction, "r_drop=paper", "mbpp=tuned"], by=by_forks)
        for count in (1, 2)
    ]
    assert [one.code for one in found] == [0, 0], found[0].text + found[1].text
    one, two = found
    assert distance(one.tensors("gradients"), two.tensors("gradients")) < 1e-6
    assert distance(one.tensors("weights"), two.tensors("weights")) < 1e-5


def test_a_shared_perturbation_of_one_task_is_its_own(experiment, tmp_path):
    """With one task left, the sum of the directions is that of the task."""
    shared = "smart={preset: tuned, shared: true}"
    trainer = trainer_of(experiment(), tmp_path, shared, "tasks.size.smart=off", "tasks.topics.smart=off")
    batch = first_batch(trainer)
    objectives = trainer.step(batch)
    own, figures = trainer.step(batch.members[0])
    assert float(objectives[0][1]["R"]) == pytest.approx(float(figures["R"]), rel=1e-5)
    assert float(objectives[0][0].detach()) == pytest.approx(float(own.detach()), rel=1e-5)
    assert "R" not in objectives[1][1] and "R" not in objectives[2][1]


def test_a_shared_perturbation_has_the_settings_of_a_task_that_is_perturbed(experiment, tmp_path):
    """The first task is off, and its own settings would be those of the preset."""
    settings = ["smart={preset: tuned, shared: true, epsilon: 0.05}", "tasks.kind.smart=off", "tasks.topics.smart=off"]
    trainer = trainer_of(experiment(), tmp_path, *settings)
    batch = first_batch(trainer)
    found = trainer.step(batch)
    _, figures = trainer.step(batch.members[1])
    assert float(found[1][1]["R"]) == pytest.approx(float(figures["R"]), rel=1e-5)
    assert "R" not in found[0][1] and "R" not in found[2][1]


_SHARED = "smart={preset: tuned, shared: true}"


@pytest.mark.parametrize(
    ("settings", "task", "key", "ours", "theirs"),
    [
        (["tasks.size.smart.epsilon=0.05"], "size", "epsilon", "0.01", "0.05"),
        (["tasks.kind.smart.epsilon=0.05"], "kind", "epsilon", "0.01", "0.05"),
        (["tasks.kind.smart=off", "tasks.topics.smart.norm=l2"], "topics", "norm", "'linf'", "'l2'"),
        (["tasks.topics.smart.dropout=off"], "topics", "dropout", "'shared'", "'off'"),
    ],
)
def test_tasks_that_share_a_perturbation_must_agree_on_it(experiment, tmp_path, cli, settings, task, key, ours, theirs):
    refused = cli("train", experiment(), "-o", tmp_path / "run", _SHARED, *settings)
    first = "size" if task == "kind" or "tasks.kind.smart=off" in settings else "kind"
    assert refused.code == 2 and not (tmp_path / "run" / "metrics.jsonl").exists()
    assert (
        f"tasks.{task}.smart.{key}: must be that of the task {first}, {ours}, because both read the same texts and "
        f"share one perturbation (smart.shared), got {theirs}. Give both the same value, or set "
        f"tasks.{task}.smart.shared=false"
    ) in refused.err


@pytest.mark.parametrize(
    "settings",
    [
        ["tasks.size.smart.weight=3", "tasks.size.smart.every=2"],
        ["tasks.size.smart.noise=0.5"],
        ["tasks.size.smart={epsilon: 0.05, shared: false}"],
        ["tasks.size.smart=off", "tasks.topics.smart=off"],
        ["smart.shared=false", "tasks.size.smart.epsilon=0.05"],
        ["mixing.one_pass=false", "tasks.size.smart.epsilon=0.05"],
    ],
    ids=["weights", "a setting without effect", "its own", "off", "nothing is shared", "no joined batches"],
)
def test_what_does_not_decide_a_shared_perturbation_may_differ(experiment, settings):
    prepare(load_experiment(experiment(), [_SHARED, *settings]))


def test_a_task_with_a_perturbation_of_its_own_does_not_take_that_of_the_others(experiment, tmp_path):
    """Such a perturbation needs nothing of the clean pass, so the clean pass is joined nevertheless."""
    smart = "smart={preset: paper, shared: true, epsilon: 0.01, dropout: independent}"
    trainer = trainer_of(experiment(), tmp_path, smart, "tasks.kind.smart={shared: false, epsilon: 0.2, step_size: 1}")
    batch = first_batch(trainer)
    together = trainer.step(batch)
    lengths = [float(figures["delta/x"]) for _, figures in together]
    _, alone = trainer.step(batch.members[0])
    assert lengths[0] == pytest.approx(float(alone["delta/x"]), rel=1e-4)
    assert lengths[0] > 5 * lengths[1] and lengths[1] == lengths[2]
