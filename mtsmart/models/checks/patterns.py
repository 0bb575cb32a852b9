"""Which regular expressions take text whenever they match, told from their form alone.

Only a small part of the language is known: single characters, classes, sets, groups and their repetitions. Of any other
expression nothing is said.
"""

from __future__ import annotations

import re

_CHARACTER = r"\\(?:[nrtfsSdDwWhH]|[^\w\s]|u[0-9a-fA-F]{4}|x\{[0-9a-fA-F]+\}|[pP]\{\^?\w+\})"
_SET = rf"\[\^?(?:\[:\^?\w+:\]|[^\[\]\\]|{_CHARACTER})+\]"
_TOKEN = re.compile(
    rf"(?P<one>{_CHARACTER}|{_SET}|[^\\^$*+?(){{}}\[\]|])"
    r"|(?P<anchor>[\^$]|\\[bBAzZ])"  # takes nothing, and does not change what its neighbours take
    r"|(?P<group>\((?:\?:)?)"
    r"|\{(?P<least>\d+)(?:,(?P<most>\d*))?\}"
)
"""What each part becomes: ``x`` takes one character, ``!`` and ``*`` repeat it at least once or perhaps never."""
_INNER_GROUP = re.compile(r"\(([^()]*)\)")
_ALTERNATIVE = re.compile(r"(?:x[*?+!]*)+")
_MANDATORY = re.compile(r"x(?:\+[?+]?|!)?(?![*?+!])")


def takes_text(pattern: str) -> bool:
    """Whether it is sure that the pattern never matches the empty text. False says nothing."""
    form = _TOKEN.sub(_form_of, pattern)
    while "(" in form:
        inner = _INNER_GROUP.search(form)
        if inner is None or not _all_take_text(inner[1]):
            return False
        form = f"{form[: inner.start()]}x{form[inner.end() :]}"
    return _all_take_text(form)


def _form_of(token: re.Match[str]) -> str:
    if token["one"]:
        return "x"
    if token["group"]:
        return "("
    if token["anchor"]:
        return ""
    # The two numbers may stand in the wrong order.
    return "!" if int(token["least"]) and int(token["most"] or 1) else "*"


def _all_take_text(alternatives: str) -> bool:
    """Of a form without groups: each alternative has a part that it cannot leave out."""
    return all(
        _ALTERNATIVE.fullmatch(form) is not None and _MANDATORY.search(form) is not None
        for form in alternatives.split("|")
    )
