"""The responses of refusals."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from http import HTTPStatus

from starlette.responses import JSONResponse
from starlette.types import Receive, Scope

from mtsmart.serving.requests.refusals import Refusal

_DISCARDED_BYTES = 2**23
_DISCARDED_SECONDS = 2


async def refusing(refusal: Refusal, scope: Scope, receive: Receive) -> JSONResponse:
    """The response of a refusal, as soon as the client is likely to read it.

    Most clients read no response before they have sent their body. So the rest of it is read and thrown away, within
    bounds. A client that expects ``100 Continue`` has not begun to send it.
    """
    is_waiting = any(name == b"expect" for name, _ in scope["headers"])
    if not is_waiting and refusal.status != HTTPStatus.REQUEST_TIMEOUT:
        await _discard(receive)
    return JSONResponse(refusal.to_json(), refusal.status, refusal.headers)


def own_fault() -> Refusal:
    """The refusal of a request that the server cannot answer because of an error of its own."""
    return Refusal(HTTPStatus.INTERNAL_SERVER_ERROR, "the server could not answer because of an error of its own")


async def _discard(receive: Receive) -> None:
    size = 0
    with suppress(TimeoutError):
        async with asyncio.timeout(_DISCARDED_SECONDS):
            while size < _DISCARDED_BYTES:
                message = await receive()
                size += len(message.get("body", b""))
                if not message.get("more_body", False):
                    return
