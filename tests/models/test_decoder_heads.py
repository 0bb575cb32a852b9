"""Native heads of decoders, and of classes that read more than the hidden states, give the logits of the task class."""

import copy

import pytest
import torch

from benchmarks.encoder_zoo import save
from mtsmart.config.sections import EncoderConfig
from mtsmart.models.heads import HeadSpec
from mtsmart.models.heads.base import gather_positions
from mtsmart.models.heads.native import NATIVE_CLASSES
from mtsmart.models.hugging_face import export_head
from mtsmart.models.loading import load_encoder
from mtsmart.models.multitask import MultiTaskModel


def loaded(name, folder, kind):
    encoder, tokenizer = load_encoder(EncoderConfig(path=str(save(name, folder))))
    torch.manual_seed(1)
    return MultiTaskModel(encoder, {"task": HeadSpec(kind, 3)}).eval(), tokenizer


def whole_of(model, tokenizer):
    """The task class with the same weights."""
    encoder = model.encoder.model
    config = copy.deepcopy(encoder.config)
    config.num_labels = 3
    config.pad_token_id = tokenizer.pad_token_id
    whole = NATIVE_CLASSES[model.specs["task"].kind].from_config(config).eval()
    getattr(whole, whole.base_model_prefix).load_state_dict(encoder.state_dict(), strict=False)
    whole.load_state_dict(model.head("task").model.state_dict(), strict=False)
    return whole


@pytest.mark.parametrize(
    "name", ["GPT-2", "GPT-Neo", "Llama", "Qwen2", "Gemma", "BLOOM", "OPT", "CTRL", "OpenAI GPT", "LUKE"]
)
def test_a_text_is_read_to_its_end(name, tmp_path):
    model, tokenizer = loaded(name, tmp_path, "sequence_classification")
    texts = ["the red cat sleeps in a big house", "a dog", "the old car is not very new"]
    inputs = tokenizer(texts, padding=True, return_tensors="pt")
    inputs.pop("token_type_ids", None)
    with torch.no_grad():
        ours = model("task", model.embed(inputs["input_ids"]), {"attention_mask": inputs["attention_mask"]})
        theirs = whole_of(model, tokenizer)(**inputs).logits
    torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-5)


@pytest.fixture
def no_memory_is_zero_by_chance():
    torch.use_deterministic_algorithms(True)  # Now torch fills memory that has no values yet with NaN.
    yield
    torch.use_deterministic_algorithms(False)


@pytest.mark.usefixtures("no_memory_is_zero_by_chance")
@pytest.mark.parametrize("name", ["Data2Vec text", "FNet", "Longformer", "LUKE", "Nystromformer", "Reformer", "BERT"])
def test_each_parameter_of_a_new_head_has_a_first_value(name, tmp_path):
    model, _ = loaded(name, tmp_path, "masked_lm")
    for key, value in model.head("task").model.named_parameters():
        assert value.isfinite().all(), key
        if key.endswith("bias"):
            assert not value.any(), key


@pytest.mark.parametrize("name", ["Longformer", "LUKE"])
def test_masked_words_of_classes_with_more_outputs(name, tmp_path):
    model, tokenizer = loaded(name, tmp_path, "masked_lm")
    inputs = tokenizer(["the red [MASK] sleeps", "a [MASK]"], padding=True, return_tensors="pt")
    inputs.pop("token_type_ids")
    positions = (inputs["input_ids"] == tokenizer.mask_token_id).long().argmax(1, keepdim=True)
    with torch.no_grad():
        given = {"attention_mask": inputs["attention_mask"], "positions": positions}
        ours = model("task", model.embed(inputs["input_ids"]), given)
        theirs = whole_of(model, tokenizer)(**inputs).logits
    torch.testing.assert_close(ours, gather_positions(theirs, positions), atol=1e-5, rtol=1e-5)


def test_a_decoder_is_exported(tmp_path):
    """Also one whose configuration and tokenizer name no token to pad with; its class needs one."""
    folder = save("Llama", tmp_path / "encoder")
    tokenizer = load_encoder(EncoderConfig(path=str(folder)))[1]
    tokenizer.pad_token = None
    tokenizer.eos_token = "[SEP]"
    tokenizer.save_pretrained(folder)
    encoder, tokenizer = load_encoder(EncoderConfig(path=str(folder)))
    assert tokenizer.pad_token == "[SEP]"
    model = MultiTaskModel(encoder, {"task": HeadSpec("sequence_classification", 3)}).eval()
    exported = export_head(model, "task", tokenizer, tmp_path / "exported")
    assert exported.architecture == "LlamaForSequenceClassification"
