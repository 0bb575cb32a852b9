"""The tokenizer of an exported model, and what the parts of ``answer.py`` share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tokenizers import Encoding, Tokenizer

Row = Mapping[str, Any]
Inputs = dict[str, list[int]]
"""One input of the encoder: ``input_ids`` and what else the graph takes."""
Settings = Mapping[str, Any]
"""A part of ``tasks.json``."""


class AnswerError(ValueError):
    """A row, a task's name or a file that does not fit; the text says which and why.

    Args:
        message: what is wrong.
        row: the row, counted from 1.
        column: its column; None: the whole row.
        shown: the wrong value, shortened.

    Attributes:
        message, row, column, shown: the same.
    """

    def __init__(
        self, message: str, row: int | None = None, column: str | None = None, shown: str | None = None
    ) -> None:
        place = ([] if row is None else [f"row {row}"]) + ([] if column is None else [column])
        super().__init__(": ".join([*place, message]) + ("" if shown is None else f", got {shown}"))
        self.message = message
        self.row = row
        self.column = column
        self.shown = shown


@dataclass(frozen=True)
class Item:
    """What a task reads at once: a row, or all rows of a query.

    Attributes:
        rows: the numbers of its rows, from 0.
        sequences: one or several inputs of the encoder.
        facts: what decoding needs besides.
        is_cut: whether it lost tokens, because it was too long.
    """

    rows: list[int]
    sequences: list[Inputs]
    facts: dict[str, Any] = field(default_factory=dict)
    is_cut: bool = False


class Tokens:
    """The tokenizer of an exported model.

    Args:
        file: ``tokenizer.json``.
        settings: what ``tasks.json`` says of it.
    """

    def __init__(self, file: Path, settings: Settings) -> None:
        self.settings = settings
        self._whole = Tokenizer.from_file(str(file))
        self._whole.no_truncation()
        self._whole.no_padding()
        self._cutting = Tokenizer.from_file(str(file))
        self._cutting.no_padding()

    @property
    def pads_left(self) -> bool:
        """Whether padding comes before the tokens."""
        return bool(self.settings["padding_side"] == "left")

    @property
    def around_pairs(self) -> int:
        """How many special tokens stand around two texts."""
        return sum(map(len, self.settings["frames"]["2"]["specials"]))

    def framed(self, rows: Sequence[Sequence[str]], max_length: int | None) -> tuple[list[Inputs], list[bool]]:
        """Rows of one text or two between their special tokens, and which of them are cut.

        Args:
            rows: the texts.
            max_length: tokens a row is cut to; of two texts the longer one is cut first. None: nothing is cut.
        """
        texts = [text for row in rows for text in row]
        ids = iter(each.ids for each in self._whole.encode_batch(texts, add_special_tokens=False))
        found = [[next(ids) for _ in row] for row in rows]
        rooms = [self._room(of_row, max_length) for of_row in found]
        is_cut = [sum(map(len, of_row)) > room for of_row, room in zip(found, rooms, strict=True)]
        return [self._framed(of_row, room) for of_row, room in zip(found, rooms, strict=True)], is_cut

    def _room(self, texts: Sequence[list[int]], max_length: int | None) -> int:
        """How many tokens of the texts are kept at most."""
        if max_length is None:
            return sum(map(len, texts))
        specials = self.settings["frames"][str(len(texts))]["specials"]
        return max(0, max_length - sum(map(len, specials)))

    def _framed(self, texts: Sequence[list[int]], room: int) -> Inputs:
        frame = self.settings["frames"][str(len(texts))]
        found: Inputs = {"input_ids": [], "token_type_ids": [], "segments": []}
        for number, special in enumerate(frame["specials"]):
            self._add(found, special, frame["special_types"][number], 0)
            if number < len(texts):
                tokens = self._cut(texts[number], _kept(list(map(len, texts)), room)[number])
                self._add(found, tokens, [frame["types"][number]] * len(tokens), number + 1)
        return self.with_a_token(found)

    @staticmethod
    def _add(inputs: Inputs, tokens: list[int], types: list[int], segment: int) -> None:
        inputs["input_ids"] += tokens
        inputs["token_type_ids"] += types
        inputs["segments"] += [segment] * len(tokens)

    def _cut(self, tokens: list[int], count: int) -> list[int]:
        return tokens[len(tokens) - count :] if self.settings["truncation_side"] == "left" else tokens[:count]

    def with_a_token(self, inputs: Inputs) -> Inputs:
        """The inputs, with one token where an empty text has none: an encoder needs one."""
        if inputs["input_ids"]:
            return inputs
        return {name: [self.settings["filler"] if name == "input_ids" else 0] for name in inputs}

    def words(self, rows: Sequence[Sequence[str]]) -> list[Encoding]:
        """Rows of words as one sequence of tokens each, not cut."""
        if self.settings["prefix_blank"]:
            rows = [[f" {word}" if word.strip() else "" for word in words] for words in rows]
        found: list[Encoding] = self._whole.encode_batch([list(words) or [""] for words in rows], is_pretokenized=True)
        return found

    def windows(self, texts: Sequence[str], max_length: int, stride: int) -> list[Encoding]:
        """One text or two in windows of which neighbours share ``stride`` tokens of the last text."""
        strategy = "only_second" if len(texts) > 1 else "longest_first"
        side = self.settings["truncation_side"]
        self._cutting.enable_truncation(max_length, stride=stride, strategy=strategy, direction=side)
        first = self._cutting.encode(texts[0], texts[1] if len(texts) > 1 else None)
        return [first, *first.overflowing]

    def ends(self, text: str) -> list[int]:
        """Where each token of a text ends."""
        return [end for _, end in self._whole.encode(text, add_special_tokens=False).offsets]

    def name_of(self, token: int) -> str:
        """A token as text."""
        return str(self._whole.decode([token], skip_special_tokens=False)).strip()


def _kept(lengths: Sequence[int], room: int) -> list[int]:
    """How many tokens of one text or two are kept, ``room`` at most."""
    if len(lengths) == 1:
        return [min(lengths[0], room)]
    first, second = lengths
    if first + second <= room:
        return [first, second]
    shorter = min(first, second)
    keep = shorter if shorter * 2 <= room else room // 2
    return [room - keep, keep] if first > second else [keep, room - keep]
