"""SiFT is SMART in the coordinates of normalised word embeddings (He et al. 2021, DeBERTa, section 5)."""

import torch

from mtsmart.losses import Role
from mtsmart.regularizers.shared.noise import Noise
from tests.regularizers.at_work import at_work, preset


def test_the_perturbation_is_found_in_normalised_embeddings_and_mapped_back(tiny_bench):
    """u = (e - mean) / deviation of each token; u + delta; one ascent step in delta; back to embeddings."""
    tiny_bench.model.double().eval()
    settings = preset("smart", "sift", noise=0.3, step_size=0.5, epsilon=0.6)
    smart = at_work("smart", tiny_bench.model, tiny_bench.tasks, settings)
    clean = tiny_bench.clean("kind")
    found = smart.perturbation(clean, clean.logits, settings)

    embeds = clean.inputs_embeds.detach()
    mean, deviation = embeds.mean(-1, keepdim=True), embeds.std(-1, unbiased=False, keepdim=True)
    normalised = (embeds - mean) / deviation.clamp_min(1e-30)  # the padding's embedding is 0
    mask = clean.batch.attention_mask
    expected = torch.nn.functional.layer_norm(embeds, embeds.shape[-1:], eps=0.0)[mask == 1]
    torch.testing.assert_close(normalised[mask == 1], expected)
    real = mask.unsqueeze(-1)
    delta = (0.3 * Noise(clean.batch, embeds.device).of_sequences(embeds) * real).requires_grad_(True)
    logits = clean.forward((normalised + delta) * deviation + mean)
    value = clean.task.divergence(logits, clean.logits.detach(), clean.batch, Role.ADVERSARIAL)
    (gradient,) = torch.autograd.grad(value, delta)
    gradient = gradient * real
    delta = delta.detach() + 0.5 * gradient / gradient.abs().amax(-1, keepdim=True).clamp_min(1e-30)
    expected = (normalised + delta.clamp(-0.6, 0.6)) * deviation + mean - embeds
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=1e-4)


def test_without_a_perturbation_the_pass_is_unchanged(tiny_bench):
    settings = preset("smart", "sift", noise=0.0, steps=0, dropout="shared")
    tiny_bench.model.train()
    smart = at_work("smart", tiny_bench.model, tiny_bench.tasks, settings)
    assert float(smart.loss(tiny_bench.clean("kind")).figures["R"]) == 0.0


def test_tokens_are_perturbed_by_the_same_share_of_their_deviation(tiny_bench):
    tiny_bench.model.eval()
    settings = preset("smart", "sift", epsilon=0.01, step_size=1.0, constraint="normalize", scope="sentence")
    smart = at_work("smart", tiny_bench.model, tiny_bench.tasks, settings)
    clean = tiny_bench.clean("kind")
    longest = smart.perturbation(clean, clean.logits, settings).abs().amax(-1)
    deviation = clean.inputs_embeds.detach().std(-1, unbiased=False)
    real = clean.batch.attention_mask == 1
    torch.testing.assert_close(longest[real], 0.01 * deviation[real], rtol=1e-4, atol=0)
    assert settings.replaced == {"scope": "epsilon_unit=normalized"}
