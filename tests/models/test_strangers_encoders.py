"""Encoder folders that ask for memory, for code or for other models: refused, and nothing is fetched or imported."""

import base64
import json

import pytest

from mtsmart.config.sections import EncoderConfig
from mtsmart.errors import CheckpointError
from mtsmart.models.loading import load_encoder
from tests.models.strangers import CALLS, change, refused


def replace(content, times, pattern=None):
    step = {"type": "Replace", "pattern": pattern or {"String": "a"}, "content": content}
    return {"type": "Sequence", "normalizers": [step] * times}


def precompiled(text):
    table = (4).to_bytes(4, "little") + b"\0\0\0\0" + text + b"\0"
    return {"type": "Precompiled", "precompiled_charsmap": base64.b64encode(table).decode()}


SEQUENCE, SPECIAL = {"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "x", "type_id": 0}}
GROWING = {
    "replace": {"normalizer": replace("a" * 40, 6)},
    "replace by a little": {"normalizer": replace("aa", 9)},
    "replace nothing": {"normalizer": replace("a", 7, {"Regex": ""})},
    "replace what may be nothing": {"normalizer": replace("a", 7, {"Regex": "b{1}?"})},
    "prepend": {"normalizer": {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "aaa"}] * 5}},
    "table": {"normalizer": precompiled(b"a" * 1000)},
    "bytes": {"normalizer": {"type": "Sequence", "normalizers": [{"type": "ByteLevel"}] * 4}},
    "nested": {"normalizer": {"type": "Sequence", "normalizers": [replace("a" * 17, 1)] * 2}},
    "pieces": {
        "pre_tokenizer": {
            "type": "Sequence",
            "pretokenizers": [{"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True}] * 4,
        }
    },
    "repeat the text": {
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [SEQUENCE] * 1000,
            "pair": [SEQUENCE],
            "special_tokens": {},
        }
    },
}


@pytest.mark.parametrize("name", list(GROWING))
def test_a_tokenizer_that_multiplies_its_input_is_refused(folder, name):
    change(folder / "tokenizer.json", **GROWING[name])
    refused(folder, "its tokenizer has steps that together could make .* characters of one, where 256 are the most")


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"normalizer": replace("a", 65)}, "more than 64 steps"),
        ({"normalizer": {"type": "Other"}}, "a step of unknown type 'Other'"),
        ({"normalizer": {"content": "x"}}, "a step without a type"),
        ({"padding": {"strategy": {"Fixed": 10**9}}}, "pads each text to 1,000,000,000 tokens"),
        ({"padding": {"strategy": "BatchLongest", "pad_to_multiple_of": 10**9}}, "pads each text to 1,000,000,000"),
        ({"added_tokens": [{}] * 100_001}, "adds 100,001 tokens"),
        (
            {
                "post_processor": {
                    "type": "TemplateProcessing",
                    "single": [SEQUENCE, SPECIAL],
                    "pair": [],
                    "special_tokens": {"x": {"id": "x", "ids": [1] * 1000, "tokens": ["x"] * 1000}},
                }
            },
            "puts 1,000 special tokens around each text",
        ),
    ],
)
def test_a_tokenizer_with_settings_that_nobody_needs_is_refused(folder, values, reason):
    change(folder / "tokenizer.json", **values)
    refused(folder, reason)


@pytest.mark.parametrize("first", [True, False])
def test_of_a_step_that_is_written_twice_the_one_that_counts_is_checked(folder, first):
    bomb = f'"normalizer": {json.dumps(replace("a" * 40, 6))}'
    text = (folder / "tokenizer.json").read_text().strip()
    (folder / "tokenizer.json").write_text("{" + bomb + "," + text[1:] if first else text[:-1] + "," + bomb + "}")
    if first:
        load_encoder(EncoderConfig(path=str(folder)))
    else:
        refused(folder, "steps that together could make 1,600 characters of one")


@pytest.mark.parametrize(
    "values",
    [
        {"_attn_implementation": "owner/kernel"},
        {"attn_implementation": "owner/kernel:function"},
        {"_attn_implementation": "flash_attention_2"},
        {"_attn_implementation": {"": "paged|owner/kernel"}},
        {"_experts_implementation": "owner/kernel"},
        {"quantization_config": {"quant_method": "fp8"}},
    ],
)
def test_a_configuration_cannot_ask_for_code(folder, values):
    change(folder / "config.json", **values)
    refused(folder, "its configuration has")


def test_an_adapter_cannot_ask_for_another_model(folder):
    change(folder / "adapter_config.json", base_model_name_or_path="owner/other", peft_type="LORA")
    refused(folder, "adapter_config.json of the library peft")


@pytest.mark.parametrize(
    ("file", "values"),
    [
        ("config.json", {"auto_map": {"AutoConfig": "owner/other--x.X", "AutoModel": "owner/other--x.X"}}),
        ("config.json", {"_name_or_path": "owner/other", "base_model_name_or_path": "owner/other"}),
        ("config.json", {"custom_generate": "owner/other", "kernel_config": {"x": "owner/other"}}),
        ("tokenizer_config.json", {"auto_map": {"AutoTokenizer": [None, "owner/other--x.X"]}, "name_or_path": "o/p"}),
        ("tokenizer_config.json", {"chat_template": "{{ cycler.__init__.__globals__.os.mkdir('x') }}"}),
    ],
)
def test_names_of_other_models_are_not_followed(folder, file, values):
    change(folder / file, **values)
    try:
        load_encoder(EncoderConfig(path=str(folder)))
    except CheckpointError as error:
        assert "cannot be loaded" in str(error)
    assert not CALLS
