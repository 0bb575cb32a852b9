"""The page on which a person asks all tasks. It is one file, and loads nothing."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

_FILE = Path(__file__).with_name("page.html")


@dataclass(frozen=True)
class Page:
    """A page, and what a browser may do with it.

    Attributes:
        text: the HTML.
        policy: the value of the header ``Content-Security-Policy``.
    """

    text: str
    policy: str


@cache
def page() -> Page:
    """The page. Its own script and style are allowed by their hashes, and nothing else is."""
    text = _FILE.read_text(encoding="utf-8")
    rules = [
        "default-src 'none'",
        f"script-src {_hash_of('script', text)}",
        f"style-src {_hash_of('style', text)}",
        "connect-src 'self'",
        "img-src data:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ]
    return Page(text, "; ".join(rules))


def _hash_of(tag: str, text: str) -> str:
    content = re.search(f"<{tag}>(.*?)</{tag}>", text, flags=re.DOTALL)
    assert content is not None, f"page.html has no <{tag}>"
    digest = hashlib.sha256(content[1].encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
