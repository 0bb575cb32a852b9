"""Questions of several clients are answered together, and none of them changes the answer of another."""

import threading
import time

import pytest

from mtsmart.serving.batches import Batches
from mtsmart.serving.engine import Question
from mtsmart.serving.limits import Limits
from mtsmart.serving.requests.refusals import Refusal
from tests.serving.engines import EchoEngine, echoed, task


def texts(*inputs, tasks=("echo",)):
    return Question(tasks, texts=[[text] for text in inputs])


def rows(*inputs, tasks=("echo",)):
    return Question(tasks, rows=list(inputs))


@pytest.fixture
def at_work():
    """An engine, and a function that asks questions while the engine is busy with an earlier one."""
    engine = EchoEngine()
    made = []

    def ask(*questions, limits=None):
        batches = Batches(engine, limits or Limits(), lambda size: None)
        made.append(batches)
        engine.may_answer.clear()
        first = batches.ask(texts("first"))
        assert engine.is_asked.wait(10)
        futures = [batches.ask(question) for question in questions]
        engine.may_answer.set()
        assert first.result(10) == {"echo": [echoed("first")]}
        for future in futures:
            future.exception(10)
        return futures

    yield engine, ask
    engine.may_answer.set()
    for batches in made:
        batches.close()


def test_what_waits_is_answered_together(at_work):
    engine, ask = at_work
    one, two, three = ask(texts("a", "b"), texts("c"), texts("d"))
    assert [len(question) for question in engine.asked] == [1, 4]
    assert one.result()["echo"] == [echoed("a"), echoed("b")]
    assert two.result()["echo"] == [echoed("c")]
    assert three.result()["echo"] == [echoed("d")]


def test_a_batch_has_a_largest_size(at_work):
    engine, ask = at_work
    ask(*(texts("x") for _ in range(7)), limits=Limits(batch=3, rows=9))
    assert [len(question) for question in engine.asked] == [1, 3, 3, 1]


def test_one_question_may_be_larger_than_a_batch(at_work):
    engine, ask = at_work
    (future,) = ask(texts(*"abcde"), limits=Limits(batch=2, rows=9))
    assert len(future.result()["echo"]) == 5
    assert [len(question) for question in engine.asked] == [1, 5]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (texts("a"), rows({"text": "a"})),
        (rows({"text": "a"}), rows({"text": ["a"]})),
        (rows({"text": ["a"]}), rows({"text": [1]})),
        (rows({"text": "a"}), rows({"text": 1})),
        (rows({"text": "a"}), rows({"text": "a", "whole": "a"})),
        (rows({"text": {"a": 1}}), rows({"text": {"b": 1}})),
    ],
)
def test_inputs_of_other_forms_are_not_mixed(at_work, one, other):
    engine, ask = at_work
    ask(one, other)
    assert len(engine.asked) == 3


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (rows({"text": "a"}), rows({"text": None})),
        (rows({"text": ["a"]}), rows({"text": ["a", None]})),
        (rows({"text": "a", "b": "c"}), rows({"b": "c", "text": "a"})),
    ],
)
def test_a_missing_value_fits_any_form(at_work, one, other):
    engine, ask = at_work
    ask(one, other)
    # A column of nothing but missing values has no type of its own, so it stays alone.
    expected = 3 if other.rows[0].get("text", "") is None else 2
    assert len(engine.asked) == expected


def test_questions_to_other_heads_share_a_pass():
    """Each client gets the answers of the tasks that it asked, in their order."""
    tasks = {"one": task("one"), "two": task("two"), "apart": task("apart", number=9)}
    engine = EchoEngine(tasks)
    batches = Batches(engine, Limits(), lambda size: None)
    engine.may_answer.clear()
    batches.ask(texts("first", tasks=("one",)))
    assert engine.is_asked.wait(10)
    asked = [("one",), ("two",), ("one", "two"), ("apart",), ("two", "apart")]
    futures = [batches.ask(texts(str(number), tasks=names)) for number, names in enumerate(asked)]
    engine.may_answer.set()
    batches.close()
    assert [question.tasks for question in engine.asked] == [("one",), ("one", "two"), ("apart",), ("two", "apart")]
    for number, (names, future) in enumerate(zip(asked, futures, strict=True)):
        assert list(future.result(0)) == list(names)
        assert all(found == [echoed(str(number))] for found in future.result(0).values())


def test_tasks_that_need_all_rows_get_their_own_question_alone():
    tasks = {"echo": task("echo"), "ranks": task("ranks", needs_all_rows=True)}
    engine = EchoEngine(tasks)
    batches = Batches(engine, Limits(), lambda size: None)
    engine.may_answer.clear()
    futures = [batches.ask(texts("x", tasks=("ranks",))) for _ in range(3)]
    engine.may_answer.set()
    batches.close()
    assert all(future.done() for future in futures)
    assert [len(question) for question in engine.asked] == [1, 1, 1]


def test_a_question_that_cannot_be_read_hurts_no_other(at_work):
    _, ask = at_work
    good, bad, also_good = ask(texts("a"), texts("b", "bad"), texts("c"))
    assert good.result()["echo"] == [echoed("a")]
    assert also_good.result()["echo"] == [echoed("c")]
    refusal = bad.exception()
    assert isinstance(refusal, Refusal)
    assert (refusal.status, refusal.row, refusal.field) == (422, 2, "text")  # its own second row


def test_an_error_of_the_engine_reaches_the_one_who_caused_it(at_work):
    _, ask = at_work
    good, bug = ask(texts("a"), texts("bug"))
    assert good.result()["echo"] == [echoed("a")]
    assert isinstance(bug.exception(), ValueError)


def test_a_cancelled_question_is_not_asked():
    engine = EchoEngine()
    batches = Batches(engine, Limits(), lambda size: None)
    engine.may_answer.clear()
    batches.ask(texts("first"))
    assert engine.is_asked.wait(10)
    assert batches.ask(texts("gone")).cancel()
    last = batches.ask(texts("last"))
    engine.may_answer.set()
    assert last.result(10)["echo"] == [echoed("last")]
    batches.close()
    assert [question.texts for question in engine.asked] == [[["first"]], [["last"]]]
    assert batches.inputs == 0


def test_what_does_not_fit_is_refused_with_a_time_to_wait():
    engine = EchoEngine()
    batches = Batches(engine, Limits(rows=2, waiting=3), lambda size: None)
    engine.may_answer.clear()
    batches.ask(texts("a", "b"))
    with pytest.raises(Refusal) as refused:
        batches.ask(texts("c", "d"))
    assert refused.value.status == 429
    assert 1 <= int(refused.value.headers["Retry-After"]) <= 30
    one_more = batches.ask(texts("c"))
    engine.may_answer.set()
    assert one_more.result(10)
    batches.close()


def test_closing_answers_what_was_taken():
    engine = EchoEngine()
    batches = Batches(engine, Limits(), lambda size: None)
    engine.may_answer.clear()
    futures = [batches.ask(texts(str(number))) for number in range(20)]
    threading.Timer(0.05, engine.may_answer.set).start()
    batches.close()
    assert [future.result(0)["echo"] for future in futures] == [[echoed(str(n))] for n in range(20)]
    assert not batches.is_alive


def test_nobody_waits_for_a_batch_to_fill_up():
    engine = EchoEngine()
    batches = Batches(engine, Limits(), lambda size: None)
    started = time.perf_counter()
    for _ in range(50):
        batches.ask(texts("x")).result(10)
    assert time.perf_counter() - started < 5
    batches.close()
