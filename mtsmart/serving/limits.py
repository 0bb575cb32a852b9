"""How much a client may ask, and how much may wait."""

from __future__ import annotations

from dataclasses import dataclass, fields

from mtsmart.errors import ConfigError


@dataclass(frozen=True)
class Limits:
    """The limits of a server. They bound its memory: what goes beyond them is refused and not kept.

    Attributes:
        body: bytes of a request's body.
        rows: inputs of one request.
        text: characters of one text.
        requests: requests to ``/predict`` whose bodies are read or that wait for their answers.
        waiting: inputs of all requests that wait for their answers.
        batch: inputs that the engine gets at once.
        seconds: how long a client may take to send a body.

    Raises:
        ConfigError: a limit is less than 1.
    """

    body: int = 2**20
    rows: int = 256
    text: int = 20_000
    requests: int = 256
    waiting: int = 1024
    batch: int = 64
    seconds: int = 10

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if value < 1:
                raise ConfigError("must be at least 1", argument=f"max_{field.name}", value=value)
        if self.waiting < self.rows:
            message = f"must be at least the inputs of one request, which are {self.rows}"
            raise ConfigError(message, argument="max_waiting", value=self.waiting)
