"""A long input counts as several where a task reads it in several parts, so that the limits bound the work."""

from dataclasses import replace

import pytest

from mtsmart.serving.engine import Question
from mtsmart.serving.limits import Limits
from mtsmart.serving.run_engine import RunEngine
from mtsmart.serving.sizes import size_of
from tests.serving.at_work import serving
from tests.serving.conftest import EXAMPLES
from tests.serving.engines import EchoEngine, task

CUTS = task("cuts")  # of 32 tokens, which are 96 characters here
SPLITS = replace(task("splits"), splits=True)
FINER = replace(task("finer"), splits=True, max_length=8)
TASKS = {one.name: one for one in (CUTS, SPLITS, FINER)}
ONE_TEXT_EACH = {"classification", "multi_label", "ordinal", "regression"}


@pytest.mark.parametrize(
    ("names", "texts", "size"),
    [
        (("cuts",), ["x" * 1000, "x"], 2),
        (("splits",), ["x" * 95, "x" * 96, "x"], 1 + 2 + 1),
        (("cuts", "splits"), ["x" * 960], 11),
        (("splits", "finer"), ["x" * 960], 41),
    ],
)
def test_an_input_counts_once_for_each_part(names, texts, size):
    assert size_of(Question(names, texts=[[text] for text in texts]), TASKS) == size
    assert size_of(Question(names, rows=[{"text": text} for text in texts]), TASKS) == size


def test_lists_count_with_all_their_texts():
    row = {"question": "x" * 50, "endings": ["x" * 50, {"text": "x" * 92}], "number": 3}
    assert size_of(Question(("splits",), rows=[row]), TASKS) == 1 + 2


def test_a_request_with_too_much_work_is_refused_before_it_waits():
    engine = EchoEngine(TASKS)
    with serving(engine, Limits(rows=10)) as client:
        long = ["x" * 500] * 2
        assert client.ask({"tasks": "cuts", "texts": long}).status == 200
        refused = client.ask({"tasks": ["cuts", "splits"], "texts": long})
        assert refused.status == 413
        assert refused.json["error"] == {
            "message": "the texts are too long together: the task 'splits' reads a long one in parts, each of which "
            "counts as an input. They are about 12, and a request may have 10",
            "field": "texts",
            "hint": "Send several requests",
        }
        assert [question.tasks for question in engine.asked] == [("cuts",)]


def test_long_questions_fill_a_batch_and_the_queue():
    engine = EchoEngine(TASKS)
    with serving(engine, Limits(rows=10, waiting=12, batch=6)) as client:
        batches = client.application.batches
        engine.may_answer.clear()
        first = batches.ask(Question(("splits",), texts=[["x"]]))
        assert engine.is_asked.wait(10)
        waiting = [batches.ask(Question(("splits",), texts=[["x" * 400]])) for _ in range(2)]
        assert batches.inputs == 11
        assert client.ask({"tasks": "splits", "texts": "x" * 400}).status == 429
        engine.may_answer.set()
        for future in (first, *waiting):
            assert future.result(10)
        assert [len(question) for question in engine.asked] == [1, 1, 1]
        assert batches.inputs == 0


def test_a_run_says_which_tasks_read_long_inputs_in_parts(every_type):
    found = {name: one.splits for name, one in RunEngine(every_type).tasks.items()}
    assert {name: found[name] for name in EXAMPLES} == {name: name not in ONE_TEXT_EACH for name in EXAMPLES}
