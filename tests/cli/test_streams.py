"""Standard output and standard error of every kind, and errors that nobody has foreseen."""

import io
import json
import os
import sys
from pathlib import Path

import pytest

from mtsmart.cli import app
from mtsmart.cli.terminal import prepare_streams, require_output
from mtsmart.errors import StorageError
from mtsmart.evaluation.prediction_files import write_jsonl

ROW = {"text": "caf\u00e9 \u20ac \U0001f600 \ud800", "prediction": "red"}


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252", "utf-8", "utf-16"])
def test_json_lines_come_out_in_every_encoding(encoding):
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    write_jsonl([ROW, {"text": "caf\u00e9"}], stream)
    stream.seek(0)
    assert [json.loads(line) for line in stream] == [ROW, {"text": "caf\u00e9"}]


def test_letters_that_the_encoding_has_stay_as_they_are():
    stream = io.TextIOWrapper(io.BytesIO(), encoding="latin-1")
    write_jsonl([{"text": "caf\u00e9"}], stream)
    stream.seek(0)
    assert stream.read() == '{"text": "caf\u00e9"}\n'


def test_a_closed_output_is_refused_before_the_work(monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    with pytest.raises(StorageError, match="standard output: is closed"):
        require_output()


class PanicException(BaseException):
    """What a library written in Rust raises."""


def failing(error):
    def run(**settings):
        raise error

    return run


@pytest.fixture
def command(monkeypatch, tmp_path, capsys):
    """The command line with an inside that fails: the error -> exit code and standard error."""

    def run(error):
        monkeypatch.setattr(app, "whole_command", lambda: failing(error))
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
        with pytest.raises(SystemExit) as ended:
            app.main()
        return ended.value.code, capsys.readouterr().err

    return run


@pytest.mark.parametrize(
    "error", [RuntimeError("first\nsecond"), PanicException("first"), MemoryError("first"), AssertionError("first\x1b")]
)
def test_an_unforeseen_error_is_one_line_and_a_file(command, error, tmp_path):
    code, text = command(error)
    assert code == 1
    assert text.count("\n") == 1
    assert "Traceback" not in text
    assert "\x1b" not in text
    file = next(tmp_path.glob("mtsmart-error-*.txt"))
    assert f"The details are in {file}" in text
    assert "in failing" not in text
    assert f"{type(error).__name__}: first" in file.read_text(encoding="utf-8")


def test_each_error_gets_a_file_of_its_own(command, tmp_path):
    command(RuntimeError("one"))
    command(RuntimeError("two"))
    assert len(list(tmp_path.glob("mtsmart-error-*.txt"))) == 2


def test_the_traceback_is_shown_on_request(command, tmp_path, monkeypatch):
    monkeypatch.setenv("MTSMART_DEBUG", "1")
    _, text = command(RuntimeError("first"))
    assert "Traceback" in text
    assert not list(Path(tmp_path).iterdir())


def test_an_end_on_purpose_stays_one(command):
    assert command(SystemExit(143)) == (143, "")
    assert command(KeyboardInterrupt())[0] == 130


def test_what_goes_to_a_closed_error_stream_goes_nowhere_else(monkeypatch, capsys):
    monkeypatch.setattr(sys, "stderr", None)
    monkeypatch.setattr(app, "whole_command", lambda: failing(StorageError("is full")))
    with pytest.raises(SystemExit) as ended:
        app.main()
    assert ended.value.code == 2
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("given", "taken"), [("0", "40"), ("20", "40"), ("120", "120"), ("9" * 30, "1000"), ("x", None), ("\u00b2", None)]
)
def test_a_width_that_no_terminal_has_is_not_believed(monkeypatch, given, taken):
    monkeypatch.setenv("COLUMNS", given)
    prepare_streams()
    assert os.environ.get("COLUMNS") == taken
