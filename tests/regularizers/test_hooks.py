"""What a method may do besides adding a term: several backward passes, a say before the step, other start weights."""

import json

import pytest
import torch
from safetensors.torch import load_file

import mtsmart
from mtsmart.regularizers import REGULARIZERS, MethodSettings, MethodText, Preset, Regularizer, Term

TEXT = MethodText(title="Toy", formula="f", paper="none", cost="none", use="tests", evidence="none")


class ToySettings(MethodSettings):
    """Nothing but the weight."""

    weight: float


class Toy(Regularizer[ToySettings]):
    """Adds nothing."""

    Settings = ToySettings
    presets = (Preset("on", ToySettings(weight=1.0), "these tests"),)
    text = TEXT

    def term(self, clean, settings):
        return None


class LossTwice(Toy):
    """Adds the loss of the clean pass once more, in the same backward pass."""

    def term(self, clean, settings):
        return Term(clean.loss, {})


class SecondBackward(Toy):
    """Adds the loss of a second pass once more, in a backward pass of its own."""

    def term(self, clean, settings):
        clean.backward(clean.criterion(clean.forward(clean.inputs_embeds)))


class Again(Toy):
    """Computes the gradients anew, at weights that are moved and moved back if ``size`` is not 0."""

    size = 0.0

    def before_step(self, model, again):
        parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
        with torch.no_grad():
            for parameter in parameters:
                parameter.add_(self.size)
        again()
        with torch.no_grad():
            for parameter in parameters:
                parameter.sub_(self.size)


class Moved(Again):
    """Takes the gradient of a place nearby."""

    size = 0.05


class OtherStart(Toy):
    """Begins with other weights."""

    changes_start = True

    def begin(self, model):
        with torch.no_grad():
            for parameter in model.parameters():
                parameter.add_(0.01)


TOYS = {"toy": Toy, "twice": LossTwice, "second": SecondBackward, "again": Again, "moved": Moved, "start": OtherStart}


@pytest.fixture
def weights(workspace):
    """A toy's name -> the encoder's weights after a short run without dropout, and the lines of metrics.jsonl."""
    settings = ["smart=off", "mbpp=off", "encoder.dropout=0", "training.max_updates=4", "training.log_every=1"]
    # Steps in proportion to the gradient, so that twice the gradient is another step.
    settings += ["training.max_grad_norm=null", "optimizer.eps=1", "optimizer.learning_rate=0.5"]

    def train(name, *more):
        folder = workspace.folder / "-".join([name, *more])
        run = mtsmart.train(workspace.experiment, [*settings, f"{name}=on", *more], output_dir=folder).path
        lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
        return load_file(run / "model" / "encoder" / "model.safetensors"), lines

    with REGULARIZERS.lending(TOYS):
        yield train


def assert_close(one, other):
    for name, tensor in one.items():
        torch.testing.assert_close(tensor, other[name], rtol=1e-4, atol=1e-5)


def differ(one, other):
    return any(not torch.allclose(tensor, other[name], atol=1e-4) for name, tensor in one.items())


@pytest.mark.parametrize("more", [(), ("training.accumulation=2", "tasks.color.weight=3")])
def test_a_backward_pass_of_its_own_adds_to_the_same_gradient(weights, more):
    """With the task's weight and the share of the batch in the update."""
    in_one, _ = weights("twice", *more)
    apart, _ = weights("second", *more)
    plain, _ = weights("toy", *more)
    assert_close(in_one, apart)
    assert differ(in_one, plain)


def test_gradients_computed_again_are_those_of_the_present_weights(weights):
    plain, _ = weights("toy")
    again, _ = weights("again")
    moved, _ = weights("moved")
    assert_close(plain, again)
    assert differ(plain, moved)


def test_another_start_is_what_a_teacher_copies(weights):
    """At the first update the teacher says what the student says, so D is 0."""
    other, lines = weights("start", "mbpp=paper")
    plain, _ = weights("toy", "mbpp=paper")
    assert differ(plain, other)
    first = next(line for line in lines if line["type"] == "train")
    assert all(abs(figures["D"]) < 1e-6 for figures in first["tasks"].values())


def test_a_batch_without_gold_labels_has_a_loss_of_zero_and_its_terms(tiny_bench):
    tiny_bench.model.eval()
    batch = tiny_bench.batch("kind")
    batch.targets.clear()
    clean = tiny_bench.clean("kind", batch)
    assert float(clean.loss.detach()) == 0.0 and clean.logits.requires_grad
