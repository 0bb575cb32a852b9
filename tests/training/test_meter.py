"""Averages over updates and processes, and going on with them."""

import json

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mtsmart.processes import Processes
from mtsmart.training.figures.meter import Meter


class Together(Processes):
    """One of several processes of this test, whose meters it knows."""

    def __init__(self, rank, meters):
        self.rank, self.meters = rank, meters

    def total(self, tensor):
        return sum(torch.stack([*meter._sums.values()]) for meter in self.meters)


def meters_of(count):
    meters = []
    meters += [Meter(Together(rank, meters)) for rank in range(count)]
    return meters


def add(meters, updates):
    for figures in updates:
        for meter, figure in zip(meters, figures, strict=True):
            meter.add("a", {"loss": torch.tensor(figure)})


FIGURES = st.floats(2**-10, 2**10, width=32)


@given(st.data(), st.integers(1, 4))
def test_a_mean_is_the_same_to_the_last_bit_after_a_stop(data, processes):
    updates = data.draw(st.lists(st.lists(FIGURES, min_size=processes, max_size=processes), min_size=2, max_size=6))
    stop = data.draw(st.integers(1, len(updates) - 1))
    whole, first, then = (meters_of(processes) for _ in range(3))
    add(whole, updates)
    add(first, updates[:stop])
    state = json.loads(json.dumps(first[-1].state_dict()))
    for meter in then:
        meter.load_state(state, torch.device("cpu"))
    add(then, updates[stop:])
    assert then[-1].means() == whole[0].means()
    figures = [figure for row in updates for figure in row]
    assert whole[-1].means()["a"]["loss"] == pytest.approx(sum(figures) / len(figures), rel=1e-12)


def test_what_is_not_finite_is_left_out():
    meter = Meter()
    for value in (1.0, float("nan"), 2.0, float("inf")):
        meter.add("a", {"loss": torch.tensor(value), "R": torch.tensor(float("nan"))})
    assert meter.flush() == {"a": {"loss": 1.5}}
    assert meter.flush() == {}
