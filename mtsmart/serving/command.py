"""``mtsmart serve``: a run, or an exported graph, behind a server."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from mtsmart.serving.application import application
from mtsmart.serving.engine import Engine
from mtsmart.serving.limits import Limits
from mtsmart.serving.requests.access import access_for, read_token
from mtsmart.serving.server import Server, address_of, bound_socket


@dataclass(frozen=True)
class Listening:
    """Where a server listens, and who may ask it.

    Attributes:
        host: a name or an address.
        port: a port; 0: one that is free.
        token_file: a file with the token that clients must send; None: the token of the environment, if there is one.
        without_token: whether an address that others can reach needs no token.
        log_requests: whether a line about each request is logged.
    """

    host: str
    port: int
    token_file: Path | None
    without_token: bool
    log_requests: bool


def is_graph(folder: Path) -> bool:
    """Whether a folder is that of an exported graph."""
    return (folder / "tasks.json").is_file()


def serve_engine(
    load: Callable[[], Engine], limits: Limits, listening: Listening, notify: Callable[[str], None]
) -> None:
    """Answer until a signal comes.

    Args:
        load: loads what answers. It is called when all that is said about the server is known to be right.
        limits: how much clients may ask.
        listening: where the server listens.
        notify: called with a line when requests are answered, and with another one at the end.

    Raises:
        MtsmartError: the address, the token, the run, the graph or a task cannot be used.
    """
    access = access_for(listening.host, read_token(listening.token_file), listening.without_token)
    with bound_socket(listening.host, listening.port) as own_socket:
        engine = load()
        served = application(engine, limits, access, listening.log_requests)
        line = f"{', '.join(engine.tasks)}: served at {address_of(own_socket)} (Ctrl-C stops)"
        Server(served, own_socket).run(lambda: notify(line))
    notify(f"stopped; {served.border.answered:,} requests to /predict answered")
