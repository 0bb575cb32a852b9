"""``mtsmart try``: every head's answer to a typed text, at a prompt or from a pipe."""

import io

import pytest

from mtsmart.reporting.answers import on_one_line, with_bars


@pytest.fixture
def piped(cli, monkeypatch):
    """Text on standard input and arguments -> what the command prints."""

    def call(text, *arguments):
        monkeypatch.setattr("sys.stdin", io.StringIO(text))
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
    assert "task color: 1 of 1 rows (100%) is cut to 32 tokens" in " ".join(result.err.split())


def test_one_task(trained_run, piped):
    run = trained_run()
    assert piped("a dog\ta cat\n", run, "--task", "near").out.startswith("near: ")
    result = piped("a dog\n", run, "--task", "near")
    assert (result.code, result.out) == (2, "")
    assert "standard input:1: has 1 texts, where the tasks read 2, got 'a dog'" in result.err
    assert piped("a\n", run, "--task", "colour").code == 2


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
