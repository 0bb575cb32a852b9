"""Bounds that honest folders keep and hostile ones do not: honest cases stand beside neighbours that are refused."""

import json
import os
import re
from base64 import b64encode
from itertools import product
from pathlib import Path

import pytest
import transformers
from tokenizers import Regex, normalizers
from transformers import AutoConfig

from mtsmart.config.sections import EncoderConfig, TrainingConfig
from mtsmart.models.checks.files import check_files
from mtsmart.models.checks.patterns import takes_text
from mtsmart.models.checks.settings import check_settings, check_stored_settings
from mtsmart.models.checks.tokenizer import check_tokenizer_files
from mtsmart.models.checks.tokenizer_growth import check_growth
from mtsmart.models.loading import load_encoder
from tests.models.strangers import change, refused


def replaced(pattern, content=" "):
    return {"type": "Replace", "pattern": {"Regex": pattern}, "content": content}


def normalizer(*steps):
    return {"normalizer": {"type": "Sequence", "normalizers": list(steps)}}


BERT = {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True, "lowercase": True}
BYTES = {"type": "ByteLevel"}
TAKING = [
    *(r"[^a-z]", r"https?://\S+", r"@\w+", r"\d", r"[a-z0-9]+", r"\p{L}+", r"\P{L}", r"[\p{L}\d]", r"\.", r"\\"),
    *(r"(?:\r\n|\n)+", r" {2,}", r"^\s+|\s+$", r"[.,!?;:]", r"(a|b)c", r"[\u4e00-\u9fff]", r"[[:punct:]]", r"[^\]]"),
    *(r"<[^>]+>", r"[^\w\s]", r".", r"x*y?z", r"a+?", r"a++", r"\bx", r"a{2,3}", r"[-+*/]"),
]
NOT_TAKING = [
    *("", "a*", "a?", "b{1}?", "(?=a)", "a|", "a*|b", "(?:a?)", "(a|)", r"\b", r"\K", r"a\K", "a{3,0}", "a{0,3}", "^"),
    *("(?i)", r"\b$", "a+*", "(?:a)*", "(?:a)?b*", "a{,3}", "(?<=a)", "a{2}{0}", "a{2}?", r"\G", "[a]*", r"\p{L}?"),
    *("(?:a|b*)", "(?:(?:a)?)", r"[^\]]*", r"\.*", "(?#a)", "(?<a>b)*"),
]


def inserts_beside_all(pattern):
    """Whether a pattern matches the empty text somewhere: then more is inserted than taken."""
    step = normalizers.Replace(Regex(pattern), "#")
    made = {text: step.normalize_str(text) for text in ("", "a", "ab1 .", "x]y", "  b\n", "aaa\u4e00")}
    return any(after.count("#") > len(text) - len(after.replace("#", "")) for text, after in made.items())


@pytest.mark.parametrize("pattern", TAKING)
def test_patterns_that_take_text_are_known(pattern):
    assert takes_text(pattern)
    assert not inserts_beside_all(pattern)


@pytest.mark.parametrize("pattern", NOT_TAKING)
def test_patterns_that_may_take_nothing_are_never_taken_for_others(pattern):
    assert not takes_text(pattern)


def test_short_patterns_that_seem_to_take_text_do():
    parts = ["a", ".", "[^a]", "[]a]", r"\b", r"\.", "(?:a)", "(a|)", "|", "*", "?", "+", "{1}", "{0,2}", "{2,0}", "^"]
    wrong = []
    for pattern in map("".join, product(parts, repeat=3)):
        if takes_text(pattern):
            try:
                wrong += [pattern] if inserts_beside_all(pattern) else []
            except Exception:  # The library gives up on some patterns, and a tokenizer with such a pattern never loads.
                continue
    assert not wrong


@pytest.mark.parametrize(
    "steps",
    [
        [replaced("[^a-z]"), replaced(r"https?://\S+"), replaced(r"@\w+"), BERT],
        [replaced(r"\d", "[NUM]"), BYTES],
        [replaced(r"https?://\S+", "[URL]"), replaced(r"@\w+", "[USER]"), BERT],
        [replaced(r"[.,!?]"), replaced(r"\p{N}+", "<number>"), BYTES],
    ],
)
def test_steps_that_clean_a_text_pass(steps):
    check_growth(normalizer(*steps))


@pytest.mark.parametrize(
    ("steps", "reason"),
    [
        ([replaced("x*")] * 5 + [BERT], r"make 729 characters of one, where 256 are the most: Replace \(3 times\), "),
        ([replaced(r"\d", "[NUM]"), BYTES, replaced(r"\d", "[NUM]")], r"325 .*: Replace \(5 times\), ByteLevel \(13"),
        ([replaced(r"\w", "[WORD]")] * 4, "make 1,296 characters of one"),
        ([replaced(r"@\w*|", "[USER]")] * 3, "steps that together could make 2,197"),
    ],
)
def test_steps_that_multiply_a_text_say_what_they_make_together(steps, reason):
    with pytest.raises(ValueError, match=reason):
        check_growth(normalizer(*steps))


@pytest.mark.parametrize(
    "values",
    [
        {"max_position_embeddings": 1_010_000, "model_type": "qwen2"},
        {"max_position_embeddings": 10_485_760, "model_type": "llama"},
        {"n_positions": 10_485_760, "model_type": "gpt2"},
        {"num_parameters": 10**11, "total_flos": 10**20, "num_tokens_trained": 10**13, "timestamp": 1_700_000_000},
        {"build": 20_240_612_093_000, "training": {"tokens": [10**12]}},
        {"attention_window": [4096] * 12, "model_type": "longformer", "num_attention_heads": 16},
    ],
)
def test_honest_numbers_of_a_configuration_pass(tmp_path, values):
    change(tmp_path / "config.json", **({"model_type": "bert"} | values))
    check_stored_settings(tmp_path)
    check_settings(AutoConfig.from_pretrained(tmp_path))


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"max_position_embeddings": 16_777_217, "model_type": "llama"}, "max_position_embeddings"),
        ({"n_positions": 10**9, "model_type": "gpt2"}, "n_positions"),
        ({"max_position_embeddings": 10**9, "model_type": "gpt2"}, "max_position_embeddings"),
        ({"num_parameters": 10**11, "model_type": "a type that nobody knows"}, "num_parameters"),
        ({"training": {"num_labels": 10**6}, "model_type": "bert"}, "num_labels"),
        ({"text_config": {"hidden_size": 10**9}, "model_type": "clip"}, "hidden_size"),
        ({"extra_layers": 10**6, "model_type": "bert"}, "extra_layers"),
        ({"attention_window": [4097], "model_type": "longformer"}, "attention_window"),
    ],
)
def test_numbers_that_transformers_would_use_are_bounded(tmp_path, values, name):
    change(tmp_path / "config.json", **values)
    with pytest.raises(ValueError, match=f"config.json has {name} "):
        check_stored_settings(tmp_path)


@pytest.mark.parametrize(("window", "heads"), [(4096, 64), (2048, 128), ([64, 4096], 32)])
def test_wide_windows_in_many_heads_are_refused(window, heads):
    config = AutoConfig.for_model("longformer", attention_window=window, num_attention_heads=heads)
    with pytest.raises(ValueError, match=rf"attention_window \d+ with {heads} attention heads"):
        check_settings(config)


def sparse(file, size=3 * 2**30):
    file.parent.mkdir(exist_ok=True)
    file.touch()
    os.truncate(file, size)


NEVER_READ = [
    *("model.onnx_data_1", "model.onnx.data_2", "__0_0.distcp", "trainer_state.json", "train.log", "notes.txt"),
    *("index.faiss", "corpus.jsonl", "nbest_predictions.json", "params.json", "model.engine", "sub/any.kind"),
]


@pytest.mark.parametrize("name", NEVER_READ)
def test_a_file_that_is_never_read_may_be_of_any_size_or_kind(tmp_path, name):
    sparse(tmp_path / name)
    check_files(tmp_path)
    (tmp_path / name).unlink()
    (tmp_path / name).symlink_to("gone")
    check_files(tmp_path)
    (tmp_path / name).unlink()
    os.mkfifo(tmp_path / name)
    check_files(tmp_path)


def test_links_to_weights_that_are_not_there_do_no_harm(folder):
    for name in ("pytorch_model.bin", "tf_model.h5", "other.safetensors", "pipe.bin"):
        (folder / name).symlink_to("../../blobs/gone")
    os.mkfifo(folder / "endless.txt")
    load_encoder(EncoderConfig(path=str(folder)))


def names_that_the_library_reads():
    """All names of vocabularies in the source of transformers."""
    sources = (Path(transformers.__file__).parent / "models").glob("*/tokenization_*.py")
    source = "\n".join(file.read_text("utf-8") for file in sources)
    blocks = re.findall(r"VOCAB_FILES_NAMES = \{(.*?)\}", source, re.DOTALL)
    names = {name for block in blocks for name in re.findall(r": *\"([^\"]+\.\w+)\"", block)}
    assert len(names) > 15
    return names | {"config.json", "generation_config.json", "added_tokens.json", "special_tokens_map.json"}


def test_every_file_that_the_library_reads_has_a_bound(tmp_path):
    missing = []
    for name in sorted(names_that_the_library_reads()):
        sparse(tmp_path / name)
        try:
            check_files(tmp_path)
            missing.append(name)
        except ValueError as error:
            assert f"{name} is larger than" in str(error)
        (tmp_path / name).unlink()
    assert not missing


@pytest.mark.parametrize("name", ["tokenizer.json", "spiece.model", "vocab.txt", "config.json", "model.safetensors"])
def test_a_file_that_is_read_is_no_link_to_nothing_and_no_pipe(tmp_path, name):
    (tmp_path / name).symlink_to("gone")
    with pytest.raises(ValueError, match=f"{name} is no regular file"):
        check_files(tmp_path)
    (tmp_path / name).unlink()
    os.mkfifo(tmp_path / name)
    with pytest.raises(ValueError, match=f"{name} is no regular file"):
        check_files(tmp_path)


def test_the_files_that_are_read_have_a_bound_together(tmp_path):
    for number in range(257):
        sparse(tmp_path / "additional_chat_templates" / f"{number}.jinja", 2**20)
    with pytest.raises(ValueError, match="configuration, tokenizer and templates are larger than 256 MB together"):
        check_files(tmp_path)


def test_many_checkpoints_in_subfolders_are_no_fault(tmp_path):
    for number in range(20):
        sparse(tmp_path / f"checkpoint-{number}" / "tokenizer.json", 17 * 2**20)
    check_files(tmp_path)


@pytest.mark.parametrize("name", ["tekken.json", "my-tekken-2.json"])
def test_a_tokenizer_of_mistral_s_own_form_is_refused(folder, name):
    change(folder / name, config={})
    refused(folder, f"{name} is a tokenizer in a form of Mistral's own, which is not read; tokenizer.json is")


PARTS = "[" + ",".join(["[]"] * 5_000_001) + "]"


@pytest.mark.parametrize(
    "name", ["config.json", "generation_config.json", "vocab.json", "added_tokens.json", "tokenizer_config.json"]
)
def test_every_json_file_that_is_read_has_a_bound_on_its_parts(tmp_path, name):
    (tmp_path / name).write_text(PARTS)
    with pytest.raises(ValueError, match=f"{name} has 5,000,002 lists, objects and texts"):
        check_files(tmp_path)


def test_what_is_not_in_utf_8_is_not_valid(tmp_path):
    (tmp_path / "tokenizer.json").write_text("{}", "utf-16")
    with pytest.raises(ValueError, match=r"tokenizer.json is not valid JSON"):
        check_tokenizer_files(tmp_path)


def marked(content):
    return {"content": content, "special": True}


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("tokenizer_config.json", {"added_tokens_decoder": {"5": marked("x" * 1000)}}),
        ("tokenizer_config.json", {"extra_special_tokens": ["x" * 1000], "mask_token": marked("[MASK]")}),
        ("tokenizer_config.json", {"additional_special_tokens": [f"<{i}>" for i in range(10_000)]}),
        ("tokenizer_config.json", {"mecab_kwargs": {}, "sudachi_kwargs": None, "jumanpp_kwargs": None}),
        ("special_tokens_map.json", {"additional_special_tokens": ["x" * 500], "pad_token": "[PAD]"}),
        ("added_tokens.json", {"x" * 1000: 32_000}),
        ("vocab.json", {"a": 0, "normalizer": 1}),
    ],
)
def test_honest_settings_of_a_tokenizer_pass(tmp_path, name, values):
    change(tmp_path / name, **values)
    check_tokenizer_files(tmp_path)


LONG, MANY, MUCH = "x" * 1001, [f"<{i}>" for i in range(100_001)], [f"{i:05}{'x' * 900}" for i in range(1200)]


@pytest.mark.parametrize(
    ("name", "values", "reason"),
    [
        ("tokenizer_config.json", {"added_tokens_decoder": {"5": marked(LONG)}}, "an added token of 1,001"),
        ("tokenizer_config.json", {"added_tokens_decoder": {"1_000_000_000": marked("a")}}, "the number 1000000000"),
        ("tokenizer_config.json", {"extra_special_tokens": {"any_token": LONG}}, "an added token of 1,001"),
        ("tokenizer_config.json", {"extra_special_tokens": [marked(LONG)]}, "an added token of 1,001"),
        ("tokenizer_config.json", {"additional_special_tokens": MANY}, "adds 100,001 tokens"),
        ("tokenizer_config.json", {"additional_special_tokens": MUCH}, r"adds tokens of 1,08\d,\d+ characters"),
        ("tokenizer_config.json", {"any_token": LONG}, "an added token of 1,001"),
        ("tokenizer_config.json", {"mecab_kwargs": {"mecab_option": "-r /etc/passwd"}}, "has mecab_kwargs, which are"),
        ("tokenizer_config.json", {"sudachi_kwargs": {"sudachi_dict_type": "x"}}, "has sudachi_kwargs, which are not"),
        ("tokenizer_config.json", {"jumanpp_kwargs": {"x": 1}}, "has jumanpp_kwargs, which are not read"),
        ("special_tokens_map.json", {"extra_special_tokens": [LONG]}, "an added token of 1,001"),
        ("special_tokens_map.json", {"pad_token": marked(LONG)}, "an added token of 1,001"),
        ("added_tokens.json", dict.fromkeys(MANY, 1), "adds 100,001 tokens"),
        ("added_tokens.json", {"a": 1e9}, "a token with the number 1000000000, where 2,000,000 is the largest"),
        ("tokenizer.json", {"added_tokens": [marked("a") | {"id": 10**9}]}, "a token with the number 1000000000"),
        ("vocab.json", {LONG: 0}, "a text of 1,001 characters"),
    ],
)
def test_settings_that_add_too_much_are_refused_before_they_are_read(tmp_path, name, values, reason):
    change(tmp_path / name, **values)
    with pytest.raises(ValueError, match=reason):
        check_tokenizer_files(tmp_path)


@pytest.mark.parametrize("name", ["pad_token", "unk_token"])
def test_a_token_that_fills_up_texts_has_a_smaller_bound(folder, name):
    change(folder / "tokenizer_config.json", **{name: "x" * 129})
    refused(folder, f"{name} of 129 characters, where 128 are the most")


def field(content, group=False):
    """A field of a protocol buffer, of up to 16,383 bytes, in a group of fields or not."""
    length = len(content)
    size = bytes([length]) if length < 128 else bytes([length & 127 | 128, length >> 7])
    return (b"\x1b" if group else b"") + b"\n" + size + content + (b"\x1c" if group else b"")


def sentencepiece(texts, group=False):
    return b"".join(field(field(text.encode()) + b"\x15\0\0\x80\xbf\x18\x01", group) for text in texts)


def test_a_vocabulary_of_sentencepiece_is_measured_before_it_is_read(tmp_path):
    file = tmp_path / "spiece.model"
    for group in (False, True):
        file.write_bytes(sentencepiece([f"{i:05}{'x' * 990}" for i in range(6300)], group))
        with pytest.raises(ValueError, match="pieces begin in 6,.* ways, where 6,000,000 are the most"):
            check_tokenizer_files(tmp_path)
    file.write_bytes(sentencepiece(["x" * 1001]))
    with pytest.raises(ValueError, match="spiece.model has a piece of 1,001 bytes"):
        check_tokenizer_files(tmp_path)


def test_honest_vocabularies_of_both_kinds_pass(tmp_path):
    (tmp_path / "spiece.model").write_bytes(sentencepiece(["<unk>", "\u2581the", "x" * 200]) + b"\x12\x02\x08\x01")
    lines = (b64encode(f"word {i}".encode()) + f" {i}\n".encode() for i in range(20_000))
    (tmp_path / "tiktoken.model").write_bytes(b"".join(lines))
    check_tokenizer_files(tmp_path)


@pytest.mark.parametrize("size", [8193, 65_536])
def test_stored_runs_with_large_batches_of_evaluation_are_read(size):
    assert TrainingConfig(eval_batch_size=size).eval_batch_size == size


def test_the_limit_of_one_text_is_in_characters(tmp_path):
    state = {"model": {"type": "WordLevel", "vocab": {"\u4e00" * 1000: 0, "a": 1}, "unk_token": "a"}}
    (tmp_path / "tokenizer.json").write_text(json.dumps(state, ensure_ascii=False), "utf-8")
    check_tokenizer_files(tmp_path)
    state["model"]["vocab"]["\u4e00" * 1001] = 2
    (tmp_path / "tokenizer.json").write_text(json.dumps(state, ensure_ascii=False), "utf-8")
    with pytest.raises(ValueError, match="a text of 1,001 characters"):
        check_tokenizer_files(tmp_path)


RUNS = {"x" * length + str(chain): chain for chain in range(5) for length in range(990)}
CHAINS = {letter * length: length for letter in "abcde" for length in range(1, 1000)}


@pytest.mark.parametrize("vocab", [RUNS, {"a" * length: length for length in range(1, 129)}])
def test_vocabularies_of_long_pieces_pass(tmp_path, vocab):
    change(tmp_path / "vocab.json", **vocab)
    check_tokenizer_files(tmp_path)


@pytest.mark.parametrize("kind", ["vocab.json", "tokenizer.json", "spiece.model"])
def test_pieces_that_can_be_split_in_very_many_ways_are_refused(tmp_path, kind):
    """transformers makes a merge of each way, if there are no merges."""
    if kind == "spiece.model":
        (tmp_path / kind).write_bytes(sentencepiece(CHAINS))
    else:
        model = {"type": "BPE", "vocab": CHAINS}
        change(tmp_path / kind, **(CHAINS if kind == "vocab.json" else {"model": model}))
    with pytest.raises(ValueError, match="merges of its tokenizer's pieces would take more than 2,048 MB"):
        check_tokenizer_files(tmp_path)


def test_another_version_of_a_tokenizer_must_be_there(tmp_path):
    change(tmp_path / "tokenizer_config.json", fast_tokenizer_files=["tokenizer.4.0.0.json"])
    with pytest.raises(ValueError, match=r"names the file tokenizer.4.0.0.json, which is not in the folder"):
        check_tokenizer_files(tmp_path)
    change(tmp_path / "tokenizer.4.0.0.json", version="1.0")
    check_tokenizer_files(tmp_path)
