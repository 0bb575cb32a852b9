"""Bad data, prediction input, run folders and resume points: one message that names the place, and nothing written.

Bad task files, experiments and flags are in tests/cli/test_malformed.py.
"""

import codecs
import json
import os
import re
import shutil

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import mtsmart
from mtsmart.runs.checkpoints import list_checkpoints

CLASSIFICATION = "task_type: classification\n  text: [text]\n  labels: [other, red]\n"
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
    "csv, too few fields": ("d.csv", b"text,label\na,red\nb\n", CLASSIFICATION, "d.csv:3: has 1 fields where the header has 2"),
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
    "csv, label in capitals": ("d.csv", b"text,label\na,Red\n", CLASSIFICATION, r"row 1: label: .*got 'Red'. Did you mean 'red'"),
    "csv, endless digits for a label": ("d.csv", b"text,label\na," + b"9" * 4301 + b"\n", CLASSIFICATION, "row 1: label: is not one of the task's labels, got '999"),
    "csv, endless digits for a candidate": ("d.csv", b'text,a,b,label\nq,x,y,' + b"9" * 4301 + b"\n", COLUMNS, "row 1: label: is out of range: the row has 2 candidates, counted from 0, got '999"),
    "csv, no label": ("d.csv", b"text,label\na,red\nb,\n", CLASSIFICATION, "1 of 2 rows lack a text or label, the first is row 2"),
    "csv, no text": ("d.csv", b"text,label\na,red\n,red\n", CLASSIFICATION, "1 of 2 rows lack a text or label, the first is row 2"),
    "csv, blank texts": ("d.csv", b"text,label\n,\n,\n", CLASSIFICATION, "2 of 2 rows lack a text or label"),
    "csv, text for a number": ("d.csv", b"text,score\na,high\n", REGRESSION, "row 1: score: .*got 'high'"),
    "csv, NaN for a number": ("d.csv", b"text,score\na,1\nb,nan\n", REGRESSION, "row 2.*score|lack a text or label, the first is row 2"),
    "csv, infinity for a number": ("d.csv", b"text,score\na,1\nb,inf\n", REGRESSION, "row 2: score: .*got 'inf'"),
    "csv, a number beyond float32": ("d.csv", b"text,score\na,1\nb,1e39\n", REGRESSION, r"row 2: score: is too large a number, got '1e39'. The largest that can be learned is 1e\+15"),
    "csv, decimal comma": ("d.csv", b'text,score\na,"1,5"\n', REGRESSION, "row 1: score: .*got '1,5'"),
    "empty tsv": ("d.tsv", b"", CLASSIFICATION, "d.tsv: is empty"),
    "tsv with commas": ("d.tsv", b"text,label\na,red\n", CLASSIFICATION, "text: there is no such column"),
    "tsv, too few fields": ("d.tsv", b"text\tlabel\na\n", CLASSIFICATION, "d.tsv:2: has 1 fields where the header has 2"),
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
    "json, not jsonl": ("d.jsonl", b'[\n{"text": "a"},\n{"text": "b"}\n]\n', CLASSIFICATION, "d.jsonl:1: is not valid JSON"),
    "jsonl, nested too deeply": ("d.jsonl", b'{"text": ' + b"[" * 100_000 + b"\n", CLASSIFICATION, "d.jsonl:1: is not valid JSON: nested too deeply"),
    "jsonl, objects in 450 levels": ("d.jsonl", lines(GOOD) + b'{"text": "a", "label": "red", "x": ' + b'{"a": ' * 450 + b"1" + b"}" * 451 + b"\n", CLASSIFICATION, "d.jsonl:2: x: is nested more than 30 levels deep"),
    "jsonl, ever new keys": ("d.jsonl", lines(*({**GOOD, f"k{i}": 1} for i in range(2000))), CLASSIFICATION, "d.jsonl:1999: has more than 2,000 columns"),
    "jsonl, ever new keys of objects": ("d.jsonl", lines(*({**GOOD, "x": {f"k{i}": 1}} for i in range(2000))), CLASSIFICATION, "d.jsonl:1998: x: has more than 2,000 columns"),
    "csv, endless columns": ("d.csv", b"," .join(b"c%d" % i for i in range(100_000)) + b",c0\n", CLASSIFICATION, "d.csv:1: has more than 2,000 columns, got 100001"),
    "jsonl, endless digits": ("d.jsonl", b'{"text": "a", "label": ' + b"9" * 5000 + b"}\n", CLASSIFICATION, "d.jsonl:1: holds a number with too many digits"),
    "jsonl, half a character": ("d.jsonl", b'{"text": "\\ud800", "label": "red"}\n', CLASSIFICATION, "d.jsonl: text: row 1 cannot be stored"),
    "jsonl, half a character in a name": ("d.jsonl", b'{"\\ud800": 1, "text": "a", "label": "red"}\n', CLASSIFICATION, "d.jsonl: is no name for a column"),
    "jsonl, in UTF-16": ("d.jsonl", '{"text": "a"}\n'.encode("utf-16"), CLASSIFICATION, "d.jsonl: is UTF-16"),
    "jsonl, not UTF-8": ("d.jsonl", lines(GOOD) + b'{"text": "\xe9"}\n', CLASSIFICATION, "d.jsonl:2: is not UTF-8"),
    "jsonl, number for a text": ("d.jsonl", lines({"text": 3, "label": "red"}), CLASSIFICATION, "row 1: text: is no text, got 3"),
    "jsonl, list for a text": ("d.jsonl", lines({"text": ["a"], "label": "red"}), CLASSIFICATION, r"row 1: text: is no text, got \['a'\]"),
    "jsonl, a text becomes a number": ("d.jsonl", lines(GOOD, {"text": 3, "label": "red"}), CLASSIFICATION, "d.jsonl: text: row 2 is no str like the rows before, got 3"),
    "jsonl, no texts": ("d.jsonl", lines({"text": None, "label": "red"}), CLASSIFICATION, "1 of 1 rows lack a text or label"),
    "jsonl, a label is missing": ("d.jsonl", lines(GOOD, {"text": "b"}), CLASSIFICATION, "1 of 2 rows lack a text or label, the first is row 2"),
    "jsonl, number beyond the labels": ("d.jsonl", lines({"text": "a", "label": 5}), CLASSIFICATION, "row 1: label: .*got 5"),
    "jsonl, object for a label": ("d.jsonl", lines({"text": "a", "label": {"x": 1}}), CLASSIFICATION, "row 1: label"),
    "jsonl, NaN for a number": ("d.jsonl", lines({"text": "a", "score": 1.0}, '{"text": "b", "score": NaN}'), REGRESSION, "row 2"),
    "jsonl, infinity for a number": ("d.jsonl", lines('{"text": "b", "score": -Infinity}'), REGRESSION, "row 1: score: .*got -inf"),
    "jsonl, a number beyond float32": ("d.jsonl", lines({"text": "a", "score": -1e300}), REGRESSION, r"row 1: score: is too large a number, got -1e\+300"),
    "jsonl, truth for a number": ("d.jsonl", lines({"text": "a", "score": True}), REGRESSION, "row 1: score: .*got True"),
    "parquet that is none": ("d.parquet", b"text,label\na,red\n", CLASSIFICATION, "d.parquet: is not a readable parquet file"),
    "empty parquet": ("d.parquet", b"", CLASSIFICATION, "d.parquet: is not a readable parquet file"),
    "fewer tags than words": ("d.jsonl", lines({"words": ["a", "b"], "tags": ["O"]}), TAGGING, "row 1: tags"),
    "unknown tag": ("d.jsonl", lines({"words": ["a"], "tags": ["B-y"]}), TAGGING, "row 1: tags: .*got 'B-y'"),
    "a number among words": ("d.jsonl", b'{"words": ["a", "b"], "tags": ["O", "O"]}\n{"words": [1, 2], "tags": ["O", "O"]}\n', TAGGING, "words: row 2"),
    "answer beyond the context": ("d.jsonl", lines({"question": "q", "context": "a b", "answers": {"text": ["z"], "answer_start": [99]}}), SPAN, "row 1: answers"),
    "answer elsewhere": ("d.jsonl", lines({"question": "q", "context": "a b", "answers": {"text": ["b"], "answer_start": [0]}}), SPAN, "row 1: answers"),
    "answers that are none": ("d.jsonl", lines({"question": "q", "context": "a b", "answers": "b"}), SPAN, "row 1: answers"),
    "more starts than answers": ("d.jsonl", lines({"question": "q", "context": "a b", "answers": {"text": ["a"], "answer_start": [0, 2]}}), SPAN, "row 1: answers"),
    "no such candidate": ("d.jsonl", lines({"text": "a", "list": ["x", "y"], "label": 2}), CHOICE, "row 1: label: is out of range"),
    "candidates that are none": ("d.jsonl", lines({"text": "a", "list": "x", "label": 0}), CHOICE, "row 1: list: is no list of candidates, got 'x'"),
    "an empty candidate": ("d.jsonl", lines({"text": "a", "list": ["x", ""], "label": 0}), CHOICE, "row 1: list: holds a candidate that is no text"),
    "fewer relevances than candidates": ("d.jsonl", lines({"text": "a", "list": ["x", "y"], "label": [1]}), RANKING, "row 1: label: holds 1 relevances for 2 candidates"),
    "negative relevance": ("d.jsonl", lines({"text": "a", "list": ["x", "y"], "label": [1, -1]}), RANKING, "row 1: label: is no relevance, got -1"),
    "relevance beyond float32": ("d.jsonl", lines({"text": "a", "list": ["x", "y"], "label": [1, 1e300]}), RANKING, r"row 1: label: is no relevance, got 1e\+300. The largest that can be learned is 1e\+15"),
    "relevance beyond all floats": ("d.csv", b'text,list,label\na,"[""x"", ""y""]","[1, 1' + b"0" * 400 + b']"\n', RANKING, "row 1: label: is no relevance, got 1000"),
    "nothing relevant": ("d.jsonl", lines({"text": "a", "list": ["x", "y"], "label": [0, 0]}), RANKING, "row 1: label: is a query without a relevant"),
    "unknown one of several labels": ("d.jsonl", lines({"text": "a", "label": ["a", "c"]}), MULTI, "row 1: label: is not one of the task's labels, got 'c'"),
    "a label in place of a list": ("d.jsonl", lines({"text": "a", "label": 1}), MULTI, "row 1: label: is no list of labels, got 1"),
}  # fmt: skip


def assert_refused(result, message):
    assert result.code == 2, result
    assert "Traceback" not in result.err
    last = result.err.strip().splitlines()
    assert len(last) == 1 and last[0].startswith("mtsmart: "), result.err
    assert re.search(message, last[0]), last[0]


def contents(folder):
    """Every file below, with its bytes."""
    return {path: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


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
        ("d.parquet", write_parquet(text=[1], label=["red"]), "row 1: text: is no text, got 1"),
        ("d.parquet", write_parquet(text=[b"\xff"], label=["red"]), "row 1: text: is no text"),
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


@pytest.fixture(scope="module")
def trained(tmp_path_factory, tiny_encoder):
    """A finished run, to be copied."""
    from tests.conftest import write_jsonl

    folder = tmp_path_factory.mktemp("trained")
    rows = [{"text": text, "label": label} for text, label in [("a red house", "red"), ("blue", "other")] * 8]
    write_jsonl(folder / "d.jsonl", rows)
    (folder / "t.yaml").write_text(
        f"color:\n  {CLASSIFICATION}  dataset: {{files: {{train: d.jsonl, validation: d.jsonl}}}}\n"
    )
    (folder / "e.yaml").write_text(
        f"task_files: [t.yaml]\ntasks: [color]\nencoder: {{path: {tiny_encoder}}}\n"
        "smart: tuned\nmbpp: tuned\ntraining: {epochs: 2, batch_size: 8, checkpoint_every: 2}\n"
    )
    mtsmart.train(folder / "e.yaml", output_dir=folder / "run")
    return folder


@pytest.fixture
def run(trained, tmp_path, monkeypatch):
    shutil.copytree(trained / "run", tmp_path / "run")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "run"


INPUT = {
    "empty": ("in.csv", b"", "in.csv: is empty"),
    "without rows": ("in.csv", b"text\n", "in.csv: has no rows"),
    "without the column": ("in.csv", b"txt\na\n", "in.csv: text: there is no such column. Did you mean 'txt'"),
    "not UTF-8": ("in.tsv", b"text\n\xff\n", "in.tsv:2: is not UTF-8"),
    "not JSON": ("in.jsonl", b'{"text": "a"}\n{text: b}\n', "in.jsonl:2: is not valid JSON"),
    "no text": ("in.jsonl", b'{"text": "a"}\n{"text": null}\n', "in.jsonl.*row 2"),
    "a number": ("in.jsonl", b'{"text": 3}\n', "in.jsonl.*row 1: text: is no text, got 3"),
    "a column of ours": ("in.csv", b"text,prediction\na,b\n", "in.csv: prediction: the file already has a column of this name"),
    "another column of ours": ("in.csv", b"text,p(red)\na,b\n", r"in.csv: p\(red\): the file already has a column"),
    "another kind": ("in.txt", b"a\n", "in.txt: unknown kind of data file, got '.txt'"),
    "fewer fields": ("in.csv", b"text,x\na\n", "in.csv:2: has 1 fields where the header has 2"),
    "a broken parquet": ("in.parquet", b"PAR1", "in.parquet: is not a readable parquet file"),
    "columns twice": ("in.csv", b"text,text\na,b\n", "in.csv:1: two columns have the same name"),
}  # fmt: skip


@pytest.mark.parametrize("name", list(INPUT))
def test_prediction_input(run, cli, name):
    file, data, message = INPUT[name]
    (run.parent / file).write_bytes(data)
    before = contents(run.parent)
    assert_refused(cli("predict", run, "-t", "color", "-i", file, "--output", "out.csv"), message)
    assert contents(run.parent) == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-t", "color", "-i", "gone.csv"], "gone.csv: there is no such file"),
        (["-t", "colour", "-i", "in.csv"], "--task: there is no task of this name, got 'colour'. Did you mean 'color'"),
        (["-t", "mnli", "-i", "in.csv"], "the run has no head for this task"),
        (["-t", "color", "-i", "in.csv", "--output", "out.xlsx"], "out.xlsx|'.xlsx'"),
        (["-t", "color", "-i", "in.csv", "--output", "gone/out.csv"], "gone"),
        (["-t", "color", "-i", "in.csv", "--output", "in.csv/out.csv"], "in.csv"),
    ],
)
def test_prediction_flags(run, cli, arguments, message):
    (run.parent / "in.csv").write_text("text\na\n")
    before = contents(run.parent)
    assert_refused(cli("predict", run, *arguments), message)
    assert contents(run.parent) == before


OUTPUT = {
    "the input": ("in.csv", lambda file: None, "--output: is the input itself, got 'in.csv'. Name another file"),
    "the input by another path": ("run/../in.csv", lambda file: None, "--output: is the input itself"),
    "a link to the input": ("out.csv", lambda file: file.symlink_to("in.csv"), "--output: is the input itself"),
    "the run's own file": ("run/metrics.jsonl", lambda file: None, "--output: belongs to the run itself, got 'run/metrics.jsonl'"),
    "a file among the run's weights": ("run/model/out.csv", lambda file: None, "--output: belongs to the run itself"),
    "the run's own file by a link": ("there/timing.jsonl", lambda file: file.parent.symlink_to("run"), "--output: belongs to the run itself"),
    "a pipe": ("out.jsonl", os.mkfifo, "--output: is a pipe or device, which would be replaced"),
    "a device": ("out.jsonl", lambda file: file.symlink_to("/dev/null"), "--output: is a pipe or device"),
}  # fmt: skip


@pytest.mark.parametrize("name", list(OUTPUT))
def test_prediction_output(run, cli, name):
    output, make, message = OUTPUT[name]
    (run.parent / "in.csv").write_text("text\na\n")
    make(run.parent / output)
    before = sorted(run.parent.rglob("*")), contents(run.parent)
    assert_refused(cli("predict", run, "-t", "color", "-i", "in.csv", "--output", output), message)
    assert (sorted(run.parent.rglob("*")), contents(run.parent)) == before


def test_predictions_may_lie_beside_the_runs_own_files(run, cli):
    (run.parent / "in.csv").write_text("text\na\n")
    assert cli("predict", run, "-t", "color", "-i", "in.csv", "--output", "run/out.csv").code == 0


def write(name, text):
    return lambda run: (run / name).write_text(text)


def remove(name):
    return lambda run: (run / name).unlink()


def cut(name, manifest=True):
    def damage(run):
        file = run / name
        file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
        if not manifest:
            (run / "model" / "manifest.json").unlink()

    return damage


def unsealed(name, text):
    """A file of the model as somebody without a manifest would hand it over."""

    def damage(run):
        (run / "model" / name).write_text(text)
        (run / "model" / "manifest.json").unlink()

    return damage


def encoder_settings(**values):
    """Other settings in the encoder's configuration; the manifest is gone."""

    def damage(run):
        file = run / "model" / "encoder" / "config.json"
        unsealed("encoder/config.json", json.dumps(json.loads(file.read_text()) | values))(run)

    return damage


def deep_heads(layers, *names):
    """Heads on an encoder that is as wide as it says; they have weights for none of their layers."""

    def damage(run):
        from transformers import AutoModel

        folder = run / "model" / "encoder"
        model = AutoModel.from_pretrained(folder)
        model.config.update({"hidden_size": 1200, "num_hidden_layers": 1, "intermediate_size": 8})
        type(model)(model.config).save_pretrained(folder)
        for name in {*names} - {"color"}:
            shutil.copy(run / "model" / "heads" / "color.safetensors", run / "model" / "heads" / f"{name}.safetensors")
        head = {"kind": "sequence_classification", "num_labels": 2, "type": "plain", "layers": layers}
        unsealed("heads.json", json.dumps(dict.fromkeys(names, head)))(run)

    return damage


RUNS = {
    "no configuration": (remove("config.yaml"), "is not the folder of a run"),
    "empty configuration": (write("config.yaml", ""), "config.yaml: is empty"),
    "configuration that is a list": (write("config.yaml", "- a\n"), "config.yaml:1: must be a mapping"),
    "configuration that is a text": (write("config.yaml", "hello"), "config.yaml:1: must be a mapping"),
    "configuration with a tag": (write("config.yaml", "name: !!python/object/apply:os.system [ls]\n"), "config.yaml:1: "),
    "configuration with a bomb": (write("config.yaml", "a: &a [1,1,1,1,1,1,1,1,1]\n" + "".join(f"{y}: &{y} [{','.join(['*' + x] * 9)}]\n" for x, y in zip("abcdefgh", "bcdefghi", strict=True))), "config.yaml:.*expands to too many values"),
    "configuration with an unknown key": (write("config.yaml", "tasks: {color: {}}\nnonsense: 1\n"), "config.yaml:2: nonsense: unknown key"),
    "configuration without tasks": (write("config.yaml", "name: x\nencoder: {path: y}\n"), "config.yaml.*tasks"),
    "configuration with a task that is none": (write("config.yaml", "tasks: {color: {}}\nencoder: {path: y}\n"), "config.yaml.*color"),
    "no heads": (remove("model/heads.json"), "holds no trained model"),
    "heads that are no JSON": (write("model/heads.json", "{"), "heads.json: is damaged"),
    "heads that are a list": (write("model/heads.json", "[]"), "heads.json: is damaged"),
    "heads with an unknown key": (write("model/heads.json", '{"color": {"king": 1}}'), "heads.json: is damaged"),
    "a head with a path for a name": (write("model/heads.json", '{"../x": {"kind": "sequence_classification", "num_labels": 2}}'), "no name of a head, got '../x'"),
    "a head of no known kind": (unsealed("heads.json", '{"color": {"kind": "nonsense", "num_labels": 2}}'), "nonsense"),
    "a head of no known type": (unsealed("heads.json", '{"color": {"kind": "sequence_classification", "num_labels": 2, "type": "nonsense"}}'), "nonsense"),
    "a head with texts for numbers": (unsealed("heads.json", '{"color": {"kind": "sequence_classification", "num_labels": "two"}}'), "heads"),
    "a head with too many labels": (unsealed("heads.json", '{"color": {"kind": "sequence_classification", "num_labels": 5}}'), "color.safetensors: cannot be loaded"),
    "cut weights": (cut("model/encoder/model.safetensors"), "model.safetensors: is damaged"),
    "cut weights without a manifest": (cut("model/encoder/model.safetensors", manifest=False), "cannot be loaded"),
    "cut head": (cut("model/heads/color.safetensors"), "color.safetensors: is damaged"),
    "cut head without a manifest": (cut("model/heads/color.safetensors", manifest=False), "color.safetensors: cannot be loaded"),
    "no weights": (remove("model/encoder/model.safetensors"), "model.safetensors: is missing"),
    "a manifest that is no JSON": (write("model/manifest.json", "x"), "manifest.json: is damaged"),
    "a manifest of lists": (write("model/manifest.json", '{"files": []}'), "manifest.json: is damaged"),
    "a manifest that leads elsewhere": (write("model/manifest.json", '{"files": {"../../x": {"size": 1, "sha256": "a"}}}'), "names a file outside its folder"),
    "a manifest with a name that no file can have": (write("model/manifest.json", '{"files": {"' + "x" * 5000 + '": {"size": 1, "sha256": "a"}}}'), "model: manifest.json: cannot be read: File name too long"),
    "a manifest nested too deeply": (write("model/manifest.json", "[" * 100_000), "manifest.json: is damaged: it is nested too deeply"),
    "a tokenizer that is no JSON": (unsealed("encoder/tokenizer.json", "{"), "cannot be loaded"),
    "a tokenizer of nonsense": (unsealed("encoder/tokenizer.json", '{"version": "1.0", "model": {"type": "Nonsense"}}'), "cannot be loaded"),
    "an encoder that is no JSON": (unsealed("encoder/config.json", "{"), "cannot be loaded"),
    "an encoder of no known type": (unsealed("encoder/config.json", '{"model_type": "nonsense"}'), "cannot be loaded"),
    "an encoder of another size": (unsealed("encoder/config.json", '{"model_type": "bert", "hidden_size": 24, "num_attention_heads": 2, "vocab_size": 7}'), "cannot be loaded|cannot be"),
    "decoding that is a list": (unsealed("decoding.json", "[]"), "decoding.json: is damaged: it does not map tasks to numbers"),
    "decoding that is a number": (unsealed("decoding.json", "5"), "decoding.json: is damaged"),
    "decoding of a text": (unsealed("decoding.json", '{"color": {"threshold": "x"}}'), "decoding.json: is damaged"),
    "a head that drops all": (unsealed("heads.json", '{"color": {"kind": "sequence_classification", "num_labels": 2, "dropout": 2.0}}'), "no dropout of a head, got 2.0"),
    "a head that drops NaN": (unsealed("heads.json", '{"color": {"kind": "sequence_classification", "num_labels": 2, "dropout": NaN}}'), "no dropout of a head"),
    "a head of endless labels": (unsealed("heads.json", '{"color": {"kind": "sequence_classification", "num_labels": 2000000000}}'), "no width of a head"),
    "a head of more labels than weights": (unsealed("heads.json", '{"color": {"kind": "sequence_classification", "num_labels": 9000000}}'), "heads.json: color.num_labels: is damaged: the heads ask for 549 MB"),
    "a head of fewer labels than names": (unsealed("heads.json", '{"color": {"kind": "sequence_classification", "num_labels": 2, "labels": ["a", "b", "c"]}}'), "heads.json: color: is damaged: the head has 2 outputs and names for 3"),
    "a head of more labels than names": (unsealed("heads.json", '{"color": {"kind": "sequence_classification", "num_labels": 2, "labels": []}}'), "heads.json: color: is damaged: the head has 2 outputs and names for 0"),
    "a head of endless layers": (unsealed("heads.json", '{"color": {"kind": "sequence_classification", "num_labels": 2, "type": "plain", "layers": 2000000000}}'), "no number of layers of a head"),
    "a head of more layers than weights": (deep_heads(64, "color"), "heads.json: color.layers: is damaged: the heads ask for 352 MB, and their weights are far smaller, got 64"),
    "two heads of more layers than weights": (deep_heads(32, "color", "near"), "heads.json: color.layers: is damaged: the heads ask for 352 MB, and their weights are far smaller, got 32"),
    "a head with a dot in its name": (unsealed("heads.json", '{"a.b": {"kind": "sequence_classification", "num_labels": 2}}'), "no name of a head, got 'a.b'"),
    "a manifest with an endless size": (write("model/manifest.json", '{"files": {"heads.json": {"size": 1e400, "sha256": "a"}}}'), "manifest.json: is damaged"),
    "an encoder of endless layers": (unsealed("encoder/config.json", '{"model_type": "bert", "num_hidden_layers": 1000000000}'), "its configuration has num_hidden_layers 1000000000"),
    "an encoder of less than no layers": (unsealed("encoder/config.json", '{"model_type": "bert", "num_hidden_layers": -1}'), "its configuration has num_hidden_layers -1"),
    "decoding that is no JSON": (unsealed("decoding.json", "{"), "decoding.json: is damaged"),
    "an encoder of endless positions": (encoder_settings(max_position_embeddings=100_000_000), "its configuration has max_position_embeddings 100000000"),
    "an encoder of more layers than weights": (encoder_settings(num_hidden_layers=500, intermediate_size=100_000), "its configuration asks for 3,... MB or more, its weights have 0"),
    "an encoder with another one's weights": (encoder_settings(model_type="gpt2"), "cannot be loaded: its weights lack"),
    "an encoder with a spread that is no number": (encoder_settings(initializer_range=float("nan")), "its configuration has initializer_range nan"),
    "an encoder of less than no attention heads": (encoder_settings(num_attention_heads=-2), "encoder.path: cannot be used: "),
    "an encoder in chunks that divide no batch": (encoder_settings(chunk_size_feed_forward=7), "its configuration has chunk_size_feed_forward 7"),
    "an encoder's configuration that is far too large": (unsealed("encoder/config.json", " " * (2**24 + 1)), "config.json is larger than 16 MB"),
}  # fmt: skip


@pytest.mark.parametrize("name", list(RUNS))
def test_run_folder(run, cli, name):
    damage, message = RUNS[name]
    damage(run)
    before = contents(run.parent)
    assert_refused(cli("evaluate", run), message)
    assert contents(run.parent) == before


@pytest.mark.parametrize("text", ["[]", "{}", "5", "null", '{"tasks": []}', '{"tasks": {"color": 5}}', "{"])
def test_damaged_results(run, cli, text):
    (run / "results.json").write_text(text)
    assert_refused(cli("export", run, "--task", "color", "exported"), "results.json: is damaged")
    assert not (run.parent / "exported").exists()


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


def test_resume_points_behind_a_link_are_neither_written_nor_deleted(workspace, cli):
    outside = workspace.folder / "elsewhere" / "update-backup"
    outside.mkdir(parents=True)
    (outside / "precious").write_text("x")
    (workspace.folder / "r").mkdir()
    (workspace.folder / "r" / "checkpoints").symlink_to("../elsewhere")
    result = cli("train", workspace.experiment, "-o", "r")
    assert_refused(result, "r/checkpoints: is a link; a run writes into its own folder")
    assert list(contents(workspace.folder / "elsewhere")) == [outside / "precious"]


def test_what_users_keep_in_a_runs_folder_stays(workspace, cli):
    kept = ["notes.new", "data.new/a", "notes.old", "checkpoints/update-notes/b", ".mine.new"]
    for name in [*kept, "model.new/half", ".results.json.0123456789ab.new"]:
        (workspace.folder / "r" / name).parent.mkdir(parents=True, exist_ok=True)
        (workspace.folder / "r" / name).write_text("x")
    (workspace.folder / "r" / "notes").write_text("x")
    assert cli("train", workspace.experiment, "training.max_updates=2", "-o", "r").code == 0
    for name in kept:
        assert (workspace.folder / "r" / name).exists(), name
    assert not (workspace.folder / "r" / "model.new").exists()
    assert not list((workspace.folder / "r").glob(".results.json.*"))


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


def test_of_a_launchers_processes_the_first_predicts_alone(run, cli, monkeypatch):
    (run.parent / "in.jsonl").write_text('{"text": "a red house"}\n')
    for name, value in (("RANK", "1"), ("LOCAL_RANK", "1"), ("WORLD_SIZE", "2")):
        monkeypatch.setenv(name, value)
    result = cli("predict", run, "--task", "color", "--input", "in.jsonl", "--output", "out.jsonl")
    assert (result.code, result.out, result.err) == (0, "", "")
    assert not (run.parent / "out.jsonl").exists()


def each_point(change):
    def damage(run):
        for point in list_checkpoints(run / "checkpoints"):
            change(point)

    return damage


def empty_manifest(name, text):
    """A resume point whose manifest vouches for nothing."""

    return each_point(lambda point: empty_manifest_of(point, name, text))


def empty_manifest_of(point, name, text):
    (point / name).write_text(text)
    (point / "manifest.json").write_text('{"files": {}}')


def edited(**values):
    def damage(point):
        state = json.loads((point / "state.json").read_text())
        empty_manifest_of(point, "state.json", json.dumps(state | values))

    return each_point(damage)


POINTS = {
    "all cut": (each_point(lambda p: (p / "model.safetensors").write_bytes(b"x")), "is damaged.*No resume point is whole"),
    "no manifests": (each_point(lambda p: (p / "manifest.json").unlink()), "is incomplete: its manifest.json is missing"),
    "a state that is no JSON": (empty_manifest("state.json", "{"), "cannot be resumed from|is damaged"),
    "a state without what is needed": (empty_manifest("state.json", "{}"), "cannot be resumed|is another run"),
    "a state of lists": (empty_manifest("state.json", "[]"), "cannot be resumed|is damaged"),
    "a state of another update": (edited(update=-5), "cannot be resumed from: state.json is of update -5"),
    "a state of an endless update": (edited(update=10**30), "cannot be resumed from: state.json is of update 1000"),
    "a state of a batch that is none": (edited(batch=-1), "cannot be resumed from: state.json: batch is no count, got -1"),
    "a state whose regularizers are a text": (edited(regularizers="x"), "cannot be resumed from: state.json: regularizers is no mapping"),
    "an optimizer that is none": (empty_manifest("optimizer.safetensors", "x"), "cannot be resumed from"),
    "a teacher that is none": (empty_manifest("mbpp.safetensors", "x"), "cannot be resumed from"),
}  # fmt: skip


@pytest.mark.parametrize("name", list(POINTS))
def test_resume_points(trained, run, cli, name):
    damage, message = POINTS[name]
    damage(run)
    before = contents(run / "checkpoints")
    result = cli("train", trained / "e.yaml", "training.epochs=3", "-o", run, "--resume", "--allow-changes", "training")
    assert_refused(result, message)
    assert contents(run / "checkpoints") == before


def test_there_are_at_least_150_bad_inputs():
    from tests.cli import test_malformed

    tables = [test_malformed.TASK_FILES, test_malformed.EXPERIMENTS, DATA, INPUT, OUTPUT, RUNS, POINTS]
    assert sum(map(len, tables)) >= 150
