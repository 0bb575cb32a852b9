"""Runs an application until a signal stops it. What has been taken is answered first."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn

from mtsmart.errors import ConfigError
from mtsmart.runs.interrupt import Interrupt
from mtsmart.serving.application import Application
from mtsmart.storage.durable import reason_of

_WAITING_CONNECTIONS = 1024
_LAST_WORDS = 0.5  # seconds in which further requests are still refused politely after the last answer
_LOOK_AGAIN = 0.02  # seconds


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
    family, _, _, _, address = found[0]
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # or a port could not be used again for a minute
    try:
        bound.bind(address)
    except OSError as error:
        bound.close()
        raise ConfigError(f"cannot be used: {reason_of(error)}", argument="port", value=port) from None
    return bound


def address_of(listening: socket.socket) -> str:
    """The address of a server, as a browser takes it."""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def serve(application: Application, listening: socket.socket, ready: Callable[[], None]) -> None:
    """Answer requests until a signal comes. A second signal ends the process at once.

    After the first signal no further requests are taken: they get 503. Those that have been taken are answered.

    Args:
        application: answers. Its batches are closed at the end.
        listening: the socket.
        ready: called as soon as requests are answered.
    """
    # uvicorn writes a line for each request that is not HTTP, and the tracebacks of errors, which may hold texts.
    logging.getLogger("uvicorn").setLevel(logging.CRITICAL + 1)
    config = uvicorn.Config(
        application.border,
        log_config=None,
        access_log=False,
        lifespan="off",
        loop="asyncio",
        http="h11",
        ws="none",
        server_header=False,
        proxy_headers=False,
        backlog=_WAITING_CONNECTIONS,
    )
    asyncio.run(_run(_Server(config), application, listening, ready))
    application.batches.close()


class _Server(uvicorn.Server):
    """A server that leaves signals to ``_Stop``."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class _Stop(Interrupt):
    """The first signal sets an event of the loop; a second one acts as if there were no handler."""

    def __init__(self, loop: asyncio.AbstractEventLoop, event: asyncio.Event) -> None:
        super().__init__()
        self._loop = loop
        self._event = event

    def first(self) -> None:
        """Wake the loop."""
        self._loop.call_soon_threadsafe(self._event.set)


async def _run(
    server: uvicorn.Server, application: Application, listening: socket.socket, ready: Callable[[], None]
) -> None:
    asked_to_stop = asyncio.Event()
    with _Stop(asyncio.get_running_loop(), asked_to_stop):
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        while not server.started and not serving.done():
            await asyncio.sleep(_LOOK_AGAIN)
        ready()
        stopping = asyncio.create_task(asked_to_stop.wait())
        await asyncio.wait([serving, stopping], return_when=asyncio.FIRST_COMPLETED)
        application.border.is_draining = True
        while application.border.in_work:
            await asyncio.sleep(_LOOK_AGAIN)
        # Clients that keep their connections learn by a refusal that they should close them.
        await asyncio.sleep(_LAST_WORDS)
        server.should_exit = True
        await serving
