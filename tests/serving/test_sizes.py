"""A long input counts as several where a task reads it in several parts, so that the limits bound the work."""

from dataclasses import replace

import pytest

from mtsmart.models.loading import load_tokenizer
from mtsmart.serving.engine import Parts, Question
from mtsmart.serving.limits import Limits
from mtsmart.serving.run_engine import RunEngine
from mtsmart.serving.sizes import parts_of, size_of
from mtsmart.task_types import build_task
from mtsmart.tasks import TaskDefinition
from tests.serving.at_work import serving
from tests.serving.conftest import EXAMPLES
from tests.serving.engines import EchoEngine, task

CUTS = task("cuts")  # of 32 tokens
SPLITS = replace(task("splits"), parts=Parts(20))
FINER = replace(task("finer"), parts=Parts(5), max_length=8)
LISTS = replace(task("lists"), parts=Parts(None))
TASKS = {one.name: one for one in (CUTS, SPLITS, FINER, LISTS)}
ONE_SEQUENCE = {"classification", "multi_label", "ordinal", "ranking", "regression"}


@pytest.mark.parametrize(
    ("names", "texts", "size"),
    [
        (("cuts",), ["a " * 1000, "a"], 2),
        (("splits",), ["a " * 29, "a " * 30, "a"], 1 + 2 + 1),
        (("splits",), ["house " * 29], 1 + 2),  # two tokens each, about
        (("splits",), ["日" * 229, "!?" * 50], 11 + 5),  # one token each
        (("cuts", "splits"), ["a " * 229], 11),
        (("splits", "finer"), ["a " * 105], 21),
    ],
)
def test_an_input_counts_once_for_each_part(names, texts, size):
    assert size_of(Question(names, texts=[[text] for text in texts]), TASKS) == size
    assert size_of(Question(names, rows=[{"text": text} for text in texts]), TASKS) == size


def test_lists_count_with_all_their_texts():
    row = {"question": "a " * 50, "endings": ["a " * 50, {"text": "a " * 29}], "number": 3}
    assert size_of(Question(("splits",), rows=[row]), TASKS) == 1 + 5
    assert size_of(Question(("lists",), rows=[row, {"endings": []}]), TASKS) == 3 + 1


@pytest.fixture(scope="module")
def tokenizer(minilm):
    return load_tokenizer(minilm)


@pytest.mark.parametrize(
    "options",
    [
        {"max_length": 32, "overlap": 8},
        {"max_length": 32, "overlap": 29 - 1},
        {"max_length": 14, "overlap": 0},
        {"max_length": 32, "overlap": 8, "pair": True},
    ],
)
@pytest.mark.parametrize("text", ["日" * 500, "a dog " * 300, "!." * 300])
def test_the_count_is_about_that_of_the_windows(tokenizer, options, text):
    """Of texts whose words the tokenizer takes whole or letter by letter; it may count more, and few less."""
    columns = ["a", "b"] if options.get("pair") else ["a"]
    windows = {"overlap": options["overlap"], "pooling": "mean"}
    definition = {"task_type": "classification", "labels": ["x", "y"], "text": columns, "options": {"windows": windows}}
    task_type = build_task("t", TaskDefinition(dataset={"files": {"train": "unused.jsonl"}}, **definition))
    length = options["max_length"]
    values = [text, "a cat"][: len(columns)]
    rows = {column: [value] for column, value in zip(columns, values, strict=True)}
    windows = task_type.encode({**rows, "row": [0]}, tokenizer, length, with_labels=False)["input_ids"][0]
    served = replace(task("t"), max_length=length, parts=parts_of(task_type.how_read(length)))
    counted = size_of(Question(("t",), texts=[values]), {"t": served})
    assert 0.9 * len(windows) <= counted <= 4 * len(windows) + 1


def test_a_request_with_too_much_work_is_refused_before_it_waits():
    engine = EchoEngine(TASKS)
    with serving(engine, Limits(rows=10)) as client:
        long = ["a " * 129] * 2
        assert client.ask({"tasks": "cuts", "texts": long}).status == 200
        refused = client.ask({"tasks": ["cuts", "splits"], "texts": long})
        assert refused.status == 413
        assert refused.json["error"] == {
            "message": "is too much together: the task 'splits' reads a long text in parts, and each candidate by "
            "itself, and each of them counts as an input. They are about 12, and a request may have 10",
            "field": "texts",
            "hint": "Send several requests",
        }
        alone = client.ask({"tasks": "splits", "texts": "a " * 400}).json["error"]
        assert alone["hint"] == "Send a shorter text, or fewer candidates"
        assert [question.tasks for question in engine.asked] == [("cuts",)]


def test_long_questions_fill_a_batch_and_the_queue():
    engine = EchoEngine(TASKS)
    with serving(engine, Limits(rows=10, waiting=12, batch=6)) as client:
        batches = client.application.batches
        engine.may_answer.clear()
        first = batches.ask(Question(("splits",), texts=[["x"]]))
        assert engine.is_asked.wait(10)
        waiting = [batches.ask(Question(("splits",), texts=[["a " * 109]])) for _ in range(2)]
        assert batches.inputs == 11
        assert client.ask({"tasks": "splits", "texts": "a " * 109}).status == 429
        engine.may_answer.set()
        for future in (first, *waiting):
            assert future.result(10)
        assert [len(question) for question in engine.asked] == [1, 1, 1]
        assert batches.inputs == 0


def test_a_run_says_which_tasks_read_long_inputs_in_parts(every_type):
    found = {name: one.parts is not None for name, one in RunEngine(every_type).tasks.items()}
    assert {name: found[name] for name in EXAMPLES} == {name: name not in ONE_SEQUENCE for name in EXAMPLES}


def test_a_run_is_served_of_which_no_task_reads_texts_alone(every_type):
    (served,) = RunEngine(every_type, ["multiple_choice"]).tasks.values()
    assert served.texts == 0 and served.parts == Parts(None)
