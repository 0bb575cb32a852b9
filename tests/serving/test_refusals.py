"""Malformed, oversized and foreign requests: each gets a 4xx that says what is wrong, and the server goes on."""

import json
import socket
import time
from dataclasses import dataclass, field

import pytest

from mtsmart.serving.engine import Question
from mtsmart.serving.limits import Limits
from mtsmart.serving.requests.access import Access
from tests.serving.at_work import JSON, serving
from tests.serving.engines import EchoEngine, task

TOKEN = b"a-token-for-the-tests"
LIMITS = Limits(body=4000, rows=5, text=100, waiting=20, seconds=1)
TASKS = {"color": task("color"), "near": task("near", ("a", "b")), "deep": task("deep", ("choices.text",))}
AUTHORIZED = {"Authorization": f"Bearer {TOKEN.decode()}"}


@dataclass(frozen=True)
class Bad:
    """A request that gets no answer."""

    status: int
    says: str  # a part of the message or hint
    body: object = None
    method: str = "POST"
    path: str = "/predict"
    headers: dict = field(default_factory=lambda: dict(JSON))
    field: str | None = None
    row: int | None = None


def ask(status, says, question, **place):
    return Bad(status, says, json.dumps(question), **place)


def bearing(authorization):
    return {**JSON, "Authorization": authorization}


GOOD = {"tasks": "color", "texts": "a"}
ONE = {"tasks": "color"}
CASES = {
    # the JSON
    "no body": Bad(400, "the body is empty", b""),
    "blanks": Bad(400, "the body is empty", b" \n\t"),
    "a word": Bad(400, "not JSON: Expecting value at line 1, column 1", b"hello"),
    "cut off": Bad(400, "not JSON", b'{"texts": ["a"'),
    "two values": Bad(400, "Extra data", b"{} {}"),
    "a comma too many": Bad(400, "not JSON", b'{"texts": ["a",]}'),
    "quotes of Python": Bad(400, "not JSON", b"{'texts': ['a']}"),
    "a comment": Bad(400, "not JSON", b'{"texts": ["a"]} // x'),
    "a null byte": Bad(400, "not JSON", b'{"texts": ["a\0"]}'),
    "a line break in a text": Bad(400, "not JSON", b'{"texts": ["a\n"]}'),
    "nothing but null bytes": Bad(400, "not JSON", bytes(100)),
    "latin-1": Bad(400, "not UTF-8: byte 13", b'{"texts": ["\xe4"]}'),
    "utf-16": Bad(400, "not UTF-8", '{"texts": ["a"]}'.encode("utf-16")),
    "a byte order mark": Bad(400, "not JSON", b'\xef\xbb\xbf{"texts": ["a"]}'),
    "an overlong form": Bad(400, "not UTF-8", b'{"texts": ["\xc0\xaf"]}'),
    "NaN": Bad(400, "a number that JSON does not have", b'{"tasks": "color", "rows": {"text": NaN}}'),
    "Infinity": Bad(400, "a number that JSON does not have", b'{"tasks": "color", "rows": {"text": -Infinity}}'),
    "a huge number": Bad(400, "a number that is too large", b'{"tasks": "color", "rows": {"text": 1e999}}'),
    "thousands of digits": Bad(413, "too long", b'{"rows": {"text": ' + b"9" * 5000 + b"}}"),
    "a key twice": Bad(400, "stands twice", b'{"texts": "a", "texts": "b"}'),
    "a field twice": Bad(400, "stands twice", b'{"tasks": "color", "rows": [{"text": "a", "text": "b"}]}'),
    "nested lists": Bad(400, "more than 8 levels", b"[" * 1900 + b"]" * 1900),
    "nested objects": Bad(400, "more than 8 levels", b'{"a":' * 500 + b"1" + b"}" * 500),
    "nested in a row": ask(400, "more than 8 levels", {"rows": [{"text": [[[[[[[[["a"]]]]]]]]]}]}),
    "a list": Bad(400, "should be a JSON object", b"[]"),
    "a number": Bad(400, "should be a JSON object", b"3"),
    "null": Bad(400, "should be a JSON object", b"null"),
    # the question
    "an empty object": Bad(422, "either 'texts' or 'rows'", b"{}"),
    "texts and rows": ask(422, "has both 'texts' and 'rows'", {**GOOD, "rows": []}),
    "a wrong key": ask(422, "Did you mean 'texts'?", {"text": "a"}, field="text"),
    "another wrong key": ask(422, "there is no such key", {**GOOD, "calibrated": True}, field="calibrated"),
    "an unknown task": ask(422, "Did you mean 'color'?", {**GOOD, "tasks": "colour"}, field="tasks"),
    "an unknown task of two": ask(422, "no task of this name", {**GOOD, "tasks": ["color", "x"]}, field="tasks"),
    "tasks of a wrong type": ask(422, "a list of names", {**GOOD, "tasks": 3}, field="tasks"),
    "no tasks": ask(422, "a list of names", {**GOOD, "tasks": []}, field="tasks"),
    "null for tasks": ask(422, "a list of names", {**GOOD, "tasks": None}, field="tasks"),
    "a list of numbers": ask(422, "the name of a task", {**GOOD, "tasks": [1]}, field="tasks"),
    "texts of a wrong type": ask(422, "should be a text, or a list", {**ONE, "texts": 3}, field="texts"),
    "null for texts": ask(422, "should be a text, or a list", {**ONE, "texts": None}, field="texts"),
    "no texts": ask(422, "is empty", {**ONE, "texts": []}, field="texts"),
    "a number among texts": ask(422, "list of two texts", {**ONE, "texts": ["a", 3]}, field="texts", row=2),
    "null among texts": ask(422, "list of two texts", {**ONE, "texts": [None]}, field="texts", row=1),
    "an object among texts": ask(422, "list of two texts", {**ONE, "texts": [{"text": "a"}]}, field="texts", row=1),
    "a pair for one text": ask(422, "the task 'color' reads 1", {**ONE, "texts": [["a", "b"]]}, field="texts", row=1),
    "one text for a pair": ask(422, "A pair is a list", {"tasks": "near", "texts": ["a"]}, field="texts", row=1),
    "three texts": ask(422, "has 3 texts", {"tasks": "near", "texts": [["a", "b", "c"]]}, field="texts", row=1),
    "one text for all tasks": ask(422, '"tasks" names', {"texts": ["a"]}, row=1),
    "too many texts": ask(413, "a request may have 5", {**ONE, "texts": ["a"] * 6}, field="texts"),
    "too many rows": ask(413, "a request may have 5", {**ONE, "rows": [{"text": "a"}] * 6}, field="rows"),
    "a long text": ask(422, "a text may have 100", {**ONE, "texts": ["a", "b" * 101]}, field="texts", row=2),
    "a long text in a row": ask(422, "may have 100", {**ONE, "rows": [{"text": "b" * 101}]}, field="text", row=1),
    "a long word in a list": ask(422, "may have 100", {**ONE, "rows": [{"text": ["b" * 101]}]}, field="text", row=1),
    "half a surrogate pair": ask(422, "half of a surrogate pair", {**ONE, "texts": "a\ud800"}, field="texts", row=1),
    "half of one in a row": ask(422, "half of a surrogate", {**ONE, "rows": {"text": "\udfff"}}, field="text", row=1),
    "rows of a wrong type": ask(422, "a list of objects", {**ONE, "rows": "a"}, field="rows"),
    "no rows": ask(422, "is empty", {**ONE, "rows": []}, field="rows"),
    "texts as rows": ask(422, "should be an object", {**ONE, "rows": ["a"]}, row=1),
    "a missing field": ask(422, "call it 'text'", {**ONE, "rows": [{"text": "a"}, {"txt": "a"}]}, field="text", row=2),
    "an empty row": ask(422, "that the task 'near' reads", {"tasks": "near", "rows": {}}, field="a", row=1),
    "a missing part": ask(422, "lacks a field", {"tasks": "deep", "rows": {"x": 1}}, field="choices.text", row=1),
    "a row that the engine refuses": ask(422, "is bad", {**ONE, "texts": ["a", "bad"]}, field="text", row=2),
    # HTTP
    "a body that is too long": Bad(413, "may have 4000 bytes", b'{"texts": "' + b"a" * 4000 + b'"}'),
    "a very long body": Bad(413, "may have 4000 bytes", b"x" * 3_000_000),
    "a long body in chunks": Bad(413, "may have 4000 bytes", [b"x" * 1000] * 9),
    "endless chunks": Bad(413, "may have 4000 bytes", [b"x" * 100_000] * 40),
    "no content type": Bad(415, "Content-Type: application/json", b"{}", headers={}),
    "a form": Bad(415, "should be JSON", b"a=b", headers={"Content-Type": "application/x-www-form-urlencoded"}),
    "plain text": Bad(415, "should be JSON", json.dumps(GOOD), headers={"Content-Type": "text/plain"}),
    "a compressed body": Bad(415, "not be compressed", b"x", headers={**JSON, "Content-Encoding": "gzip"}),
    "GET": Bad(405, "It takes POST", method="GET", headers={}),
    "PUT": Bad(405, "It takes POST", json.dumps(GOOD), method="PUT"),
    "DELETE": Bad(405, "It takes POST", method="DELETE"),
    "an invented method": Bad(405, "It takes POST", method="BREW"),
    "POST to the tasks": Bad(405, "It takes GET", json.dumps(GOOD), path="/tasks"),
    "a wrong path": Bad(404, "Did you mean '/predict'?", json.dumps(GOOD), path="/pedict"),
    "a slash too many": Bad(404, "no such path", json.dumps(GOOD), path="/predict/"),
    "a path to a file": Bad(404, "no such path", path="/../../etc/passwd", method="GET"),
    "a query": Bad(400, "takes no query", json.dumps(GOOD), path="/predict?tasks=color"),
    "no token": Bad(401, "Authorization: Bearer", json.dumps(GOOD), headers=bearing("")),
    "a wrong token": Bad(401, "Bearer", json.dumps(GOOD), headers=bearing("Bearer a-token-for-the-test")),
    "another scheme": Bad(401, "Bearer", json.dumps(GOOD), headers=bearing(f"Basic {TOKEN.decode()}")),
    "a token of other letters": Bad(401, "Bearer", headers=bearing("Bearer \xe4\xff"), method="GET", path="/tasks"),
    "metrics without a token": Bad(401, "Bearer", headers=bearing(""), method="GET", path="/metrics"),
    "the schema without a token": Bad(401, "Bearer", headers=bearing(""), method="GET", path="/openapi.json"),
}  # fmt: skip


@pytest.fixture(scope="module")
def client():
    with serving(EchoEngine(TASKS), LIMITS, Access(TOKEN, is_local=True)) as client:
        yield client


@pytest.fixture(autouse=True)
def _goes_on(client):
    """After each refusal the server answers."""
    yield
    response = client.call("POST", "/predict", json.dumps(GOOD), {**JSON, **AUTHORIZED})
    assert (response.status, response.json) == (200, {"answers": [{"color": {"prediction": ["a"]}}]})


def test_there_are_enough_of_them():
    assert len(CASES) >= 60


@pytest.mark.parametrize("name", list(CASES))
def test_a_clear_refusal(client, name):
    case = CASES[name]
    body = iter(case.body) if isinstance(case.body, list) else case.body
    response = client.call(case.method, case.path, body, {**AUTHORIZED, **case.headers})
    error = response.json["error"]
    assert response.status == case.status
    assert case.says in f"{error['message']}. {error.get('hint')}"
    assert error.get("row") == case.row
    assert case.field is None or error["field"] == case.field
    assert len(response.body) < 600 and b"\n" not in response.body
    assert response.headers["content-type"] == "application/json"
    assert TOKEN not in response.body


@pytest.mark.parametrize("path", ["/", "/health", "/tasks", "/metrics", "/openapi.json"])
def test_monitors_may_ask_for_the_head_alone(client, path):
    whole = client.get(path, AUTHORIZED)
    response = client.call("HEAD", path, headers=AUTHORIZED)
    assert (response.status, response.body) == (200, b"")
    changing = {"date": "", **({"content-length": ""} if path == "/metrics" else {})}  # Each request is counted.
    assert {**response.headers, **changing} == {**whole.headers, **changing}
    assert int(response.headers["content-length"]) > 0


def test_a_refused_method_gets_no_body_from_head(client):
    assert client.call("HEAD", "/predict", headers=AUTHORIZED).status == 405


def exchange(client, raw):
    """What comes back for raw bytes."""
    with socket.create_connection(("127.0.0.1", client.port), timeout=30) as connection:
        connection.sendall(raw)
        connection.shutdown(socket.SHUT_WR)
        found = b""
        while chunk := connection.recv(65536):
            found += chunk
    return found


HEAD = (
    b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nAuthorization: Bearer "
    + TOKEN
    + b"\r\n"
)


@pytest.mark.parametrize(
    "raw",
    [
        b"hello\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00" + bytes(50) + b"\r\n\r\n",  # the beginning of TLS
        HEAD + b"Content-Length: -5\r\n\r\n",
        HEAD + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n{}",
        HEAD + b"Content-Length: x\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        HEAD + b"X-Long: " + b"a" * 100_000 + b"\r\n\r\n",
        b"POST /predict HTTP/1.1\r\n\r\n",  # no Host
    ],
)
def test_what_is_no_http(client, raw):
    head, _, body = exchange(client, raw).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ") and b"content-type: application/json" in head
    told = dict(line.split(": ", 1) for line in head.decode().splitlines()[1:])
    usual = client.get("/nothing_here", AUTHORIZED).headers
    assert {**told, "date": "", "content-length": ""} == {**usual, "date": "", "content-length": ""}
    assert told["date"] and int(told["content-length"]) == len(body)
    assert json.loads(body)["error"]["message"]


def test_a_body_that_does_not_come_to_an_end(client):
    with socket.create_connection(("127.0.0.1", client.port), timeout=30) as connection:
        connection.sendall(HEAD + b"Content-Length: 100\r\n\r\n{")
        found = connection.recv(65536)
        while b"did not come within 1 s" not in found and (more := connection.recv(65536)):
            found += more  # The head and the body may come one after the other.
    assert found.startswith(b"HTTP/1.1 408 ")
    assert b"did not come within 1 s" in found


def test_a_client_that_goes_away(client):
    for _ in range(20):
        with socket.create_connection(("127.0.0.1", client.port), timeout=30) as connection:
            connection.sendall(HEAD + b"Content-Length: 100\r\n\r\n{")


@pytest.mark.parametrize("length", [b"Content-Length: 100\r\n\r\n{", b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n"])
def test_a_client_that_goes_away_is_no_error_of_the_server(caplog, length):
    with serving(EchoEngine(TASKS), Limits(seconds=60)) as client:
        with socket.create_connection(("127.0.0.1", client.port), timeout=30) as connection:
            connection.sendall(
                b"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n" + length
            )
        end = time.monotonic() + 10
        while b'path="/predict"' not in (metrics := client.get("/metrics").body):
            assert time.monotonic() < end, "the server waits for the rest of the body"
            time.sleep(0.01)
    assert b'mtsmart_requests_total{path="/predict",status="400"} 1' in metrics, metrics
    assert "unexpected" not in caplog.text


def test_a_client_that_asks_before_it_sends(client):
    """As curl does with a long body. It is refused before it has sent it."""
    raw = HEAD + b"Content-Length: 9000000\r\nExpect: 100-continue\r\n\r\n"
    with socket.create_connection(("127.0.0.1", client.port), timeout=30) as connection:
        connection.sendall(raw)
        assert connection.recv(65536).startswith(b"HTTP/1.1 413 ")


def test_a_local_server_without_a_token_is_called_by_local_names_alone():
    """So that no page of another site reaches it by DNS rebinding."""
    with serving(EchoEngine(TASKS)) as client:
        for name, status in (
            ("localhost", 200), ("LOCALHOST.:80", 200), ("127.0.0.1:1", 200), ("[::1]:8000", 200), ("192.168.0.1", 421),
            ("evil.example", 421), ("localhost.evil.example", 421), ("127.0.0.1.evil.example:80", 421), ("", 421),
        ):  # fmt: skip
            assert client.get("/tasks", {"Host": name}).status == status, name


def test_a_busy_server_says_when_to_come_again():
    engine = EchoEngine(TASKS)
    with serving(engine, Limits(rows=2, waiting=3)) as client:
        engine.may_answer.clear()
        first = client.application.batches.ask(Question(("color",), texts=[["a"], ["b"]]))
        refused = client.ask({"tasks": "color", "texts": ["c", "d"]})
        assert (refused.status, refused.json["error"]["message"]) == (
            429,
            "the server is busy: 2 inputs wait for their answers",
        )
        assert int(refused.headers["retry-after"]) >= 1
        engine.may_answer.set()
        assert first.result(10)
        assert client.ask({"tasks": "color", "texts": ["c", "d"]}).status == 200


def test_the_number_of_requests_in_work_is_bounded():
    engine = EchoEngine(TASKS)
    with serving(engine, Limits(requests=1)) as client:
        engine.may_answer.clear()
        waiting = client.connection()
        waiting.request("POST", "/predict", json.dumps(GOOD), JSON)
        assert engine.is_asked.wait(10)
        refused = client.ask(GOOD)
        assert (refused.status, refused.headers["retry-after"]) == (429, "1")
        assert client.get("/health").status == 200
        engine.may_answer.set()
        assert waiting.getresponse().status == 200
        waiting.close()
