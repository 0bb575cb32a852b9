"""What layers give, seen and changed on the way: against the hidden states that transformers returns."""

import pytest
import torch

from mtsmart.errors import CheckpointError
from mtsmart.models.encoder import Encoder
from tests.models.architectures import ARCHITECTURES, VOCABULARY, make


@pytest.fixture(params=list(ARCHITECTURES))
def encoder(request):
    return Encoder(make(request.param)).eval()


@pytest.fixture
def given(encoder):
    torch.manual_seed(0)
    ids = torch.randint(5, VOCABULARY, (3, 7))
    return encoder.embed(ids), {"attention_mask": torch.ones_like(ids)}


@torch.no_grad()
def test_each_layer_is_seen_once_a_pass_and_in_order(encoder, given):
    embeds, inputs = given
    seen = []

    def see(number, hidden):
        seen.append((number, hidden))
        return hidden

    with encoder.changing_layers(see):
        first = encoder(embeds, inputs).last_hidden_state
        second = encoder(embeds, inputs).last_hidden_state
    count = encoder.config.num_hidden_layers
    assert [number for number, _ in seen] == 2 * list(range(1, count + 1))
    assert torch.equal(first, second)
    states = encoder.model(
        inputs_embeds=embeds, attention_mask=inputs["attention_mask"], output_hidden_states=True, return_dict=True
    ).hidden_states
    for (number, hidden), state in zip(seen, states[1:count], strict=False):  # the last one may be after a norm
        torch.testing.assert_close(hidden, state, msg=f"layer {number}")


@torch.no_grad()
def test_a_change_reaches_what_is_above_and_ends_with_the_context(encoder, given):
    plain = encoder(*given).last_hidden_state
    inputs = []

    def change(number, hidden):
        inputs.append(hidden)
        return torch.zeros_like(hidden) if number == 1 else hidden

    with encoder.changing_layers(change):
        changed = encoder(*given).last_hidden_state
    assert inputs[0].abs().sum() > 0
    assert not torch.allclose(changed, plain)
    assert torch.equal(encoder(*given).last_hidden_state, plain)


def test_layers_that_run_twice_are_refused():
    encoder = Encoder(make("BERT"))
    encoder.model.gradient_checkpointing_enable()
    found = pytest.raises(CheckpointError, match=r"has no layers whose outputs can be seen .*gradient_checkpointing")
    with found, encoder.changing_layers(lambda number, hidden: hidden):
        pass
