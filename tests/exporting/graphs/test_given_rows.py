"""What ``answer.py`` takes for rows, and what it refuses because it would be misread or lost."""

import json
import runpy

import numpy as np
import pandas as pd
import pytest

from mtsmart.text.json_lines import json_line
from tests.conftest import write_jsonl

HALF = "\ud83d"
TEXTS = ["a cat", "a red dog"]
ROWS = [{"text": text, "id": number} for number, text in enumerate(TEXTS)]
TABLE = pd.DataFrame(ROWS)


@pytest.fixture
def answer():
    """The module as the package has it."""
    part = "mtsmart.exporting.onnx.runtime.answer"
    return pytest.importorskip(part, reason="onnxruntime is not installed (pip install 'mtsmart[onnx]')")


@pytest.fixture
def command(every_type, capsys):
    """Run ``answer.py`` on a file of rows: its status, and what it prints on both streams."""

    def call(file, *tasks):
        main = runpy.run_path(str(every_type("BERT").folder / "answer.py"))["main"]
        capsys.readouterr()
        status = main([f"--task={task}" for task in tasks] + ["--input", str(file)])
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return call


@pytest.mark.parametrize(
    ("rows", "meant"),
    [
        (TEXTS[0], ROWS[:1]),
        (ROWS[0], ROWS[:1]),
        (TABLE["text"], ROWS),
        (TABLE.iloc[0], ROWS[:1]),
        ([row for _, row in TABLE.iterrows()], ROWS),
        (TABLE.to_dict("records"), ROWS),
        (np.array(TEXTS), ROWS),
        (iter(TEXTS), ROWS),
    ],
    ids=["text", "mapping", "series", "row of a table", "rows of a table", "records", "array", "iterator"],
)
def test_rows_in_other_forms_are_read(every_type, answer, rows, meant):
    model = answer.Model(every_type("BERT").folder)
    assert model.predict("regression", rows) == model.predict("regression", meant)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (TABLE, "a table is given: give mappings, for example df.to_dict('records')"),
        (3, "no list of rows is given, but a value of the type int: give mappings"),
        (b"a cat", "no list of rows is given, but a value of the type bytes: give mappings"),
        ({"a cat", "a dog"}, "no list of rows is given, but a value of the type set: give mappings"),
        (["a cat", ["text"]], "row 2: is neither a mapping nor a text, but of the type list"),
        ([None], "row 1: is neither a mapping nor a text, but of the type NoneType"),
    ],
    ids=["table", "number", "bytes", "set", "list", "nothing"],
)
def test_what_would_be_misread_is_refused(every_type, answer, rows, message):
    model = answer.Model(every_type("BERT").folder)
    with pytest.raises(answer.AnswerError) as error:
        model.predict("regression", rows)
    assert str(error.value) == message


@pytest.mark.parametrize(
    ("task", "row", "place"),
    [
        ("regression", {"text": HALF}, "row 1: text"),
        ("tagging", {"words": ["a", HALF]}, "row 1: words"),
        ("tagging", {"words": '["a", "\\ud83d"]'}, "row 1: words"),
        ("span", {"question": "a cat", "context": f"a {HALF}"}, "row 1: context"),
        ("multiple_choice", {"text": "a", "question": "b", "endings": ["c", HALF]}, "row 1: endings"),
        ("multiple_choice", {"text": "a", "question": "b", "endings": '["c", "\\ud83d"]'}, "row 1: endings"),
        ("ranking", {"id": 1, "query": "a", "candidate": HALF}, "row 1: candidate"),
        ("masked_lm", {"text": f"[MASK] {HALF}"}, "row 1: text"),
    ],
)
def test_half_a_surrogate_pair_is_refused(command, tmp_path, task, row, place):
    status, out, err = command(write_jsonl(tmp_path / "rows.jsonl", [row]), task)
    assert (status, out) == (2, "")
    assert err.startswith(f"error: {place}: holds half of a surrogate pair, which is no text, got "), err
    assert len(err.splitlines()) == 1


def test_lines_are_those_of_predict(command, tmp_path):
    """What is not visible, or not finite, or no text, and is in no column of the task."""
    rows = [{"text": "a cat", "more": [HALF, "\x1b[2J", "é", float("nan")]}]
    status, out, err = command(write_jsonl(tmp_path / "rows.jsonl", rows), "regression")
    assert (status, err) == (0, "")
    (line,) = out.splitlines()
    assert json_line(rows[0], "utf-8")[:-1] in line
    assert json.loads(line)["more"] == [HALF, "\x1b[2J", "é", None]


@pytest.mark.parametrize(
    ("tasks", "name"),
    [(["regression"], "prediction"), (["regression", "multi_label"], "multi_label.prediction")],
)
def test_no_column_is_lost(command, tmp_path, tasks, name):
    file = write_jsonl(tmp_path / "rows.jsonl", [{"text": "a cat"}, {"text": "a cat", name: 7}])
    status, out, err = command(file, *tasks)
    assert (status, out) == (2, "")
    assert err == f"error: {file}, row 2: {name}: the file already has a column of this name. Rename it\n"
