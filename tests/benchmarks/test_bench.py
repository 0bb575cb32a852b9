"""Each part of the benchmarks runs, small and on a CPU, and the page shows what was measured."""

import numpy as np
import pytest
import torch
from torch import nn
from transformers import BertConfig

from benchmarks import bench
from benchmarks.speed import (
    bare,
    classic,
    data_scale,
    gpu,
    memory,
    methods,
    mix,
    one_pass,
    padding,
    precision,
    process_memory,
    startup,
    step_cost,
    timing,
    workload,
)
from mtsmart.cpu import linear
from mtsmart.regularizers import REGULARIZERS
from tests.conftest import WORDS, quick_are
from tests.forked import prepared_context

BFLOAT16 = "training.precision=bfloat16"
COMMANDS = (*startup.LIGHT, *startup.IMPORTS, *startup.WITH_MODEL)
STARTS = {command: [0.1, 0.2, 0.3] for command in COMMANDS}
TINY = BertConfig(hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32)


TWO_ARMS = {name: memory.ARMS[name] for name in ("plain", "SMART + MBPP, one pass, gradient checkpointing")}
LEFT_OUT = [name for name in REGULARIZERS if name not in ("smart", "sam")]
SMALL = {
    bare: {"ROWS": 8, "BATCH": 4},
    data_scale: {"PAIRS": 20, "FEW": 32, "MANY": 48, "UPDATES": 2},
    gpu: {"BATCH": 2, "TOKENS": 8, "UPDATES": 2, "PRECISIONS": {"float32": [], "bfloat16": [BFLOAT16]}},
    memory: {"BATCH": 2, "TOKENS": 8, "UPDATES": 2, "ARMS": TWO_ARMS},
    methods: {"BATCH": 2, "TOKENS": 8, "UPDATES": 1, "LEFT_OUT": LEFT_OUT},
    mix: {"ROWS": 8, "BATCHES": (4,)},
    one_pass: {"BATCH": 2, "TOKENS": 8, "UPDATES": 1},
    padding: {"BATCHES": (4,), "SPLIT": "train[:16]"},
    precision: {"BATCH": 2, "TOKENS": 8},
    process_memory: {"START_METHOD": "forkserver"},  # which starts a process at once
    startup: {
        "LIGHT": {"mtsmart --help": 0.3},
        "WITH_MODEL": (),
        "IMPORT_TORCH": "import sys",
        "IMPORTS": ("import sys",),
    },
    step_cost: {"BATCH": 2, "TOKENS": (8,), "UPDATES": 2, "LIMITS": {}},
}
REAL_DATA = ("bare", "mix", "padding")
MEASURED_PARTS = [part for part in bench.PARTS if part != "gpu"]
QUICK_PARTS = ("bare", "memory", "padding", "precision", "startup")


@pytest.fixture
def small(tiny_encoder, monkeypatch):
    """A few rows of a few tokens through the tiny encoder."""
    prepared_context()
    monkeypatch.setattr(workload, "ENCODER", str(tiny_encoder))
    monkeypatch.setattr(workload, "WORDS", WORDS)  # An encoder that knows no word is refused.
    for module, constants in SMALL.items():
        for name, value in constants.items():
            monkeypatch.setattr(module, name, value)


@pytest.mark.parametrize("part", quick_are(MEASURED_PARTS, *QUICK_PARTS))
def test_each_part_measures_one_round_and_writes_its_section(part, small, tmp_path, request):
    if part in REAL_DATA:
        request.getfixturevalue("hub_dir")
    measure, section = bench.PARTS[part]
    measured = measure(tmp_path / part, 1)
    text = "\n".join(section(measured))
    assert text.startswith("## ") and text.count("\n| ") >= 2


@pytest.mark.parametrize(
    ("arm", "terms"),
    [
        (workload.PLAIN, set()),
        (workload.ASCENT, {"smart"}),
        (workload.ONE_PASS, {"smart"}),
        (workload.TEACHER, {"mbpp"}),
        (workload.every(workload.ONE_PASS + workload.TEACHER, 4), {"smart", "mbpp"}),
    ],
    ids=["plain", "ascent", "one pass", "teacher", "both"],
)
def test_an_arm_trains_with_the_terms_that_it_names(arm, terms, small, tmp_path):
    made = workload.trainer(workload.fixed_length(tmp_path, 2, 8, 2), arm, tmp_path / "run")
    assert set(made.step.regularizers) == arm.terms == terms


def test_an_arm_whose_terms_are_off_is_refused(small, tmp_path):
    """As an arm that changed a setting and named no preset once was, when the default preset became off."""
    experiment = workload.fixed_length(tmp_path, 2, 8, 2)
    broken = workload.Arm(("smart=default",), frozenset({"smart"}))
    with pytest.raises(ValueError, match=r"trains with \[\], not with \['smart'\]"):
        workload.trainer(experiment, broken, tmp_path / "run")


def test_gpu_part_measures_and_shows_every_arm(small, tmp_path):
    measured = gpu.measure(tmp_path / "gpu", 1, TINY)
    assert len(measured["seconds"]) == 6
    assert measured["agreement"]["fisher"] > 0.9
    text = "\n".join(gpu.page(measured))
    assert "bfloat16 | SMART + MBPP, one pass" in text and "Cosine" in text


def test_without_a_gpu_the_page_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert "No GPU was at hand" in "\n".join(gpu.page(gpu.measure(tmp_path / "gpu", 1)))


def test_precision_part_measures_torchs_layers_and_ours(small, tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(linear, "convolving_is_faster", lambda: False)
    monkeypatch.setattr(linear, "widening_is_faster", lambda: True)
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
        "startup": {"machine": "here.", "repeats": 5, "seconds": 60.0, "measured": STARTS},
        "gpu": {"machine": "here.", "repeats": 5, "seconds": 1.0, "measured": {}},
    }
    text = bench.page(results)
    assert "`mtsmart --help` | 0.20 (0.10 to 0.30)" in text
    assert "No GPU" in text and "Peak memory" not in text


def test_a_page_keeps_what_stands_outside_its_marks(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- a -->\nold\n<!-- b -->\nafter\n")
    for _ in range(2):
        timing.put_between(page, "<!-- a -->\n", "<!-- b -->\n", "new\n")
        assert page.read_text() == "before\n<!-- a -->\nnew\n<!-- b -->\nafter\n"
    for begin, end, missing in (("<!-- x -->", "<!-- b -->", "x"), ("<!-- b -->", "<!-- a -->", "a")):
        with pytest.raises(ValueError, match=f"page.md: lacks the mark <!-- {missing} -->"):
            timing.put_between(page, begin, end, "lost")
    assert "lost" not in page.read_text()


@pytest.mark.slow
def test_the_classic_loop_and_the_bare_loop_learn(minilm, tmp_path):
    """Both are what ours is compared with, so they must train."""
    made = workload.trainer(workload.fixed_length(tmp_path, 32, 8, 32), workload.PLAIN, tmp_path / "run")
    batches = workload.batches_of(made)
    loop = bare.BareLoop(10, batches)
    loop.epoch()
    before = [float(loop.model(**batch).loss) for batch in loop.batches]
    for _ in range(3):
        loop.epoch()
    assert sum(float(loop.model(**batch).loss) for batch in loop.batches) < sum(before)
    rows = made.setup.train["generated"].rows.to_list()
    loop = classic.ClassicLoop(workload.ENCODER, {"generated": rows}, {"generated": 2}, 8)
    losses = []
    for _ in range(3):
        loop.epoch()
        losses.append(loop.loss)
    assert losses[-1] < losses[0]


def test_memory_of_this_process_can_be_read():
    assert 0 < process_memory.status("RssAnon") <= process_memory.status("VmRSS") <= process_memory.status("VmHWM")
