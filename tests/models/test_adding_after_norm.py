"""A perturbation of the embeddings after their LayerNorm."""

import copy

import pytest
import torch

from mtsmart.errors import CheckpointError
from mtsmart.models.encoder import Encoder
from tests.models.architectures import ARCHITECTURES, VOCABULARY, make

WITHOUT = ["XLNet", "T5"]
NORMED = [name for name in ARCHITECTURES if name not in WITHOUT]


def parts(name):
    encoder = Encoder(make(name))
    ids = torch.randint(5, VOCABULARY, (2, 7), generator=torch.Generator().manual_seed(1))
    embeds = encoder.embed(ids).detach()
    return encoder, embeds, {"attention_mask": torch.ones_like(ids)}


def run(encoder, embeds, inputs):
    return encoder(embeds, inputs).last_hidden_state


@pytest.mark.parametrize("name", NORMED)
def test_zero_changes_nothing(name):
    encoder, embeds, inputs = parts(name)
    expected = run(encoder, embeds, inputs)
    with encoder.adding_after_norm(torch.zeros_like(embeds)):
        assert torch.equal(run(encoder, embeds, inputs), expected)
    assert torch.equal(run(encoder, embeds, inputs), expected)


@pytest.mark.parametrize("name", NORMED)
def test_a_delta_is_added_to_what_the_embeddings_module_gives(name):
    encoder, embeds, inputs = parts(name)
    delta = torch.randn(embeds.shape, generator=torch.Generator().manual_seed(2))
    other = copy.deepcopy(encoder)
    other.model.embeddings.register_forward_hook(lambda module, inputs, output: output + delta)
    expected = run(other, embeds, inputs)
    with encoder.adding_after_norm(delta):
        found = run(encoder, embeds, inputs)
    assert torch.equal(found, expected)
    assert not torch.allclose(found, run(encoder, embeds, inputs), atol=1e-3)


def test_the_delta_gets_a_gradient():
    encoder, embeds, inputs = parts("BERT")
    delta = torch.zeros_like(embeds, requires_grad=True)
    with encoder.adding_after_norm(delta):
        run(encoder, embeds, inputs).square().sum().backward()
    assert float(delta.grad.abs().min()) > 0


def test_it_ends_with_its_context_also_after_an_error():
    encoder, embeds, inputs = parts("BERT")
    expected = run(encoder, embeds, inputs)
    with pytest.raises(KeyError), encoder.adding_after_norm(torch.ones_like(embeds)):
        raise KeyError
    assert torch.equal(run(encoder, embeds, inputs), expected)


def test_a_copy_is_not_perturbed_with_its_original():
    """The teacher is a copy."""
    encoder, embeds, inputs = parts("BERT")
    teacher = copy.deepcopy(encoder)
    expected = run(encoder, embeds, inputs)
    with encoder.adding_after_norm(torch.ones_like(embeds)):
        assert torch.equal(run(teacher, embeds, inputs), expected)


@pytest.mark.slow
def test_a_compiled_encoder_adds_it_too():
    encoder, embeds, inputs = parts("BERT")
    delta = torch.randn(embeds.shape, generator=torch.Generator().manual_seed(2))
    with encoder.adding_after_norm(delta):
        expected = run(encoder, embeds, inputs)
    encoder.compile_shapes("aot_eager")
    plain = run(encoder, embeds, inputs)
    with encoder.adding_after_norm(delta):
        torch.testing.assert_close(run(encoder, embeds, inputs), expected)
    assert torch.equal(run(encoder, embeds, inputs), plain)


@pytest.mark.parametrize("name", list(ARCHITECTURES))
def test_architectures_without_such_a_norm_say_so(name):
    encoder, embeds, _ = parts(name)
    assert encoder.has_embedding_norm == (name in NORMED)
    if name in WITHOUT:
        message = "has no LayerNorm after its embeddings"
        with pytest.raises(CheckpointError, match=message), encoder.adding_after_norm(torch.zeros_like(embeds)):
            pass
