"""Windows over a long context, and answers inside them: from characters to tokens and back."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import datasets
import numpy as np
from transformers import BatchEncoding, PreTrainedTokenizerBase

from mtsmart.data.encoding import Rows, note_cut
from mtsmart.text.beginnings import beginning, question_limit

Offsets = list[tuple[int, int]]


@dataclass(frozen=True)
class Window:
    """A question and a part of its context: T tokens in all, of which n belong to the context.

    Attributes:
        sample: the number of the tokenised pair that it belongs to.
        index: its place among the encodings.
        cls: the position of the token that stands for "no answer".
        first: the position of the first of the n context tokens, which stand side by side.
        offsets: for each context token its characters [start, end) in the context, without white space at the ends;
            start equals end if the token holds no character.
    """

    sample: int
    index: int
    cls: int
    first: int
    offsets: Offsets

    def covered(self, start: int, end: int) -> tuple[int, int] | None:
        """The first and the last context token, from 0, with a character of [start, end); None if there is none."""
        inside = [i for i, (left, right) in enumerate(self.offsets) if left < end and right > start and left < right]
        return (inside[0], inside[-1]) if inside else None


@dataclass(frozen=True)
class Span:
    """The best span of a context.

    Attributes:
        start, end: its characters [start, end) in the context.
        score: start logit plus end logit; minus infinity if the context holds no word.
        null: the lowest score of "no answer" among the windows.
    """

    start: int
    end: int
    score: float
    null: float


def fitting_questions(
    questions: Sequence[str], tokenizer: PreTrainedTokenizerBase, room: int, stride: int
) -> list[str]:
    """The questions, of which those are cut that leave no room for new tokens of the context in each window.

    :func:`note_cut` gets to know them.

    Args:
        questions: N texts.
        tokenizer: the encoder's.
        room: tokens of a window besides special ones, more than ``stride``.
        stride: tokens of the context that neighbouring windows share.
    """

    def ends_of(text: str) -> list[int]:
        found = tokenizer(text, add_special_tokens=False, return_attention_mask=False, return_offsets_mapping=True)
        return [end for _, end in found["offset_mapping"]]

    alone = tokenizer(list(questions), add_special_tokens=False, return_attention_mask=False)["input_ids"]
    is_long = np.array([room - len(tokens) <= stride for tokens in alone], dtype=bool)
    note_cut(is_long)
    limit = question_limit(room, stride)
    pairs = zip(questions, is_long, strict=True)
    return [beginning(question, limit, ends_of) if long else question for question, long in pairs]


def windows(tokens: BatchEncoding, contexts: Sequence[str], tokenizer: PreTrainedTokenizerBase) -> list[Window]:
    """The windows of tokenised (question, context) pairs, in their order."""
    return [
        _window(tokens, index, sample, contexts[sample], tokenizer)
        for index, sample in enumerate(tokens["overflow_to_sample_mapping"])
    ]


def _window(tokens: BatchEncoding, index: int, sample: int, context: str, tokenizer: PreTrainedTokenizerBase) -> Window:
    sequence_ids = tokens.sequence_ids(index)
    count = sequence_ids.count(1)
    first = sequence_ids.index(1) if count else 0
    offsets = [_trimmed(context, *pair) for pair in tokens["offset_mapping"][index][first : first + count]]
    return Window(sample, index, _cls_position(tokens["input_ids"][index], sequence_ids, tokenizer), first, offsets)


def _trimmed(context: str, start: int, end: int) -> tuple[int, int]:
    """The characters of a token without the blanks that some tokenizers include."""
    while start < end and context[start].isspace():
        start += 1
    while start < end and context[end - 1].isspace():
        end -= 1
    return start, end


def _cls_position(
    input_ids: Sequence[int], sequence_ids: Sequence[int | None], tokenizer: PreTrainedTokenizerBase
) -> int:
    """The position of the classification token (at the end for XLNet), else of the beginning-of-text token, else 0."""
    special = {token: i for i, token in reversed(list(enumerate(input_ids))) if sequence_ids[i] is None}
    for wanted in (tokenizer.cls_token_id, tokenizer.bos_token_id):
        if wanted in special:
            return special[wanted]
    return 0


def answer_positions(of_one_text: Sequence[Window], answer: tuple[int, int] | None) -> list[tuple[int, int]]:
    """For each window of a text, the positions of the answer's first and last token.

    Both positions are that of the classification token if the window does not hold the whole answer, or if there is no
    answer.

    Args:
        of_one_text: all windows of one pair.
        answer: the answer's characters [start, end) in the context; None: there is no answer.
    """
    nothing = [(window.cls, window.cls) for window in of_one_text]
    if answer is None:
        return nothing
    found = [window.covered(*answer) for window in of_one_text]
    ends = [(w.offsets[f[0]][0], w.offsets[f[1]][1]) for w, f in zip(of_one_text, found, strict=True) if f]
    if not ends:
        return nothing
    whole = (min(start for start, _ in ends), max(end for _, end in ends))
    return [
        (window.first + place[0], window.first + place[1])
        if place and (window.offsets[place[0]][0], window.offsets[place[1]][1]) == whole
        else none
        for window, place, none in zip(of_one_text, found, nothing, strict=True)
    ]


def best_spans(features: Iterator[Mapping[str, Any]], logits: Sequence[Any], max_answer_length: int) -> list[Span]:
    """The best span of each text over all its windows.

    The windows' logits are compared as they are; a token with little context on one side counts in full. If scores are
    equal, the earliest window and the leftmost span win.

    Args:
        features: N encoded windows. Those of one text stand side by side, and the first of them has ``window`` 0.
        logits: N float arrays (T, 2).
        max_answer_length: the most tokens of an answer.
    """
    spans: list[Span] = []
    for feature, scores in zip(features, logits, strict=True):
        found = best_span(feature, np.asarray(scores, dtype=np.float64), max_answer_length)
        if feature["window"] == 0:
            spans.append(found)
        else:
            before = spans[-1]
            best = found if found.score > before.score else before
            spans[-1] = Span(best.start, best.end, best.score, min(before.null, found.null))
    return spans


def best_span(feature: Mapping[str, Any], logits: np.ndarray, max_answer_length: int) -> Span:
    """The best span of one window: start <= end, at most ``max_answer_length`` tokens, both ends in the context.

    If scores are equal, the leftmost span wins.

    Args:
        feature: an encoded window.
        logits: (T, 2) float64, without padding.
    """
    offsets = np.asarray(feature["offsets"]).reshape(-1, 2)
    count = len(offsets)
    null = float(logits[feature["cls"]].sum())
    if not count:
        return Span(0, 0, -np.inf, null)
    longest = min(max_answer_length, count)
    context = logits[feature["first"] : feature["first"] + count]
    context = np.where((offsets[:, 0] < offsets[:, 1])[:, None], context, -np.inf)
    ends = np.concatenate([context[:, 1], np.full(longest - 1, -np.inf)])
    scores = context[:, :1] + np.lib.stride_tricks.sliding_window_view(ends, longest)
    start, length = divmod(int(scores.argmax()), longest)
    end = min(start + length, count - 1)
    return Span(int(offsets[start, 0]), int(offsets[end, 1]), float(scores[start, length]), null)


def window_columns(of_one_text: Sequence[Window], tokens: BatchEncoding, names: Sequence[str]) -> Rows:
    """The columns of a text's windows: the tokens, and the place of the context among them.

    ``offsets`` holds each context token's start and end, one after the other.
    """
    columns: Rows = {name: [tokens[name][window.index] for window in of_one_text] for name in names if name in tokens}
    columns["window"] = list(range(len(of_one_text)))
    columns["cls"] = [window.cls for window in of_one_text]
    columns["first"] = [window.first for window in of_one_text]
    columns["offsets"] = [[place for pair in window.offsets for place in pair] for window in of_one_text]
    return columns


def in_first(value: str, of_one_text: Sequence[Window]) -> list[str]:
    """A text's value in its first window and nothing in the others, so that a context is stored only once."""
    return [value, *[""] * (len(of_one_text) - 1)]


def candidates(feature: Mapping[str, Any]) -> list[int]:
    """For each token of an encoded window 1 if an answer may start there: in the context, or at "no answer"; else 0."""
    first = feature["first"]
    count = len(feature["offsets"]) // 2
    mask = [int(first <= position < first + count) for position in range(len(feature["input_ids"]))]
    mask[feature["cls"]] = 1
    return mask


def each_window(features: datasets.Dataset, columns: list[str]) -> Iterator[dict[str, Any]]:
    """Some columns of all encoded windows."""
    for batch in features.select_columns(columns).iter(batch_size=1000):
        for values in zip(*(batch[column] for column in columns), strict=True):
            yield dict(zip(columns, values, strict=True))


def of_texts(features: datasets.Dataset, column: str) -> list[str]:
    """The values that stand in each text's first window."""
    return [feature[column] for feature in each_window(features, ["window", column]) if feature["window"] == 0]


def nearest_place(text: str, context: str, place: int) -> str:
    """A hint where an answer stands that is not at ``place`` in its context."""
    places = [match.start() for match in re.finditer(f"(?={re.escape(text)})", context)]
    if not places:
        composed, around = (unicodedata.normalize("NFC", each).casefold() for each in (text, context))
        is_other_spelling = composed in around
        hint = ", except in other letter case or another normal form of Unicode" if is_other_spelling else ""
        return f"It is nowhere in the context{hint}"
    return f"The nearest place that holds it is {min(places, key=lambda found: abs(found - place))}"
