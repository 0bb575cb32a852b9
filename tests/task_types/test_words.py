"""Words as sub-words with several kinds of tokenizers, and windows over long rows."""

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers
from transformers import AutoTokenizer, PreTrainedTokenizerFast, RobertaTokenizerFast

from mtsmart.models.loading import resolve_path
from mtsmart.task_types.shared.words import Span, owner, tokenize_words, windows

SENTENCES = ["the guitarists were playing in New York", "a small house", "Köln 's cathedral !"]


@pytest.fixture(scope="module")
def wordpiece(minilm):
    return AutoTokenizer.from_pretrained(resolve_path(minilm))


def byte_level(**settings):
    trained = Tokenizer(models.BPE())
    trained.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=330, special_tokens=special, initial_alphabet=alphabet)
    trained.train_from_iterator(["the red cat sees a big dog", "a small house were playing"] * 20, trainer)
    vocabulary = trained.get_vocab()
    merges = [tuple(pair) for pair in json.loads(trained.to_str())["model"]["merges"]]
    return RobertaTokenizerFast(vocab=vocabulary, merges=merges, **settings)


def test_subwords_of_a_real_tokenizer(wordpiece):
    words = ["playing", "guitarists", "", "U.S.", "New York"]
    (tokens,) = tokenize_words([words], wordpiece)
    assert wordpiece.convert_ids_to_tokens(tokens.columns["input_ids"]) == (
        "[CLS] playing guitarists u . s . new york [SEP]".split()
    )
    assert tokens.runs == {0: (0, 1), 1: (1, 2), 3: (2, 6), 4: (6, 8)}
    assert (len(tokens), tokens.specials) == (8, 2)
    assert tokens.window(Span(1, 3))["input_ids"] == wordpiece.convert_tokens_to_ids("[CLS] guitarists u [SEP]".split())


def test_a_whole_window_is_what_the_tokenizer_makes_of_the_words(wordpiece):
    rows = [sentence.split() for sentence in SENTENCES]
    expected = wordpiece(rows, is_split_into_words=True)
    for index, tokens in enumerate(tokenize_words(rows, wordpiece)):
        assert tokens.window(Span(0, len(tokens)))["input_ids"] == expected["input_ids"][index]
        words = expected.word_ids(index)
        assert {word: words.index(word) - 1 for word in set(words) - {None}} == {
            word: run.start for word, run in tokens.runs.items()
        }


def test_byte_level_tokenizers_see_words_and_not_parts_of_one_word():
    """RoBERTa's as it is loaded by default gives what it gives when loaded for words."""
    rows = [sentence.split() for sentence in SENTENCES]
    expected = byte_level(add_prefix_space=True)(rows, is_split_into_words=True)
    plain = byte_level()
    assert plain(rows, is_split_into_words=True)["input_ids"] != expected["input_ids"]
    result = tokenize_words(rows, plain)
    assert [tokens.columns["input_ids"] for tokens in result] == expected["input_ids"]
    for index, tokens in enumerate(result):
        assert set(tokens.runs) == set(expected.word_ids(index)) - {None}
    assert tokenize_words([["the", "", " ", "cat"]], plain)[0].runs.keys() == {0, 3}


def test_a_tokenizer_with_metaspace():
    trained = Tokenizer(models.Unigram())
    trained.normalizer = normalizers.NFKC()
    trained.pre_tokenizer = pre_tokenizers.Metaspace()
    trained.train_from_iterator(
        ["the red cat sees a big dog", "a small house"] * 20,
        trainers.UnigramTrainer(vocab_size=60, special_tokens=["<unk>", "<pad>"], unk_token="<unk>"),
    )
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=trained, unk_token="<unk>", pad_token="<pad>")
    words = "the red cat sees a small house".split()
    (tokens,) = tokenize_words([words], tokenizer)
    assert tokens.columns["input_ids"] == tokenizer(" ".join(words))["input_ids"]
    assert list(tokens.runs) == list(range(7))
    # No special tokens and no words: something must still go through the encoder.
    (nothing,) = tokenize_words([[""]], tokenizer)
    assert (nothing.columns["input_ids"], nothing.runs, len(nothing)) == ([tokenizer.unk_token_id], {}, 0)


@given(st.integers(0, 300), st.integers(1, 40), st.data())
def test_windows_cover_everything_and_overlap_enough(length, size, data):
    overlap = data.draw(st.integers(0, size - 1))
    spans = windows(length, size, overlap)
    assert (spans[0].start, spans[-1].end) == (0, length)
    assert all(span.end - span.start == (size if len(spans) > 1 else length) for span in spans)
    for left, right in pairwise(spans):
        assert left.start < right.start
        assert left.end - right.start >= overlap
    # No more of them than needed: one fewer would not reach the end.
    assert len(spans) == 1 or size + (len(spans) - 2) * (size - overlap) < length


@pytest.mark.parametrize(
    ("run", "number"),
    [
        ((0, 1), 0),  # the row's beginning is no cut
        ((5, 6), 0),  # 4 tokens to the cut, against 0 in the second window
        ((7, 8), 0),  # 2 against 2: the first
        ((8, 9), 1),  # 1 against 3
        ((7, 9), 1),  # a word of two tokens: 1 to the cut, against 2
        ((9, 12), 1),  # cut in the first window, whole in the second
        ((14, 15), 1),
    ],
)
def test_a_word_is_scored_where_it_has_most_context(run, number):
    assert owner(Span(*run), windows(15, 10, 5)) == number


@given(st.integers(1, 60), st.integers(1, 12), st.data())
def test_the_owner_holds_the_words_first_token(length, size, data):
    spans = windows(length, size, data.draw(st.integers(0, size - 1)))
    start = data.draw(st.integers(0, length - 1))
    run = Span(start, data.draw(st.integers(start + 1, length)))
    chosen = spans[owner(run, spans)]
    assert chosen.start <= run.start < chosen.end
