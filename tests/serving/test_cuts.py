"""Inputs that are too long are cut, and the client is told how many, whoever else asks at the same time."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from mtsmart.serving.run_engine import RunEngine
from tests.serving.at_work import serving
from tests.serving.engines import EchoEngine, task

LONG = "red " * 60
CUT = "1 of 2 inputs is cut to 24 tokens, which is all that the task reads"


def waits_until(is_so, seconds=10):
    """Whether something becomes true in time."""
    end = time.monotonic() + seconds
    while not is_so() and time.monotonic() < end:
        time.sleep(0.01)
    return is_so()


def test_a_client_is_told_how_many_inputs_were_cut(client):
    texts = {"tasks": ["ordinal", "regression"], "texts": ["a dog", LONG]}
    rows = {"tasks": ["ordinal", "regression"], "rows": [{"text": "a dog"}, {"text": LONG}]}
    for question in (texts, rows):
        assert client.ask(question).json["warnings"] == [
            {"task": name, "cut": 1, "message": CUT} for name in ("ordinal", "regression")
        ]


@pytest.mark.parametrize(
    ("tasks", "row"),
    [
        ("multiple_choice", {"text": "a dog", "question": LONG, "endings": ["a", "b"]}),
        ("ranking", {"id": "1", "query": "a dog", "candidate": LONG}),
        ("classification", {"premise": "a dog", "hypothesis": LONG}),
    ],
)
def test_every_type_that_cuts_says_it(client, tasks, row):
    (warning,) = client.ask({"tasks": tasks, "rows": row}).json["warnings"]
    assert (warning["task"], warning["cut"]) == (tasks, 1)


def test_what_is_read_whole_brings_no_warning(client):
    """Words and contexts are read in windows, and a row without a text is not read."""
    words = ["red"] * 60
    for name, row in (
        ("tagging", {"words": words}),
        ("span", {"question": "a dog", "context": LONG}),
        ("ordinal", {"text": None}),
        ("ordinal", {"text": "a dog"}),
    ):
        response = client.ask({"tasks": name, "rows": row})
        assert response.status == 200 and list(response.json) == ["answers"], name


def test_each_client_is_told_of_its_own_inputs():
    """Their questions are answered in one batch."""
    engine = EchoEngine()
    with serving(engine) as client, ThreadPoolExecutor(3) as pool:
        engine.may_answer.clear()
        first = pool.submit(client.ask, {"texts": "first"})
        assert engine.is_asked.wait(10)
        others = [pool.submit(client.ask, {"texts": texts}) for texts in (["a", "long", "long"], ["b", "c"])]
        assert waits_until(lambda: client.application.batches.inputs == 6)
        engine.may_answer.set()
        assert "warnings" not in first.result(30).json
        bodies = [other.result(30).json for other in others]
        figures = client.get("/metrics").body.decode().splitlines()
    assert [len(question) for question in engine.asked] == [1, 5]
    assert [[each["cut"] for each in body.get("warnings", [])] for body in bodies] == [[2], []]
    assert 'mtsmart_cut_inputs_total{task="echo"} 2.0' in figures
    assert 'mtsmart_inputs_total{task="echo"} 6.0' in figures


def test_a_pair_in_windows_is_cut_for_another_reason():
    engine = EchoEngine({"echo": replace(task("echo", ("a", "b")), in_windows=True)})
    with serving(engine) as client:
        (warning,) = client.ask({"texts": [["long", "long"]]}).json["warnings"]
    expected = "1 input is cut, because both texts of the pair are longer than half a window of 32 tokens"
    assert warning["message"] == expected


def test_cuts_are_not_logged(every_type, capfd):
    with serving(RunEngine(every_type, ["ordinal"]), log_requests=True) as client:
        assert client.ask({"texts": LONG}).json["warnings"]
    told = capfd.readouterr()
    assert "red" not in told.out + told.err and "cut" not in told.out + told.err


def test_the_schema_knows_warnings(client):
    jsonschema = pytest.importorskip("jsonschema", reason="the package jsonschema is not installed")
    answered = client.get("/openapi.json").json["paths"]["/predict"]["post"]["responses"]["200"]
    schema = answered["content"]["application/json"]["schema"]
    body = client.ask({"tasks": "ordinal", "texts": LONG}).json
    jsonschema.validate(body, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**body, "warnings": [{"task": "ordinal", "cut": 0, "message": ""}]}, schema)
