"""A terminal of the few control codes that rich writes: what stands on its screen, and how far its lines reach."""

import re

_PIECES = re.compile(r"\x1b\[(\??[0-9;]*)([A-Za-z])|(\r)|(\n)|([^\x1b\r\n]+)")


class Screen:
    """The lines of a terminal, those that have left it at the top included.

    Args:
        width: columns. A longer line would go on in the next one; ``is_overrun`` says whether any did.
    """

    def __init__(self, width: int) -> None:
        self.width = width
        self.is_overrun = False
        self._lines = [""]
        self._line = 0
        self._column = 0

    def write(self, text: str) -> None:
        position = 0
        for piece in _PIECES.finditer(text):
            assert piece.start() == position, f"an unknown control code: {text[position : piece.start()]!r}"
            position = piece.end()
            number, code, carriage, feed, letters = piece.groups()
            if code is not None:
                self._obey(number, code)
            elif carriage:
                self._column = 0
            elif feed:
                self._feed()
            else:
                self._put(letters)
        assert position == len(text), f"an unknown control code: {text[position:]!r}"

    @property
    def lines(self) -> list[str]:
        return [line.rstrip() for line in self._lines]

    def _obey(self, number: str, code: str) -> None:
        if code == "A":
            self._line -= int(number or 1)
            assert self._line >= 0
        elif code == "K":
            assert number == "2"
            self._lines[self._line] = ""
        else:
            assert code in "mhl", f"an unknown control code: {number}{code}"

    def _feed(self) -> None:
        self._line += 1
        self._column = 0
        if self._line == len(self._lines):
            self._lines.append("")

    def _put(self, letters: str) -> None:
        before = self._lines[self._line].ljust(self._column)
        self._column += len(letters)
        self._lines[self._line] = before[: self._column - len(letters)] + letters + before[self._column :]
        self.is_overrun |= self._column > self.width
