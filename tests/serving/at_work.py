"""A server in a thread of the tests, and a client that speaks to it over a real connection."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from mtsmart.serving.application import Application, application
from mtsmart.serving.engine import Engine
from mtsmart.serving.limits import Limits
from mtsmart.serving.requests.access import Access
from mtsmart.serving.server import PATIENCE, Server, bound_socket

JSON = {"Content-Type": "application/json"}
OPEN = Access(None, is_local=True)


@dataclass(frozen=True)
class Response:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Client:
    """Asks a server."""

    port: int
    server: Server | None = None
    application: Application | None = None

    def connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)

    def call(self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Response:
        """A request on a connection of its own."""
        connection = self.connection()
        try:
            return exchanged(connection, method, path, body, headers)
        finally:
            connection.close()

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> Response:
        return self.call("GET", path, headers=headers)

    def ask(self, question: Any) -> Response:
        return self.call("POST", "/predict", json.dumps(question), JSON)


def exchanged(
    connection: http.client.HTTPConnection,
    method: str,
    path: str,
    body: Any = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """A request on a connection that is kept."""
    connection.request(method, path, body, dict(headers or {}), encode_chunked=not isinstance(body, str | bytes | None))
    response = connection.getresponse()
    return Response(response.status, {k.lower(): v for k, v in response.getheaders()}, response.read())


@contextmanager
def serving(
    engine: Engine,
    limits: Limits | None = None,
    access: Access = OPEN,
    log_requests: bool = False,
    patience: float = PATIENCE,
) -> Iterator[Client]:
    """A server, until the end of the context."""
    ready = threading.Event()
    with bound_socket("127.0.0.1", 0) as bound:
        served = application(engine, limits or Limits(), access, log_requests)
        server = Server(served, bound, patience)
        thread = threading.Thread(target=server.run, args=(ready.set,))
        thread.start()
        assert ready.wait(30)
        try:
            yield Client(bound.getsockname()[1], server, served)
        finally:
            server.stop()
            thread.join(30)
    assert not thread.is_alive()
