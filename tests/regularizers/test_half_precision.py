"""SMART's term in bfloat16 beside float32, for every task type.

Rounding differs between the two passes of the term, so R also has the distance between two roundings. It is a share of
R that shrinks as the radius and the encoder's width grow, so the encoder here is wider than in other tests.
"""

import pytest
import torch
from transformers import BertConfig, BertModel

from tests.models.architectures import save
from tests.regularizers.every_type import EXAMPLES, Bench, Case

WIDE = {"hidden_size": 128, "intermediate_size": 256, "num_attention_heads": 8, "initializer_range": 0.05}
DRAWS = 8  # of tokens for the rows of an example
FIRST_WORD = 5  # after the special tokens


@pytest.fixture(scope="module")
def wide(tmp_path_factory):
    folder = save("BERT", tmp_path_factory.mktemp("wide"))
    torch.manual_seed(0)
    BertModel(BertConfig.from_pretrained(folder, **WIDE)).save_pretrained(folder)
    return Bench(folder)


def with_other_words(batch, seed):
    """The batch with random words in the place of its words and masked words."""
    ids = batch.inputs["input_ids"]
    words = torch.randint(FIRST_WORD, 24, ids.shape, generator=torch.Generator().manual_seed(seed))
    batch.inputs["input_ids"] = torch.where(ids >= FIRST_WORD - 1, words, ids)


def figures(bench, name, epsilon, precision):
    """The means of R and delta/x over several draws of words."""
    values = []
    for seed in range(DRAWS):
        case = Case(bench, name)
        case.model.eval()
        with_other_words(case.batch, seed)
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bfloat16"):
            found = case.smart(epsilon=epsilon).loss(case.clean()).figures
        values.append([float(found["R"]), float(found["delta/x"])])
    return torch.tensor(values).mean(0)


@pytest.mark.parametrize(
    ("name", "epsilon", "most"), [*((name, 1e-2, 0.05) for name in EXAMPLES), ("classification", 3e-3, 0.15)]
)
def test_r_and_the_perturbation_survive(wide, name, epsilon, most):
    r, length = figures(wide, name, epsilon, "bfloat16") / figures(wide, name, epsilon, "float32")
    assert float(r) == pytest.approx(1, abs=most)
    assert float(length) == pytest.approx(1, abs=0.01)
