"""Bad data and settings: one message that names the place, and nothing written.

Bad task files, experiments and flags are in tests/cli/test_malformed.py; bad prediction input and run folders are in
files of their own here.
"""

import codecs
import json
import os

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.reliability.refusals import CLASSIFICATION, assert_refused, contents

REGRESSION = "task_type: regression\n  text: [text]\n  label: score\n"
TAGGING = "task_type: tagging\n  text: [words]\n  label: tags\n  labels: [O, B-x, I-x]\n"
SPAN = "task_type: span\n  text: [question, context]\n  label: answers\n"
CHOICE = "task_type: multiple_choice\n  text: [text]\n  options: {choices: list}\n"
COLUMNS = "task_type: multiple_choice\n  text: [text]\n  options: {choices: [a, b]}\n"
RANKING = "task_type: ranking\n  text: [text]\n  options: {candidates: list}\n"
MULTI = "task_type: multi_label\n  text: [text]\n  labels: [a, b]\n"


def lines(*rows):
    return "".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in rows).encode()


GOOD = {"text": "a", "label": "red"}


# name -> (file, its bytes, the task, part of the one message)
DATA = {
    "empty csv": ("d.csv", b"", CLASSIFICATION, "d.csv: is empty. A header line"),
    "csv with a BOM alone": ("d.csv", codecs.BOM_UTF8, CLASSIFICATION, "d.csv: is empty"),
    "csv with a header alone": ("d.csv", b"text,label\n", CLASSIFICATION, "d.csv: has no rows"),
    "csv, too few fields": ("d.csv", b"text,label\na,red\nb\n", CLASSIFICATION, "d.csv:3: has 1 field where the header has 2"),
    "csv, too many fields": ("d.csv", b"text,label\na,red,x\n", CLASSIFICATION, "d.csv:2: has 3 fields where the header has 2"),
    "csv, comma in a text": ("d.csv", b"text,label\r\na, b,red\r\n", CLASSIFICATION, "d.csv:2: has 3 fields"),
    "csv, columns twice": ("d.csv", b"text,text,label\na,b,red\n", CLASSIFICATION, "d.csv:1: two columns have the same name, got 'text'"),
    "csv, open quote": ("d.csv", b'text,label\na,red\n"b,red\n', CLASSIFICATION, "d.csv:3: cannot be read: unexpected end of data"),
    "csv, text after a quote": ("d.csv", b'text,label\n"a"b,red\n', CLASSIFICATION, "d.csv:2: cannot be read"),
    "csv in latin-1": ("d.csv", "text,label\na,red\n\u00e9,red\n".encode("latin-1"), CLASSIFICATION, "d.csv:3: is not UTF-8. Save it as UTF-8"),
    "csv in UTF-16": ("d.csv", "text,label\na,red\n".encode("utf-16"), CLASSIFICATION, "d.csv: is UTF-16, not UTF-8"),
    "csv, no text column": ("d.csv", b"txt,label\na,red\n", CLASSIFICATION, "text: there is no such column. Did you mean 'txt'"),
    "csv, no label column": ("d.csv", b"text,lable\na,red\n", CLASSIFICATION, "the data has no such label column.*"),
    "csv, unknown label": ("d.csv", b"text,label\na,red\nb,blue\n", CLASSIFICATION, r"d.csv.*row 2: label: is not one of the task's labels, got 'blue'"),
    "csv, label misspelt": ("d.csv", b"text,label\na,othr\n", CLASSIFICATION, r"row 1: label: .*got 'othr'. Did you mean 'other'"),
    "csv, endless digits for a label": ("d.csv", b"text,label\na," + b"9" * 4301 + b"\n", CLASSIFICATION, "row 1: label: is not one of the task's labels, got '999"),
    "csv, endless digits for a candidate": ("d.csv", b'text,a,b,label\nq,x,y,' + b"9" * 4301 + b"\n", COLUMNS, "row 1: label: is out of range: the row has 2 candidates, counted from 0, got '999"),
    "csv, no label": ("d.csv", b"text,label\na,red\nb,\n", CLASSIFICATION, "1 of 2 rows lacks a text or label, it is row 2"),
    "csv, no text": ("d.csv", b"text,label\na,red\n,red\n", CLASSIFICATION, "1 of 2 rows lacks a text or label, it is row 2"),
    "csv, blank texts": ("d.csv", b"text,label\n,\n,\n", CLASSIFICATION, "2 of 2 rows lack a text or label"),
    "csv, text for a number": ("d.csv", b"text,score\na,high\n", REGRESSION, "row 1: score: .*got 'high'"),
    "csv, NaN for a number": ("d.csv", b"text,score\na,1\nb,nan\n", REGRESSION, "row 2.*score|lack a text or label, the first is row 2"),
    "csv, infinity for a number": ("d.csv", b"text,score\na,1\nb,inf\n", REGRESSION, "row 2: score: .*got 'inf'"),
    "csv, a number beyond float32": ("d.csv", b"text,score\na,1\nb,1e39\n", REGRESSION, r"row 2: score: is too large a number, got '1e39'. The largest that can be learned is 1e\+15"),
    "csv, decimal comma": ("d.csv", b'text,score\na,"1,5"\n', REGRESSION, "row 1: score: .*got '1,5'"),
    "empty tsv": ("d.tsv", b"", CLASSIFICATION, "d.tsv: is empty"),
    "tsv with commas": ("d.tsv", b"text,label\na,red\n", CLASSIFICATION, "d.tsv:1: has none of the task's columns, got 'text,label'. Its fields stand between ','"),
    "tsv, too few fields": ("d.tsv", b"text\tlabel\na\n", CLASSIFICATION, "d.tsv:2: has 1 field where the header has 2"),
    "tsv, tab in a text": ("d.tsv", b"text\tlabel\na\tb\tred\n", CLASSIFICATION, "d.tsv:2: has 3 fields"),
    "tsv, columns twice": ("d.tsv", b"text\tlabel\tlabel\na\tred\tred\n", CLASSIFICATION, "d.tsv:1: two columns have the same name"),
    "tsv, quoted label": ("d.tsv", b'text\tlabel\na\t"red"\n', CLASSIFICATION, "row 1: label: .*Its quotes are part of it"),
    "tsv, not UTF-8": ("d.tsv", b"text\tlabel\n\xff\tred\n", CLASSIFICATION, "d.tsv:2: is not UTF-8"),
    "empty jsonl": ("d.jsonl", b"", CLASSIFICATION, "d.jsonl: has no rows"),
    "blank jsonl": ("d.jsonl", b"\n \n\r\n", CLASSIFICATION, "d.jsonl: has no rows"),
    "jsonl, cut": ("d.jsonl", lines(GOOD) + b'{"text": "b", "la', CLASSIFICATION, "d.jsonl:2: is not valid JSON"),
    "jsonl, two on a line": ("d.jsonl", b'{"text": "a"} {"text": "b"}\n', CLASSIFICATION, "d.jsonl:1: is not valid JSON: Extra data"),
    "jsonl, single quotes": ("d.jsonl", b"{'text': 'a'}\n", CLASSIFICATION, "d.jsonl:1: is not valid JSON"),
    "jsonl, a list": ("d.jsonl", lines(GOOD, ["a", "red"]), CLASSIFICATION, r"d.jsonl:2: must be a JSON object, got \['a', 'red'\]"),
    "jsonl, a number": ("d.jsonl", b"3\n", CLASSIFICATION, "d.jsonl:1: must be a JSON object, got 3"),
    "json, cut": ("d.jsonl", b'[\n{"text": "a"},\n{"text": "b"\n', CLASSIFICATION, "d.jsonl.*is not valid JSON"),
    "json, no labels": ("d.jsonl", b'[\n{"text": "a"},\n{"text": "b"}\n]\n', CLASSIFICATION, "label: the data has no such label column"),
    "jsonl, nested too deeply": ("d.jsonl", b'{"text": ' + b"[" * 100_000 + b"\n", CLASSIFICATION, "d.jsonl:1: is not valid JSON: nested too deeply"),
    "jsonl, objects in 450 levels": ("d.jsonl", lines(GOOD) + b'{"text": "a", "label": ' + b'{"a": ' * 450 + b"1" + b"}" * 451 + b"\n", CLASSIFICATION, "d.jsonl:2: label: is nested more than 30 levels deep"),
    "jsonl, ever new keys of objects": ("d.jsonl", lines(*({**GOOD, "label": {f"k{i}": 1}} for i in range(2000))), CLASSIFICATION, "d.jsonl:1999: label: has more than 2,000 columns"),
    "csv, endless columns": ("d.csv", b"," .join(b"c%d" % i for i in range(100_000)) + b"\n" + b",".join([b"x"] * 100_000) + b"\n", CLASSIFICATION, "text: there is no such column"),
    "jsonl, endless digits": ("d.jsonl", b'{"text": "a", "label": ' + b"9" * 5000 + b"}\n", CLASSIFICATION, "d.jsonl:1: holds a number with too many digits"),
    "jsonl, half a character": ("d.jsonl", b'{"text": "\\ud800", "label": "red"}\n', CLASSIFICATION, "d.jsonl: text: row 1 holds half of a surrogate pair, which is no text"),
    "jsonl, in UTF-16": ("d.jsonl", '{"text": "a"}\n'.encode("utf-16"), CLASSIFICATION, "d.jsonl: is UTF-16"),
    "jsonl, not UTF-8": ("d.jsonl", lines(GOOD) + b'{"text": "\xe9"}\n', CLASSIFICATION, "d.jsonl:2: is not UTF-8"),
    "jsonl, number for a text": ("d.jsonl", lines({"text": 3, "label": "red"}), CLASSIFICATION, "row 1: text: is not a text, got 3"),
    "jsonl, list for a text": ("d.jsonl", lines({"text": ["a"], "label": "red"}), CLASSIFICATION, r"row 1: text: is not a text, got \['a'\]"),
    "json, an object of columns": ("d.json", lines({"text": ["a", "b"], "label": ["red", "red"]}), CLASSIFICATION, "row 1: text: is not a text, .*write an object for each row"),
    "json, an object of numbered columns": ("d.json", lines({"text": {"0": "a"}, "label": {"0": "red"}}), CLASSIFICATION, "row 1: text: is not a text, .*write an object for each row"),
    "jsonl, a text becomes a number": ("d.jsonl", lines(GOOD, {"text": 3, "label": "red"}), CLASSIFICATION, "d.jsonl: text: row 2 is a whole number, and row 1 is a text .*, got 3"),
    "jsonl, no texts": ("d.jsonl", lines({"text": None, "label": "red"}), CLASSIFICATION, "1 row lacks a text or label"),
    "jsonl, a label is missing": ("d.jsonl", lines(GOOD, {"text": "b"}), CLASSIFICATION, "1 of 2 rows lacks a text or label, it is row 2"),
    "jsonl, number beyond the labels": ("d.jsonl", lines({"text": "a", "label": 5}), CLASSIFICATION, "row 1: label: .*got 5"),
    "jsonl, object for a label": ("d.jsonl", lines({"text": "a", "label": {"x": 1}}), CLASSIFICATION, "row 1: label"),
    "jsonl, NaN for a number": ("d.jsonl", lines({"text": "a", "score": 1.0}, '{"text": "b", "score": NaN}'), REGRESSION, "row 2"),
    "jsonl, infinity for a number": ("d.jsonl", lines('{"text": "b", "score": -Infinity}'), REGRESSION, "row 1: score: .*got -inf"),
    "jsonl, a number beyond float32": ("d.jsonl", lines({"text": "a", "score": -1e300}), REGRESSION, r"row 1: score: is too large a number, got -1e\+300"),
    "jsonl, truth for a number": ("d.jsonl", lines({"text": "a", "score": True}), REGRESSION, "row 1: score: .*got true"),
    "parquet that is none": ("d.parquet", b"text,label\na,red\n", CLASSIFICATION, "d.parquet: is not a readable parquet file"),
    "empty parquet": ("d.parquet", b"", CLASSIFICATION, "d.parquet: is not a readable parquet file"),
    "fewer tags than words": ("d.jsonl", lines({"words": ["a", "b"], "tags": ["O"]}), TAGGING, "row 1: tags"),
    "unknown tag": ("d.jsonl", lines({"words": ["a"], "tags": ["B-y"]}), TAGGING, "row 1: tags: .*got 'B-y'"),
    "a number among words": ("d.jsonl", b'{"words": ["a", "b"], "tags": ["O", "O"]}\n{"words": [1, 2], "tags": ["O", "O"]}\n', TAGGING, "words: row 2"),
    "answer beyond the context": ("d.jsonl", lines({"question": "q", "context": "a b", "answers": {"text": ["z"], "answer_start": [99]}}), SPAN, "row 1: answers"),
    "answer elsewhere": ("d.jsonl", lines({"question": "q", "context": "a b", "answers": {"text": ["b"], "answer_start": [0]}}), SPAN, "row 1: answers"),
    "answers that are none": ("d.jsonl", lines({"question": "q", "context": "a b", "answers": "b"}), SPAN, "row 1: answers"),
    "more starts than answers": ("d.jsonl", lines({"question": "q", "context": "a b", "answers": {"text": ["a"], "answer_start": [0, 2]}}), SPAN, "row 1: answers"),
    "no such candidate": ("d.jsonl", lines({"text": "a", "list": ["x", "y"], "label": 0}, {"text": "a", "list": ["x", "y"], "label": 2}), CHOICE, "row 2: label: is out of range"),
    "candidates that are none": ("d.jsonl", lines({"text": "a", "list": "x", "label": 0}), CHOICE, "row 1: list: is not a list of candidates, got 'x'"),
    "an empty candidate": ("d.jsonl", lines({"text": "a", "list": ["x", ""], "label": 0}), CHOICE, "row 1: list: holds a candidate that is not a text"),
    "fewer relevances than candidates": ("d.jsonl", lines({"text": "a", "list": ["x", "y"], "label": [1]}), RANKING, "row 1: label: holds 1 relevance for 2 candidates"),
    "negative relevance": ("d.jsonl", lines({"text": "a", "list": ["x", "y"], "label": [1, -1]}), RANKING, "row 1: label: is not a relevance, got -1"),
    "relevance beyond float32": ("d.jsonl", lines({"text": "a", "list": ["x", "y"], "label": [1, 1e300]}), RANKING, r"row 1: label: is not a relevance, got 1e\+300. The largest that can be learned is 1e\+15"),
    "relevance beyond all floats": ("d.csv", b'text,list,label\na,"[""x"", ""y""]","[1, 1' + b"0" * 400 + b']"\n', RANKING, "row 1: label: is not a relevance, got 1000"),
    "a number with an underscore": ("d.csv", b"text,score\na,7\nb,1_000\n", REGRESSION, "row 2: score: is not a finite number, got '1_000'"),
    "csv of old Macs in latin-1": ("d.csv", "text,label\ra,red\r\nb,red\r\u00e9,red\r".encode("latin-1"), CLASSIFICATION, "d.csv:4: is not UTF-8"),
    "nothing relevant": ("d.jsonl", lines({"text": "a", "list": ["x", "y"], "label": [0, 0]}), RANKING, "row 1: label: is a query without a relevant"),
    "unknown one of several labels": ("d.jsonl", lines({"text": "a", "label": ["a", "c"]}), MULTI, "row 1: label: is not one of the task's labels, got 'c'"),
    "a label in place of a list": ("d.jsonl", lines({"text": "a", "label": 1}), MULTI, "row 1: label: is not a list of labels, got 1"),
}  # fmt: skip


def train_on(workspace, cli, file, task, message):
    (workspace.folder / "t.yaml").write_text(f"bad:\n  {task}  dataset: {{files: {{train: {file}}}}}\n")
    before = contents(workspace.folder)
    assert_refused(cli("train", workspace.experiment, "task_files=[t.yaml]", "tasks=[bad]"), message)
    assert contents(workspace.folder) == before


@pytest.mark.parametrize("name", list(DATA))
def test_data(workspace, cli, name):
    file, data, task, message = DATA[name]
    (workspace.folder / file).write_bytes(data)
    train_on(workspace, cli, file, task, message)


def cut_parquet(file):
    pq.write_table(pa.table({"text": ["a"] * 1000, "label": ["red"] * 1000}), file)
    file.write_bytes(file.read_bytes()[:-200])


def misspelt_parquet(file):
    """Bytes that are no UTF-8 where the file says text."""
    texts = pa.array([b"a", b"\xff"]).view(pa.string())
    pq.write_table(pa.table({"text": texts, "label": ["red", "red"]}), file)


def write_parquet(**columns):
    return lambda file: pq.write_table(pa.table(columns), file)


# What is no matter of bytes: how the file comes to be.
@pytest.mark.parametrize(
    ("file", "make", "message"),
    [
        ("d.csv", lambda file: file.mkdir(), "d.csv: there is no such file"),
        ("d.csv", lambda file: file.symlink_to("gone.csv"), "d.csv: there is no such file"),
        ("d.csv", lambda file: file.symlink_to("d.csv"), "d.csv: there is no such file"),
        ("d.csv", lambda file: file.symlink_to("/dev/zero"), "d.csv: there is no such file"),
        ("d.csv", os.mkfifo, "d.csv: there is no such file"),
        ("d.xlsx", lambda file: file.touch(), "unknown kind of data file, got '.xlsx'"),
        ("d", lambda file: file.touch(), "unknown kind of data file, got ''"),
        ("d.parquet", cut_parquet, "d.parquet: is not a readable parquet file"),
        ("d.parquet", write_parquet(text=[], label=[]), "no rows"),
        ("d.parquet", misspelt_parquet, "d.parquet: is not a readable parquet file: .*UTF8"),
        ("d.parquet", write_parquet(text=[1], label=["red"]), "row 1: text: is not a text, got 1"),
        (
            "d.parquet",
            write_parquet(text=[b"\xff"], label=["red"]),
            "text: row 1 holds bytes that are no text in UTF-8",
        ),
    ],
)
def test_files_that_are_none(workspace, cli, file, make, message):
    make(workspace.folder / file)
    (workspace.folder / "t.yaml").write_text(f"bad:\n  {CLASSIFICATION}  dataset: {{files: {{train: {file}}}}}\n")
    before = sorted(workspace.folder.rglob("*"))
    assert_refused(cli("train", workspace.experiment, "task_files=[t.yaml]", "tasks=[bad]"), message)
    assert sorted(workspace.folder.rglob("*")) == before


def test_odd_but_fine_files_are_read(workspace, cli):
    """BOM, CRLF, quoted line breaks, a text of a megabyte, blank lines at the end."""
    text = "word " * 200_000
    data = codecs.BOM_UTF8 + f'text,label\r\n"two\r\nlines",red\r\n{text},other\r\n"a ""b""",red\r\n\r\n\r\n'.encode()
    (workspace.folder / "d.csv").write_bytes(data * 1)
    (workspace.folder / "t.yaml").write_text(f"odd:\n  {CLASSIFICATION}  dataset: {{files: {{train: d.csv}}}}\n")
    result = cli("train", workspace.experiment, "task_files=[t.yaml]", "tasks=[odd]", "training.epochs=1", "-o", "run")
    assert result.code == 0, result.err


SETTINGS = {
    "training.accumulation=1" + "0" * 30: "training.accumulation: should be less than or equal to 1000000",
    "training.seed=" + "9" * 40: "training.seed: should be less than 9223372036854775808",
    "data.max_tokens=" + "9" * 30: "data.max_tokens: should be less than 2147483648",
    "data.workers=100000": "data.workers: should be less than or equal to 1024",
    "smart.epsilon=1e308": "smart.epsilon: should be less than or equal to 1000000",
    "mbpp.weight=1e308": "mbpp.weight: should be less than or equal to 1000000",
    "mixing={strategy: temperature, temperature: 1e-300}": "mixing.temperature: should be greater than or equal to 0.01",
    "mixing={strategy: weights, weights: {color: 1e308, near: 1e308}}": "their sum must be finite",
    'data.cache_dir="a\\0b"': "a text with a NUL character is not allowed",
    'task_files=["a\\0b"]': "a text with a NUL character is not allowed",
}


@pytest.mark.parametrize("setting", list(SETTINGS))
def test_settings(workspace, cli, setting):
    before = contents(workspace.folder)
    assert_refused(cli("train", workspace.experiment, setting), SETTINGS[setting])
    assert contents(workspace.folder) == before


def test_labels_that_look_like_numbers_are_read_back_as_texts(workspace, cli):
    from tests.conftest import write_jsonl

    write_jsonl(workspace.folder / "d.jsonl", [{"text": "a red house", "label": label} for label in ("1e5", "no")] * 4)
    task = "task_type: classification, text: [text], labels: ['1e5', 'no']"
    (workspace.folder / "t.yaml").write_text(
        f"lab: {{{task}, dataset: {{files: {{train: d.jsonl, validation: d.jsonl}}}}}}\n"
    )
    settings = ["task_files=[t.yaml]", "tasks=[lab]", "training.max_updates=1", "description='1e5'"]
    assert cli("train", workspace.experiment, *settings, "-o", "r").code == 0
    result = cli("evaluate", "r")
    assert result.code == 0, result.err


def test_there_are_at_least_150_bad_inputs():
    from tests.cli.test_malformed import EXPERIMENTS, TASK_FILES
    from tests.reliability.test_bad_prediction_input import INPUT, OUTPUT
    from tests.reliability.test_bad_run_folders import POINTS, RUNS

    tables = [TASK_FILES, EXPERIMENTS, DATA, INPUT, OUTPUT, RUNS, POINTS]
    assert sum(map(len, tables)) >= 150
