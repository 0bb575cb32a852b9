"""A server in a thread of the tests, and a client that speaks to it over a real connection."""

from __future__ import annotations

import http.client
import json
import re
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
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
        server = Server(served, bound, patience, last_words=0.02)
        thread = threading.Thread(target=server.run, args=(ready.set,))
        thread.start()
        assert ready.wait(30)
        try:
            yield Client(bound.getsockname()[1], server, served)
        finally:
            server.stop()
            thread.join(30)
    assert not thread.is_alive()


@contextmanager
def serving_process(command: Sequence[str], place: Path, seconds: float = 60, **settings: Any) -> Iterator[Client]:
    """A server as a process of its own, which is asked to stop at the end of the context and must do so in order.

    Args:
        command: with which it is started, on a free port.
        place: a folder for its streams, the files ``out`` and ``err``.
        seconds: how long it may take to start.
        settings: of ``subprocess.Popen``.
    """
    out = place / "out"
    with out.open("w") as stdout, (place / "err").open("w") as stderr:
        process = subprocess.Popen(command, stdout=stdout, stderr=stderr, **settings)
    try:
        end = time.monotonic() + seconds
        while "served at" not in out.read_text():
            assert process.poll() is None and time.monotonic() < end, (place / "err").read_text()
            time.sleep(0.02)
        found = re.search(r":(\d+) \(Ctrl-C stops\)", out.read_text())
        assert found is not None
        yield Client(int(found[1]))
        process.terminate()
        assert process.wait(30) == 0
    finally:
        process.kill()
