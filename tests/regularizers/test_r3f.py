"""R3F's noise. Its formula over twenty updates is in test_against_the_reference.py."""

import pytest
import torch
from safetensors.torch import load_file

import mtsmart
from mtsmart.errors import MtsmartWarning
from tests.regularizers.at_work import at_work, preset


def noise_of(bench, **changes):
    """What R3F adds to the embeddings, and where the tokens are real."""
    clean = bench.clean("kind")
    seen = []
    hook = bench.model.register_forward_hook(lambda module, inputs, logits: seen.append(inputs[1]))
    method = at_work("r3f", bench.model, bench.tasks, preset("r3f", "paper", epsilon_unit="absolute", **changes))
    method.loss(clean)
    hook.remove()
    return (seen[-1] - clean.inputs_embeds).detach(), clean.batch.attention_mask


def test_uniform_noise_has_its_bound_and_normal_noise_its_deviation(tiny_bench):
    uniform, mask = noise_of(tiny_bench, noise=0.3, distribution="uniform")
    real = uniform[mask == 1]
    assert 0.28 < float(real.abs().max()) <= 0.3
    assert float(real.std()) == pytest.approx(0.3 / 3**0.5, rel=0.1)
    normal, _ = noise_of(tiny_bench, noise=0.3, distribution="normal")
    assert float(normal[mask == 1].std()) == pytest.approx(0.3, rel=0.1)
    assert (mask == 0).any() and not uniform[mask == 0].any() and not normal[mask == 0].any()


def test_gradients_flow_through_both_predictions(tiny_bench):
    """The derivative of the divergence in a shift of both inputs is the sum of those in each."""
    tiny_bench.model.eval()
    method = at_work("r3f", tiny_bench.model, tiny_bench.tasks, preset("r3f", "paper", noise=0.5))
    clean = tiny_bench.clean("kind")
    logits = []
    hook = tiny_bench.model.register_forward_hook(lambda module, inputs, found: logits.append(found))
    term = method.loss(clean)
    hook.remove()
    both = torch.autograd.grad(term.value, [clean.logits, logits[-1]])
    assert all(gradient.abs().sum() > 0 for gradient in both)


def test_a_noise_that_bfloat16_rounds_away_is_told(workspace):
    settings = ["smart=off", "mbpp=off", "r3f=paper", "training.precision=bfloat16", "training.max_updates=1"]
    with pytest.warns(MtsmartWarning, match=r"r3f\.noise=1e-05 \(color, near\): moves embeddings by less"):
        mtsmart.train(workspace.experiment, settings, output_dir=workspace.folder / "run")


def test_r4f_bounds_what_the_head_stretches(workspace):
    """No linear map of a head has a singular value above 1, in the run and in the stored model."""
    settings = ["smart=off", "mbpp=off", "r3f=r4f", "tasks.near.r3f=paper", "optimizer.learning_rate=0.5"]
    heads = ["tasks.color.head={type: plain, layers: 1}", "tasks.near.head={type: plain, layers: 1}"]
    run = mtsmart.train(workspace.experiment, [*settings, *heads], output_dir=workspace.folder / "run").path
    largest = {}
    for task in ("color", "near"):
        tensors = load_file(run / "model" / "heads" / f"{task}.safetensors")
        largest[task] = max(float(torch.linalg.matrix_norm(one, 2)) for one in tensors.values() if one.ndim == 2)
    assert largest["color"] <= 1 + 1e-5 < largest["near"]
