"""Encoder folders that are damaged, or made to fill the memory, stop when they are loaded; all honest ones load."""

import json
import os
import resource
import shutil

import pytest
import torch
import transformers
from safetensors.torch import load_file, save_file
from transformers import AutoTokenizer, BigBirdConfig, BigBirdModel, FunnelConfig, FunnelModel

from mtsmart.config.sections import EncoderConfig
from mtsmart.errors import CheckpointError
from mtsmart.models.loading import load_encoder
from tests.models.architectures import ARCHITECTURES, make, tokenizer_of

MEMORY = 300 * 2**20
POSITIONS, TYPES = "embeddings.position_embeddings.weight", "embeddings.token_type_embeddings.weight"


def changed(name, **values):
    """One of the folder's JSON files with other values."""

    def change(folder):
        file = folder / name
        file.write_text(json.dumps(json.loads(file.read_text()) | values))

    return change


def configured(**values):
    return changed("config.json", **values)


def without(tensor, **values):
    """The weights without one tensor, which the configuration wants in another size."""

    def change(folder):
        tensors = load_file(folder / "model.safetensors")
        del tensors[tensor]
        save_file(tensors, folder / "model.safetensors", {"format": "pt"})
        configured(**values)(folder)

    return change


def unrelated(folder):
    save_file({"x": torch.ones(2)}, folder / "model.safetensors", {"format": "pt"})


def extended(name, size):
    return lambda folder: os.truncate(folder / name, size)


def pipe(name):
    def change(folder):
        (folder / name).unlink()
        os.mkfifo(folder / name)

    return change


def to_nowhere(name):
    def change(folder):
        (folder / name).unlink()
        (folder / name).symlink_to("/dev/zero")

    return change


def unpadded(folder):
    file = folder / "tokenizer_config.json"
    settings = json.loads(file.read_text())
    settings.pop("pad_token")
    file.write_text(json.dumps(settings))


def far_token(folder):
    file = folder / "tokenizer.json"
    tokenizer = json.loads(file.read_text())
    tokenizer["model"]["vocab"]["house"] = 5000
    file.write_text(json.dumps(tokenizer))


def far_special_token(folder):
    """Beyond the embeddings only in what is put around a text."""
    file = folder / "tokenizer.json"
    tokenizer = json.loads(file.read_text())
    tokenizer["post_processor"]["special_tokens"]["[CLS]"]["ids"] = [5000]
    file.write_text(json.dumps(tokenizer))


# name -> (what is done to the folder, part of the message)
BAD = {
    "a configuration of 3 GB": (extended("config.json", 3 * 2**30), "loaded: config.json is larger than 16 MB"),
    "a tokenizer of 3 GB": (extended("tokenizer.json", 3 * 2**30), "loaded: tokenizer.json is larger than 64 MB"),
    "tokenizer settings of 3 GB": (
        extended("tokenizer_config.json", 3 * 2**30),
        "tokenizer_config.json is larger than 16 MB",
    ),
    "an endless configuration": (to_nowhere("config.json"), "loaded: config.json is no regular file"),
    "a tokenizer that is a pipe": (pipe("tokenizer.json"), "loaded: tokenizer.json is no regular file"),
    "weights that are a pipe": (pipe("model.safetensors"), "loaded: model.safetensors is no regular file"),
    "endless positions": (without(POSITIONS, max_position_embeddings=100_000_000), "max_position_embeddings 100000000"),
    "endless types": (without(TYPES, type_vocab_size=100_000_000), "type_vocab_size 100000000"),
    "more positions than weights": (
        without(POSITIONS, max_position_embeddings=1_000_000, hidden_size=160),
        "configuration asks for 3.. MB or more, its weights have 0",
    ),
    "more layers than weights": (
        configured(num_hidden_layers=200, intermediate_size=500_000),
        "its configuration asks for 6,... MB or more",
    ),
    "none of the weights": (
        unrelated,
        r"its weights lack 3\d of the architecture's: embeddings.LayerNorm.bias, .*, .*, \.\.\.",
    ),
    "weights of another architecture": (configured(model_type="gpt2"), "its weights lack"),
    "one tensor too few": (without(POSITIONS), f"its weights lack 1 of the architecture's: {POSITIONS}, got"),
    "a spread of NaN": (configured(initializer_range=float("nan")), "its configuration has initializer_range nan"),
    "an infinite spread": (configured(initializer_range=float("inf")), "its configuration has initializer_range inf"),
    "a negative spread": (configured(initializer_range=-0.1), "its configuration has initializer_range -0.1"),
    "less than no attention heads": (configured(num_attention_heads=-2), "cannot be used: "),
    "chunks of some tokens": (configured(chunk_size_feed_forward=7), "its configuration has chunk_size_feed_forward 7"),
    "no token to pad with": (unpadded, "cannot be used: its tokenizer has no token to pad with"),
    "a token beyond the embeddings": (
        far_token,
        "cannot be used: its tokenizer has token 5,000, its embeddings are of 28 tokens",
    ),
    "a special token beyond the embeddings": (far_special_token, "cannot be used: index out of range"),
}


def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


@pytest.mark.parametrize("name", list(BAD))
def test_bad_folders_are_one_message(name, tiny_encoder, tmp_path):
    damage, message = BAD[name]
    folder = shutil.copytree(tiny_encoder, tmp_path / "encoder")
    damage(folder)
    before = peak()
    with pytest.raises(CheckpointError, match=message) as caught:
        load_encoder(EncoderConfig(path=str(folder)))
    assert str(caught.value).startswith("encoder.path: cannot be ") and "\n" not in str(caught.value)
    assert peak() - before < MEMORY


def with_head(name):
    """The architecture as it is pretrained: with a head, and for BERT's kin without a pooler."""
    config = make(name).config
    classes = {"XLNet": transformers.AutoModelForCausalLM, "T5": transformers.AutoModelForSeq2SeqLM}
    return classes.get(name, transformers.AutoModelForMaskedLM).from_config(config)


@pytest.mark.parametrize("name", list(ARCHITECTURES))
def test_pretrained_models_with_their_own_heads_load(name, tmp_path):
    model = with_head(name)
    model.save_pretrained(tmp_path)
    tokenizer_of(name).save_pretrained(tmp_path)
    encoder, _ = load_encoder(EncoderConfig(path=str(tmp_path)))
    stored = model.state_dict()
    for key, tensor in encoder.model.state_dict().items():
        found = [stored[other] for other in stored if other == key or other.endswith(f".{key}")]
        assert "pooler" in key or any(torch.equal(tensor, other) for other in found), key


@pytest.mark.parametrize(
    "task", ["SequenceClassification", "TokenClassification", "QuestionAnswering", "MultipleChoice"]
)
def test_fine_tuned_models_load(task, tmp_path):
    getattr(transformers, f"BertFor{task}")(make("BERT").config).save_pretrained(tmp_path)
    tokenizer_of("BERT").save_pretrained(tmp_path)
    load_encoder(EncoderConfig(path=str(tmp_path)))


def test_the_checks_draw_nothing_and_leave_the_configuration(tiny_encoder):
    """A run's weights and masks must not depend on them."""
    torch.manual_seed(5)
    before = torch.get_rng_state()
    encoder, _ = load_encoder(EncoderConfig(path=str(tiny_encoder), dropout=0.1))
    assert torch.equal(torch.get_rng_state(), before)
    assert not encoder.model.training
    assert all(parameter.grad is None and parameter.requires_grad for parameter in encoder.parameters())


def test_architectures_that_short_texts_would_break_or_change_load(tiny_encoder, tmp_path):
    """BigBird would give up sparse attention at the first short text, so it has none. Funnel takes no short text."""
    words = len(AutoTokenizer.from_pretrained(tiny_encoder))
    common = {"vocab_size": words, "intermediate_size": 32, "num_attention_heads": 2, "hidden_size": 16}
    sparse = BigBirdModel(BigBirdConfig(**common, num_hidden_layers=1, block_size=4, attention_type="block_sparse"))
    funnel = FunnelModel(
        FunnelConfig(vocab_size=words, block_sizes=[1, 1, 1], d_model=16, n_head=2, d_head=8, d_inner=32)
    )
    for name, model in (("sparse", sparse), ("funnel", funnel)):
        shutil.copytree(tiny_encoder, tmp_path / name)
        model.save_pretrained(tmp_path / name)
        loaded, _ = load_encoder(EncoderConfig(path=str(tmp_path / name)))
        assert getattr(loaded.model, "attention_type", "original_full") == "original_full"


def test_tokenizers_without_masks_load(tiny_encoder, tmp_path):
    shutil.copytree(tiny_encoder, tmp_path / "encoder")
    file = tmp_path / "encoder" / "tokenizer_config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"model_input_names": ["input_ids"]}))
    _, tokenizer = load_encoder(EncoderConfig(path=str(tmp_path / "encoder")))
    assert list(tokenizer("a")) == ["input_ids"]
