"""The native head is the architecture's own: same logits as the Hugging Face task class with the same weights."""

import pytest
import torch
import transformers

from mtsmart.errors import ConfigError
from mtsmart.models.encoder import Encoder
from mtsmart.models.heads import HeadSpec, build_head
from mtsmart.models.multitask import MultiTaskModel
from tests.models.test_encoder import ARCHITECTURES, small

SPEC = HeadSpec("sequence_classification", 3, type="native", labels=["a", "b", "c"])


@pytest.mark.parametrize("name", list(ARCHITECTURES))
def test_logits_equal_the_task_class(name):
    encoder = small(name)
    model = MultiTaskModel(encoder, {"task": SPEC}).eval()
    config = encoder.config
    config.num_labels = 3
    whole = transformers.AutoModelForSequenceClassification.from_config(config).eval()
    body = getattr(whole, whole.base_model_prefix)
    body.load_state_dict(encoder.model.state_dict(), strict=False)
    own = dict(model.head("task").model.state_dict().items())
    missing, unexpected = whole.load_state_dict(own, strict=False)
    assert not unexpected
    assert all(key.startswith(whole.base_model_prefix) for key in missing)

    ids = torch.randint(5, 50, (4, 7))
    mask = torch.ones_like(ids)
    mask[0, 5:] = 0
    with torch.no_grad():
        expected = whole(input_ids=ids, attention_mask=mask).logits
        result = model("task", model.embed(ids), {"attention_mask": mask})
    torch.testing.assert_close(result, expected, atol=1e-6, rtol=0)


@pytest.mark.parametrize("name", list(ARCHITECTURES))
def test_a_fresh_head_is_initialised_and_reproducible(name):
    encoder = small(name)
    states = []
    for _ in range(2):
        torch.manual_seed(5)
        head = build_head(encoder, SPEC)
        states.append({key: value.clone() for key, value in head.state_dict().items()})
    assert states[0].keys() == states[1].keys()
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[0])
    weights = [value for key, value in states[0].items() if key.endswith("weight") and value.ndim == 2]
    for weight in weights:
        assert torch.isfinite(weight).all()
        assert 0.005 < float(weight.std()) < 0.2
    assert not any(p.is_meta for p in head.parameters())


def test_a_head_holds_no_encoder():
    encoder = small("BERT")
    assert sum(p.numel() for p in build_head(encoder, SPEC).parameters()) == 3 * 16 + 3


def test_head_dropout_replaces_the_architectures_own():
    head = build_head(small("BERT"), HeadSpec("sequence_classification", 2, dropout=0.37))
    assert [m.p for m in head.modules() if isinstance(m, torch.nn.Dropout)] == [0.37]


def test_head_names_may_be_anything_a_task_may_be_called():
    model = MultiTaskModel(small("BERT"), dict.fromkeys(["keys", "pop", "train", "x-1"], SPEC))
    assert all(model.head(name) is not None for name in model.specs)


def test_an_unknown_head_type_is_refused():
    with pytest.raises(ConfigError, match="unknown head type, got 'nativ'. Did you mean 'native'"):
        build_head(small("BERT"), HeadSpec("sequence_classification", 2, type="nativ"))


def test_heads_share_one_encoder_and_do_not_see_each_other():
    model = MultiTaskModel(Encoder(ARCHITECTURES["BERT"]()), {"a": SPEC, "b": SPEC})
    ids = torch.randint(5, 50, (2, 4))
    inputs = {"attention_mask": torch.ones_like(ids)}
    model("a", model.embed(ids), inputs).sum().backward()
    assert all(p.grad is None for p in model.head("b").parameters())
    assert all(p.grad is not None for p in model.head("a").parameters())
