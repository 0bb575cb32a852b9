"""Training with regularisers against independent implementations in float64, update by update."""

import copy

import pytest
import torch
from transformers import AutoModel

from mtsmart.config import load_experiment
from mtsmart.config.regularizers import REGULARIZERS
from mtsmart.data.loader import load_batches
from mtsmart.runs.folder import RunFolder
from mtsmart.training.setup import prepare
from mtsmart.training.trainer import Trainer
from tests.conftest import sentences, write_jsonl
from tests.regularizers import reference_objective as reference
from tests.regularizers import reference_terms

UPDATES = 20
RATE = 1e-3
KINDS = {"kind": "class", "near": "number", "words": "tokens"}
TASKS = """
tasks:
  kind:
    {task_type: classification, text: [text], labels: [x, y, z], dataset: {files: {train: kind.jsonl}}, HEAD}
  near:
    {task_type: regression, text: [text], label: score, dataset: {files: {train: near.jsonl}}, HEAD}
  words:
    {task_type: tagging, text: [tokens], label: tags, labels: [O, X, Z], dataset: {files: {train: words.jsonl}}, PLAIN}
"""


@pytest.fixture
def experiment(tmp_path, tiny_encoder, monkeypatch):
    monkeypatch.chdir(tmp_path)
    texts = sentences(24)
    write_jsonl(tmp_path / "kind.jsonl", [{"text": t, "label": "xyz"[len(t) % 3]} for t in texts])
    write_jsonl(tmp_path / "near.jsonl", [{"text": t, "score": len(t.split()) / 5} for t in texts])
    rows = [{"tokens": t.split(), "tags": ["OXZ"[len(word) % 3] for word in t.split()]} for t in texts]
    write_jsonl(tmp_path / "words.jsonl", rows)
    tasks = TASKS.replace("HEAD", "head: {type: plain, pooling: mean}, learning_rate_factor: 1").replace(
        "PLAIN", "head: {type: plain, layers: 0}, learning_rate_factor: 1"
    )
    file = tmp_path / "e.yaml"
    file.write_text(
        f"{tasks}\nencoder: {{path: {tiny_encoder}, dropout: 0}}\ndata: {{max_length: 32}}\n"
        f"optimizer: {{learning_rate: {RATE}, schedule: constant, warmup: 0}}\n"
        f"training: {{epochs: 7, max_updates: {UPDATES}, batch_size: 8}}\nmixing: {{strategy: uniform}}\n"
    )
    return file


def trainer_of(experiment, overrides, folder):
    setup = prepare(load_experiment(experiment, overrides)).without_validation()
    setup.model.double()
    folder.mkdir()
    return Trainer(setup, RunFolder(folder))


def reference_of(made, tiny_encoder):
    encoder = AutoModel.from_pretrained(tiny_encoder, hidden_dropout_prob=0, attention_probs_dropout_prob=0)
    encoder.load_state_dict(made.setup.model.encoder.model.state_dict())
    heads = {}
    for name in KINDS:
        weight, bias = (p.detach().clone() for p in made.setup.model.head(name).parameters())
        heads[name] = torch.nn.Linear(*reversed(weight.shape)).double()
        heads[name].load_state_dict({"weight": weight, "bias": bias})
    return reference.Model(encoder.double().train(), heads)


def settings_of(method, preset, **changes):
    return {**REGULARIZERS[method].preset(preset).model_dump(), **changes}


@pytest.mark.parametrize(
    ("preset", "changes"),
    [
        ("paper", {}),
        ("tuned", {}),
        ("tuned", {"steps": 2}),
        ("tuned", {"direction": "ascent", "steps": 2, "step_size": 0.02}),
    ],
    ids=["paper", "tuned", "two steps", "two ascent steps"],
)
def test_twenty_updates_of_a_joint_run_are_the_references(experiment, tiny_encoder, tmp_path, preset, changes):
    given = "".join(f", {name}: {value}" for name, value in changes.items())
    made = trainer_of(experiment, [f"smart={{preset: {preset}{given}}}", f"mbpp={preset}"], tmp_path / "run")
    smart, mbpp = settings_of("smart", preset, **changes), settings_of("mbpp", preset)
    other = reference.Run(reference_of(made, tiny_encoder), smart, mbpp, RATE, UPDATES)
    compare(made, other, ("loss", "R", "D"))
    teacher = made.step.regularizers["mbpp"].teacher.model.encoder.model
    for one, parameter in zip(teacher.parameters(), other.teacher.encoder.parameters(), strict=True):
        torch.testing.assert_close(one, parameter.detach(), atol=1e-5, rtol=0)


# Lengths that move predictions of the tiny encoder.
LENGTHS = {"epsilon_unit": "relative", "dropout": "shared"}
FREE = {**LENGTHS, "noise": 1.0, "step_size": 2.0, "epsilon": 2.5}


def slow(*values):
    return pytest.param(*values, marks=pytest.mark.slow)


@pytest.mark.filterwarnings("ignore:r_drop. the model has no dropout")  # it gets masks afterwards
@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("r_drop", {"alpha": 2.0}),
        ("r3f", {**LENGTHS, "noise": 0.3}),
        slow("r3f", {**LENGTHS, "noise": 0.3, "distribution": "normal", "dropout": "independent"}),
        slow("vat", {"epsilon": 2.0, "xi": 1.0}),
        ("vat", {"epsilon": 2.0, "xi": 1.0, "steps": 2, "weight": 0.5}),
        ("free_lb", FREE),
        slow("free_lb", {**FREE, "weight": 0.5}),
        slow("free_lb", {}),
    ],
)
def test_twenty_updates_with_a_term_are_the_papers(experiment, tiny_encoder, tmp_path, name, changes):
    given = "".join(f", {key}: {value}" for key, value in changes.items())
    made = trainer_of(experiment, [f"{name}={{preset: paper{given}}}", "smart=off", "mbpp=off"], tmp_path / "run")
    other = reference_terms.Run(reference_of(made, tiny_encoder), name, settings_of(name, "paper", **changes), RATE)
    dropped = [with_known_masks(model) for model in (made.setup.model, other.model)] if name == "r_drop" else []
    compare(made, other, ("loss", name), dropped)


class KnownMasks(torch.nn.Module):
    """Dropout whose masks come from a generator that two models can start alike."""

    def __init__(self, generator):
        super().__init__()
        self.generator = generator

    def forward(self, x):
        kept = torch.rand(x.shape, dtype=x.dtype, generator=self.generator) > 0.1
        return x * kept / 0.9


def with_known_masks(model):
    """The generator of the masks that the model has from now on after each layer and its attention."""
    generator = torch.Generator()
    for layer in model.encoder.modules():
        for name, child in list(layer.named_children()):
            if isinstance(child, torch.nn.Dropout) and type(layer).__name__.endswith("Output"):
                setattr(layer, name, KnownMasks(generator))
    return generator


def compare(made, other, names, generators=()):
    """The same figures in each update, and the same weights at the end."""
    tasks = {name: reference.Task(name, kind) for name, kind in KINDS.items()}
    batches = [batch for epoch in range(7) for batch in batches_of(made, epoch)][:UPDATES]
    assert {batch.task for batch in batches} == set(KINDS)
    for batch in batches:
        inputs = {"token_type_ids": torch.zeros_like(batch.inputs["input_ids"]), **batch.inputs}
        found = figures(made, batch, names, generators)
        for generator in generators:
            generator.manual_seed(batch.seed)
        expected = other.update(tasks[batch.task], inputs, labels_of(batch), batch.seed)
        assert found == pytest.approx(expected, abs=1e-5)
    assert found[-1] != 0
    trained = dict(made.setup.model.encoder.model.named_parameters())
    for name, parameter in other.model.encoder.named_parameters():
        torch.testing.assert_close(trained[name].detach(), parameter.detach(), atol=1e-5, rtol=0)


def batches_of(made, epoch):
    return list(load_batches(made.sampler.plan(epoch), made.setup.train, made.setup.collate))


def labels_of(batch):
    labels = batch.targets["labels"]
    return labels.double().flatten() if KINDS[batch.task] == "number" else labels


def figures(made, batch, names, generators):
    """Some figures of an update, which is done."""
    seen = []
    hook = made.step.register_forward_hook(lambda step, given, found: seen.append(found[1]))
    for generator in generators:
        generator.manual_seed(batch.seed)
    made.update((copy.deepcopy(batch),))
    made.advance(1)
    hook.remove()
    return tuple(float(seen[0][name]) for name in names)
