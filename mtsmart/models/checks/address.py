"""A check of whether a text that is no folder here can be the name of a model on the Hub."""

from __future__ import annotations

import os
import re

from huggingface_hub.errors import HFValidationError
from huggingface_hub.utils import validate_repo_id

from mtsmart.errors import CheckpointError
from mtsmart.user_paths import has_variable

_KEY = "encoder.path"
_OF_WINDOWS = re.compile(r"[A-Za-z]:[\\/].*|.*\\.*", re.DOTALL)
_PAGE = re.compile(r"https?://(?:www\.)?(?:huggingface\.co|hf\.co)/([^/]+/[^/]+?)(?:/.*)?")


def check_address(path: str) -> None:
    """Refuse what no model on the Hub can be called.

    Raises:
        CheckpointError: says what it seems to be, and what to write.
    """
    if has_variable(path):
        message = "environment variables are not expanded here"
        hint = f"Write the folder itself, or let the shell expand it on the command line: {_KEY}={path}"
        raise CheckpointError(message, key=_KEY, value=path, hint=hint)
    if "://" in path:
        page = _PAGE.fullmatch(path)
        hint = f"Write its Hub id: {page[1]}" if page else "Write the Hub id, as owner/name, or a folder"
        raise CheckpointError("is an address, which is not fetched", key=_KEY, value=path, hint=hint)
    if _OF_WINDOWS.fullmatch(path):
        message = "there is no such folder" if os.name == "nt" else "is a path of Windows, and this is another system"
        hint = "Write the folder as it is called here, with / between its parts"
        raise CheckpointError(message, key=_KEY, value=path, hint=None if os.name == "nt" else hint)
    try:
        validate_repo_id(path)
    except HFValidationError:
        message = "is neither a folder nor the name of a model on the Hub"
        hint = f"A folder beside the file is written ./{path}, and a Hub id owner/name"
        raise CheckpointError(message, key=_KEY, value=path, hint=hint) from None
