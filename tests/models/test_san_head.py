"""SAN: the paper's equations in float64, averaging, replayable prediction dropout, what it refuses."""

import pytest
import torch

from mtsmart.errors import ConfigError
from mtsmart.models.heads import KINDS, HeadSpec, build_head
from mtsmart.models.heads.san import SanHead, average
from mtsmart.task_types import build_task
from mtsmart.tasks import TaskDefinition
from tests.models.architectures import ARCHITECTURES, tokenizer_of
from tests.models.test_encoder import small

BASE = {"task_type": "classification", "dataset": {"files": {"train": "x.jsonl"}}, "labels": ["x", "y"]}


def head(num_labels=3, **changes) -> SanHead:
    torch.manual_seed(0)
    spec = HeadSpec("sequence_classification", num_labels, **{"type": "san", "dropout": 0.4, **changes})
    return build_head(small("BERT"), spec)


def memory(rows=4):
    """Token states, and which text each token is of; some are special or padding."""
    torch.manual_seed(1)
    segments = torch.tensor([[0, 1, 1, 1, 0, 2, 2, 0, 0], [0, 1, 0, 2, 2, 2, 2, 2, 0]]).repeat(rows // 2, 1)
    return (torch.randn(rows, 9, 16),), {"segments": segments}


@pytest.mark.parametrize("num_labels", [3, 1])
@pytest.mark.parametrize("steps", [1, 2, 5])
def test_equations_in_float64(steps, num_labels):
    """A loop over rows and tokens, written from the paper."""
    san = head(num_labels, layers=steps).double().eval()
    outputs, inputs = (memory()[0][0].double(),), memory()[1]
    result = san(outputs, inputs)
    for row in range(4):
        first = outputs[0][row][inputs["segments"][row] == 1]
        second = outputs[0][row][inputs["segments"][row] == 2]
        state = torch.softmax(second @ san.summary.weight[0], 0) @ second
        answers = []
        for _ in range(steps):
            read = torch.softmax(first @ (san.bilinear.weight @ state + san.bilinear.bias), 0) @ first
            answers.append(san.classifier(torch.cat([state, read, (state - read).abs(), state * read])))
            state = san.recurrent(read.unsqueeze(0), state.unsqueeze(0)).squeeze(0)
        answers = torch.stack(answers)
        expected = answers.mean(0) if num_labels == 1 else torch.softmax(answers, -1).mean(0).log()
        torch.testing.assert_close(result[row].double(), expected, atol=1e-5, rtol=1e-5)


def test_what_belongs_to_neither_text_does_not_count():
    san, (outputs, inputs) = head().eval(), memory()
    moved = outputs[0] + 9.0 * (inputs["segments"] == 0).unsqueeze(-1)
    torch.testing.assert_close(san((moved,), inputs), san(outputs, inputs))


def test_the_average_takes_the_kept_steps_only():
    answers = torch.randn(2, 3, 4)
    kept = torch.tensor([[True, False, True], [False, True, False]])
    result = average(answers, kept)
    torch.testing.assert_close(result[0].exp(), torch.softmax(answers[0, [0, 2]], -1).mean(0))
    torch.testing.assert_close(result[1].exp(), torch.softmax(answers[1, 1], -1))
    torch.testing.assert_close(result.exp().sum(-1), torch.ones(2))
    torch.testing.assert_close(average(answers[..., :1], kept)[0, 0], answers[0, [0, 2], 0].mean())


def test_at_least_one_step_is_kept_and_the_rest_as_often_as_dropout_says():
    san = head(dropout=0.6, layers=5).train()
    kept = san._kept(torch.zeros(4000, 1, 1))
    assert kept.any(1).all()
    expected = 0.4 + 0.6**5 / 5  # or all are left out, and one of them stays after all
    assert float(kept.float().mean()) == pytest.approx(expected, abs=0.02)
    assert head(dropout=0.0).train()._kept(torch.zeros(9, 1, 1)).all()
    assert san.eval()._kept(torch.zeros(9, 1, 1)).all()


def test_the_generators_state_replays_the_masks():
    san, (outputs, inputs) = head().train(), memory()
    state = torch.get_rng_state()
    first = san(outputs, inputs)
    assert not torch.equal(san(outputs, inputs), first)
    torch.set_rng_state(state)
    assert torch.equal(san(outputs, inputs), first)


def test_gradients_reach_every_weight_and_are_finite():
    san, (outputs, inputs) = head().train(), memory()
    san(outputs, inputs).square().sum().backward()
    for name, parameter in san.named_parameters():
        assert torch.isfinite(parameter.grad).all(), name
        if name != "summary.bias":  # a softmax does not see it
            assert parameter.grad.abs().sum() > 0, name


@pytest.mark.parametrize("name", list(ARCHITECTURES))
def test_segments_tell_the_texts_apart_with_every_tokenizer(name):
    """Each text's tokens, whatever special tokens and padding side; the head answers."""
    encoder, tokenizer = small(name), tokenizer_of(name)
    tokenizer.padding_side = "left" if encoder.summary_at_end else "right"
    task = build_task("t", TaskDefinition(**BASE, text=["a", "b"], head={"type": "san"}))
    rows = {"a": ["the red cat", "a dog"], "b": ["house", "the car runs"], "row": [0, 1], "label": ["x", "y"]}
    encoded = task.encode(rows, tokenizer, 32, with_labels=True)
    features = [dict(zip(encoded, values, strict=True)) for values in zip(*encoded.values(), strict=True)]
    batch = task.collate(features, tokenizer, 0)
    for index in range(2):
        for number, column in ((1, "a"), (2, "b")):
            ids = batch.inputs["input_ids"][index][batch.inputs["segments"][index] == number]
            assert tokenizer.decode(ids) == rows[column][index]
    logits = build_head(encoder, task.head_spec).eval()(
        encoder(encoder.embed(batch.inputs["input_ids"]), batch.inputs), batch.inputs
    )
    assert logits.shape == (2, 2)
    torch.testing.assert_close(logits.exp().sum(-1), torch.ones(2))


def test_one_text_is_refused_with_the_definition():
    with pytest.raises(ConfigError, match=r"t\.head\.type: is for pairs: it needs two text columns"):
        build_task("t", TaskDefinition(**BASE, text=["a"], head={"type": "san"}))


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "sequence_classification"])
def test_other_kinds_are_refused(kind):
    with pytest.raises(ConfigError, match=rf"head\.type: is for pairs of texts and does not go with {kind}"):
        build_head(small("BERT"), HeadSpec(kind, 2, type="san"))


@pytest.mark.parametrize(("changes", "key"), [({"pooling": "cls"}, "pooling"), ({"layers": 0}, "layers")])
def test_options_that_do_not_fit_are_refused(changes, key):
    with pytest.raises(ConfigError, match=rf"head\.{key}"):
        head(**changes)


def test_a_task_that_tells_no_texts_apart_is_refused():
    with pytest.raises(ConfigError, match="does not distinguish two texts"):
        head()(memory()[0], {})


def test_an_experiment_trains_with_it_and_a_saved_one_predicts_the_same(workspace, cli):
    changes = ["tasks.near.head={type: san, layers: 3}", "training.epochs=1"]
    assert cli("train", workspace.experiment, *changes, "-o", "run").code == 0
    done = cli("evaluate", "run")
    assert (done.code, "pearson" in done.out) == (0, True)
