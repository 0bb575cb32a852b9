"""``mtsmart try``: every head's answer to a typed text, at a prompt or from a pipe."""

import io

import pytest

import mtsmart
from mtsmart.reporting.answers import on_one_line, with_bars
from mtsmart.task_types import TASK_TYPES
from mtsmart.task_types.classification import Classification
from mtsmart.task_types.shared.rows import row_error
from tests.conftest import CliResult, write_jsonl
from tests.task_types.examples import span


@pytest.fixture
def piped(cli, monkeypatch):
    """Text or bytes on standard input and arguments -> what the command prints."""

    def call(text, *arguments):
        given = text if isinstance(text, bytes) else text.encode()
        monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(given), encoding="utf-8"))
        return cli("try", *arguments)

    return call


def test_a_line_for_each_text(trained_run, piped):
    run = trained_run()
    result = piped("a red cat\n\na dog\ta cat\n", run)
    assert result.code == 0, result.err
    first, second = result.out.splitlines()
    assert first.startswith("color: ") and "near" not in first
    assert second.startswith("near: ") and "color" not in second
    assert piped("", run).out == ""


def test_a_text_that_is_too_long_is_told(trained_run, piped):
    result = piped("a red cat " * 40 + "\n", trained_run())
    assert result.code == 0 and result.out.startswith("color: ")
    assert "task color: 1 row is cut to 32 tokens" in " ".join(result.err.split())


def test_one_task(trained_run, piped):
    run = trained_run()
    assert piped("a dog\ta cat\n", run, "--task", "near").out.startswith("near: ")
    result = piped("a dog\n", run, "--task", "near")
    assert (result.code, result.out) == (2, "")
    assert "standard input:1: has 1 text, where the tasks read 2, got 'a dog'" in result.err
    assert piped("a\n", run, "--task", "colour").code == 2


@pytest.mark.parametrize("bad", [b"caf\xe9", "caf\u00e9".encode("utf-16"), b"\xed\xa0\xbd"])
def test_a_line_that_is_not_utf8_is_named(trained_run, piped, bad):
    result = piped(b"a red cat\n" + bad + b"\na dog\n", trained_run())
    assert result.code == 2 and len(result.out.splitlines()) == 1
    assert result.err == "mtsmart: standard input:2: is not UTF-8. Send it as UTF-8\n"


def test_a_byte_order_mark_is_no_part_of_the_text(trained_run, piped):
    run = trained_run()
    assert piped(b"\xef\xbb\xbfa red cat\r\n", run).out == piped("a red cat\n", run).out != ""


@pytest.fixture
def untrained(tiny_encoder, tmp_path):
    """Rows and fields of a task -> the folder of a run of one update."""

    def train(rows, task):
        file = str(write_jsonl(tmp_path / "rows.jsonl", rows))
        definition = {**task, "dataset": {"files": {"train": file, "validation": file}}}
        settings = {"data": {"max_length": 24}, "training": {"max_updates": 1}}
        encoder = {"path": str(tiny_encoder)}
        experiment = {"name": "tried", "tasks": {"t": definition}, "encoder": encoder, **settings}
        return mtsmart.train(experiment, output_dir=tmp_path / "run").path

    return train


class Picky(Classification):
    """A task type of another package that refuses some texts."""

    def encode(self, rows, tokenizer, max_length, with_labels):
        for text, row in zip(rows["text"], rows["row"], strict=True):
            if text == "no":
                raise row_error("is refused", row, "text", text)
        return super().encode(rows, tokenizer, max_length, with_labels)


def test_an_error_about_a_text_names_its_line(piped, untrained):
    task = {"task_type": "picky", "text": ["text"], "labels": ["red", "other"]}
    rows = [{"text": "a red cat", "label": "red"}, {"text": "the dog", "label": "other"}]
    with TASK_TYPES.lending({"picky": Picky}):
        result = piped("a red cat\n\nno\n", untrained(rows, task))
    assert result.code == 2 and len(result.out.splitlines()) == 1
    assert "mtsmart: standard input:3: text: is refused, got 'no'" in result.err


def test_a_question_that_leaves_no_room_is_cut_and_answered(piped, untrained):
    run = untrained(span.ROWS, span.DEFINITION)
    result = piped("a cat\tthe red cat\n\n" + "a red cat " * 40 + "\tthe red cat\n", run)
    assert result.code == 0 and len(result.out.splitlines()) == 2
    assert "task t: 1 row is cut in question, which leaves no room" in " ".join(result.err.split())


def test_a_closed_input_is_an_empty_one(trained_run, cli, monkeypatch):
    monkeypatch.setattr("sys.stdin", None)
    assert cli("try", trained_run()) == CliResult(0, "", "")


def test_what_a_terminal_cannot_decode_is_asked_for_again(trained_run, cli, monkeypatch):
    typed = iter(["caf\udce9", "a red cat", "", ""])
    terminal = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    monkeypatch.setattr(terminal, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("sys.stdin", terminal)
    monkeypatch.setattr("builtins.input", lambda prompt: next(typed))
    result = cli("try", trained_run())
    assert result.code == 0, result.err
    assert "That is not in the encoding of the terminal. Type it again." in result.out
    assert result.out.count("color: ") == 1 and terminal.errors == "surrogateescape"


def test_a_prompt(trained_run, cli, monkeypatch):
    typed = iter(["a red cat", "", "a dog", "a cat", ""])

    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setattr("sys.stdin", Terminal())
    monkeypatch.setattr("builtins.input", lambda prompt: next(typed))
    result = cli("try", trained_run())
    assert result.code == 0, result.err
    assert result.out.index("color: ") < result.out.index("near: ")
    assert all(len(line) <= 80 for line in result.out.splitlines())


def test_bars_fit_into_80_columns():
    label = "a label that is far too long for its column"
    answer = {"prediction": label, f"p({label})": 0.75, "p(b)": 0.25, **{f"p({number})": 0.0 for number in range(9)}}
    lines = with_bars({"x": answer, "y": {"prediction": 1.23456}})
    assert max(map(len, lines)) <= 80
    assert lines[1].count("█") == 3 * lines[2].count("█")
    assert lines[-2:] == ["  5 other labels, together 0.00", "y: 1.23"]
    assert on_one_line({"x": {"prediction": "b", "p(b)": 0.9}, "y": {"prediction": []}}) == "x: b 0.90  y: (none)"
