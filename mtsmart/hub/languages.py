"""Codes of languages as the Hub takes them in a card."""

from __future__ import annotations

import re
from collections.abc import Iterable

from mtsmart.errors import ConfigError

_CODE = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_WORDS = ("code", "multilingual")


def check_languages(codes: Iterable[str]) -> None:
    """Refuse what is no code of a language in form; which codes have been given out is not known here.

    Raises:
        ConfigError: names it.
    """
    for code in codes:
        if code not in _WORDS and not _CODE.fullmatch(code):
            hint = "A code has two or three small letters, such as en, de or pt-BR; or say multilingual"
            raise ConfigError("is no code of a language", argument="languages", value=code, hint=hint)
