"""Encoder folders with files or settings that name others, or that no encoder needs: refused before they are read."""

import json
import os

import pytest
from safetensors.torch import load_file

from mtsmart.config.sections import EncoderConfig
from mtsmart.errors import CheckpointError
from mtsmart.models.heads import HeadSpec, build_head
from mtsmart.models.loading import load_encoder
from tests.models.architectures import make, tokenizer_of
from tests.models.strangers import change, refused


def nested(depth):
    return {"x": nested(depth - 1)} if depth else 1


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"transformers_weights": "adapter_model.bin"}, "config.json has transformers_weights 'adapter_model.bin'"),
        ({"transformers_weights": "../other/model.safetensors"}, "config.json has transformers_weights"),
        ({"transformers_weights": "other.safetensors.index.json"}, "config.json has transformers_weights"),
        ({"text_config": {"transformers_weights": "adapter_model.bin"}}, "config.json has transformers_weights"),
        (
            {"attribute_map": {"transformers_weights": "x"}, "x": "adapter_model.bin"},
            "config.json has attribute_map, which is no setting",
        ),
        ({"extra_files": ["../other.safetensors"]}, "config.json has extra_files, which is no setting"),
        ({"to_dict": 1}, "config.json has to_dict, which is no setting"),
        ({"backbone": "owner/other"}, "config.json has backbone 'owner/other'"),
        ({"use_pretrained_backbone": True}, "config.json has use_pretrained_backbone True"),
        (
            {"backbone_config": {"model_type": "timm_backbone", "backbone": "hf-hub:o/p"}},
            "config.json has backbone_config",
        ),
        ({"model_type": "timm_wrapper"}, "model_type 'timm_wrapper', which is no encoder of text"),
        ({"dtype": "load"}, "config.json has dtype 'load', which is no dtype of torch"),
        ({"torch_dtype": "_C"}, "config.json has torch_dtype '_C', which is no dtype of torch"),
        ({"text_config": {"dtype": "hub"}}, "config.json has dtype 'hub', which is no dtype of torch"),
        ({"tokenizer_class": "AutoModel"}, "config.json has tokenizer_class 'AutoModel', which is no tokenizer"),
    ],
)
def test_a_configuration_names_no_other_files(folder, values, reason):
    change(folder / "config.json", **values)
    refused(folder, reason)


def test_a_configuration_of_another_version_is_checked_too(folder):
    change(folder / "config.4.0.0.json", transformers_weights="adapter_model.bin")
    change(folder / "config.json", configuration_files=["config.4.0.0.json"])
    refused(folder, "config.4.0.0.json has transformers_weights")


@pytest.mark.parametrize("size", [10**10, -(10**10)])
@pytest.mark.parametrize(
    "shape", [lambda size: size, lambda size: [64, size], lambda size: [{"vocab_size": size}], lambda size: [[size]]]
)
def test_no_integer_is_larger_than_any_encoder_needs(folder, shape, size):
    change(folder / "config.json", attention_window=shape(size))
    refused(folder, f"config.json has (attention_window|vocab_size) {size}")


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"num_labels": 1_000_000}, "config.json has num_labels 1000000"),
        ({"text_config": {"num_labels": 1_000_000}}, "config.json has num_labels 1000000"),
        ({"id2label": {str(label): "x" for label in range(100_001)}}, "config.json has 100,001 values in id2label"),
        ({"label2id": {str(label): 0 for label in range(100_001)}}, "config.json has 100,001 values in label2id"),
        ({"attention_window": [512, 4097]}, "config.json has attention_window 4097"),
        ({"lsh_attn_chunk_length": 100_000}, "config.json has lsh_attn_chunk_length 100000"),
        ({"max_window_layers": 1001}, "config.json has max_window_layers 1001"),
        ({"pruned": [0] * 10_001}, "config.json has 10,001 values in pruned"),
        ({"pruned": [[0] * 1000] * 1000}, "config.json has 1,000 values in pruned"),
        ({"x": nested(20)}, "config.json has more than 16 nested levels in x"),
    ],
)
def test_a_configuration_cannot_fill_the_memory_while_it_is_read(folder, values, reason):
    change(folder / "config.json", **values)
    refused(folder, reason)


def test_honest_settings_of_any_size_are_read(folder):
    labels = {str(label): f"label {label}" for label in range(2000)}
    change(folder / "config.json", rope_theta=10**9, seed=2**40, id2label=labels, transformers_weights=None)
    load_encoder(EncoderConfig(path=str(folder)))


def index(folder, weight_map, metadata=None):
    """The weights as one shard, and an index that has ``weight_map`` for them."""
    (folder / "model.safetensors").rename(folder / "part.safetensors")
    text = {"metadata": metadata or {}, "weight_map": weight_map}
    (folder / "model.safetensors.index.json").write_text(json.dumps(text))


@pytest.mark.parametrize(
    ("weight_map", "reason"),
    [
        ({"x": "../encoder/part.safetensors"}, "has '../encoder/part.safetensors' in its weight_map"),
        ({"x": "/etc/part.safetensors"}, "has '/etc/part.safetensors' in its weight_map"),
        ({"x": "sub/part.safetensors"}, "has 'sub/part.safetensors' in its weight_map"),
        ({"x": "pytorch_model.bin"}, "has 'pytorch_model.bin' in its weight_map"),
        ({"x": ".part.safetensors"}, "has '.part.safetensors' in its weight_map"),
        ({"x": ["part.safetensors"]}, r"has \['part.safetensors'\] in its weight_map, where only names of"),
        ({"x": "gone.safetensors"}, "names gone.safetensors, which is not in the folder"),
        (["part.safetensors"], "has no weight_map from tensors to files"),
        ({str(name): "part.safetensors" for name in range(100_001)}, "has a weight_map of 100,001 tensors"),
    ],
)
def test_an_index_of_weights_names_files_of_the_folder_alone(folder, weight_map, reason):
    index(folder, weight_map)
    refused(folder, f"model.safetensors.index.json {reason}")


def test_weights_in_parts_load_and_are_measured(folder):
    names = list(load_file(folder / "model.safetensors"))
    index(folder, dict.fromkeys(names, "part.safetensors"))
    load_encoder(EncoderConfig(path=str(folder)))
    change(folder / "config.json", num_hidden_layers=200, intermediate_size=500_000)
    refused(folder, "its configuration asks for 6,... MB or more, its weights have 0")


def bin_alone(folder):
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")


def in_a_subfolder(folder):
    (folder / "sub").mkdir()
    (folder / "model.safetensors").rename(folder / "sub" / "model.safetensors")


def with_a_hole(folder):
    """A file that seems to be of 20 GB, and takes some KB of the disk."""
    file = folder / "model.safetensors"
    file.write_bytes((2).to_bytes(8, "little") + b"{}")
    os.truncate(file, 20 * 2**30)


def beside_others(folder):
    (folder / "other.safetensors").touch()
    os.truncate(folder / "other.safetensors", 20 * 2**30)


@pytest.mark.parametrize("place", [with_a_hole, beside_others])
def test_memory_is_measured_by_the_weights_that_are_read(folder, place):
    place(folder)
    change(folder / "config.json", num_hidden_layers=200, intermediate_size=500_000)
    refused(folder, "its configuration asks for 6,... MB or more, its weights have 0")


@pytest.mark.parametrize("place", [bin_alone, in_a_subfolder])
def test_a_folder_without_safe_weights_says_so(folder, place):
    place(folder)
    change(folder / "config.json", num_hidden_layers=200, intermediate_size=500_000)
    refused(folder, "its folder has no model.safetensors, and weights in other formats are not read")


@pytest.mark.parametrize(
    ("name", "values", "reason"),
    [
        pytest.param(
            "ALBERT",
            {"num_hidden_groups": 1000, "inner_group_num": 1000},
            "more than 50,000 parameters and modules",
            marks=pytest.mark.slow,
        ),
        ("DistilBERT", {"sinusoidal_pos_embds": True, "max_position_embeddings": 500_000}, "too many to compute"),
    ],
)
def test_models_of_very_many_parts_are_refused(folder, name, values, reason):
    make(name).config.save_pretrained(folder)
    change(folder / "config.json", **values)
    refused(folder, reason)


def test_a_head_is_not_far_larger_than_its_encoder(tmp_path):
    """Its sizes stand in the encoder's configuration, and no weight of the encoder shows for them."""
    make("DeBERTa-v2").save_pretrained(tmp_path)
    tokenizer_of("DeBERTa-v2").save_pretrained(tmp_path)
    change(tmp_path / "config.json", pooler_hidden_size=100_000)
    encoder, _ = load_encoder(EncoderConfig(path=str(tmp_path)))
    for kind in ("sequence_classification", "multiple_choice"):
        with pytest.raises(CheckpointError, match="asks for a head of 10,000,.* parameters, and the encoder has"):
            build_head(encoder, HeadSpec(kind, 2))
    build_head(encoder, HeadSpec("token_classification", 2))


@pytest.mark.parametrize(
    ("file", "values", "reason"),
    [
        (
            "tokenizer_config.json",
            {"tokenizer_class": "AutoModel"},
            "tokenizer_class 'AutoModel', which is no tokenizer",
        ),
        ("tokenizer_config.json", {"tokenizer_class": "RagRetriever"}, "tokenizer_class 'RagRetriever', which is no"),
        ("tokenizer_config.json", {"tokenizer_class": ["AutoModel"]}, r"tokenizer_class \['AutoModel'\], which is no"),
        (
            "tokenizer_config.json",
            {"fast_tokenizer_files": ["../tokenizer.1.0.json"]},
            "names the file '../tokenizer.1.0.json', which is no",
        ),
        ("tokenizer_config.json", {"fast_tokenizer_files": "/x/tokenizer.1.0.json"}, "which is no tokenizer"),
        ("tokenizer_config.json", {"vocab_file": "/etc/passwd"}, "has vocab_file '/etc/passwd'"),
        ("tokenizer_config.json", {"gguf_file": "../x.gguf"}, "has gguf_file '../x.gguf'"),
        ("tokenizer_config.json", {"merges": "/etc/passwd"}, "has merges '/etc/passwd'"),
        ("tokenizer_config.json", {"init_inputs": ["/etc/passwd"]}, "has init_inputs"),
        ("tokenizer_config.json", {"sp_model_kwargs": {"model_file": "/etc/passwd"}}, "has model_file '/etc/passwd'"),
        ("special_tokens_map.json", {"tokenizer_file": "/etc/passwd"}, "has tokenizer_file, where only special tokens"),
        ("special_tokens_map.json", {"name_or_path": "owner/other"}, "has name_or_path, where only special tokens"),
        ("special_tokens_map.json", {"is_local": False}, "has is_local, where only special tokens"),
    ],
)
def test_a_tokenizer_names_no_other_files(folder, file, values, reason):
    change(folder / file, **values)
    refused(folder, f"{file} .*{reason}")


def test_what_tokenizers_note_about_their_past_is_no_fault(folder):
    change(
        folder / "tokenizer_config.json",
        tokenizer_file="/home/someone/old/tokenizer.json",
        special_tokens_map_file="/home/someone/old/special_tokens_map.json",
        name_or_path="owner/other",
        fast_tokenizer_files=["tokenizer.json"],
        vocab_file=None,
        sp_model_kwargs={},
    )
    change(folder / "special_tokens_map.json", pad_token="[PAD]")
    load_encoder(EncoderConfig(path=str(folder)))


def sparse(name, size=3 * 2**30):
    def make_file(folder):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).touch()
        os.truncate(folder / name, size)

    return make_file


def many_files(folder):
    (folder / "sub").mkdir()
    for number in range(10_001):
        (folder / "sub" / str(number)).touch()


def pipe(name):
    def make_pipe(folder):
        (folder / name).parent.mkdir(exist_ok=True)
        os.mkfifo(folder / name)

    return make_pipe


def link(name, target):
    return lambda folder: (folder / name).symlink_to(target)


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (sparse("spiece.model"), "spiece.model is larger than 24 MB"),
        (sparse("tiktoken.bpe"), "tiktoken.bpe is larger than 24 MB"),
        (sparse("bpe.codes"), "bpe.codes is larger than 24 MB"),
        (sparse("tekken.json"), "tekken.json is a tokenizer in a form of Mistral"),
        (sparse("added_tokens.json"), "added_tokens.json is larger than 16 MB"),
        (sparse("chat_template.jinja"), "chat_template.jinja is larger than 1 MB"),
        (sparse("additional_chat_templates/x.jinja"), "additional_chat_templates/x.jinja is larger than 1 MB"),
        (sparse("question_encoder_tokenizer/vocab.txt"), "question_encoder_tokenizer/vocab.txt is larger than 24 MB"),
        (pipe("additional_chat_templates/x.jinja"), "additional_chat_templates/x.jinja is no regular file"),
        (link("vocab.json", "/dev/zero"), "vocab.json is no regular file"),
        (link("additional_chat_templates", "/etc"), "additional_chat_templates is a link to another folder"),
        (many_files, "its folder has more than 10,000 files"),
        (sparse("shard-00001-model-00001-of-00001.safetensors"), "is a part of a distributed checkpoint"),
    ],
)
def test_every_file_of_the_folder_is_checked(folder, damage, reason):
    damage(folder)
    refused(folder, reason)


def test_files_that_are_never_read_may_have_any_size(folder):
    """A clone of the Hub has the weights for other programs too, and its cache has links to the files."""
    for name in ("pytorch_model.bin", "tf_model.h5", "flax_model.msgpack", "rust_model.ot", "onnx/model.onnx"):
        sparse(name)(folder)
    sparse(".git/objects")(folder)
    (folder / "blobs").mkdir()
    for name in ("config.json", "model.safetensors"):
        (folder / name).rename(folder / "blobs" / name)
        (folder / name).symlink_to(os.path.join("blobs", name))
    change(folder / "pytorch_model.bin.index.json", weight_map={"x": "pytorch_model.bin"})
    load_encoder(EncoderConfig(path=str(folder)))
