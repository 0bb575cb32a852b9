"""Answers over HTTP are those of ``predict``, for every task type, alone and together with those of other clients."""

import http.client
import json
import shutil
from concurrent.futures import ThreadPoolExecutor

import pytest

import mtsmart
from mtsmart.evaluation.details.temperatures import store_temperatures
from mtsmart.evaluation.typed_texts import TypedTexts
from mtsmart.runs.folder import RunFolder
from mtsmart.serving.run_engine import RunEngine
from tests.conftest import WORDS, sentences
from tests.serving.at_work import JSON, exchanged, serving
from tests.serving.conftest import EXAMPLES, example

OF_ONE_TEXT = ["multi_label", "ordinal", "regression", "renamed"]


def inputs_of(name):
    """The rows of an example without their labels."""
    definition = example(name).DEFINITION
    options = definition.get("options", {})
    columns = [*definition["text"], *(options[key] for key in ("choices", "group") if key in options)]
    rows = [{column: row[column] for column in columns} for row in example(name).ROWS]
    return [{"text": f"[MASK] {row['text']}"} for row in rows] if name == "masked_lm" else rows


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_task_type_answers_as_predict(client, every_type, name):
    rows = inputs_of(name)
    response = client.ask({"tasks": name, "rows": rows})
    assert response.status == 200, response.body
    expected = json.loads(json.dumps(every_type.predict(name, rows)))  # tuples are lists in JSON
    assert [answer[name] for answer in response.json["answers"]] == expected


def test_several_tasks_at_once(client, every_type):
    rows = inputs_of("regression")
    answers = client.ask({"tasks": ["regression", "multi_label", "ordinal"], "rows": rows}).json["answers"]
    assert [list(answer) for answer in answers] == [["multi_label", "ordinal", "regression"]] * len(rows)
    for name in ("regression", "multi_label", "ordinal"):
        assert [answer[name] for answer in answers] == every_type.predict(name, rows)


@pytest.fixture
def passes(every_type, monkeypatch):
    """How many batches went through the encoder."""
    counted = []
    forward = every_type.model.encoder.forward
    monkeypatch.setattr(every_type.model.encoder, "forward", lambda *args: counted.append(1) or forward(*args))
    return counted


def test_one_pass_for_all_tasks_that_read_the_same_input(client, passes):
    assert client.ask({"tasks": ["multi_label", "ordinal", "regression"], "rows": {"text": "a dog"}}).status == 200
    assert len(passes) == 1


def test_texts_stand_for_columns_of_any_name(client, every_type, passes):
    response = client.ask({"tasks": OF_ONE_TEXT, "texts": ["the red dog", "a cat"]})
    assert len(passes) == 1
    for name in OF_ONE_TEXT:
        found = [answer[name] for answer in response.json["answers"]]
        assert found == every_type.predict(name, ["the red dog", "a cat"])


def test_try_shares_passes_too(every_type, passes):
    answers = TypedTexts(every_type).answers(["the red dog"])
    assert len(passes) == 2  # one for the words that are tagged
    assert set(answers) == {*OF_ONE_TEXT, "tagging"}
    for name in OF_ONE_TEXT:
        assert answers[name] == every_type.predict(name, "the red dog")[0]
    assert answers["tagging"] == every_type.predict("tagging", {"words": ["the", "red", "dog"]})[0]


def test_pairs_of_texts(client, every_type):
    pair = ["is a house small", "a small house"]
    (answer,) = client.ask({"tasks": ["classification", "span"], "texts": [pair]}).json["answers"]
    rows = [
        dict(zip(["premise", "hypothesis"], pair, strict=True)),
        dict(zip(["question", "context"], pair, strict=True)),
    ]
    assert answer["classification"] == every_type.predict("classification", rows[0])[0]
    assert answer["span"] == every_type.predict("span", rows[1])[0]


def test_a_text_for_a_task_that_tags_words(client, every_type):
    (answer,) = client.ask({"tasks": "tagging", "texts": "the red cat"}).json["answers"]
    assert answer["tagging"] == every_type.predict("tagging", {"words": ["the", "red", "cat"]})[0]


def test_a_row_without_a_text_has_no_prediction(client, every_type):
    rows = [{"text": "a dog"}, {"text": None}, {"text": ""}]
    answers = client.ask({"tasks": "ordinal", "rows": rows}).json["answers"]
    with pytest.warns(UserWarning, match="lack a text"):
        expected = every_type.predict("ordinal", rows)
    assert [answer["ordinal"] for answer in answers] == expected
    assert set(answers[1]["ordinal"].values()) == {None}


def test_one_input_needs_no_list(client):
    assert (
        client.ask({"tasks": "ordinal", "texts": "a dog"}).json
        == client.ask({"tasks": ["ordinal"], "texts": ["a dog"]}).json
    )
    assert (
        client.ask({"tasks": "ordinal", "rows": {"text": "a dog"}}).json
        == client.ask({"tasks": "ordinal", "texts": ["a dog"]}).json
    )


def test_strange_characters_are_read(client, every_type):
    text = "\u0000 \u202e <b>'\"&\n\t \U0001f600 dog"
    (answer,) = client.ask({"tasks": "ordinal", "texts": text}).json["answers"]
    assert answer["ordinal"] == every_type.predict("ordinal", text)[0]


def test_calibrated_answers(run_of_every_type, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(run_of_every_type, run)
    store_temperatures(RunFolder(run), {name: {"temperature": 3.0} for name in ("ordinal", "multi_label")})
    loaded = mtsmart.load(run)
    with serving(RunEngine(loaded, ["ordinal", "multi_label"], calibrated=True)) as client:
        (answer,) = client.ask({"texts": "the red dog"}).json["answers"]
    for name in ("ordinal", "multi_label"):
        assert answer[name] == loaded.predict(name, "the red dog", calibrated=True)[0]
        assert answer[name] != loaded.predict(name, "the red dog")[0]


def test_many_clients_get_their_own_answers(client, every_type):
    """320 requests of 32 clients, of several kinds, in shared batches: the predictions are those of predict."""
    texts = [*sentences(40, seed=5), *WORDS]
    expected = {name: dict(zip(texts, every_type.predict(name, texts), strict=True)) for name in OF_ONE_TEXT}

    def work(number):
        connection = http.client.HTTPConnection("127.0.0.1", client.port, timeout=60)
        wrong = []
        for step in range(10):
            own = [texts[(7 * number + 3 * step + k) % len(texts)] for k in range(1 + number % 3)]
            tasks = OF_ONE_TEXT[: 1 + step % 4]
            response = exchanged(connection, "POST", "/predict", json.dumps({"tasks": tasks, "texts": own}), JSON)
            answers = response.json["answers"]
            wrong += [
                (text, name)
                for text, answer in zip(own, answers, strict=True)
                for name in tasks
                if not is_same(answer[name], expected[name][text])
            ]
        connection.close()
        return wrong

    with ThreadPoolExecutor(32) as pool:
        assert [wrong for found in pool.map(work, range(32)) for wrong in found] == []


def is_same(found, expected):
    """Whether labels are equal, and numbers but for what batches of another size round."""
    return found.keys() == expected.keys() and all(
        found[key] == pytest.approx(value, abs=1e-5) if isinstance(value, float) else found[key] == value
        for key, value in expected.items()
    )


def test_tasks_says_what_each_one_reads(client):
    listed = {task["name"]: task for task in client.get("/tasks").json["tasks"]}
    assert list(listed) == [*EXAMPLES, "renamed"]
    assert listed["span"]["fields"] == ["question", "context"]
    assert {name: task["texts"] for name, task in listed.items()} == {
        "classification": 2, "masked_lm": 0, "multi_label": 1, "multiple_choice": 0, "ordinal": 1,
        "ranking": 0, "regression": 1, "span": 2, "tagging": 1, "renamed": 1,
    }  # fmt: skip
    assert listed["classification"]["labels"] == ["yes", "no", "maybe"]


def test_metrics_count(every_type):
    with serving(RunEngine(every_type)) as client:
        client.ask({"tasks": ["ordinal", "regression"], "texts": ["a", "b"]})
        client.ask({"tasks": "none", "texts": "a"})
        client.get("/favicon.ico")
        text = client.get("/metrics").body.decode()
    for line in (
        'mtsmart_requests_total{path="/predict",status="200"} 1.0',
        'mtsmart_requests_total{path="/predict",status="422"} 1.0',
        'mtsmart_requests_total{path="other",status="404"} 1.0',
        'mtsmart_inputs_total{task="ordinal"} 2.0',
        "mtsmart_batch_inputs_count 1.0",
        "mtsmart_waiting_inputs 0.0",
    ):
        assert line in text.splitlines()
