"""Extractive question answering: windows, answers to tokens and back, wrong rows, sources of data."""

from itertools import pairwise

import datasets
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

from mtsmart.config.sections import DataConfig
from mtsmart.data.encoding import noting_cuts
from mtsmart.data.sources import load_split
from mtsmart.errors import ConfigError, DataError
from mtsmart.task_types import build_task
from mtsmart.task_types.interface.base import Outputs
from mtsmart.task_types.span import Reference
from mtsmart.tasks import TaskLibrary
from tests.conftest import WORDS, write_jsonl
from tests.task_types.span_rows import CAT, TOKENIZERS, columns, encode, every_tokenizer, gold_logits, source, task


@every_tokenizer
def test_the_first_answer_trains_and_all_are_references(tokenizer):
    features = encode(task(), [CAT], tokenizer)
    (feature,) = features
    tokens = tokenizer.convert_ids_to_tokens(feature["input_ids"])[feature["start"] : feature["end"] + 1]
    assert [token.lstrip("▁") for token in tokens] == ["the", "old", "car"]
    assert task().references(features) == [Reference(["the old car", "old car"], CAT["context"])]


@every_tokenizer
def test_a_place_may_be_written_with_a_point(tokenizer):
    places = {**CAT["answers"], "answer_start": [float(place) for place in CAT["answers"]["answer_start"]]}
    plain, pointed = (encode(task(), [row], tokenizer) for row in (CAT, {**CAT, "answers": places}))
    assert plain.to_dict() == pointed.to_dict()


@every_tokenizer
def test_windows_keep_the_question_whole_and_share_the_stride(tokenizer):
    chosen = task(options={"stride": 2})
    features = encode(chosen, [CAT], tokenizer, max_length=11)  # 2 of the question, 3 special, 6 of 12 of the context
    assert features["window"][:] == [0, 1, 2]
    for feature in features:
        ids = feature["input_ids"]
        assert len(ids) <= 11
        tokens = [token.lstrip("▁") for token in tokenizer.convert_ids_to_tokens(ids)]
        assert [t for t in tokens[: feature["first"]] if t not in ("[CLS]", "[SEP]")] == ["cat", "sleeps"]
        assert tokens[feature["cls"]] == "[CLS]"
        texts = [CAT["context"][a:b] for a, b in np.reshape(feature["offsets"], (-1, 2))]
        assert texts == tokens[feature["first"] : feature["first"] + len(texts)]
    # the red cat sleeps under the | under the old car and the | and the dog runs
    assert [len(feature["offsets"]) // 2 for feature in features] == [6, 6, 4]
    trained = [(feature["start"], feature["end"]) for feature in features]
    assert trained[0] == (features[0]["cls"],) * 2
    assert trained[2] == (features[2]["cls"],) * 2
    assert trained[1] == (features[1]["first"] + 1, features[1]["first"] + 3)
    assert features["context"][:] == [CAT["context"], "", ""]


@pytest.mark.parametrize("max_length", [8, 16, 64, 400])
def test_the_default_stride_is_64_or_a_quarter(max_length):
    context = " ".join(WORDS * 30)
    features = encode(task(), [source("cat", context, "dog")], TOKENIZERS["cls first"], max_length)
    ends = [np.reshape(feature["offsets"], (-1, 2)) for feature in features]
    shared = {len(set(map(tuple, a)) & set(map(tuple, b))) for a, b in pairwise(ends)}
    assert shared == {min(64, max_length // 4)}


@every_tokenizer
def test_predicting_needs_no_answers_and_sees_the_same_windows(tokenizer):
    chosen = task(options={"stride": 2})
    with_answers = encode(chosen, [CAT], tokenizer, 11)
    without = chosen.encode({**columns([CAT]), "answers": [None]}, tokenizer, 11, with_labels=False)
    assert without == {name: with_answers[name][:] for name in without}
    assert set(with_answers.column_names) - set(without) == {"answers", "start", "end"}


@st.composite
def cases(draw):
    """A context, a stretch of it by words, and sizes that force windows."""
    words = draw(st.lists(st.sampled_from(WORDS), min_size=1, max_size=40))
    blanks = draw(st.lists(st.sampled_from([" ", "  ", "\n", " \t"]), min_size=len(words), max_size=len(words)))
    start = draw(st.integers(0, len(words) - 1))
    end = draw(st.integers(start, min(len(words) - 1, start + 6)))
    places, context = [], ""
    for word, blank in zip(words, blanks, strict=True):
        places.append((len(context), len(context) + len(word)))
        context += word + blank
    answer = places[start][0], places[end][1]
    return context, answer, end - start + 1, draw(st.integers(0, 8)), draw(st.integers(1, 20))


@settings(deadline=None)
@given(cases(), st.sampled_from(sorted(TOKENIZERS)))
def test_an_answer_that_fits_is_trained_and_gold_logits_give_it_back(case, name):
    """An answer of at most stride + 1 tokens lies whole in some window, wherever it stands."""
    context, (start, end), length, stride, more = case
    if name == "blanks in tokens":
        context = context.replace("\n", " ").replace("\t", " ")  # this tokenizer parts words at blanks only
    chosen = task(options={"stride": stride, "max_answer_length": max(length, 1) + 8})
    row = source("cat", context, (context[start:end], start))
    features = encode(chosen, [row], TOKENIZERS[name], max_length=1 + 3 + stride + more)
    trained = [feature for feature in features if feature["start"] != feature["cls"]]
    for feature in trained:  # what is trained is the answer, in every window that has it
        offsets = np.reshape(feature["offsets"], (-1, 2))
        assert offsets[feature["start"] - feature["first"]][0] == start
        assert offsets[feature["end"] - feature["first"]][1] == end
    outputs = Outputs(gold_logits(features), features)
    (described,) = chosen.describe(outputs, None)
    if trained:
        assert (described["prediction"], described["start"], described["end"]) == (context[start:end], start, end)
        assert chosen.score(chosen.decode(outputs), chosen.references(features)) == {"answer_f1": 1.0}
    elif name != "blanks in tokens":  # several blanks are tokens of their own there
        assert length > stride + 1


@pytest.mark.parametrize(("name", "place"), [("cls first", 0), ("cls last, padded left", -1)])
def test_a_classification_token_inside_a_question_is_none(name, place):
    (feature,) = encode(task(), [source("cat [CLS] runs", "a dog", "dog")], TOKENIZERS[name])
    assert feature["input_ids"].count(2) == 2
    assert feature["cls"] == range(len(feature["input_ids"]))[place]


def byte_level_tokenizer(trim_offsets):
    """Bytes as tokens: a letter beyond ASCII is several, all with the same characters; blanks belong to words."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: index for index, token in enumerate(["<s>", "<pad>", "</s>", *alphabet])}
    tokenizer = Tokenizer(models.BPE(vocabulary, []))
    tokenizer.add_special_tokens(["<s>", "<pad>", "</s>"])
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    template = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    tokenizer.post_processor = processors.Sequence([processors.ByteLevel(trim_offsets=trim_offsets), template])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, cls_token="<s>", pad_token="<pad>", sep_token="</s>", bos_token="<s>"
    )


BYTES = {trim: byte_level_tokenizer(trim) for trim in (False, True)}
messy = st.text(st.sampled_from("aé中½😀. \n\u00a0\u0301"), min_size=1, max_size=25)


@settings(deadline=None)
@given(messy, st.data(), st.sampled_from([False, True]), st.integers(0, 6), st.integers(1, 12))
def test_letters_of_several_tokens_are_found_and_cut_whole(context, data, trim, stride, more):
    start = data.draw(st.integers(0, len(context) - 1))
    answer = context[start : data.draw(st.integers(start + 1, len(context)))]
    if not answer.strip():
        return
    chosen = task(options={"stride": stride, "max_answer_length": 200})
    features = encode(chosen, [source("a", context, (answer, start))], BYTES[trim], max_length=5 + stride + more)
    trained = [feature for feature in features if feature["start"] != feature["cls"]]
    (described,) = chosen.describe(Outputs(gold_logits(features), features), None)
    if trained:
        assert described["prediction"] == answer.strip()
        assert described["prediction"] == context[described["start"] : described["end"]]
    else:
        assert len(answer.encode()) > stride + 1


@pytest.mark.hub
def test_gold_logits_score_1_on_real_answers(hub_dir, minilm):
    """Real text and a real tokenizer: what is lost between characters and tokens."""
    from transformers import AutoTokenizer

    from mtsmart.models.loading import resolve_path

    chosen = build_task("xquad_en", TaskLibrary()["xquad_en"])
    rows = load_split("xquad_en", chosen.definition, "validation", chosen.columns, DataConfig())
    tokenizer = AutoTokenizer.from_pretrained(resolve_path(minilm))
    features = datasets.Dataset.from_dict(chosen.encode(rows.to_dict(), tokenizer, 128, with_labels=True))
    assert len(features) > 1.5 * len(rows)
    scores = chosen.score(chosen.decode(Outputs(gold_logits(features), features)), chosen.references(features))
    assert scores["answer_f1"] > 0.98 and scores["answer_exact"] > 0.97


def test_a_window_with_a_part_of_the_answer_is_trained_towards_cls():
    chosen = task(options={"stride": 0})
    row = source("cat", "a dog runs and the cat sleeps", "runs and the")
    features = encode(chosen, [row], TOKENIZERS["cls first"], max_length=4 + 4)  # a dog runs and | the cat sleeps
    assert [(f["start"], f["end"]) for f in features] == [(0, 0), (0, 0)]


def test_every_token_that_holds_a_part_of_the_answer_is_trained():
    """An answer that begins and ends inside a word, as SQuAD has some."""
    context = "a house under blue cars"
    row = source("cat", context, ("use under b", context.index("use")))
    (feature,) = encode(task(), [row], TOKENIZERS["cls first"])
    assert (feature["start"] - feature["first"], feature["end"] - feature["first"]) == (1, 3)


# Errors ---------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("answers", "message"),
    [
        ({"text": ["cat"], "answer_start": [3]}, r"answer_start: the answer 'cat' is not at this place .*is 8$"),
        ({"text": ["cat"], "answer_start": [-20]}, r"got -20\. The nearest place that holds it is 8"),
        ({"text": ["cat"], "answer_start": [40]}, r"The nearest place that holds it is 30"),
        ({"text": ["Cat"], "answer_start": [8]}, r"It is nowhere in the context"),
        ([{"text": "cat", "answer_start": 8}], r"A list of such answers: dataset: {parse: {answers: answers}}"),
        ({"text": ["cat"], "answer_start": ["8"]}, r"is not a whole number, got '8'"),
        ({"text": ["cat"], "answer_start": [8.5]}, r"is not a whole number, got 8.5"),
        ({"text": ["cat"], "answer_start": []}, r"answers: is not in SQuAD's form, .*Expected \{text"),
        ({"text": ["cat"]}, r"is not in SQuAD's form"),
        ("cat", r"is not in SQuAD's form, got 'cat'.*in csv or tsv: dataset: \{parse: \{answers: json\}\}"),
        ({"text": [""], "answer_start": [8]}, r"an answer is not a text, or empty"),
        ({"text": [None], "answer_start": [8]}, r"an answer is not a text, or empty"),
        ({"text": [], "answer_start": []}, r"the question has no answer, .*options: \{no_answer: true\}"),
    ],
)
def test_wrong_answers_name_the_row(answers, message):
    wrong = {**source("cat", "the red cat sees the very old cat", "cat"), "answers": answers}
    with pytest.raises(DataError, match=r"row 2: " + ".*" + message):
        encode(task(), [CAT, wrong], TOKENIZERS["cls first"])


def test_a_question_that_leaves_no_room_names_the_row():
    with pytest.raises(
        DataError, match=r"row 1: question: has 9 tokens and leaves room for 4 tokens of the context, .*4, got"
    ):
        encode(task(), [source("cat " * 9, "a dog", "dog")], TOKENIZERS["cls first"], max_length=16)
    encode(task(options={"stride": 3}), [source("cat " * 9, "a dog", "dog")], TOKENIZERS["cls first"], max_length=16)


@every_tokenizer
@pytest.mark.parametrize("context", [" ", "\n\t", 7])
def test_a_context_without_words_names_the_row(context, tokenizer):
    row = source("cat sleeps", context) if isinstance(context, str) else {**CAT, "context": context}
    with pytest.raises(DataError, match=r"row 1: context: (holds no word|is not a text)"):
        task(options={"no_answer": True}).encode(columns([row]), tokenizer, 64, with_labels=True)


@every_tokenizer
def test_predicting_finds_nothing_in_a_context_without_words(tokenizer):
    chosen = task()
    features = encode(chosen, [source("cat", "  \n"), source("cat", "a dog")], tokenizer, with_labels=False)
    logits = [torch.zeros(len(feature["input_ids"]), 2) for feature in features]
    blank, answered = chosen.describe(Outputs(logits, features), tokenizer)
    assert blank == {"prediction": None, "score": None, "start": None, "end": None}
    assert answered["prediction"] == "a"


@pytest.mark.parametrize(("stride", "kept"), [(4, 6), (2, 6), (7, 5)])
def test_predicting_cuts_a_question_that_leaves_no_room(stride, kept):
    """To half of the 13 tokens that a window has, or to what leaves room for a new token of the context."""
    chosen = task(options={"stride": stride})
    rows = [source("cat " * 30, "a dog " * 5), source("cat", "a dog")]
    with noting_cuts() as noted:
        features = encode(chosen, rows, TOKENIZERS["cls first"], 16, with_labels=False)
    assert np.concatenate(noted).tolist() == [True, False]
    assert features["first"][0] == kept + 2 and features["first"][-1] == 3
    assert max(map(len, features["input_ids"])) <= 16
    ends = [offsets[-1] for offsets, row in zip(features["offsets"], features["row"], strict=True) if row == 0]
    assert ends[-1] == len("a dog " * 5) - 1  # the whole context is read


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"text": ["context"]}, r"t\.text: must be two columns, the question and the context, got \['context'\]"),
        ({"labels": ["a", "b"]}, r"t\.labels: does not go with task type 'span'"),
        ({"text": ["question", "answers"]}, r"t\.label: is a text column too, got 'answers'"),
        ({"metrics": ["no_answer_f1"]}, r"t\.metrics: needs a task with unanswerable questions"),
        ({"options": {"strid": 3}}, r"t\.options\.strid: .*stride"),
        ({"options": {"stride": -1}}, r"t\.options\.stride"),
        ({"loss": "mse"}, r"t\.loss: does not go with task type 'span'"),
    ],
)
def test_definitions_that_do_not_fit(changes, message):
    with pytest.raises(ConfigError, match=message):
        task(**changes)


# Sources --------------------------------------------------------------------------------------------------------
def test_answers_come_through_jsonl_and_parquet_as_they_stand(tmp_path):
    rows = [CAT, source("cat", "a dog")] * 2
    jsonl = write_jsonl(tmp_path / "a.jsonl", rows)
    parquet = tmp_path / "a.parquet"
    datasets.Dataset.from_list(rows).to_parquet(parquet)
    for file in (jsonl, parquet):
        chosen = task(dataset={"files": {"train": str(file)}}, options={"no_answer": True})
        loaded = load_split("t", chosen.definition, "train", chosen.columns, DataConfig())
        assert loaded["answers"][:] == [row["answers"] for row in rows]
        assert len(chosen.encode(loaded.to_dict(), TOKENIZERS["cls first"], 64, with_labels=True)["row"]) == 4


def test_rows_without_an_answer_may_come_first(tmp_path):
    """More of them than are read at once: the types of empty lists are unknown."""
    rows = [source("cat", "a dog")] * 10_001 + [CAT]
    file = write_jsonl(tmp_path / "a.jsonl", rows)
    chosen = task(dataset={"files": {"train": str(file)}}, options={"no_answer": True})
    loaded = load_split("t", chosen.definition, "train", chosen.columns, DataConfig())
    assert loaded[10_001]["answers"] == CAT["answers"] and loaded[0]["answers"]["text"] == []


def test_xquad_slices_share_no_context(hub_dir):
    chosen = build_task("xquad_en", TaskLibrary()["xquad_en"])
    parts = [
        load_split("xquad_en", chosen.definition, split, chosen.columns, DataConfig())
        for split in ("train", "validation")
    ]
    contexts = [list(dict.fromkeys(part["context"])) for part in parts]
    assert [len(part) for part in parts] == [949, 241]
    assert not set(contexts[0]) & set(contexts[1])
    # Every article has five paragraphs, one after the other: the slices share no article either.
    assert [len(each) for each in contexts] == [5 * 37, 5 * 11]
