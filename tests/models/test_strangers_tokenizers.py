"""Tokenizers of strangers: what their steps make of a text, their texts and their numbers have bounds."""

import json
import unicodedata
from base64 import b64encode

import pytest
import transformers
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers
from transformers import PreTrainedTokenizerFast

from mtsmart.errors import LibraryPanic, panics_as_errors
from mtsmart.models.checks.tokenizer import check_tokenizer, check_tokenizer_files
from mtsmart.models.checks.tokenizer_growth import check_growth

MOST = 256
LONG = "x" * 1001
MARK = "x" * 129
LONGEST_FORM = "\ufdfa"  # NFKD makes 18 characters of it
WORDS = {"type": "WordLevel", "vocab": {"a": 0, "[UNK]": 1}, "unk_token": "[UNK]"}


def sequence(*steps, key="normalizers"):
    return {"type": "Sequence", key: list(steps)}


def plain(kind):
    return {"type": kind}


def replace(content, pattern=None):
    return {"type": "Replace", "pattern": pattern or {"String": "a"}, "content": content}


def prepend(text):
    return {"type": "Prepend", "prepend": text}


def bert(**values):
    common = {"type": "BertNormalizer", "clean_text": True, "strip_accents": None, "lowercase": True}
    return common | {"handle_chinese_chars": True} | values


def table(*texts):
    size = 1024  # a search tree has at least this
    content = size.to_bytes(4, "little") + b"\0" * size + "\0".join([*texts, ""]).encode()
    return {"type": "Precompiled", "precompiled_charsmap": b64encode(content).decode()}


def tokenizer_json(**values):
    parts = dict.fromkeys(("truncation", "padding", "normalizer", "pre_tokenizer", "post_processor", "decoder"))
    return {"version": "1.0", "added_tokens": [], "model": WORDS} | parts | values


def check_file(folder, values, name="tokenizer.json"):
    (folder / name).write_text(json.dumps(values))
    check_tokenizer_files(folder)


def made_of(step, given):
    """What a step makes of a text, or of tokens. The library gives up on some patterns, and makes nothing then."""
    try:
        with panics_as_errors():
            return step(given)
    except LibraryPanic:
        return ""


def weight(text):
    return len(normalizers.NFKD().normalize_str(text))


FORMS = [getattr(normalizers, name)() for name in ("NFC", "NFD", "NFKC", "NFKD", "Nmt", "Lowercase", "StripAccents")]
FORMS += [normalizers.BertNormalizer(handle_chinese_chars=False, strip_accents=strip) for strip in (None, False)]


def test_no_normal_form_raises_the_length_after_nfkd():
    characters = [chr(code) for code in range(0x110000) if not 0xD800 <= code < 0xE000]
    changing = [each for each in characters if unicodedata.decomposition(each) or each.lower() != each]
    assert max(map(weight, changing)) == 18
    risen = [each for each in changing for form in FORMS if weight(form.normalize_str(each)) > weight(each)]
    assert not risen


CHARACTERS = "a \u0130\u01c4\ufdfa\ufdfb\u337f\u4e00\uf900\u1f82\uac01\ufb2c\u00bd\u0301\U0001d15e"
TEXTS = st.text(CHARACTERS, min_size=1, max_size=3)
STEPS = st.one_of(
    st.sampled_from(["NFC", "NFD", "NFKC", "NFKD", "Nmt", "Lowercase", "StripAccents", "ByteLevel"]).map(plain),
    st.builds(replace, TEXTS, TEXTS.map(lambda text: {"String": text})),
    st.builds(replace, TEXTS, st.sampled_from(["", "b*", "a|", "\\w+", "(?=a)", "a| +"]).map(lambda x: {"Regex": x})),
    st.builds(prepend, TEXTS),
    st.builds(bert, handle_chinese_chars=st.booleans(), strip_accents=st.sampled_from([None, True, False])),
)


def repeated(part, steps, key):
    """The steps, again and again as often as the check lets them pass, at most 8 times."""
    for times in range(8, 0, -1):
        all_steps = sequence(*steps * times, key=key)
        try:
            check_growth({part: all_steps})
        except ValueError:
            continue
        return Tokenizer.from_str(json.dumps(tokenizer_json(**{part: all_steps})))
    return None


@settings(max_examples=200, deadline=None)
@given(steps=st.lists(STEPS, min_size=1, max_size=4), text=TEXTS)
@example(steps=[replace(LONGEST_FORM * 64), plain("NFKD")], text="a")
@example(steps=[replace(LONGEST_FORM * 3), plain("NFKD")], text="a")
@example(steps=[replace("\u4e00" * 32), bert()], text="a")
@example(steps=[replace("\U0001f600" * 30), plain("ByteLevel")], text="a")
@example(steps=[replace("\U000fefbe" * 6), plain("ByteLevel"), plain("NFKD")], text="a")
def test_what_the_check_lets_pass_keeps_its_bound(steps, text):
    made = repeated("normalizer", steps, "normalizers")
    assert made is None or len(made_of(made.normalizer.normalize_str, text)) <= MOST * weight(text)


@pytest.mark.parametrize(
    "steps",
    [
        [replace(LONGEST_FORM * 15), plain("NFKD")],
        [replace(LONGEST_FORM), plain("NFKC"), replace(LONGEST_FORM), plain("NFKC")],
        [plain("NFKD"), prepend(LONGEST_FORM * 15), plain("NFKD")],
        [prepend("\u0130" * 130), plain("Lowercase")],
        [replace("\u1f82" * 65), plain("NFD")],
        [table(LONGEST_FORM * 15), plain("NFKC")],
        [table(LONGEST_FORM), *[bert()] * 3],
        [replace("\u4e00" * 86), bert()],
        [replace("ab"), *[bert()] * 5],
        [plain("ByteLevel"), plain("NFKC"), plain("ByteLevel"), plain("ByteLevel")],
        [replace("a", {"Regex": "(?=b)"})] * 6,
    ],
)
def test_what_steps_insert_is_measured_after_what_later_steps_make_of_it(steps):
    with pytest.raises(ValueError, match="steps that together could make .* characters of one, where 256"):
        check_growth({"normalizer": sequence(*steps)})


DECODERS = [
    [plain("Fuse"), *[replace("aa")] * 9],
    [replace("a" * 257)],
    [replace("a" * 128, {"Regex": ""})],
    [{"type": "WordPiece", "prefix": "", "cleanup": False}] * 9,
    [{"type": "BPEDecoder", "suffix": ""}] * 6,
    [{"type": "CTC", "pad_token": "", "word_delimiter_token": "", "cleanup": True}] * 6,
    [sequence(replace("a" * 17), key="decoders")] * 2,
]


@pytest.mark.parametrize("steps", DECODERS)
def test_a_decoder_that_multiplies_text_is_refused(tmp_path, steps):
    with pytest.raises(ValueError, match="steps that together could make .* characters of one, where 256"):
        check_file(tmp_path, tokenizer_json(decoder=sequence(*steps, key="decoders")))


def test_a_decoder_of_an_unknown_type_is_refused():
    with pytest.raises(ValueError, match="a step of unknown type 'Other'"):
        check_growth({"decoder": sequence(plain("Other"), key="decoders")})


ONE_OF_EACH = [
    decoders.BPEDecoder(""),
    decoders.ByteFallback(),
    decoders.ByteLevel(),
    decoders.CTC("", "", True),
    decoders.Fuse(),
    decoders.Metaspace(),
    decoders.Replace("", "xy"),
    decoders.Strip("a", 1, 1),
    decoders.WordPiece(""),
]


@pytest.mark.parametrize("decoder", ONE_OF_EACH, ids=lambda decoder: type(decoder).__name__)
def test_decoders_that_the_check_lets_pass_keep_its_bound(decoder):
    made = repeated("decoder", [json.loads(decoder.__getstate__())], "decoders")
    for token in ("", "a", "\u4e00", "<0xE5>"):
        assert len(made_of(made.decoder.decode, [token])) <= MOST * max(1, len(token))


HONEST = ["Albert", "Bert", "BigBird", "CLIP", "Camembert", "DebertaV2", "GPT2", "Llama", "Nllb", "T5", "XLMRoberta"]


@pytest.mark.parametrize("name", HONEST)
def test_the_tokenizers_of_the_library_pass(tmp_path, name):
    kind = getattr(transformers, f"{name}Tokenizer")
    table_of_sentencepiece = table("a", unicodedata.normalize("NFKC", LONGEST_FORM))
    try:
        tokenizer = kind(_spm_precompiled_charsmap=table_of_sentencepiece["precompiled_charsmap"])
    except (TypeError, ValueError):
        tokenizer = kind()
    check_tokenizer(tokenizer)
    tokenizer.save_pretrained(tmp_path)
    check_tokenizer_files(tmp_path)


def template(token):
    special = {"x": {"id": "x", "ids": [0], "tokens": [token]}}
    return {"type": "TemplateProcessing", "single": [{"Sequence": {"id": "A"}}], "pair": [], "special_tokens": special}


def added(content):
    return {"id": 1, "content": content, "special": False}


TOO_LONG = {
    "piece of WordPiece": {"model": {"type": "WordPiece", "vocab": {"a": 0, LONG: 1}}},
    "piece of WordLevel": {"model": {"type": "WordLevel", "vocab": {LONG: 0}}},
    "piece of Unigram": {"model": {"type": "Unigram", "vocab": [["a", 0.0], [LONG, -1.0]]}},
    "merge": {"model": {"type": "BPE", "vocab": {"a": 0}, "merges": ["a " + LONG]}},
    "merge in two": {"model": {"type": "BPE", "vocab": {"a": 0}, "merges": [["a", LONG]]}},
    "with quotes": {"model": {"type": "WordLevel", "vocab": {'"\\' * 501: 0}}},
    "content": {"normalizer": replace(LONG)},
    "pattern": {"normalizer": replace("a", {"String": LONG})},
    "prepended": {"normalizer": prepend(LONG)},
    "token of a template": {"post_processor": template(LONG)},
    "prefix of a decoder": {"decoder": {"type": "WordPiece", "prefix": LONG, "cleanup": True}},
    "unknown key": {"more": {"of": [LONG]}},
}


@pytest.mark.parametrize("values", TOO_LONG.values(), ids=TOO_LONG.keys())
def test_a_text_that_is_too_long_is_refused(tmp_path, values):
    with pytest.raises(ValueError, match=r"a text of 1,00\d characters, where 1,000 are the most"):
        check_file(tmp_path, tokenizer_json(**values))


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({"model": WORDS | {"unk_token": MARK}}, "unk_token"),
        ({"model": WORDS | {"continuing_subword_prefix": MARK}}, "continuing_subword_prefix"),
        ({"model": WORDS | {"end_of_word_suffix": MARK}}, "end_of_word_suffix"),
        ({"padding": {"strategy": "BatchLongest", "pad_token": MARK}}, "pad_token"),
    ],
)
def test_a_text_that_may_stand_for_one_character_has_a_smaller_bound(tmp_path, values, name):
    with pytest.raises(ValueError, match=f"{name} of 129 characters, where 128 are the most"):
        check_file(tmp_path, tokenizer_json(**values))


def pieces(texts):
    return {"model": {"type": "Unigram", "unk_id": 0, "vocab": [[text, -1.0] for text in texts]}}


def test_all_texts_together_have_a_bound(tmp_path):
    with pytest.raises(ValueError, match="25,1.*characters of text, where 25,000,000 are the most"):
        check_file(tmp_path, tokenizer_json(model=WORDS | {"vocab": {f"{i:05}{'x' * 960}": i for i in range(26_100)}}))
    with pytest.raises(ValueError, match="adds tokens of 1,024,000 characters, where 1,000,000 are the most"):
        check_file(tmp_path, tokenizer_json(added_tokens=[added(f"{i:05}{'x' * 123}") for i in range(8000)]))
    with pytest.raises(ValueError, match="pieces begin in 6,.* ways, where 6,000,000 are the most"):
        check_file(tmp_path, tokenizer_json(**pieces(f"{i:05}{'x' * 990}" for i in range(6300))))
    for part in ("[]", '""', "{}"):
        (tmp_path / "tokenizer.json").write_text(f"[{','.join([part] * 5_000_000)}]")
        with pytest.raises(ValueError, match="5,000,001 lists, objects and texts, where 5,000,000 are the most"):
            check_tokenizer_files(tmp_path)
    check_file(tmp_path, tokenizer_json(**pieces(f"{'x' * 990}{i:05}" for i in range(6300))))


@pytest.mark.parametrize("key", ["model", "added_tokens"])
def test_a_large_file_has_each_large_part_once(tmp_path, key):
    first = json.dumps({key: ["x" * 900] * 4500})[:-1]
    (tmp_path / "tokenizer.json").write_text(f"{first}, {json.dumps(tokenizer_json())[1:]}")
    with pytest.raises(ValueError, match=f"tokenizer.json has '{key}' more than once"):
        check_tokenizer_files(tmp_path)


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"model": WORDS | {"max_input_chars_per_word": 10**9}}, "max_input_chars_per_word 1,000,000,000"),
        ({"truncation": {"max_length": 1000, "stride": 999}}, "windows of 1,000 tokens that share 999"),
        ({"truncation": {"max_length": 1, "stride": 1}}, "windows of 1 tokens that share 1"),
        ({"truncation": {"max_length": 10**9, "stride": 10**9 - 10**6}}, "windows of 1,000,000,000 tokens"),
        ({"post_processor": template("x") | {"single": [{"Other": 1}]}}, "TemplateProcessing step that cannot be read"),
        ({"post_processor": template("x") | {"single": 5}}, "TemplateProcessing step that cannot be read"),
    ],
)
def test_numbers_have_bounds(tmp_path, values, reason):
    with pytest.raises(ValueError, match=reason):
        check_file(tmp_path, tokenizer_json(**values))


def test_honest_numbers_pass(tmp_path):
    truncation = {"max_length": 384, "stride": 128, "direction": "Right", "strategy": "OnlySecond"}
    check_file(tmp_path, tokenizer_json(truncation=truncation))


@pytest.mark.parametrize(
    "values",
    [
        {"fast_tokenizer_files": ["folder/tokenizer.4.0.json"]},
        {"fast_tokenizer_files": ["tokenizer.4.0.0.json", "../tokenizer.4.1.json"]},
        {"fast_tokenizer_files": ["my_tokenizer.4.0.json"]},
        {"fast_tokenizer_files": ["tokenizer.4.0.json.old"]},
        {"vocab": [[f"{i:05}{'x' * 990}", 0.0] for i in range(6300)]},
    ],
)
def test_a_configuration_cannot_put_an_unchecked_tokenizer_in_the_place_of_the_checked_one(tmp_path, values):
    with pytest.raises(ValueError, match=r"tokenizer_config.json (has|names)|pieces begin in"):
        check_file(tmp_path, values, "tokenizer_config.json")


def loaded(model, **parts):
    backend = Tokenizer(model)
    for name, part in parts.items():
        setattr(backend, name, part)
    return PreTrainedTokenizerFast(tokenizer_object=backend)


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (models.WordLevel({"x" * 6001: 0}), "a text of 6,001 characters"),
        (models.WordPiece({"a": 0, '"' * 3001: 1}), "a text of 6,002 characters"),
        (models.Unigram([("a", 0.0), ("\\" * 3001, -1.0)], unk_id=0), "a text of 6,002 characters"),
        (models.WordPiece({"a": 0}, unk_token=MARK), "unk_token of 129"),
        (models.WordPiece({"a": 0}, unk_token="a", continuing_subword_prefix=MARK), "continuing_subword_prefix of 129"),
        (models.BPE({"a": 0}, [], end_of_word_suffix=MARK), "end_of_word_suffix of 129"),
        (models.WordPiece({"a": 0}, unk_token="a", max_input_chars_per_word=1001), "max_input_chars_per_word 1,001"),
    ],
)
def test_a_tokenizer_of_other_files_is_checked_once_it_is_loaded(model, reason):
    with pytest.raises(ValueError, match=reason):
        check_tokenizer(loaded(model))


def test_steps_and_added_tokens_of_other_files_are_checked_once_they_are_loaded():
    with pytest.raises(ValueError, match="steps that together could make .* of one, where 256 .*: Replace"):
        check_tokenizer(loaded(models.WordLevel({"a": 0}), decoder=decoders.Replace("a", "a" * 257)))
    with pytest.raises(ValueError, match="steps that together could make .* of one, where 256 .*: Replace"):
        check_tokenizer(loaded(models.WordLevel({"a": 0}), normalizer=normalizers.Replace("a", "\ufdfa" * 15)))
    tokenizer = loaded(models.WordLevel({"a": 0}))
    tokenizer.add_tokens([AddedToken(LONG)])
    with pytest.raises(ValueError, match="an added token of 1,001"):
        check_tokenizer(tokenizer)
