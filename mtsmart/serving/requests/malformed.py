"""Requests that are not HTTP: they get a refusal in the form of all others."""

from __future__ import annotations

from http import HTTPStatus

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

from mtsmart.serving.requests.border import HEADERS
from mtsmart.serving.requests.refusals import Refusal
from mtsmart.text.json_text import json_text


class JsonProtocol(H11Protocol):
    """uvicorn's protocol, whose own refusals are plain text."""

    def send_400_response(self, msg: str) -> None:
        """Refuse what cannot be read, and close the connection."""
        refusal = Refusal(HTTPStatus.BAD_REQUEST, "the request is not HTTP that can be read")
        body = json_text(refusal.to_json()).encode()
        headers = [
            *self.server_state.default_headers,  # the date
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
            *HEADERS,
            (b"connection", b"close"),
        ]
        response = h11.Response(status_code=refusal.status, headers=headers, reason=refusal.status.phrase.encode())
        for event in (response, h11.Data(data=body), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()
