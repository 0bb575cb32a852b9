"""On a fine-tuned real encoder the direction that SMART finds moves far more than a random one."""

import pytest
import torch

import mtsmart
from mtsmart.losses import Role
from tests.regularizers.at_work import at_work, preset
from tests.regularizers.conftest import Bench

EPSILON = 1e-2  # of the embedding RMS


@pytest.fixture(scope="module")
def fine_tuned(minilm, tmp_path_factory):
    folder = tmp_path_factory.mktemp("tuned")
    overrides = ["tasks=[quick_paraphrase]", "smart=off", "mbpp=off", "optimizer.learning_rate=1e-4"]
    return mtsmart.train("quickstart", overrides, output_dir=folder / "run").load()


@pytest.mark.slow
@pytest.mark.parametrize("direction", ["ascent", "fisher"])
def test_adversarial_r_is_at_least_100_times_that_of_random_signs(fine_tuned, direction):
    """At linf radius 1e-2 RMS, dropout off, over validation rows; SMART's default settings find the direction."""
    import json

    from mtsmart.resources import shipped

    file = shipped("tasks") / "quickstart" / "quick_paraphrase" / "validation.jsonl"
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    bench = object.__new__(Bench)
    bench.model, bench.tokenizer = fine_tuned.model.eval(), fine_tuned.tokenizer
    bench.tasks = {"quick_paraphrase": fine_tuned.task("quick_paraphrase")}
    config = preset("smart", direction=direction)
    assert (config.epsilon, config.epsilon_unit, config.norm) == (EPSILON, "relative", "linf")
    smart = at_work("smart", bench.model, bench.tasks, config)
    radius = EPSILON * smart.embedding_rms
    totals = torch.zeros(2)
    for start in range(0, len(rows), 24):
        texts = [(row["sentence1"], row["sentence2"]) for row in rows[start : start + 24]]
        clean = bench.clean(
            "quick_paraphrase", bench.batch("quick_paraphrase", texts, columns=("sentence1", "sentence2"))
        )
        mask = clean.batch.attention_mask.unsqueeze(-1)
        random = (torch.randint(0, 2, clean.inputs_embeds.shape) * 2 - 1) * radius * mask
        adversarial = smart.perturbation(clean, clean.logits, config)
        with torch.no_grad():
            for index, delta in enumerate((adversarial, random)):
                moved = clean.forward(clean.inputs_embeds + delta)
                totals[index] += clean.task.divergence(moved, clean.logits, clean.batch, Role.ADVERSARIAL)
    assert totals[0] >= 100 * totals[1], totals
