"""What the scripts that take pictures of pages share: the browser, and small files."""

from __future__ import annotations

import shutil
from pathlib import Path

from PIL import Image

_COLOURS = 64  # of a picture's file, which stays small
_BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def find_browser() -> str | None:
    """The program of a Chromium; None if there is none."""
    return next(filter(None, map(shutil.which, _BROWSERS)), None)


def shrink(source: Path, target: Path) -> None:
    """Write a picture with few colours."""
    with Image.open(source) as picture:
        picture.convert("RGB").quantize(_COLOURS).save(target, optimize=True)
