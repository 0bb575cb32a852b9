"""From the outputs of a graph to predictions, as the task types of mtsmart decode them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from mtsmart.exporting.onnx.runtime.tokens import Item, Settings, Tokens

_CERTAIN = 1e4  # a logit whose softmax is 1
_BEGINNINGS = {"B", "S", "U", "W"}  # first letters of tags that begin an entity, whatever stands before
_ENDS = {"E", "L", "S", "U", "W"}
_SHOWN = 5  # best tokens that a prediction of masked tokens names
Prediction = dict[str, Any]


def describe(
    decoding: Settings, item: Item, arrays: Sequence[np.ndarray], tokens: Tokens, temperature: float | None = None
) -> list[Prediction]:
    """A prediction for each row of an item.

    Args:
        decoding: what ``tasks.json`` says of the task's decoding.
        item: what the task has read.
        arrays: the outputs for each of its sequences, float32.
        tokens: the tokenizer.
        temperature: divides the logits of probabilities; None: they stay as they are. Predictions are the same.
    """
    decode = _DECODERS[decoding["kind"]]
    adapted = [_adapted(decoding, array) for array in arrays]
    plain = decode(decoding, item, adapted, tokens)
    if temperature is None:
        return plain
    divided = decode(decoding, item, [array.astype(np.float64) / temperature for array in adapted], tokens)
    return [{**row, "prediction": before["prediction"]} for row, before in zip(divided, plain, strict=True)]


def _adapted(decoding: Settings, array: np.ndarray) -> np.ndarray:
    """The logits of the task's own labels, where its head has those of another task."""
    if decoding.get("groups") is not None:
        logs = _log_softmax(array)
        return np.stack([np.logaddexp.reduce(logs[..., group], axis=-1) for group in decoding["groups"]], axis=-1)
    return array if decoding.get("order") is None else array[..., decoding["order"]]


def _log_softmax(logits: np.ndarray) -> np.ndarray:
    shifted = logits - logits.max(-1, keepdims=True)
    found: np.ndarray = shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))
    return found


def _softmax(logits: np.ndarray) -> np.ndarray:
    """In float64."""
    powers = np.exp(logits.astype(np.float64) - logits.max(-1, keepdims=True))
    found: np.ndarray = powers / powers.sum(-1, keepdims=True)
    return found


def _sigmoid(logits: np.ndarray) -> np.ndarray:
    """In float64."""
    powers = np.exp(-np.abs(logits.astype(np.float64)))
    return np.where(logits >= 0, 1 / (1 + powers), powers / (1 + powers))


def _label(decoding: Settings, item: Item, arrays: Sequence[np.ndarray], tokens: Tokens) -> list[Prediction]:
    """The likeliest label, and the probability of each."""
    labels = decoding["labels"]
    shares = {f"p({label})": p for label, p in zip(labels, _softmax(arrays[0]).tolist(), strict=True)}
    return [{"prediction": labels[int(arrays[0].argmax())], **shares}]


def _place(decoding: Settings, item: Item, arrays: Sequence[np.ndarray], tokens: Tokens) -> list[Prediction]:
    """The label with as many labels below it as outputs are above 0, and how likely the row is above each."""
    labels = decoding["labels"]
    shares = {f"p(>{label})": p for label, p in zip(labels[:-1], _sigmoid(arrays[0]).tolist(), strict=True)}
    return [{"prediction": labels[int((arrays[0] > 0).sum())], **shares}]


def _set_of_labels(decoding: Settings, item: Item, arrays: Sequence[np.ndarray], tokens: Tokens) -> list[Prediction]:
    """The labels above the threshold, and the probability of each."""
    labels = decoding["labels"]
    shares = _sigmoid(arrays[0]).tolist()
    chosen = [label for label, share in zip(labels, shares, strict=True) if share > decoding["threshold"]]
    return [{"prediction": chosen, **{f"p({label})": p for label, p in zip(labels, shares, strict=True)}}]


def _number(decoding: Settings, item: Item, arrays: Sequence[np.ndarray], tokens: Tokens) -> list[Prediction]:
    """A number in the unit of the labels."""
    return [{"prediction": float(arrays[0][0]) * decoding["std"] + decoding["mean"]}]


def _choice(decoding: Settings, item: Item, arrays: Sequence[np.ndarray], tokens: Tokens) -> list[Prediction]:
    """The best candidate's index, name and text, and the probability of each."""
    scores = np.concatenate(arrays)
    best = int(scores.argmax())
    names = decoding["names"] if item.facts["keys"] is None else item.facts["keys"]
    named = {"prediction_label": names[best]} if best < len(names) else {}
    text = item.facts["candidates"][best]
    return [{"prediction": best, **named, "prediction_text": text, "probabilities": _softmax(scores).tolist()}]


def _order(decoding: Settings, item: Item, arrays: Sequence[np.ndarray], tokens: Tokens) -> list[Prediction]:
    """The indices of a row's candidates, best first, and their scores."""
    scores = np.concatenate(arrays)
    return [{"prediction": np.argsort(-scores, kind="stable").tolist(), "scores": scores.tolist()}]


def _ranks(decoding: Settings, item: Item, arrays: Sequence[np.ndarray], tokens: Tokens) -> list[Prediction]:
    """The rank and the score of each of a query's rows."""
    scores = np.concatenate(arrays)
    ranks = {int(place): rank for rank, place in enumerate(np.argsort(-scores, kind="stable"), 1)}
    return [{"prediction": ranks[place], "score": score} for place, score in enumerate(scores.tolist())]


def _tags(decoding: Settings, item: Item, arrays: Sequence[np.ndarray], tokens: Tokens) -> list[Prediction]:
    """The tag of each word, its probability, and for tags of entities these."""
    labels = decoding["labels"]
    words = item.facts["words"]
    table = np.zeros((len(words), len(labels)), dtype=arrays[0].dtype)
    table[:, decoding["fallback"]] = _CERTAIN  # remains for words that have no token
    for scored, logits in zip(item.facts["scored"], arrays, strict=True):
        for position, word in scored.items():
            table[word] = logits[position]
    tags = [labels[place] for place in table.argmax(-1)]
    found: Prediction = {"prediction": tags, "probabilities": _softmax(table).max(-1).tolist() if words else []}
    if decoding["entities"]:
        found["entities"] = [
            {"type": kind, "start": start, "end": end, "text": " ".join(words[start : end + 1])}
            for kind, start, end in _entities(tags)
        ]
    return [found]


def _entities(tags: Sequence[str]) -> list[tuple[str, int, int]]:
    """Type, first and last word of each entity, by the rules of the CoNLL scripts."""
    found: list[tuple[str, int, int]] = []
    start: int | None = None
    kind = ""
    ended = False  # whether the last word ended its entity
    for position, tag in enumerate([*tags, "O"]):
        begins = tag == "O" or tag[:1] in _BEGINNINGS or tag[2:] != kind or ended
        if start is not None and begins:
            found.append((kind, start, position - 1))
            start = None
        if tag != "O" and start is None:
            start = position
            kind = tag[2:]
        ended = tag[:1] in _ENDS
    return found


def _answer(decoding: Settings, item: Item, arrays: Sequence[np.ndarray], tokens: Tokens) -> list[Prediction]:
    """The best span of the context over all windows; the earliest and leftmost one of equal ones."""
    windows = item.facts["windows"]
    logits = [array.astype(np.float64) for array in arrays]
    spans = [_best_span(*each, decoding["max_answer_length"]) for each in zip(windows, logits, strict=True)]
    score, start, end = max(spans, key=lambda span: span[0])
    found = {"prediction": item.facts["context"][start:end], "score": score, "start": start, "end": end}
    if decoding["no_answer"]:
        null = min(float(each[window["cls"]].sum()) for window, each in zip(windows, logits, strict=True))
        found["no_answer_score"] = null - score
        if null - score > decoding["null_threshold"]:
            found |= {"prediction": "", "start": None, "end": None}
    return [found]


def _best_span(window: Settings, logits: np.ndarray, longest: int) -> tuple[float, int, int]:
    """The score of the best span of a window, and its characters [start, end)."""
    offsets = np.asarray(window["offsets"], dtype=np.int64).reshape(-1, 2)
    count = len(offsets)
    longest = min(longest, count)
    context = logits[window["first"] : window["first"] + count]
    context = np.where((offsets[:, 0] < offsets[:, 1])[:, None], context, -np.inf)
    ends = np.concatenate([context[:, 1], np.full(longest - 1, -np.inf)])
    scores = context[:, :1] + np.lib.stride_tricks.sliding_window_view(ends, longest)
    start, length = divmod(int(scores.argmax()), longest)
    end = min(start + length, count - 1)
    return float(scores[start, length]), int(offsets[start, 0]), int(offsets[end, 1])


def _masks(decoding: Settings, item: Item, arrays: Sequence[np.ndarray], tokens: Tokens) -> list[Prediction]:
    """The best token for each mask, its probability, and the next best tokens."""
    masks = []
    for logs in (_log_softmax(row) for array in arrays for row in array):
        best = np.argsort(-logs, kind="stable")[:_SHOWN]
        masks.append([{"token": tokens.name_of(int(token)), "p": math.exp(logs[token])} for token in best])
    return [
        {"prediction": [best[0]["token"] for best in masks], "p": [best[0]["p"] for best in masks], "candidates": masks}
    ]


_DECODERS: dict[str, Callable[[Settings, Item, Sequence[np.ndarray], Tokens], list[Prediction]]] = {
    "label": _label,
    "place": _place,
    "labels": _set_of_labels,
    "number": _number,
    "choice": _choice,
    "order": _order,
    "ranks": _ranks,
    "tags": _tags,
    "answer": _answer,
    "masks": _masks,
}
