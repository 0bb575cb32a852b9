"""The file beside a graph: its parts, its command, several tasks in one pass, and rows that do not fit."""

import ast
import json
import runpy
import sys
from collections import Counter
from types import ModuleType

import pytest

import mtsmart
from mtsmart.exporting.onnx.one_file import answer_text
from tests.conftest import sentences, write_jsonl
from tests.exporting.graphs.bare import assert_equal_predictions, bare_python, bare_site

PARTS = "mtsmart.exporting.onnx.runtime"


@pytest.fixture
def answer() -> ModuleType:
    """The module as the package has it."""
    return pytest.importorskip(f"{PARTS}.answer", reason="onnxruntime is not installed (pip install 'mtsmart[onnx]')")


def test_the_parts_make_one_file_without_mtsmart():
    text = answer_text()
    tree = ast.parse(text)
    imported = {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    imported |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    outside = {name.split(".")[0] for name in imported} - {*sys.stdlib_module_names}
    assert outside == {"numpy", "tokenizers", "onnxruntime"}
    assert ast.get_docstring(tree).startswith("Predictions of an exported model")
    named = [node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    named += [target.id for node in tree.body if isinstance(node, ast.Assign) for target in node.targets]
    assert [name for name, count in Counter(named).items() if count > 1] == []  # no part hides a name of another


def test_the_command_predicts_a_file(every_type, tmp_path):
    export = every_type("BERT")
    rows = [{"text": text, "id": number} for number, text in enumerate(sentences(5))]
    file = write_jsonl(tmp_path / "rows.jsonl", rows)
    code = (
        "import runpy, sys; sys.path.insert(0, sys.argv.pop(1)); runpy.run_path(sys.argv.pop(1), run_name='__main__')"
    )
    start = ("-c", code, bare_site(tmp_path), export.folder / "answer.py", "--input", file)
    done = bare_python(tmp_path, *start, "--task", "regression", "--task", "multi_label")
    assert done.returncode == 0, done.stderr
    found = [json.loads(line) for line in done.stdout.splitlines()]
    ours = export.loaded.predict(["regression", "multi_label"], rows)
    assert_equal_predictions([{**row, **each} for row, each in zip(rows, ours, strict=True)], found)
    refused = bare_python(tmp_path, *start, "--task", "regresion")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr.startswith("error: there is no task 'regresion'. There are: classification, ")
    (tmp_path / "rows.jsonl").write_text('{"text": "a"}\n{"text"\n')
    refused = bare_python(tmp_path, *start, "--task", "regression")
    assert refused.returncode == 2 and "rows.jsonl, line 2: is not JSON" in refused.stderr


def test_a_file_without_rows_is_refused_as_predict_does(every_type, tmp_path, capsys):
    file = tmp_path / "rows.jsonl"
    file.write_text("\n")
    answer_file = every_type("BERT").folder / "answer.py"
    main = runpy.run_path(str(answer_file))["main"]
    assert main(["--task", "regression", "--input", str(file)]) == 2
    assert capsys.readouterr().err == f"error: {file}: has no rows\n"


def test_a_graph_is_told_from_a_run(every_type):
    folder = every_type("BERT").folder
    with pytest.raises(mtsmart.MtsmartError) as error:
        mtsmart.load(folder)
    assert str(error.value).startswith(
        f"{folder}: is not the folder of a run (it has no config.yaml). It is that of an"
    )


def test_tasks_that_read_the_same_share_a_pass(every_type, answer, monkeypatch):
    export = every_type("BERT")
    passes = []

    class Counted(answer.onnxruntime.InferenceSession):
        def run(self, names, feeds, options):
            passes.append(names)
            return super().run(names, feeds, options)

    monkeypatch.setattr(answer.onnxruntime, "InferenceSession", Counted)
    tasks = ["classification", "classification-pair", "classification-san", "projected"]
    rows = [{"premise": text, "hypothesis": text[:9]} for text in sentences(7)]
    found = answer.Model(export.folder).predict(tasks, rows, batch_size=7)
    assert [len(names) for names in passes] == [3]
    assert_equal_predictions(export.loaded.predict(tasks, rows), found)


@pytest.mark.parametrize("batch_size", [1, 3, None])
def test_predictions_do_not_depend_on_the_batch(every_type, answer, batch_size):
    export = every_type("BERT")
    rows = sentences(8)
    found = answer.Model(export.folder).predict("regression", rows, batch_size=batch_size)
    assert_equal_predictions(export.loaded.predict("regression", rows), found)


def test_rows_that_lack_something_get_nothing(every_type, answer, capsys):
    export = every_type("BERT")
    model = answer.Model(export.folder)
    pairs = [
        {"premise": "a cat", "hypothesis": "a dog"},
        {"premise": None, "hypothesis": "a"},
        {"premise": "a", "hypothesis": ""},
    ]
    lists = [{"words": ["a", None]}, {"words": ["the", "cat"]}, {"words": []}]
    choices = [
        {"text": "a", "question": "b", "endings": ["the", ""]},
        {"text": "a", "question": "b", "endings": ["the", "cat"]},
    ]
    for task, rows in (("classification", pairs), ("tagging", lists), ("multiple_choice", choices)):
        with pytest.warns(mtsmart.errors.MtsmartWarning, match="lacks? a text"):
            ours = export.loaded.predict(task, rows)
        assert_equal_predictions(ours, model.predict(task, rows), task)
    assert (
        "classification: 2 of 3 rows lack a text and get no prediction; the first is row 2" in capsys.readouterr().err
    )


def test_many_rows_are_counted_as_by_mtsmart(every_type, answer, capsys):
    export = every_type("BERT")
    rows = [{"text": "a cat"}, *[{"text": None}] * 1199]
    told = "1,199 of 1,200 rows lack a text and get no prediction"
    with pytest.warns(mtsmart.errors.MtsmartWarning, match=told):
        export.loaded.predict("regression", rows)
    answer.Model(export.folder).predict("regression", rows)
    assert capsys.readouterr().err == f"regression: {told}; the first is row 2\n"


def test_rows_that_lose_tokens_are_told(every_type, answer, capsys):
    model = answer.Model(every_type("BERT").folder)
    model.predict("regression", ["a cat", "a cat " * 40, "a dog " * 40])
    assert capsys.readouterr().err == "regression: 2 of 3 rows are too long and are cut; the first is row 2\n"
    model.predict("span", [{"question": "a cat " * 30, "context": "the dog"}])
    assert capsys.readouterr().err == "span: 1 row is too long and is cut; it is row 1\n"
    model.predict("tagging", [{"words": ["cat"] * 40}])  # read in windows
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("task", "rows"),
    [
        ("tagging", [{"words": "a red cat"}, {"words": '["the", "cat"]'}, {"words": "[1] cat"}, {"words": "[null] a"}]),
        ("multiple_choice", [{"text": "a", "question": "b", "endings": '["the", "cat", "dog"]'}]),
        ("regression", [{"text": "a cat " * 40}, {"text": "  "}]),
        ("span", [{"question": "a cat " * 30, "context": "the dog " * 30}, {"question": "a", "context": " \n"}]),
    ],
)
def test_lists_in_text_and_odd_texts_are_read_as_the_run_reads_them(every_type, answer, task, rows):
    export = every_type("BERT")
    assert_equal_predictions(export.loaded.predict(task, rows), answer.Model(export.folder).predict(task, rows))


@pytest.mark.parametrize(
    ("task", "rows", "message"),
    [
        ("classification", [{"premise": "a"}], "row 1: hypothesis: has no such column"),
        ("classification", ["a"], "a text alone is not enough for classification: give premise and hypothesis"),
        ("regression", [{"text": "a"}, {"text": 3}], "row 2: text: is not a text, got 3"),
        ("masked_lm", ["a cat"], "row 1: text: has no mask token to fill, got 'a cat'"),
        ("tagging", [{"words": '["a'}], "row 1: words: is not a list of words"),
        ("tagging", [{"words": '["In", 2019]'}], "row 1: words: is not a list of words"),
        (
            "ranking",
            [{"id": 1, "query": "a", "candidate": "b"}, {"id": 1, "query": "b", "candidate": "b"}],
            "row 2: query: is another query than row 1 has with the same id",
        ),
        ("multiple_choice", [{"text": "a", "question": "b", "endings": "c"}], "is not a list of candidates"),
    ],
)
def test_a_row_that_does_not_fit_is_named(every_type, answer, task, rows, message):
    model = answer.Model(every_type("BERT").folder)
    with pytest.raises(answer.AnswerError, match=message.replace("(", r"\(").replace("[", r"\[")):
        model.predict(task, rows)


def test_a_folder_without_a_model_is_refused(answer, tmp_path):
    with pytest.raises(answer.AnswerError, match="holds no exported model"):
        answer.Model(tmp_path)
    (tmp_path / "tasks.json").write_text('{"format": 99}')
    with pytest.raises(answer.AnswerError, match="has another form"):
        answer.Model(tmp_path)
