"""Text that others wrote, in a form that has no effect where it is shown.

It is shown on a terminal, in JSON, in Markdown and HTML, and in a spreadsheet.

A terminal acts on control codes: they move the cursor, change the window's title or hide what was printed. Marks of
direction and characters without width make a text look like another one. Markdown and HTML turn punctuation into
headings, links, images and scripts.
"""

from __future__ import annotations

import re
from collections.abc import Callable

# Python takes these characters for printable, but they take no place or look like a blank: the combining grapheme
# joiner, and the fillers of Hangul and Khmer.
_INVISIBLE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0")

# Punctuation with a meaning inside a line. An underscore inside a word has none. A colon before a letter or a slash
# can be a part of an address, which many programs turn into a link.
_MARKUP = re.compile(r"[\\|*`\[\]~$]|(?<![^\W_])_|_(?![^\W_])|:(?=\S)|(?<=www)\.", re.IGNORECASE)
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "@": "&#64;"}
_FIRST = re.compile(r"[#+=-]|[0-9]{1,9}(?=[.)](\s|$))")  # It begins a heading, a line or an item of a list.

_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
# The wide forms are for keyboards of East Asia; spreadsheets there take them for the others.
_FORMULA = "=+-@\uff1d\uff0b\uff0d\uff20"


def is_visible(character: str) -> bool:
    """Whether a character is shown as itself: a blank is, a control code or a character without width is not."""
    return character.isprintable() and character not in _INVISIBLE


def is_text(value: str) -> bool:
    """Whether a string can be written as UTF-8: JSON may hold halves of surrogate pairs."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def one_line(text: str) -> str:
    """A text for a line of a terminal: each character that is not visible, such as a line break, is a Python escape."""
    return _with_escapes(text, _escape)


def cut(text: str, longest: int) -> str:
    """At most ``longest`` characters of a text; an ellipsis at the end says that there were more."""
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def each_line(text: str) -> str:
    """A text of several lines for a terminal: as :func:`one_line`, but its line feeds stay."""
    return "\n".join(map(one_line, text.split("\n")))


def visible_json(text: str) -> str:
    """JSON with the same content, whose strings have an escape for each character that is not visible."""
    return _with_escapes(text, _escape_in_json, kept="\n")


def _with_escapes(text: str, escape: Callable[[str], str], kept: str = "") -> str:
    """A text with an escape for each character that is neither visible nor kept.

    Each character that occurs is looked at once, because a text may be long.
    """
    hidden = [character for character in set(text) if not is_visible(character) and character not in kept]
    return text.translate({ord(character): escape(character) for character in hidden}) if hidden else text


def _escape_in_json(character: str) -> str:
    units = character.encode("utf-16-be", errors="surrogatepass")
    return "".join(f"\\u{units[place : place + 2].hex()}" for place in range(0, len(units), 2))


def _escape(character: str) -> str:
    if character in _INVISIBLE:
        return f"\\u{ord(character):04x}"
    return repr(character)[1:-1]


def markdown(text: str) -> str:
    """A text inside a line, item or cell of a table of Markdown, which shows each of its characters.

    Line breaks and other white space become one blank. What is not visible becomes an escape. Nothing in the text is a
    heading, list, link, image, code or HTML.
    """
    line = one_line(" ".join(text.split()))
    first = _FIRST.match(line)
    escaped = "".join(_ENTITIES.get(part, part) for part in _MARKUP.sub(r"\\\g<0>", line))
    if first is None:
        return escaped
    end = first.end()
    return f"{first[0]}\\{escaped[end:]}" if first[0].isdigit() else f"\\{escaped}"


def code_span(text: str) -> str:
    """A text as code inside a line of Markdown."""
    line = one_line(text)
    longest = max(map(len, re.findall("`+", line)), default=0)
    fence = "`" * (longest + 1)
    # A backtick at an end would belong to the fence without a blank between them. Markdown removes the two blanks.
    needs_blanks = not line.strip() or line[0] in "` " or line[-1] in "` "
    return f"{fence} {line} {fence}" if needs_blanks else f"{fence}{line}{fence}"


def spreadsheet_field(text: str) -> str:
    """A field of csv or tsv that a spreadsheet shows and does not compute.

    A field is a formula if it begins with ``=``, ``+``, ``-`` or ``@``, also after blanks or quotes. It gets an
    apostrophe in front, and so does a field that begins with a tab or a carriage return. Numbers stay as they are.
    """
    if text[:1] in ("\t", "\r"):
        return f"'{text}"
    start = next((c for c in text if is_visible(c) and c not in " \"'"), "")
    is_formula = start != "" and start in _FORMULA
    return f"'{text}" if is_formula and _NUMBER.fullmatch(text) is None else text
