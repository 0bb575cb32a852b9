"""A JSON text of any size, of which only a few blocks are in memory."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, TextIO

from mtsmart.data.readers.lines import MAX_LINE
from mtsmart.data.readers.shapes import MAX_DEPTH

BLANKS = " \t\r\n"
BLOCK = 2**20  # characters
_BLANK = re.compile(rf"[{BLANKS}]*")
_MAX_KNOWN = 20  # keys that an error lists
_CLOSED = '"}]'  # the ends of values that cannot go on


class NoPlaceError(ValueError):
    """An object lacks a key.

    Attributes:
        key: what is looked for.
        known: the keys that are there, the first of them.
    """

    def __init__(self, key: str, known: list[str]) -> None:
        super().__init__(key)
        self.key = key
        self.known = known


class JsonText:
    """What a stream of JSON has not given yet.

    Args:
        stream: the text, from its beginning.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._decode = json.JSONDecoder().raw_decode
        self._text = ""
        self._place = 0

    def items(self) -> Iterator[tuple[Any, int]]:
        """The items of the list that comes next, each with its size in characters.

        Raises:
            EOFError: the stream ends within the list.
            ValueError: an item is not valid JSON, or is too large, or no comma stands between two items.
        """
        self._take("[")
        sign = self.next_sign()
        if sign == "]":
            self.take_sign()
        while sign != "]":
            yield self.take_item()
            sign = self.take_sign()
            if sign not in ",]":
                raise ValueError

    def enter(self, path: list[str]) -> None:
        """Go to the value at a path of keys.

        Raises:
            NoPlaceError: there is no such key.
            EOFError, ValueError: as for :meth:`items`.
        """
        for part in path:
            known: list[str] = []
            if not any(key == part for key in self._keys(known)):
                raise NoPlaceError(part, known)

    def lists(self) -> list[str]:
        """The keys of an object whose values are lists of objects.

        Raises:
            EOFError, ValueError: as for :meth:`items`.
        """
        return [key for key in self._keys([]) if self.next_sign() == "[" and self._holds_objects()]

    def objects(self) -> list[str]:
        """The keys of an object whose values are objects.

        Raises:
            EOFError, ValueError: as for :meth:`items`.
        """
        return [key for key in self._keys([]) if self.next_sign() == "{"]

    def _holds_objects(self) -> bool:
        """Whether an object stands within the text that is read, right after the bracket of the list."""
        return self._text[self._place + 1 : self._place + 1000].lstrip(BLANKS).startswith("{")

    def _keys(self, known: list[str], depth: int = 0) -> Iterator[str]:
        """The keys of the object that comes next. The value of each is skipped, unless the caller stops there."""
        if depth > MAX_DEPTH:
            raise ValueError
        if self.next_sign() != "{":
            return
        self.take_sign()
        sign = self.next_sign()
        if sign == "}":
            self.take_sign()
        while sign != "}":
            key, _ = self.take_item()
            if not isinstance(key, str):
                raise ValueError
            self._take(":")
            yield key
            if len(known) < _MAX_KNOWN:
                known.append(key)
            self._skip(depth)
            sign = self.take_sign()
            if sign not in ",}":
                raise ValueError

    def _skip(self, depth: int) -> None:
        sign = self.next_sign()
        if sign == "{":
            for _ in self._keys([], depth + 1):
                pass
        elif sign == "[":
            for _ in self.items():
                pass
        else:
            self.take_item()

    def _take(self, wanted: str) -> None:
        if self.take_sign() != wanted:
            raise ValueError

    def next_sign(self) -> str:
        """The next character that is no blank, which stays.

        Raises:
            EOFError: there is none.
        """
        while True:
            found = _BLANK.match(self._text, self._place)
            assert found is not None  # It may be empty.
            self._place = found.end()
            if self._place < len(self._text):
                return self._text[self._place]
            self._read()

    def take_sign(self) -> str:
        """The next character that is no blank.

        Raises:
            EOFError: there is none.
        """
        sign = self.next_sign()
        self._place += 1
        return sign

    def take_item(self) -> tuple[Any, int]:
        """The next value, and its size in characters.

        Raises:
            EOFError: the stream ends within it.
            ValueError: it is not valid JSON, or is too large.
        """
        self.next_sign()
        while True:
            try:
                item, end = self._decode(self._text, self._place)
            except json.JSONDecodeError as error:
                if len(self._text) - self._place > MAX_LINE or not _may_be_cut(error, self._text):
                    raise
                self._read()
            else:
                if end == len(self._text) and self._text[end - 1] not in _CLOSED:
                    self._read()  # A number may go on.
                    continue
                size = end - self._place
                self._place = end
                return item, size

    def check_end(self) -> None:
        """
        Raises:
            EOFError: something follows that is no blank.
        """
        text = self._text[self._place :]
        while text:
            if text.strip(BLANKS):
                raise EOFError
            text = self._stream.read(BLOCK)

    def _read(self) -> None:
        block = self._stream.read(BLOCK)
        if not block:
            raise EOFError
        self._text = self._text[self._place :] + block  # The rest is copied once a block, not once an item.
        self._place = 0


def _may_be_cut(error: json.JSONDecodeError, text: str) -> bool:
    """Whether an item may be in error because the text ends within it. The error of a string is at its start."""
    return error.pos >= len(text) - BLOCK or error.msg.startswith("Unterminated string")
