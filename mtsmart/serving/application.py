"""The paths of the server, and what stands behind each of them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from importlib import metadata
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect

from mtsmart.serving.batches import Batches
from mtsmart.serving.cuts import warnings_about
from mtsmart.serving.engine import Answers, Engine, ServedTask
from mtsmart.serving.limits import Limits
from mtsmart.serving.metrics import CONTENT_TYPE, Metrics
from mtsmart.serving.page import page
from mtsmart.serving.requests.access import Access
from mtsmart.serving.requests.border import HEALTH, PAGE, PREDICT, Border
from mtsmart.serving.requests.questions import read_question
from mtsmart.serving.requests.refusals import Refusal
from mtsmart.serving.requests.refusing import own_fault, refusing
from mtsmart.serving.requests.schema import PREDICT_SCHEMA
from mtsmart.text.json_text import json_text

TASKS = "/tasks"
METRICS = "/metrics"
OPENAPI = "/openapi.json"
_JSON = "application/json"


@dataclass(frozen=True)
class Application:
    """What a server runs.

    Attributes:
        border: the ASGI application.
        batches: answer its questions.
    """

    border: Border
    batches: Batches


def application(engine: Engine, limits: Limits, access: Access, log_requests: bool = False) -> Application:
    """An application that answers with an engine. Its batches are to be closed at the end.

    Args:
        engine: answers.
        limits: how much clients may ask.
        access: who may ask.
        log_requests: whether a line about each request is logged.
    """
    metrics = Metrics(lambda: batches.inputs)
    batches = Batches(engine, limits, metrics.batch)
    inner = FastAPI(
        title="mtsmart", version=metadata.version("mtsmart"), openapi_url=OPENAPI, docs_url=None, redoc_url=None
    )
    inner.router.redirect_slashes = False
    inner.add_exception_handler(HTTPException, _refused_by_router)
    inner.add_exception_handler(Refusal, _refused)
    inner.add_exception_handler(Exception, _failed)
    border = Border(inner, (PAGE, PREDICT, TASKS, HEALTH, METRICS, OPENAPI), access, limits, metrics, log_requests)
    _add_predict(inner, engine, limits, batches, metrics)
    _add_facts(inner, engine, batches, metrics, border)
    return Application(border, batches)


def _add_predict(inner: FastAPI, engine: Engine, limits: Limits, batches: Batches, metrics: Metrics) -> None:
    @inner.post(PREDICT, summary="The answers of one or several tasks to texts or rows", openapi_extra=PREDICT_SCHEMA)
    async def predict(request: Request) -> Response:
        _check_content_type(request)
        question = read_question(await _body(request, limits), engine.tasks, limits)
        answers = await asyncio.wrap_future(batches.ask(question))
        metrics.answered(answers)
        return Response(json_text(_content(answers, engine.tasks), ensure_ascii=False), media_type=_JSON)


def _add_facts(inner: FastAPI, engine: Engine, batches: Batches, metrics: Metrics, border: Border) -> None:
    @inner.head(TASKS, include_in_schema=False)  # Some monitors ask for no body.
    @inner.get(TASKS, summary="The tasks that are served, and the fields that each one reads")
    async def tasks() -> dict[str, Any]:
        return {"tasks": [task.to_json() for task in engine.tasks.values()]}

    @inner.head(HEALTH, include_in_schema=False)
    @inner.get(HEALTH, summary="Whether questions are answered: 200, or 503 while the server stops")
    async def health() -> JSONResponse:
        if border.is_draining:
            return JSONResponse({"status": "stopping"}, HTTPStatus.SERVICE_UNAVAILABLE)
        if not batches.is_alive:
            return JSONResponse({"status": "failed"}, HTTPStatus.SERVICE_UNAVAILABLE)
        return JSONResponse({"status": "ok"})

    @inner.head(METRICS, include_in_schema=False)
    @inner.get(METRICS, summary="Figures in the text format of Prometheus")
    async def figures() -> Response:
        return Response(metrics.text(), media_type=CONTENT_TYPE)

    @inner.head(PAGE, include_in_schema=False)
    @inner.get(PAGE, include_in_schema=False)
    async def index() -> HTMLResponse:
        shown = page()
        return HTMLResponse(shown.text, headers={"Content-Security-Policy": shown.policy})


def _check_content_type(request: Request) -> None:
    given = request.headers.get("content-type", "")
    if given.partition(";")[0].strip().lower() != _JSON:
        message = "the body should be JSON, and its type says something else"
        hint = f"Send the header 'Content-Type: {_JSON}'"
        raise Refusal(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, message, field="Content-Type", shown=given[:80], hint=hint)
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        message = "the body should not be compressed"
        raise Refusal(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, message, field="Content-Encoding")


async def _body(request: Request, limits: Limits) -> bytes:
    """The body, as far as it is within the limits, whether the client says its length or not.

    Raises:
        Refusal: it is too long, comes too slowly, or the client has gone before its end.
    """
    said = request.headers.get("content-length", "0")
    if said.isdigit() and int(said[:20]) > limits.body:
        raise _too_long(limits)
    body = bytearray()
    try:
        async with asyncio.timeout(limits.seconds):
            async for chunk in request.stream():
                body += chunk
                if len(body) > limits.body:
                    raise _too_long(limits)
    except TimeoutError:
        message = f"the body did not come within {limits.seconds} s"
        raise Refusal(HTTPStatus.REQUEST_TIMEOUT, message) from None
    except ClientDisconnect:  # Nobody reads the refusal, but it is counted.
        raise Refusal(HTTPStatus.BAD_REQUEST, "the client has gone before the end of the body") from None
    return bytes(body)


def _too_long(limits: Limits) -> Refusal:
    message = f"the body is too long: it may have {limits.body} bytes"
    return Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, message, hint="Send several requests")


def _content(answers: Answers, tasks: Mapping[str, ServedTask]) -> dict[str, Any]:
    """The body of a response: for each input, task -> prediction; and ``warnings`` where inputs were cut."""
    names = list(answers)
    inputs = zip(*answers.values(), strict=True)
    found: dict[str, Any] = {
        "answers": [
            {name: answer.prediction for name, answer in zip(names, of_input, strict=True)} for of_input in inputs
        ]
    }
    warnings = warnings_about(answers, tasks)
    return {**found, "warnings": warnings} if warnings else found


async def _refused(request: Request, refusal: Exception) -> Response:
    assert isinstance(refusal, Refusal)
    return await refusing(refusal, request.scope, request.receive)


async def _failed(request: Request, error: Exception) -> Response:
    """Starlette raises the error again after this response, and the border tells of it."""
    refusal = own_fault()
    return JSONResponse(refusal.to_json(), refusal.status)


async def _refused_by_router(request: Request, error: Exception) -> Response:
    """A method that a path does not know, in the form of all refusals."""
    assert isinstance(error, HTTPException)
    allowed = (error.headers or {}).get("Allow")
    message = f"the path does not take {request.method}" if allowed else str(error.detail)
    hint = f"It takes {allowed}" if allowed else None
    return await _refused(request, Refusal(HTTPStatus(error.status_code), message, hint=hint, headers=error.headers))
