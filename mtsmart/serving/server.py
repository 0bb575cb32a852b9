"""Runs an application until a signal stops it. What has been taken is answered first."""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn

from mtsmart.errors import ConfigError
from mtsmart.runs.interrupt import Interrupt
from mtsmart.serving.application import Application
from mtsmart.serving.requests.malformed import JsonProtocol
from mtsmart.storage.failures import reason_of

_WAITING_CONNECTIONS = 1024
_LOOK_AGAIN = 0.02  # seconds
PATIENCE = 15.0
"""Seconds for clients to send what they have begun, and to read their answers: more than a body may take."""
LAST_WORDS = 0.5
"""Seconds in which further requests are still refused politely after the last answer."""
_END_OF_CONNECTIONS = 2  # seconds for the last bytes


def bound_socket(host: str, port: int) -> socket.socket:
    """A socket with an address. It does not listen yet, so nobody waits there for a run that is still being loaded.

    Args:
        host: a name or an address.
        port: a port; 0: one that is free.

    Raises:
        ConfigError: the address cannot be used, for example because another program uses it.
    """
    if not 0 <= port < 2**16:
        raise ConfigError("must be between 0 and 65535", argument="port", value=port)
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise ConfigError(f"is no address of this machine: {reason_of(error)}", argument="host", value=host) from None
    family, kind, protocol, _, address = found[0]
    # asyncio switches Nagle's algorithm off only where the protocol is named. It would hold each answer back by 40 ms.
    bound = socket.socket(family, kind, protocol)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # or a port could not be used again for a minute
    try:
        bound.bind(address)
    except OSError as error:
        bound.close()
        if error.errno == errno.EADDRNOTAVAIL:
            raise _refused(error, "host", host) from None
        raise _refused(error, "port", port) from None
    return bound


def _refused(error: OSError, argument: str, value: str | int) -> ConfigError:
    return ConfigError(f"cannot be used: {reason_of(error)}", argument=argument, value=value)


def address_of(listening: socket.socket) -> str:
    """The address of a server, as a browser takes it."""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


class Server:
    """Answers requests until somebody stops it, or a signal does. Those that have been taken are answered first.

    Args:
        application: answers. Its batches are closed at the end.
        bound: a socket with an address.
        patience: seconds after the last answer in which clients that do not read theirs are waited for, at the end.
        last_words: seconds after that in which further requests are still refused politely.
    """

    def __init__(
        self,
        application: Application,
        bound: socket.socket,
        patience: float = PATIENCE,
        last_words: float = LAST_WORDS,
    ) -> None:
        # uvicorn writes a line for each request that is not HTTP, and the tracebacks of errors, which may hold texts.
        logging.getLogger("uvicorn").setLevel(logging.CRITICAL + 1)
        self._application = application
        self._socket = bound
        self._port = bound.getsockname()[1]  # A socket that cannot listen is closed, and then knows its port no more.
        self._patience = patience
        self._last_words = last_words
        self._uvicorn = _WithoutSignals(
            uvicorn.Config(
                application.border,
                log_config=None,
                access_log=False,
                lifespan="off",
                loop="asyncio",
                http=JsonProtocol,
                ws="none",
                server_header=False,
                proxy_headers=False,
                backlog=_WAITING_CONNECTIONS,
                timeout_graceful_shutdown=_END_OF_CONNECTIONS,
            )
        )
        self._loop = asyncio.new_event_loop()
        self._is_asked_to_stop = asyncio.Event()

    def run(self, ready: Callable[[], None]) -> None:
        """Answer requests. ``ready`` is called as soon as they are answered.

        After the first signal to stop no further requests are taken: they get 503. A second one ends the process.

        Raises:
            ConfigError: another program has begun to listen at the port since the socket got its address.
        """
        try:
            with asyncio.Runner(loop_factory=lambda: self._loop) as runner, _StopBySignal(self):
                runner.run(self._run(ready))
        finally:
            self._application.batches.close()

    def stop(self) -> None:
        """Take no further requests, answer those that have been taken, and end. Any thread may call it."""
        self.soon(self._is_asked_to_stop.set)

    def soon(self, function: Callable[[], None]) -> None:
        """Call a function between two steps of the loop. Any thread, and any handler of signals, may ask for it."""
        self._loop.call_soon_threadsafe(function)

    async def _run(self, ready: Callable[[], None]) -> None:
        serving = asyncio.create_task(self._uvicorn.serve(sockets=[self._socket]))
        while not self._uvicorn.started and not serving.done():
            await asyncio.sleep(_LOOK_AGAIN)
        if not self._uvicorn.started:
            await self._tell_failed(serving)
        ready()
        stopping = asyncio.create_task(self._is_asked_to_stop.wait())
        await asyncio.wait([serving, stopping], return_when=asyncio.FIRST_COMPLETED)
        border = self._application.border
        border.is_draining = True
        await self._until_answered()
        # Clients that keep their connections learn by a refusal that they should close them.
        await asyncio.sleep(self._last_words)
        self._uvicorn.should_exit = True
        await serving

    async def _tell_failed(self, serving: asyncio.Task[None]) -> None:
        """Raise the error of a server that could not begin to listen."""
        try:
            await serving
        except OSError as error:
            raise _refused(error, "port", self._port) from None

    async def _until_answered(self) -> None:
        """Wait for what has been taken. A client that does not read its answer is not waited for without an end."""
        computed = None
        while self._application.border.in_work:
            now = time.monotonic()
            if self._application.batches.inputs:
                computed = None
            elif computed is None:
                computed = now
            elif now - computed > self._patience:
                return
            await asyncio.sleep(_LOOK_AGAIN)


class _WithoutSignals(uvicorn.Server):
    """A server that leaves signals to ``_StopBySignal``."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class _StopBySignal(Interrupt):
    """The first signal stops a server; a second one acts as if there were no handler."""

    def __init__(self, server: Server) -> None:
        super().__init__()
        self._server = server

    def first(self) -> None:
        """Stop the server."""
        self._server.stop()

    def again(self) -> None:
        """End the process, but not in the middle of a request: uvicorn catches whatever is raised there."""
        self._server.soon(super().again)
