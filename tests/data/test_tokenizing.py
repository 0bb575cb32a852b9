"""The short way of tokenizing gives what the tokenizer gives."""

from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoTokenizer

from mtsmart.data.tokenizing import WordTokenizer, tokenize
from mtsmart.models.loading import resolve_path
from tests.models.architectures import ARCHITECTURES, tokenizer_of

PIECES = [
    *("a", "the", "unbelievably", "don't", "$5.30", "x" * 120, "", "[SEP]", "[MASK]", "x[CLS]y", "naïve", "Σίσυφος"),
    *("İstanbul", "e\u0301", "\u0301x", "日本語", "ﬁ", "\t", "\n", "a\tb", "a\xa0b", "\u3000", "\u200b", "\x1c"),
    *("a\x1cb", "\x00", "�"),
]
TEXTS = st.lists(st.sampled_from(PIECES) | st.text(max_size=8), max_size=12).map(" ".join)


@pytest.fixture(scope="module")
def real(minilm):
    return AutoTokenizer.from_pretrained(resolve_path(minilm))


def expected(columns, tokenizer, max_length):
    strategy = "longest_first" if len(columns) > 1 else True
    tokens = tokenizer(*columns, truncation=strategy, max_length=max_length, return_attention_mask=False)
    return {name: tokens[name] for name in ("input_ids", "token_type_ids") if name in tokens}


@given(st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=5), st.integers(4, 40), st.booleans())
@settings(max_examples=60, deadline=None)
def test_words_looked_up_are_words_tokenized(real, rows, max_length, pairs):
    """BERT's tokenizer: any Unicode, special tokens in the text, texts that are cut."""
    assert WordTokenizer.fits(real)
    columns = [[row[side] for row in rows] for side in range(2 if pairs else 1)]
    assert tokenize(columns, real, max_length) == expected(columns, real, max_length)


@pytest.mark.parametrize("architecture", list(ARCHITECTURES))
def test_every_architectures_tokenizer(architecture):
    tokenizer = tokenizer_of(architecture)
    columns = [["red dog", "a " * 30, ""], ["the cat runs", "blue", "house " * 30]]
    for count in (1, 2):
        assert tokenize(columns[:count], tokenizer, 12) == expected(columns[:count], tokenizer, 12)


@cache
def cutting(architecture, side):
    tokenizer = tokenizer_of(architecture)
    tokenizer.truncation_side = side
    return tokenizer


@pytest.mark.parametrize("architecture", list(ARCHITECTURES))
@pytest.mark.parametrize("side", ["right", "left"])
@given(st.lists(st.tuples(*[st.lists(st.sampled_from(["red", "dog", "a"]), max_size=14).map(" ".join)] * 2)), st.data())
@settings(max_examples=25, deadline=None)
def test_every_architectures_tokenizer_cuts_on_either_side(architecture, side, rows, data):
    tokenizer = cutting(architecture, side)
    columns, max_length = [list(column) for column in zip(*rows, strict=True)], data.draw(st.integers(5, 30))
    for count in (1, 2) if rows else ():
        assert tokenize(columns[:count], tokenizer, max_length) == expected(columns[:count], tokenizer, max_length)


@pytest.mark.parametrize("architecture", list(ARCHITECTURES))
def test_segments_tell_the_texts_apart(architecture):
    tokenizer = tokenizer_of(architecture)
    columns = [["red dog", "a " * 30, ""], ["the cat runs", "blue", "house " * 30]]
    tokens = tokenizer(*columns, truncation="longest_first", max_length=12)
    segments = tokenize(columns, tokenizer, 12, segments=True)["segments"]
    assert segments == [[0 if n is None else n + 1 for n in tokens.sequence_ids(row)] for row in range(3)]


@pytest.mark.parametrize("architecture", ["BERT", "RoBERTa", "T5"])
def test_a_tokenizer_never_cuts_by_itself(architecture):
    """It would make every combination of the pieces of both texts: gigabytes for a pair of long ones."""
    tokenizer = tokenizer_of(architecture)
    (ids,) = tokenize([["red dog " * 4000], ["blue house " * 4000]], tokenizer, 16)["input_ids"]
    assert len(ids) == 16
    assert tokenizer.backend_tokenizer.truncation is None


@pytest.mark.parametrize("change", ["left", "blank", "normalizer"])
def test_other_tokenizers_give_what_they_give(minilm, change):
    tokenizer = AutoTokenizer.from_pretrained(resolve_path(minilm))
    if change == "left":
        tokenizer.truncation_side = "left"
    elif change == "blank":
        tokenizer.add_tokens(["New York"])
    else:
        from tokenizers import normalizers

        tokenizer.backend_tokenizer.normalizer = normalizers.Sequence([normalizers.Replace(" ", "_")])
    assert WordTokenizer.fits(tokenizer) == (change == "left")
    columns = [["I love New York a lot and the rest is cut"]]
    assert tokenize(columns, tokenizer, 6) == expected(columns, tokenizer, 6)


def test_what_is_remembered_is_bounded(real, monkeypatch):
    monkeypatch.setattr("mtsmart.data.tokenizing._KEPT", 10)
    words = WordTokenizer(real)
    for start in range(0, 200, 20):
        words.encode([[f"w{number}" for number in range(start, start + 20)]], 8)
        assert len(words._known) <= 10 + 20
