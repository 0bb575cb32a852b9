"""``mtsmart serve``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mtsmart.cli.options import Precision, TaskFiles
from mtsmart.cli.predict import Calibrated
from mtsmart.cli.shell import completion
from mtsmart.cli.terminal import say
from mtsmart.cpu.primitives import keep_few_primitives
from mtsmart.errors import ConfigError
from mtsmart.quiet import quiet_libraries
from mtsmart.serving.limits import Limits

if TYPE_CHECKING:
    from mtsmart.serving.engine import Engine

Served = Annotated[
    Path,
    typer.Argument(
        metavar="RUN",
        help="Folder of a run or of an exported ONNX graph, or hub:owner/name[@revision].",
        autocompletion=completion.runs,
    ),
]
Tasks = Annotated[
    list[str] | None,
    typer.Option(
        "--task",
        "-t",
        help="Serve this task alone; repeatable. Default: all trained tasks.",
        autocompletion=completion.tasks,
    ),
]
Host = Annotated[str, typer.Option("--host", help="The address to listen on.")]
Port = Annotated[int, typer.Option("--port", help="The port; 0: one that is free.")]
TokenFile = Annotated[
    Path | None,
    typer.Option("--token-file", help="A file with the token that clients must send. Or set MTSMART_SERVE_TOKEN."),
]
WithoutToken = Annotated[
    bool, typer.Option("--without-token", help="Answer everybody, also at an address that is not local.")
]
MaxBody = Annotated[int, typer.Option("--max-body", help="Bytes of a request.")]
MaxRows = Annotated[int, typer.Option("--max-rows", help="Texts or rows of a request.")]
MaxText = Annotated[int, typer.Option("--max-text", help="Characters of a text.")]
MaxRequests = Annotated[int, typer.Option("--max-requests", help="Requests in work; further ones get 429.")]
MaxWaiting = Annotated[int, typer.Option("--max-waiting", help="Texts or rows that wait; further ones get 429.")]
MaxBatch = Annotated[int, typer.Option("--max-batch", help="Texts or rows that are answered together.")]
LogRequests = Annotated[
    bool, typer.Option("--log-requests", help="A line on standard error for each request; never its texts.")
]


def serve(
    run: Served,
    task: Tasks = None,
    host: Host = "127.0.0.1",
    port: Port = 8000,
    token_file: TokenFile = None,
    without_token: WithoutToken = False,
    task_file: TaskFiles = None,
    calibrated: Calibrated = False,
    precision: Precision = "float32",
    max_body: MaxBody = Limits.body,
    max_rows: MaxRows = Limits.rows,
    max_text: MaxText = Limits.text,
    max_requests: MaxRequests = Limits.requests,
    max_waiting: MaxWaiting = Limits.waiting,
    max_batch: MaxBatch = Limits.batch,
    log_requests: LogRequests = False,
) -> None:
    """Answer over HTTP: one pass through the encoder for all tasks that read the same input; a page at /."""
    _require_packages()
    from mtsmart.serving.command import Listening, serve_engine

    limits = Limits(max_body, max_rows, max_text, max_requests, max_waiting, max_batch)
    listening = Listening(host, port, token_file, without_token, log_requests)
    serve_engine(lambda: _engine(run, task, task_file or [], calibrated, precision), limits, listening, _tell)


def _engine(folder: Path, tasks: list[str] | None, task_files: list[Path], calibrated: bool, precision: str) -> Engine:
    """What answers. The libraries that a run needs are not imported for a graph."""
    from mtsmart.serving.command import is_graph

    if not is_graph(folder):
        keep_few_primitives()
        quiet_libraries()
        from mtsmart.evaluation.loaded import LoadedRun
        from mtsmart.serving.run_engine import engine_of_run

        return engine_of_run(LoadedRun(folder, task_files, precision=precision), tasks, calibrated)
    _refuse_for_graph("task_files", [str(file) for file in task_files], [])
    _refuse_for_graph("precision", precision, "float32")
    try:
        from mtsmart.serving.graph_engine import GraphEngine
    except ImportError as error:
        message = f"is an exported graph, which needs the package {error.name}"
        raise ConfigError(message, argument="run", value=str(folder), hint="pip install 'mtsmart[onnx]'") from None
    return GraphEngine(folder, tasks, calibrated)


def _refuse_for_graph(argument: str, given: object, default: object) -> None:
    if given != default:
        raise ConfigError("is for runs, and an exported graph is served as it is", argument=argument, value=given)


def _tell(line: str) -> None:
    say(line)
    sys.stdout.flush()


def _require_packages() -> None:
    """Refuse to start without the packages of the extra.

    Raises:
        ConfigError: one of them is missing.
    """
    try:
        import fastapi  # noqa: F401 - only whether it is there
        import prometheus_client  # noqa: F401
        import uvicorn  # noqa: F401
    except ImportError as error:
        message = f"needs the package {error.name}"
        raise ConfigError(message, file="mtsmart serve", hint="pip install 'mtsmart[serve]'") from None
