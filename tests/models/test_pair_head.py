"""The head that compares two texts: its features in closed form, its gradients, and what it refuses."""

import pytest
import torch

from mtsmart.errors import ConfigError
from mtsmart.models.heads import KINDS, HeadSpec, build_head
from mtsmart.models.heads.pair import compared
from mtsmart.task_types import build_task
from mtsmart.tasks import TaskDefinition
from tests.models.architectures import ARCHITECTURES, tokenizer_of
from tests.models.test_encoder import small

BASE = {"task_type": "classification", "labels": ["x", "y"], "dataset": {"files": {"train": "t.tsv"}}}


def test_the_features_are_both_means_their_distance_and_their_product():
    hidden = torch.tensor([[[9.0, 9.0], [1.0, 2.0], [3.0, 6.0], [9.0, 9.0], [5.0, -1.0], [9.0, 9.0]]])
    segments = torch.tensor([[0, 1, 1, 0, 2, 0]])
    assert compared(hidden, segments).tolist() == [[2.0, 4.0, 5.0, -1.0, 3.0, 5.0, 10.0, -4.0]]


def test_a_text_without_tokens_has_the_mean_zero():
    hidden = torch.tensor([[[9.0], [2.0], [4.0]]])
    assert compared(hidden, torch.tensor([[0, 2, 2]])).tolist() == [[0.0, 3.0, 3.0, 0.0]]


def test_padding_changes_nothing():
    hidden = torch.randn(2, 7, 3, generator=torch.Generator().manual_seed(0))
    segments = torch.tensor([[0, 1, 1, 0, 2, 2, 0], [0, 1, 0, 2, 0, 0, 0]])
    shorter = compared(hidden[1:, :5], segments[1:, :5])
    torch.testing.assert_close(compared(hidden, segments)[1:], shorter)


def head(**changes):
    spec = HeadSpec("sequence_classification", 3, **{"type": "pair", "dropout": 0.0, **changes})
    torch.manual_seed(0)
    return build_head(small("BERT"), spec)


@pytest.mark.parametrize("layers", [None, 1, 2])
def test_the_logits_are_a_linear_map_of_the_features_after_the_layers(layers):
    module = head(layers=layers).double()
    hidden = torch.randn(
        4, 6, small("BERT").hidden_size, dtype=torch.float64, generator=torch.Generator().manual_seed(1)
    )
    segments = torch.tensor([[0, 1, 1, 0, 2, 0]] * 4)
    value = compared(hidden, segments)
    linears = [part for part in module.modules() if isinstance(part, torch.nn.Linear)]
    assert len(linears) == 1 + (layers or 0)
    for linear in linears[:-1]:
        value = torch.tanh(value @ linear.weight.T + linear.bias)
    expected = value @ linears[-1].weight.T + linears[-1].bias
    torch.testing.assert_close(module((hidden,), {"segments": segments}), expected)


def test_every_weight_gets_a_gradient():
    module = head(layers=1)
    hidden = torch.randn(4, 6, small("BERT").hidden_size, generator=torch.Generator().manual_seed(1))
    logits = module((hidden,), {"segments": torch.tensor([[0, 1, 1, 0, 2, 0]] * 4)})
    logits.square().sum().backward()
    for name, parameter in module.named_parameters():
        assert parameter.grad.abs().sum() > 0, name


@pytest.mark.parametrize("name", list(ARCHITECTURES))
def test_the_head_reads_each_text_with_every_tokenizer(name):
    """The order of the texts counts in the first two parts alone, whatever special tokens and padding side."""
    encoder, tokenizer = small(name), tokenizer_of(name)
    tokenizer.padding_side = "left" if encoder.summary_at_end else "right"
    task = build_task("t", TaskDefinition(**BASE, text=["a", "b"], head="pair"))
    rows = {"a": ["the red cat", "a dog"], "b": ["house", "the car runs"], "row": [0, 1], "label": ["x", "y"]}
    encoded = task.encode(rows, tokenizer, 32, with_labels=True)
    features = [dict(zip(encoded, values, strict=True)) for values in zip(*encoded.values(), strict=True)]
    inputs = task.collate(features, tokenizer, 0).inputs
    hidden = encoder.eval()(encoder.embed(inputs["input_ids"]), inputs)[0]
    parts = compared(hidden, inputs["segments"]).chunk(4, dim=1)
    for row in range(2):
        for part, segment in ((0, 1), (1, 2)):
            chosen = hidden[row][inputs["segments"][row] == segment]
            assert len(chosen) > 0
            torch.testing.assert_close(parts[part][row], chosen.mean(0))
    assert build_head(encoder, task.head_spec).eval()((hidden,), inputs).shape == (2, 2)


def test_one_text_is_refused_with_the_definition():
    with pytest.raises(ConfigError, match=r"t\.head\.type: is for pairs: it needs two text columns, got 'pair'"):
        build_task("t", TaskDefinition(**BASE, text=["a"], head="pair"))


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "sequence_classification"])
def test_other_kinds_are_refused(kind):
    with pytest.raises(ConfigError, match=rf"head\.type: is for pairs of texts and does not go with {kind}"):
        build_head(small("BERT"), HeadSpec(kind, 2, type="pair"))


def test_a_pooling_is_refused():
    with pytest.raises(ConfigError, match=r"head\.pooling: does not go with head type 'pair'"):
        head(pooling="mean")


def test_inputs_that_are_no_pair_are_refused():
    with pytest.raises(ConfigError, match="does not distinguish two texts"):
        head()((torch.zeros(1, 3, small("BERT").hidden_size),), {"attention_mask": torch.ones(1, 3)})
