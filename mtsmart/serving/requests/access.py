"""Who may ask: the token, and the names under which a server without a token may be called."""

from __future__ import annotations

import hmac
import ipaddress
import os
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from mtsmart.errors import ConfigError
from mtsmart.serving.requests.refusals import Refusal
from mtsmart.storage.failures import reason_of

TOKEN_VARIABLE = "MTSMART_SERVE_TOKEN"
_SHORTEST = 16  # characters
_LARGEST_FILE = 4096  # bytes
_BEARER = "bearer "


@dataclass(frozen=True)
class Access:
    """What a request must bring.

    Attributes:
        token: the secret that clients send; None: nobody needs one.
        is_local: whether the server listens on a loopback address.
    """

    token: bytes | None
    is_local: bool

    def check(self, headers: Mapping[str, str], is_open: bool) -> None:
        """Refuse a request that must not be answered.

        Without a token a page of another site could reach a local server through a name of its own that leads to
        127.0.0.1 (DNS rebinding), so such a server answers under local names alone.

        Args:
            headers: those of the request, with names in lower case.
            is_open: whether what is asked for needs no token.

        Raises:
            Refusal: the token is missing or wrong, or the server was called under a foreign name.
        """
        if self.token is None:
            if self.is_local and not is_loopback(_host_in(headers.get("host", ""))):
                message = "a server without a token answers under a local name alone"
                raise Refusal(HTTPStatus.MISDIRECTED_REQUEST, message, field="Host", hint="Call it as localhost")
            return
        if not is_open and not hmac.compare_digest(_token_in(headers), self.token):
            message = "the request needs the server's token"
            hint = "Send the header 'Authorization: Bearer TOKEN'"
            raise Refusal(HTTPStatus.UNAUTHORIZED, message, hint=hint, headers={"WWW-Authenticate": "Bearer"})


def access_for(host: str, token: bytes | None, without_token: bool) -> Access:
    """How a server on an address is reached.

    Raises:
        ConfigError: others can reach the address, and there is neither a token nor the user's word that none is needed.
    """
    is_local = is_loopback(host)
    if not is_local and token is None and not without_token:
        hint = f"Set {TOKEN_VARIABLE}, or `token_file`, or say `without_token=True` if something else guards the server"
        raise ConfigError("others can reach this address, so a token is needed", argument="host", value=host, hint=hint)
    if token is not None and without_token:
        message = "there is a token, and the server should need none"
        raise ConfigError(message, argument="without_token", value=True, hint="Leave one of the two out")
    return Access(token, is_local)


def read_token(file: Path | None) -> bytes | None:
    """The token in a file, or in the environment; None if there is neither.

    Raises:
        ConfigError: there are both, the file cannot be read, or the token is too short or holds other characters than
            the visible ones of ASCII.
    """
    in_environment = os.environ.get(TOKEN_VARIABLE)
    if file is None:
        return None if in_environment is None else _checked(in_environment, TOKEN_VARIABLE)
    if in_environment is not None:
        message = f"there is a token in {TOKEN_VARIABLE} as well"
        raise ConfigError(message, argument="token_file", value=str(file), hint="Leave one of the two out")
    try:
        with file.open("rb") as stream:
            content = stream.read(_LARGEST_FILE)
        text = content.decode("ascii").strip()
    except OSError as error:
        message = f"cannot be read: {reason_of(error)}"
        raise ConfigError(message, argument="token_file", value=str(file)) from None
    except UnicodeDecodeError:
        raise ConfigError("holds no token: it is not ASCII", argument="token_file", value=str(file)) from None
    return _checked(text, str(file))


def is_loopback(host: str) -> bool:
    """Whether an address, or a name, leads to this machine alone."""
    if host.lower().rstrip(".") == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _checked(token: str, place: str) -> bytes:
    """The token as bytes. Errors never show it."""
    if len(token) < _SHORTEST or not token.isascii() or not token.isprintable() or " " in token:
        message = f"the token needs at least {_SHORTEST} visible characters of ASCII, without blanks"
        hint = "For example: python -c 'import secrets; print(secrets.token_urlsafe())'"
        raise ConfigError(message, file=place, hint=hint)
    return token.encode()


def _token_in(headers: Mapping[str, str]) -> bytes:
    given = headers.get("authorization", "")
    return given[len(_BEARER) :].strip().encode() if given.lower().startswith(_BEARER) else b""


def _host_in(header: str) -> str:
    """The host of a ``Host`` header, without its port."""
    if header.startswith("["):
        return header[1:].partition("]")[0]
    return header.partition(":")[0]
