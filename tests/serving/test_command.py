"""``mtsmart serve``: mistakes are told before the run is loaded."""

import socket

import pytest

from mtsmart.errors import ConfigError
from mtsmart.serving.application import application
from mtsmart.serving.limits import Limits
from mtsmart.serving.requests.access import read_token
from mtsmart.serving.run_engine import RunEngine
from mtsmart.serving.server import Server, bound_socket
from tests.serving.at_work import OPEN, serving
from tests.serving.engines import EchoEngine

TOKEN = "a-token-of-many-letters"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--host", "0.0.0.0"], "--host: others can reach this address, so a token is needed, got '0.0.0.0'. Set"),
        (["--host", "192.0.2.1"], "--host: others can reach this address, so a token is needed"),
        (["--host", "example.invalid", "--without-token"], "--host: is no address of this machine: "),
        (["--host", "192.0.2.1", "--without-token"], "--host: cannot be used: Cannot assign requested address"),
        (["--port", "70000"], "--port: must be between 0 and 65535, got 70000"),
        (["--port", "-1"], "--port: must be between 0 and 65535, got -1"),
        (["--max-rows", "0"], "--max-rows: must be at least 1, got 0"),
        (["--max-waiting", "10"], "--max-waiting: must be at least the inputs of one request, which are 256, got 10"),
        (["--token-file", "gone"], "--token-file: cannot be read: No such file or directory, got 'gone'"),
        (["--token-file", "."], "--token-file: cannot be read: Is a directory"),
        (["--token-file", "short"], "short: the token needs at least 16 visible characters of ASCII, without blanks."),
        (["--token-file", "strange"], "--token-file: holds no token: it is not ASCII"),
        (["--token-file", "token", "--without-token"], "--without-token: there is a token, and the server should"),
        (["--port", "0"], "gone: is not the folder of a run"),
    ],
)  # fmt: skip
def test_mistakes(cli, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "token").write_text(TOKEN + "\n")
    (tmp_path / "short").write_text("secret\n")
    (tmp_path / "strange").write_text("ä" * 20)
    before = sorted(tmp_path.iterdir())
    result = cli("serve", "gone", *arguments)
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith(f"mtsmart: {message}"), result.err
    assert "secret" not in result.err.replace("import secrets; print(secrets.token_urlsafe())", "")
    assert sorted(tmp_path.iterdir()) == before


def test_a_port_that_another_program_uses(cli):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        result = cli("serve", "run", "--port", port)
    assert (result.code, result.out) == (2, "")
    assert result.err == f"mtsmart: --port: cannot be used: Address already in use, got {port}\n"


def test_a_port_that_another_program_takes_while_the_run_is_loaded():
    told = []
    with bound_socket("127.0.0.1", 0) as late:
        port = late.getsockname()[1]
        with bound_socket("127.0.0.1", port) as other:
            other.listen()
            server = Server(application(EchoEngine(), Limits(), OPEN, False), late)
            with pytest.raises(ConfigError, match=f"port: cannot be used: Address already in use, got {port}$"):
                server.run(lambda: told.append("served"))
    assert told == []


def test_a_wrong_task(cli, run_of_every_type):
    result = cli("serve", run_of_every_type, "--port", "0", "--task", "ordinals")
    assert (result.code, result.out) == (2, "")
    assert "--task: there is no task of this name, got 'ordinals'. Did you mean 'ordinal'?" in result.err


def test_temperatures_that_are_not_there(cli, run_of_every_type):
    result = cli("serve", run_of_every_type, "--port", "0", "--calibrated")
    assert result.code == 2
    assert "the run has no temperatures yet. `mtsmart report RUN` fits temperatures" in result.err


def test_a_missing_package(cli, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "uvicorn", None)
    result = cli("serve", "run")
    assert (result.code, result.err) == (
        2,
        "mtsmart: mtsmart serve: needs the package uvicorn. pip install 'mtsmart[serve]'\n",
    )


def test_the_flags_have_the_limits_own_defaults():
    from inspect import signature

    from mtsmart.cli.runs.serve import serve

    flags = signature(serve).parameters
    for name in ("body", "rows", "text", "requests", "waiting", "batch"):
        assert flags[f"max_{name}"].default == getattr(Limits(), name)


def test_the_token_comes_from_the_environment_or_a_file(tmp_path, monkeypatch):
    assert read_token(None) is None
    (tmp_path / "token").write_text(f"{TOKEN}\n")
    assert read_token(tmp_path / "token") == TOKEN.encode()
    monkeypatch.setenv("MTSMART_SERVE_TOKEN", TOKEN)
    assert read_token(None) == TOKEN.encode()
    with pytest.raises(Exception, match="there is a token in MTSMART_SERVE_TOKEN as well"):
        read_token(tmp_path / "token")


def test_named_tasks_alone_are_served(every_type):
    with serving(RunEngine(every_type, ["span", "ordinal"])) as client:
        assert [task["name"] for task in client.get("/tasks").json["tasks"]] == ["span", "ordinal"]
        refused = client.ask({"tasks": "regression", "texts": "a"})
        assert (refused.status, refused.json["error"]["field"]) == (422, "tasks")


def test_heads_that_are_not_trained_are_not_served(workspace):
    import mtsmart

    settings = ["training.max_updates=1", "smart=off", "mbpp=off"]
    run = mtsmart.train(workspace.experiment, settings, output_dir="run").load()
    engine = RunEngine(run)
    assert {*engine.tasks, *engine.left_out} == {"color", "near"} and len(engine.left_out) == 1
    assert list(RunEngine(run, engine.left_out).tasks) == engine.left_out  # who names one gets it
