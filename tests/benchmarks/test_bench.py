"""The benchmarks' pieces on a CPU, small: that they run, and that the page says what was measured."""

import numpy as np
import pytest
import torch
from torch import nn
from transformers import BertConfig

from benchmarks import bench
from benchmarks.speed import bare, classic, gpu, memory, padding, precision, step_cost, timing, workload
from mtsmart.cpu import linear

TINY = BertConfig(hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32)


@pytest.fixture
def small(monkeypatch):
    for module in (gpu, step_cost):
        monkeypatch.setattr(module, "UPDATES", 2)
        monkeypatch.setattr(module, "BATCH", 32)
    monkeypatch.setattr(gpu, "TOKENS", 8)


def test_gpu_part_measures_and_shows_every_arm(small, tmp_path, monkeypatch):
    monkeypatch.setattr(gpu, "PRECISIONS", {"float32": [], "bfloat16": ["training.precision=bfloat16"]})
    measured = gpu.measure(tmp_path / "gpu", 1, TINY)
    assert len(measured["seconds"]) == 6
    assert measured["agreement"]["fisher"] > 0.9
    text = "\n".join(gpu.page(measured))
    assert "bfloat16 | SMART + MBPP, one pass" in text and "Cosine" in text


def test_without_a_gpu_the_page_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert "No GPU was at hand" in "\n".join(gpu.page(gpu.measure(tmp_path / "gpu", 1)))


def test_precision_part_measures_torchs_layers_and_ours(minilm, tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(linear, "convolving_is_faster", lambda: False)
    monkeypatch.setattr(linear, "widening_is_faster", lambda: True)
    monkeypatch.setattr(precision, "BATCH", 2)
    monkeypatch.setattr(precision, "TOKENS", 8)
    kinds = []
    monkeypatch.setattr(precision, "run_updates", lambda made, batches: kinds.append(_kind_of(made.setup.model)))
    measured = precision.measure(tmp_path / "precision", 1)
    assert kinds[:3] == [linear.WidenedLinear, linear.WidenedLinear, nn.Linear]
    assert "| float32 | " in "\n".join(precision.page(measured)) and not precision.page({})[2].startswith("A plain")


def _kind_of(model):
    return type(next(module for module in model.modules() if isinstance(module, nn.Linear)))


def test_ratios_are_of_the_same_round():
    assert timing.paired_ratio([2.0, 20.0, 3.0], [1.0, 10.0, 1.0]) == 2.0
    assert "NOT met" in timing.verdict(2.6, 2.5) and "NOT" not in timing.verdict(2.4, 2.5)
    assert "NOT met" in timing.verdict(1.9, 2.0, at_least=True)


def test_padding_is_the_share_of_positions_without_a_token():
    lengths = {"a": np.array([1, 2, 3, 4]), "b": np.array([5])}
    assert padding.padding(lengths, 4, {}) == pytest.approx(6 / 21)  # 10 tokens in 16 positions, and 5 in 5
    assert padding.padding(lengths, 1, {}) == 0.0


def test_arms_take_turns():
    calls = []
    seconds = timing.interleaved({name: lambda name=name: calls.append(name) for name in "abc"}, 2)
    assert "".join(calls) == "abc" + "bca" + "cab"
    assert {name: len(values) for name, values in seconds.items()} == {"a": 2, "b": 2, "c": 2}


def test_the_page_holds_every_part_that_was_measured():
    results = {
        "startup": {"machine": "here.", "repeats": 5, "seconds": 60.0, "measured": {"mtsmart --help": [0.1, 0.2, 0.3]}},
        "gpu": {"machine": "here.", "repeats": 5, "seconds": 1.0, "measured": {}},
    }
    text = bench.page(results)
    assert "`mtsmart --help` | 0.20 (0.10 to 0.30)" in text
    assert "No GPU" in text and "Peak memory" not in text


def test_the_classic_loop_and_the_bare_loop_learn(minilm, tmp_path):
    """Both are what ours is compared with, so they must train."""
    made = workload.trainer(workload.fixed_length(tmp_path, 32, 8), workload.PLAIN, tmp_path / "run")
    batches = workload.batches_of(made)
    loop = bare.BareLoop(10, batches)
    loop.epoch()
    before = [float(loop.model(**batch).loss) for batch in loop.batches]
    for _ in range(6):
        loop.epoch()
    assert sum(float(loop.model(**batch).loss) for batch in loop.batches) < sum(before)
    rows = made.setup.train["generated"].rows.to_list()
    loop = classic.ClassicLoop(workload.ENCODER, {"generated": rows}, {"generated": 2}, 8)
    losses = []
    for _ in range(4):
        loop.epoch()
        losses.append(loop.loss)
    assert losses[-1] < losses[0]


def test_memory_of_this_process_can_be_read():
    assert 0 < memory.status("RssAnon") <= memory.status("VmRSS") <= memory.status("VmHWM")
