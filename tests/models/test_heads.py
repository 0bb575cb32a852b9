"""The native head is the architecture's own: same logits as the Hugging Face task class with the same weights."""

import copy
import threading

import pytest
import torch

from mtsmart.errors import CheckpointError, ConfigError
from mtsmart.models.encoder import Encoder
from mtsmart.models.heads import KINDS, HeadSpec, build_head
from mtsmart.models.heads.base import gather_positions
from mtsmart.models.heads.native import NATIVE_CLASSES
from mtsmart.models.multitask import MultiTaskModel
from tests.models.architectures import ARCHITECTURES
from tests.models.test_encoder import padded, small

SPEC = HeadSpec("sequence_classification", 3, type="native", labels=["a", "b", "c"])


def exists(name, kind):
    """Whether Hugging Face has a class of the kind that needs the encoder alone."""
    return kind == "token_classification" if name == "T5" else (name, kind) != ("XLNet", "masked_lm")


NATIVE = [(name, kind) for name in ARCHITECTURES for kind in KINDS if exists(name, kind)]
REST = [(name, kind) for name in ARCHITECTURES for kind in KINDS if not exists(name, kind)]


@pytest.mark.parametrize(("name", "kind"), NATIVE)
def test_logits_equal_the_task_class(name, kind):
    """Every kind of every architecture, with padding, after loading the same weights."""
    encoder = small(name)
    model = MultiTaskModel(encoder, {"task": HeadSpec(kind, 3)}).eval()
    config = copy.deepcopy(encoder.config)
    config.num_labels = 2 if kind == "question_answering" else 3
    whole = NATIVE_CLASSES[kind].from_config(config).eval()
    getattr(whole, whole.base_model_prefix).load_state_dict(encoder.model.state_dict(), strict=False)
    missing, unexpected = whole.load_state_dict(model.head("task").model.state_dict(), strict=False)
    assert not unexpected
    assert all(key.startswith(whole.base_model_prefix) for key in missing)
    ids, mask = padded(encoder, (7, 5, 7, 3))
    positions = mask.argmax(1, keepdim=True) + torch.tensor([[2, 0], [1, 1], [3, 2], [0, 2]])
    with torch.no_grad():
        result = model("task", model.embed(ids), {"attention_mask": mask, "positions": positions})
        if kind == "multiple_choice":
            expected = whole(input_ids=ids.view(2, 2, 7), attention_mask=mask.view(2, 2, 7)).logits.view(4, 1)
        else:
            output = whole(input_ids=ids, attention_mask=mask)
            if kind == "question_answering":
                expected = torch.stack([output.start_logits, output.end_logits], -1)
            else:
                expected = output.logits
    if kind == "masked_lm":
        expected = gather_positions(expected, positions)
    if kind in ("token_classification", "question_answering"):
        result, expected = result[mask == 1], expected[mask == 1]
    torch.testing.assert_close(result, expected, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(("name", "kind"), REST)
def test_what_an_architecture_lacks_has_the_plain_head(name, kind):
    encoder = small(name)
    with pytest.raises(CheckpointError, match=f"no Hugging Face class for {kind}.*type: plain"):
        build_head(encoder, HeadSpec(kind, 3))
    assert build_head(encoder, HeadSpec(kind, 3, type="plain")) is not None


@pytest.mark.parametrize("name", [name for name in ARCHITECTURES if name != "T5"])
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
        assert 0.005 < float(weight.std()) < 0.4
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


def test_threads_that_share_a_head_get_their_own_rows():
    """While one thread is between handing outputs to a head and reading its logits, another may do the same."""
    model = MultiTaskModel(small("BERT"), {"task": SPEC}).eval()
    handover, met, read = model.head("task")._encoder_outputs, threading.Barrier(2), {}

    def hold(name):
        with handover.returning(name):
            met.wait()
            read[name] = handover()
            met.wait()

    threads = [threading.Thread(target=hold, args=(name,)) for name in ("one", "two")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert read == {"one": "one", "two": "two"}
    assert handover() is None
