"""Where the time of an update goes: kinds of operators, and a page with a table for each instruction set."""

import pytest

from benchmarks import update_profile
from benchmarks.speed import workload
from benchmarks.update_profile import BETWEEN, END, KINDS, REST, instruction_set, kind_of, rows_of, shares, with_table
from tests.conftest import WORDS


def test_the_shares_make_the_whole_update(tiny_encoder, monkeypatch):
    monkeypatch.setattr(update_profile, "BATCH", 4)
    monkeypatch.setattr(update_profile, "TOKENS", 8)
    monkeypatch.setattr(workload, "WORDS", WORDS)  # The tiny encoder knows no others.
    found = shares("float32", 2, tiny_encoder)
    assert list(found) == [*KINDS, REST, BETWEEN]
    assert all(found[kind] > 0 for kind in ("matrix products", "attention", "normalisation", BETWEEN))
    lines = rows_of({"float32": found})
    percents = [float(line.split("|")[2].removesuffix(" % ")) for line in lines if line.endswith("% |")]
    assert sum(percents) == pytest.approx(100, abs=0.05 * len(found))
    assert percents == sorted(percents, reverse=True)


@pytest.mark.parametrize(
    ("operator", "kind"),
    [
        ("aten::addmm", "matrix products"),
        ("aten::_scaled_dot_product_flash_attention_for_cpu", "attention"),
        ("aten::native_layer_norm_backward", "normalisation"),
        ("aten::gelu_backward", "activations"),
        ("aten::copy_", "copies and casts"),
        ("aten::_fused_adamw_", "optimizer and moving average"),
        ("Optimizer.step#AdamW.step", "optimizer and moving average"),
        ("aten::addmm_of_somebody", REST),
        ("autograd::engine::evaluate_function: AddmmBackward0", BETWEEN),
    ],
)
def test_an_operator_has_one_kind(operator, kind):
    assert kind_of(operator) == kind


def test_the_widest_set_of_instructions_names_the_table():
    assert instruction_set(["avx2", "avx512f", "avx512_bf16", "amx_bf16"]) == "AMX"
    assert instruction_set(["avx512f", "avx2"]) == "AVX-512"
    assert instruction_set(["sse"]) == "another instruction set"


def test_a_table_replaces_that_of_its_own_set_alone():
    page = with_table(f"before\n{END}after\n", "AMX", "one\n")
    page = with_table(page, "AVX2", "two\n")
    page = with_table(page, "AMX", "three\n")
    page = with_table(page, "AVX2", "four\n")
    assert page == f"before\n<!-- profile: AMX -->\nthree\n<!-- profile: AVX2 -->\nfour\n{END}after\n"


def test_a_page_without_the_mark_is_refused():
    with pytest.raises(ValueError, match="lacks the mark"):
        with_table("before\n", "AMX", "one\n")
    with pytest.raises(ValueError, match="lacks the mark"):
        with_table("<!-- profile: AMX -->\nold\n", "AMX", "one\n")
