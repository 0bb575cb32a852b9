"""The outermost layer: checks each request before its body is read, counts it, and says what went wrong."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mtsmart.errors import did_you_mean
from mtsmart.log import LOGGER, log_notice
from mtsmart.serving.limits import Limits
from mtsmart.serving.metrics import Metrics
from mtsmart.serving.requests.access import Access
from mtsmart.serving.requests.refusals import Refusal
from mtsmart.serving.requests.refusing import own_fault, refusing
from mtsmart.text.escaping import one_line

PREDICT = "/predict"
HEALTH = "/health"
PAGE = "/"
_OPEN = (HEALTH, PAGE)  # They say nothing about the run.
HEADERS = (
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
)
"""What every response has."""


class Border:
    """An ASGI application around another one.

    Args:
        inner: what answers.
        paths: the paths that it knows.
        access: who may ask.
        limits: how many requests may be in work.
        metrics: count requests.
        log_requests: whether a line about each request is logged. It never holds what a client sends, but the path.

    Attributes:
        in_work: how many requests to ``/predict`` have been taken and not been answered yet.
        answered: how many of them have got their answers.
        is_draining: whether no further requests are taken.
    """

    def __init__(
        self,
        inner: ASGIApp,
        paths: Sequence[str],
        access: Access,
        limits: Limits,
        metrics: Metrics,
        log_requests: bool = False,
    ) -> None:
        self._inner = inner
        self._paths = paths
        self._access = access
        self._limits = limits
        self._metrics = metrics
        self._log_requests = log_requests
        self.in_work = 0
        self.answered = 0
        self.is_draining = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http":
            return
        receive = _to_the_end(receive)
        exchange = _Exchange(send, is_last=lambda: self.is_draining)
        is_question = scope["path"] == PREDICT and scope["method"] == "POST"
        try:
            self._check(scope, is_question)
            self.in_work += is_question
            try:
                await self._inner(scope, receive, exchange.send)
            finally:
                self.in_work -= is_question
            self.answered += is_question and exchange.status == HTTPStatus.OK
        except Refusal as refusal:
            await exchange.refuse(refusal, scope, receive)
        except Exception as error:
            LOGGER.error("an unexpected error: %s", _where(error))
            await exchange.refuse(own_fault(), scope, receive)
        self._note(scope, exchange)

    def _check(self, scope: Scope, is_question: bool) -> None:
        """Refuse what must not be answered.

        Raises:
            Refusal: the request must not, or cannot now, be answered.
        """
        path = scope["path"]
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        self._access.check(headers, is_open=path in _OPEN)
        if path not in self._paths:
            message = "there is no such path"
            raise Refusal(HTTPStatus.NOT_FOUND, message, hint=did_you_mean(path, self._paths))
        if scope["query_string"]:
            message = "the path takes no query"
            raise Refusal(HTTPStatus.BAD_REQUEST, message, hint="What is asked stands in the body")
        if not is_question:
            return
        if self.is_draining:
            raise Refusal(HTTPStatus.SERVICE_UNAVAILABLE, "the server is stopping", headers={"Retry-After": "1"})
        if self.in_work >= self._limits.requests:
            message = f"the server is busy: {self.in_work} requests are in work"
            raise Refusal(HTTPStatus.TOO_MANY_REQUESTS, message, hint="Try again in 1 s", headers={"Retry-After": "1"})

    def _note(self, scope: Scope, exchange: _Exchange) -> None:
        path = scope["path"] if scope["path"] in self._paths else "other"
        seconds = time.perf_counter() - exchange.started
        self._metrics.request(path, exchange.status, seconds)
        if self._log_requests:
            log_notice(one_line(f"{scope['method']} {path} {exchange.status} {1000 * seconds:.0f} ms"))


class _Exchange:
    """The response to one request.

    Attributes:
        status: of the response; 0 as long as there is none.
        started: when the request came.
    """

    def __init__(self, send: Send, is_last: Callable[[], bool]) -> None:
        self._send = send
        self._is_last = is_last
        self.status = 0
        self.started = time.perf_counter()

    async def send(self, message: Message) -> None:
        """Pass a part of the response on."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            closing = [(b"connection", b"close")] if self._is_last() or self.status >= HTTPStatus.BAD_REQUEST else []
            message = {**message, "headers": [*message.get("headers", ()), *HEADERS, *closing]}
        await self._send(message)

    async def refuse(self, refusal: Refusal, scope: Scope, receive: Receive) -> None:
        """Send a refusal, unless the response has begun."""
        if not self.status:
            response = await refusing(refusal, scope, receive)
            await response(scope, receive, self.send)


def _to_the_end(receive: Receive) -> Receive:
    """Parts of a request's body. After the last one the client counts as gone, so that nobody waits for another."""
    is_read = False

    async def receive_part() -> Message:
        nonlocal is_read
        if is_read:
            return {"type": "http.disconnect"}
        message = await receive()
        is_read = not message.get("more_body", False)
        return message

    return receive_part


def _where(error: BaseException) -> str:
    """An error without its text, which may hold what a client sent: its class, and the line that raised it."""
    trace: Any = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = "" if trace is None else f" at {trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"
    return f"{type(error).__name__}{place}"
