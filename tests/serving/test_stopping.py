"""The real command under load: a signal loses no request that was taken, and nothing is written or logged."""

import http.client
import json
import os
import re
import signal
import threading
import time
from pathlib import Path

import pytest

from mtsmart.serving.limits import Limits
from tests.forked import Forked, command_line
from tests.reliability.refusals import contents
from tests.serving.at_work import JSON, exchanged, serving
from tests.serving.engines import EchoEngine, task

SECRET = "the red cat"


@pytest.fixture
def started(run_of_every_type, tmp_path, monkeypatch):
    """Arguments -> a server as its own process, and its port. It is ended after the test."""
    place = tmp_path / "place"
    place.mkdir()
    monkeypatch.chdir(place)
    processes = []

    def start(*arguments, environment=None):
        out, err = tmp_path / "out", tmp_path / "err"
        given = ["serve", str(run_of_every_type), "--port", "0", *arguments]
        process = Forked(command_line, *given, out=out, err=err, environment=environment)
        processes.append(process)
        until(lambda: out.exists() and "served at" in out.read_text(), process)
        return process, int(re.search(r":(\d+) \(Ctrl-C stops\)", out.read_text())[1])

    yield start
    for process in processes:
        process.kill()


def until(is_so, process, seconds=60):
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end and not process.ended(), process.err.read_text()
        time.sleep(0.01)


class Load:
    """Clients that ask one question after the other until the server refuses or is gone."""

    def __init__(self, port, clients):
        self.port = port
        self.statuses = []
        self.broken = []  # responses that did not come to an end
        self.threads = [threading.Thread(target=self._ask) for _ in range(clients)]
        for thread in self.threads:
            thread.start()

    def _ask(self):
        body = json.dumps({"tasks": ["ordinal", "regression"], "texts": [SECRET]})
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        while True:
            try:
                response = exchanged(connection, "POST", "/predict", body, JSON)
            except (ConnectionError, http.client.RemoteDisconnected):
                return  # Nothing came back: the connection was closed before the request was read.
            except http.client.IncompleteRead as error:
                self.broken.append(error)
                return
            self.statuses.append(response.status)
            if response.status == 503:
                return

    def join(self):
        for thread in self.threads:
            thread.join(60)


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_a_signal_under_load_loses_no_request_that_was_taken(started, stop):
    process, port = started()
    load = Load(port, clients=16)
    until(lambda: len(load.statuses) > 50, process)

    os.kill(process.pid, stop)
    load.join()
    assert process.wait(30) == 0
    assert set(load.statuses) == {200, 503} and not load.broken
    answered = int(re.search(r"stopped; ([\d,]+) requests", process.out.read_text())[1].replace(",", ""))
    assert load.statuses.count(200) == answered
    assert process.err.read_text() == ""


def test_nothing_is_written_and_nothing_is_logged(started, run_of_every_type, tmp_path):
    cache = tmp_path / "cache"
    before = contents(run_of_every_type)
    process, port = started(environment={"MTSMART_CACHE_DIR": str(cache), "HOME": str(tmp_path / "home")})
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    for question in (
        {"tasks": "ordinal", "texts": SECRET},
        {"tasks": "span", "texts": [[SECRET, SECRET]]},
        {"bad": SECRET},
    ):
        exchanged(connection, "POST", "/predict", json.dumps(question), JSON)
        connection.close()
    exchanged(connection, "GET", "/")
    connection.close()
    process.process.terminate()
    assert process.wait(30) == 0
    assert contents(run_of_every_type) == before
    assert list(Path.cwd().iterdir()) == []
    assert not cache.exists() and not (tmp_path / "home").exists()
    assert len(process.out.read_text().splitlines()) == 2 and process.err.read_text() == ""


def test_requests_are_logged_without_their_texts(started):
    process, port = started("--log-requests")
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    exchanged(connection, "POST", "/predict", json.dumps({"tasks": "ordinal", "texts": SECRET}), JSON)
    exchanged(connection, "GET", f"/{SECRET.replace(' ', '-')}")
    connection.close()
    process.process.terminate()
    assert process.wait(30) == 0
    lines = process.err.read_text().splitlines()
    assert [re.sub(r"\d+ ms", "N ms", line) for line in lines] == [
        "mtsmart: notice: POST /predict 200 N ms",
        "mtsmart: notice: GET other 404 N ms",
    ]


def test_a_second_signal_does_not_wait(started):
    process, port = started()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.putrequest("POST", "/predict")
    connection.putheader("Content-Type", "application/json")
    connection.putheader("Content-Length", "100")
    connection.endheaders()  # A request that is taken, and whose body does not come.

    until(lambda: b"mtsmart_requests" in get(port, "/metrics"), process)
    os.kill(process.pid, signal.SIGINT)
    until(lambda: b"stopping" in get(port, "/health"), process)
    os.kill(process.pid, signal.SIGINT)
    assert process.wait(5) == 130
    connection.close()


def get(port, path):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    found = exchanged(connection, "GET", path).body
    connection.close()
    return found


def test_while_it_stops_a_server_answers_what_it_took_and_refuses_the_rest():
    engine = EchoEngine()
    with serving(engine) as client:
        engine.may_answer.clear()
        taken = client.connection()
        taken.request("POST", "/predict", json.dumps({"texts": "a"}), JSON)
        assert engine.is_asked.wait(10)
        client.server.stop()
        while client.get("/health").status != 503:
            time.sleep(0.01)
        refused = client.ask({"texts": "b"})
        assert (refused.status, refused.json["error"]["message"]) == (503, "the server is stopping")
        assert refused.headers["connection"] == "close"
        engine.may_answer.set()
        response = taken.getresponse()
        assert (response.status, json.loads(response.read())["answers"]) == (200, [{"echo": {"prediction": ["a"]}}])
        taken.close()
    assert len(engine.asked) == 1


def test_a_client_that_does_not_read_its_answer_does_not_hold_the_server_up():
    engine = EchoEngine({name: task(name) for name in "abcdefgh"})
    limits = Limits(body=2**22, text=2**22)
    with serving(engine, limits, patience=0.3) as client:
        silent = client.connection()
        silent.request("POST", "/predict", json.dumps({"texts": "x" * 4_000_000}), JSON)
        assert engine.is_asked.wait(10)
        started = time.monotonic()
    assert time.monotonic() - started < 10
    silent.close()


def test_an_error_of_the_server_itself_shows_no_text(caplog):
    with serving(EchoEngine()) as client:
        response = client.ask({"texts": "bug"})
        assert client.ask({"texts": "a"}).status == 200
    assert response.status == 500
    assert response.json == {"error": {"message": "the server could not answer because of an error of its own"}}
    (record,) = [record for record in caplog.records if record.name == "mtsmart"]
    assert record.getMessage().startswith("an unexpected error: ValueError at ")
    assert "secret" not in caplog.text


def test_an_answer_is_not_held_back():
    """Small packets are sent at once. Nagle's algorithm would hold back each response of a kept connection by 40 ms."""
    with serving(EchoEngine()) as client:
        connection = client.connection()
        seconds = []
        for _ in range(30):
            started = time.perf_counter()
            exchanged(connection, "POST", "/predict", json.dumps({"texts": "a"}), JSON)
            seconds.append(time.perf_counter() - started)
        connection.close()
    assert min(seconds) < 0.03
