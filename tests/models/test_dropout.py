"""Dropout masks: drawn faster, kept without a copy, and given back as they were."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F

from mtsmart.models.dropout import DropoutMasks, draw
from mtsmart.torch_state import random_state, set_random_state

CPU = torch.device("cpu")


@given(st.floats(0.0, 1.0), st.integers(0, 2**32), st.sampled_from([(7,), (3, 5, 2), (0, 4), ()]))
def test_a_mask_holds_ones_and_zeros_and_its_own_shape(share, seed, shape):
    torch.manual_seed(seed)
    mask = draw(torch.full(shape, torch.nan), share)
    assert mask.shape == shape
    assert ((mask == 0) | (mask == 1)).all()
    assert share not in (0.0, 1.0) or (mask == share).all()


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5, 0.9, 0.995, 0.9999])
def test_the_share_of_ones_is_the_one_asked_for(share):
    """Within five standard errors, in the whole and at each of the four places of a random number."""
    torch.manual_seed(0)
    count = 4_000_000
    mask = draw(torch.empty(count), share)
    error = (share * (1 - share) / count) ** 0.5
    assert mask.mean().item() == pytest.approx(share, abs=5 * error + 2**-16)
    for place in range(4):
        assert mask[place::4].mean().item() == pytest.approx(share, abs=10 * error + 2**-16)


def test_neighbours_are_independent():
    torch.manual_seed(1)
    mask = draw(torch.empty(1_000_000), 0.5) - 0.5
    for apart in (1, 2, 3, 4, 8):
        assert abs(4 * (mask[:-apart] * mask[apart:]).mean().item()) < 0.005


def test_a_share_too_near_an_end_is_drawn_by_torch():
    torch.manual_seed(2)
    expected = torch.empty(1000).bernoulli_(0.999)
    torch.manual_seed(2)
    assert torch.equal(draw(torch.empty(1000), 0.999), expected)


def test_what_is_not_laid_out_in_order_is_filled_too():
    mask = draw(torch.full((6, 4), torch.nan).t(), 0.5)
    assert ((mask == 0) | (mask == 1)).all()


def test_dropout_is_unbiased_and_scaled():
    torch.manual_seed(3)
    masks = DropoutMasks(CPU, seen=True)
    with masks.recorded():
        out = F.dropout(torch.ones(1_000_000), 0.1)
    assert set(out.unique().tolist()) == {0.0, torch.tensor(1 / 0.9).item()}
    assert out.mean().item() == pytest.approx(1.0, abs=0.002)


def random_things(x):
    """Dropout, in place too; draws that are changed later or not at all; a draw that has a shape and no tensor."""
    noise = torch.empty_like(x).bernoulli_(0.7)
    other = torch.empty_like(x).uniform_()
    other.mul_(3)
    return (
        F.dropout(x, 0.1),
        F.dropout(x * 2, 0.3, inplace=True),
        (1 - noise).bool(),
        other,
        torch.rand(4).div_(2),
        torch.randn_like(x),
        torch.empty_like(x).bernoulli_(0.2),
    )


@pytest.mark.parametrize("seen", [True, False])
def test_every_replay_gives_what_was_drawn_and_leaves_no_trace(seen):
    torch.manual_seed(5)
    x = torch.randn(3, 8)
    masks = DropoutMasks(CPU, seen)
    with masks.recorded():
        drawn = random_things(x)
    drawn = tuple(found.clone() for found in drawn)
    for _ in range(2):
        before = torch.get_rng_state()
        with masks.replayed():
            again = random_things(x)
        for found, wanted in zip(again, drawn, strict=True):
            assert torch.equal(found, wanted)
        assert torch.equal(torch.get_rng_state(), before)


def test_gradients_of_both_passes_see_the_same_masks():
    """The replayed pass shares the memory of the masks; neither backward pass may spoil the other's."""
    torch.manual_seed(6)
    x = torch.ones(1000, requires_grad=True)
    masks = DropoutMasks(CPU, seen=True)
    with masks.recorded():
        first = F.dropout(x, 0.5)
    with masks.replayed():
        second = F.dropout(x, 0.5)
    assert first.grad_fn._saved_other.data_ptr() == second.grad_fn._saved_other.data_ptr()
    (one,) = torch.autograd.grad(first.sum(), x)
    (two,) = torch.autograd.grad(second.sum(), x)
    assert torch.equal(one, first.detach()) and torch.equal(two, first.detach())


def test_a_pass_that_draws_more_than_the_one_it_replays_is_an_error():
    masks, x = DropoutMasks(torch.device("cpu"), seen=True), torch.ones(8)
    with masks.recorded():
        F.dropout(x, 0.5)
    with pytest.raises(RuntimeError, match="draws more random numbers"), masks.replayed():
        F.dropout(x, 0.5)
        F.dropout(x, 0.5)


@pytest.mark.parametrize(("kind", "numbered"), [("xpu", True), ("mps", False)])
def test_the_generator_of_any_device_is_put_back(kind, numbered, monkeypatch):
    """Apple's device has no number, others do; a stand-in has the interface of torch's device modules."""
    states = {"now": torch.tensor([1])}

    class Module:
        @staticmethod
        def get_rng_state(*device):
            assert len(device) == numbered
            return states["now"]

        @staticmethod
        def set_rng_state(state, *device):
            assert len(device) == numbered
            states["now"] = state

    monkeypatch.setattr(torch, "get_device_module", lambda device: Module)
    device = torch.device(kind)
    before = random_state(device)
    states["now"] = torch.tensor([2])
    set_random_state(before, device)
    assert states["now"].tolist() == [1]
