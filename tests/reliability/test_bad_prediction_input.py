"""Bad input, output and flags of `mtsmart predict`: one message that names the place, and nothing written."""

import io
import json
import os

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mtsmart.config.document import dump_yaml, read_yaml
from tests.reliability.refusals import assert_refused, contents


def distant_day() -> bytes:
    stream = io.BytesIO()
    pq.write_table(pa.table({"text": ["a"], "day": pa.array([2**30], pa.int32()).cast(pa.date32())}), stream)
    return stream.getvalue()


INPUT = {
    "empty": ("in.csv", b"", "in.csv: is empty"),
    "without rows": ("in.csv", b"text\n", "in.csv: has no rows"),
    "without the column": ("in.csv", b"txt\na\n", "in.csv: text: there is no such column. Did you mean 'txt'"),
    "not UTF-8": ("in.tsv", b"text\n\xff\n", "in.tsv:2: is not UTF-8"),
    "not JSON": ("in.jsonl", b'{"text": "a"}\n{text: b}\n', "in.jsonl:2: is not valid JSON"),
    "a number": ("in.jsonl", b'{"text": 3}\n', "in.jsonl.*row 1: text: is not a text, got 3"),
    "a column of ours": ("in.csv", b"text,prediction\na,b\n", "in.csv: prediction: the file already has a column of this name"),
    "another column of ours": ("in.csv", b"text,p(red)\na,b\n", r"in.csv: p\(red\): the file already has a column"),
    "another kind": ("in.txt", b"a\n", "in.txt: unknown kind of data file, got '.txt'"),
    "fewer fields": ("in.csv", b"text,x\na\n", "in.csv:2: has 1 field where the header has 2"),
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


def test_a_day_that_python_lacks_stops_no_prediction(run, cli):
    (run.parent / "in.parquet").write_bytes(distant_day())
    assert cli("predict", run, "-t", "color", "-i", "in.parquet", "--output", "out.jsonl").code == 0
    row = json.loads((run.parent / "out.jsonl").read_text())
    assert row["day"] == "<value out of range: 1073741824>"
    assert row["prediction"] in ("other", "red")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-t", "color", "-i", "gone.csv"], "gone.csv: there is no such file"),
        (
            ["-t", "color", "-i", "*.csv"],
            r"\*\.csv: there is no such file\. One file is read here; a pattern stands for several",
        ),
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


@pytest.mark.parametrize(
    ("place", "output"),
    [
        (".", "hub/me/rows/train.csv"),
        (".", "hub/me/rows/new.csv"),
        (".", "hub/me/rows/deep/x.csv"),
        ("hub/me/rows", "train.csv"),
        ("hub/me/rows/deep", "../deep/x.csv"),
    ],
)
def test_predictions_replace_nothing_of_a_local_clone(run, cli, monkeypatch, place, output):
    clone = run.parent / "hub" / "me" / "rows"
    (clone / "deep").mkdir(parents=True)
    for name in ("train.csv", "deep/x.csv"):
        (clone / name).write_text("text,label\na,red\n")
    config = read_yaml(run / "config.yaml").data
    config["tasks"]["color"]["dataset"] = {"path": "me/rows"}
    (run / "config.yaml").write_text(dump_yaml(config))
    monkeypatch.setenv("MTSMART_HUB_DIR", str(run.parent / "hub"))
    (run.parent / "in.csv").write_text("text\na\n")
    monkeypatch.chdir(run.parent / place)
    before = contents(clone)
    result = cli("predict", run, "-t", "color", "-i", run.parent / "in.csv", "--output", output)
    assert_refused(result, "--output: belongs to .*me/rows.*, which the run reads")
    assert contents(clone) == before


def test_predictions_may_lie_beside_the_runs_own_files(run, cli):
    (run.parent / "in.csv").write_text("text\na\n")
    assert cli("predict", run, "-t", "color", "-i", "in.csv", "--output", "run/out.csv").code == 0


def test_of_a_launchers_processes_the_first_predicts_alone(run, cli, monkeypatch):
    (run.parent / "in.jsonl").write_text('{"text": "a red house"}\n')
    for name, value in (("RANK", "1"), ("LOCAL_RANK", "1"), ("WORLD_SIZE", "2")):
        monkeypatch.setenv(name, value)
    result = cli("predict", run, "--task", "color", "--input", "in.jsonl", "--output", "out.jsonl")
    assert (result.code, result.out, result.err) == (0, "", "")
    assert not (run.parent / "out.jsonl").exists()
