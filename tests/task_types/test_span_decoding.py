"""Extractive question answering: the best span, the text of an answer, "no answer", the baseline."""

import json

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from mtsmart.task_types.interface.base import Outputs
from mtsmart.task_types.shared.span_windows import best_span
from mtsmart.task_types.span import Reference
from tests.task_types.span_rows import CAT, TOKENIZERS, encode, gold_logits, source, task


# Decoding -------------------------------------------------------------------------------------------------------
@settings(deadline=None)
@given(st.integers(1, 7), st.integers(1, 9), st.randoms(use_true_random=False))
def test_the_best_span_is_that_of_a_search_over_all(count, longest, random):
    offsets = [(3 * i, 3 * i + random.choice([0, 2, 2])) for i in range(count)]
    offsets[random.randrange(count)] = (90, 92)
    logits = np.asarray([[random.randint(-3, 3), random.randint(-3, 3)] for _ in range(count + 3)], dtype=float)
    feature = {"offsets": [place for pair in offsets for place in pair], "first": 2, "cls": 0, "window": 0}
    found = best_span(feature, logits, longest)
    usable = [i for i in range(count) if offsets[i][0] < offsets[i][1]]
    spans = [(i, j) for i in usable for j in usable if i <= j < i + longest]
    best = max(logits[i + 2, 0] + logits[j + 2, 1] for i, j in spans)
    first = next((i, j) for i, j in spans if logits[i + 2, 0] + logits[j + 2, 1] == best)
    assert (found.start, found.end, found.score) == (offsets[first[0]][0], offsets[first[1]][1], best)
    assert found.null == logits[0].sum()


def test_windows_compete_and_the_earlier_wins_a_tie():
    chosen = task(options={"stride": 2, "no_answer": True})
    features = encode(chosen, [CAT], TOKENIZERS["cls first"], max_length=11)
    logits = [torch.zeros(len(feature["input_ids"]), 2) for feature in features]
    for index, (start, null) in enumerate([(1.0, 4.0), (3.0, 2.0), (3.0, 5.0)]):
        logits[index][features[index]["first"] + 1] = start
        logits[index][0] = null
    chosen.decoding = {"null_threshold": 0.0}
    (row,) = chosen.describe(Outputs(logits, features), None)
    # Window 1 holds "under the old car and the"; null is the least over the windows: 2 + 2.
    assert row == {"prediction": "the", "score": 6.0, "start": 25, "end": 28, "no_answer_score": -2.0}
    chosen.decoding = {"null_threshold": -3.0}
    (row,) = chosen.describe(Outputs(logits, features), None)
    assert row == {"prediction": "", "score": 6.0, "start": None, "end": None, "no_answer_score": -2.0}


def test_the_text_is_cut_from_the_context_as_it_stands():
    context = "the  RED\ncat, (old)  dog"
    row = source("cat", context, "RED\ncat")
    features = encode(task(), [row], TOKENIZERS["cls first"])
    assert task().decode(Outputs(gold_logits(features), features)) == ["RED\ncat"]


def test_fit_finds_the_threshold_that_decoding_uses():
    chosen = task(options={"no_answer": True})
    rows = [source("cat", "a red dog", "red"), source("cat", "a big dog"), source("cat", "a new dog", "new")]
    features = encode(chosen, rows, TOKENIZERS["cls first"])
    logits = gold_logits(features, 1.0)
    for one, null in zip(logits, (1.5, 3.0, 2.0), strict=True):
        one[0] = null
    outputs, references = Outputs(logits, features), chosen.references(features)
    assert [row["no_answer_score"] for row in chosen.describe(outputs, None)] == [1.0, 6.0, 2.0]
    assert chosen.decode(outputs) == ["", "", ""]
    chosen.fit(outputs, references)
    assert chosen.decoding == {"null_threshold": 2.0}
    assert json.loads(json.dumps(chosen.decoding)) == chosen.decoding
    assert chosen.decode(outputs) == ["red", "", "new"]


def test_without_unanswerable_questions_there_is_no_threshold_and_always_an_answer():
    chosen = task()
    features = encode(chosen, [CAT], TOKENIZERS["cls first"])
    (logits,) = gold_logits(features)
    logits[0] = 99.0
    outputs = Outputs([logits], features)
    chosen.fit(outputs, chosen.references(features))
    assert chosen.decoding == {}
    assert chosen.decode(outputs) == ["the old car"]


def test_the_baseline_looks_at_no_question():
    references = [Reference(["red cat"], "a red cat."), Reference([], "a dog."), Reference([], "dogs?")]
    assert task().baseline(references, references[:2]) == ["a red cat.", "a dog."]
    assert task(options={"no_answer": True}).baseline(references, references[:2]) == ["", ""]
    assert task(options={"no_answer": True}).baseline(references[:1], references[:2]) == ["a red cat.", "a dog."]


def test_an_opening_is_the_first_sentence():
    context = "version 1.5 of a cat runs. the dog? sleeps"
    features = encode(task(), [source("cat", context, "dog")], TOKENIZERS["cls first"])
    assert task().references(features)[0].opening == "version 1.5 of a cat runs."
