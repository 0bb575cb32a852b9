"""Extractive question answering from the command line: train, evaluate, predict, on contexts of several windows."""

import csv
import json
import random

import pytest

import mtsmart
from mtsmart.metrics import METRICS
from tests.conftest import WORDS, write_jsonl

NOUNS = [word for word in WORDS if word not in ("a", "the")]  # an article alone is the same as no answer


def rows(count, seed, unanswerable=0.0):
    """What stands after the word of the question (every word at most once in a context)?"""
    rng = random.Random(seed)
    made = []
    for _ in range(count):
        words = rng.sample(NOUNS, k=rng.randint(8, 20))
        place = rng.randrange(len(words) - 1)
        start = len(" ".join(words[: place + 1])) + 1
        value = {"text": [words[place + 1]], "answer_start": [start]}
        question = words[place]
        if rng.random() < unanswerable:
            question = next(word for word in NOUNS if word not in words)
            value = {"text": [], "answer_start": []}
        made.append({"question": question, "context": " ".join(words), "answers": value})
    return made


@pytest.fixture(params=[False, True], ids=["always answered", "some unanswerable"])
def experiment(request, tmp_path, tiny_encoder, monkeypatch):
    monkeypatch.chdir(tmp_path)
    share = 0.4 if request.param else 0.0
    write_jsonl(tmp_path / "train.jsonl", rows(48, 0, share))
    write_jsonl(tmp_path / "valid.jsonl", rows(24, 1, share))
    metrics = "[answer_f1, answer_exact" + (", has_answer_f1, no_answer_f1]" if request.param else "]")
    (tmp_path / "tasks.yaml").write_text(
        f"""
find:
  task_type: span
  dataset: {{files: {{train: train.jsonl, validation: valid.jsonl}}}}
  text: [question, context]
  options: {{stride: 3, max_answer_length: 4, no_answer: {str(request.param).lower()}}}
  metrics: {metrics}
  max_length: 12  # 8 of up to 20 words of a context
"""
    )
    (tmp_path / "e.yaml").write_text(
        f"""
name: find
tasks: [find]
task_files: [tasks.yaml]
encoder: {{path: {tiny_encoder}}}
smart: tuned
mbpp: tuned
optimizer: {{learning_rate: 2e-3}}
training: {{epochs: 3, batch_size: 8, log_every: 5}}
"""
    )
    return tmp_path


def test_train_evaluate_and_predict_agree(experiment, cli):
    result = cli("train", "e.yaml", "-o", "run")
    assert result.code == 0, result.err
    trained = json.loads((experiment / "run" / "results.json").read_text())
    scores = trained["tasks"]["find"]
    assert set(trained["baselines"]["find"]) == set(scores)
    lines = [json.loads(line) for line in (experiment / "run" / "metrics.jsonl").read_text().splitlines()]
    figures = [line["tasks"]["find"] for line in lines if line["type"] == "train"]
    assert all({"loss", "R", "D", "delta/x", "flips"} == set(figure) for figure in figures)

    evaluated = cli("evaluate", "run", "--json")
    assert evaluated.code == 0, evaluated.err
    assert json.loads(evaluated.out)["tasks"]["find"] == scores

    source = [json.loads(line) for line in (experiment / "valid.jsonl").read_text().splitlines()]
    with (experiment / "valid.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, ["question", "context"], extrasaction="ignore")
        writer.writeheader()
        writer.writerows(source)
    from_jsonl = cli("predict", "run", "--task", "find", "--input", "valid.jsonl")
    assert from_jsonl.code == 0, from_jsonl.err
    predicted = [json.loads(line) for line in from_jsonl.out.splitlines()]
    assert [row["context"] for row in predicted] == [row["context"] for row in source]
    references = [row["answers"]["text"] for row in source]
    texts = [row["prediction"] for row in predicted]
    assert {name: METRICS[name](texts, references) for name in scores} == pytest.approx(scores, abs=1e-12)
    for row in predicted:
        assert row["prediction"] == ("" if row["start"] is None else row["context"][row["start"] : row["end"]])

    written = cli("predict", "run", "--task", "find", "--input", "valid.csv", "--output", "out.csv")
    assert written.code == 0, written.err
    with (experiment / "out.csv").open(newline="") as stream:
        again = list(csv.DictReader(stream))
    assert [row["prediction"] for row in again] == texts
    nullable = "no_answer_f1" in scores
    expected = ["question", "context", "prediction", "score", "start", "end"]
    assert list(again[0]) == expected + (["no_answer_score"] if nullable else [])
    decoding = json.loads((experiment / "run" / "model" / "decoding.json").read_text())
    assert set(decoding.get("find", {})) == ({"null_threshold"} if nullable else set())


def test_no_row_stops_the_prediction_of_a_file(experiment, cli):
    """A context of blanks, one of a character that the tokenizer leaves out, and a question that fills the window."""
    assert cli("train", "e.yaml", "-o", "run", "training.max_updates=2", "smart=off", "mbpp=off").code == 0
    good = {"question": "cat", "context": "the red cat"}
    odd = [
        {"question": "cat", "context": "   "},
        {"question": "cat", "context": None},
        {"question": "cat " * 40, "context": "the red cat"},
    ]
    write_jsonl(experiment / "odd.jsonl", [good, *odd] * 30)
    result = cli("predict", "run", "-t", "find", "-i", "odd.jsonl")
    assert result.code == 0, result.err
    rows = [json.loads(line) for line in result.out.splitlines()]
    assert [row["prediction"] is None for row in rows] == [False, True, True, False] * 30
    nothing = {name: None for name in rows[0] if name not in good}
    assert {name: rows[1][name] for name in nothing} == nothing
    assert "60 of 120 rows lack a text and get no prediction (null); the first is row 2" in result.err
    cut = "30 of 120 rows (25%) are cut in question, which leaves no room for context in 12 tokens"
    assert cut in result.err
    write_jsonl(experiment / "odd.jsonl", [good] * 200 + odd[-1:])
    result = cli("predict", "run", "-t", "find", "-i", "odd.jsonl")
    assert result.code == 0 and "1 of 201 rows (0%) is cut in question" in result.err
    (alone,) = mtsmart.load("run").predict("find", odd[:1])
    assert alone == nothing
    write_jsonl(experiment / "odd.jsonl", [{**odd[2], "answers": {"text": ["cat"], "answer_start": [8]}}])
    refused = cli("evaluate", "run", "--file", "odd.jsonl", "--task", "find")
    assert refused.code == 2 and "row 1: question: has 40 tokens and leaves room for 0 tokens" in refused.err


def test_the_threshold_is_what_decides(experiment, cli):
    """A threshold below every difference leaves all unanswered; without such questions there is none to look at."""
    assert cli("train", "e.yaml", "-o", "run", "training.max_updates=2", "smart=off", "mbpp=off").code == 0
    file = experiment / "run" / "model" / "decoding.json"
    nullable = bool(json.loads(file.read_text()).get("find"))
    file.write_text(json.dumps({"find": {"null_threshold": -1e9}}))
    refused = cli("evaluate", "run", "--json")
    assert refused.code == 2 and "If the change is yours, delete manifest.json" in refused.err
    (experiment / "run" / "model" / "manifest.json").unlink()
    scores = json.loads(cli("evaluate", "run", "--json").out)["tasks"]["find"]
    if nullable:
        assert (scores["has_answer_f1"], scores["no_answer_f1"]) == (0.0, 1.0)
    predicted = cli("predict", "run", "-t", "find", "-i", "valid.jsonl").out.splitlines()
    assert all((json.loads(line)["prediction"] == "") == nullable for line in predicted)


def test_a_wrong_place_names_file_and_row(experiment, cli):
    wrong = rows(3, 2)
    wrong[1]["answers"]["answer_start"] = [wrong[1]["answers"]["answer_start"][0] + 1]
    write_jsonl(experiment / "train.jsonl", wrong)
    result = cli("train", "e.yaml", "-o", "run")
    assert result.code == 2
    assert "task find, split train" in result.err and "train.jsonl), row 2: answers.answer_start" in result.err
    assert f"The nearest place that holds it is {wrong[1]['answers']['answer_start'][0] - 1}" in result.err


def test_answers_of_another_type_name_the_row(experiment, cli):
    wrong = rows(3, 2)
    wrong[2]["answers"]["answer_start"] = ["x"]
    write_jsonl(experiment / "train.jsonl", wrong)
    result = cli("train", "e.yaml", "-o", "run")
    assert result.code == 2
    assert "train.jsonl: answers: row 3 cannot be stored" in result.err
