"""Mistakes on the command line itself: one line that names what is wrong and where to look, and exit code 2."""

import re

import pytest


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["serve", "run", "--port", "abc"], "Invalid value for '--port': .*, got 'abc'. See mtsmart serve --help"),
        (["serve", "run", "--port=1.5"], "Invalid value for '--port': .*, got '1.5'. See mtsmart serve --help"),
        (["serve", "run", "--port", "80", "--port", "abc"], ".*, got 'abc'. See mtsmart serve --help"),
        (["serve", "run", "--port", ""], "Invalid value for '--port': .*, got ''. See mtsmart serve --help"),
        (["serve", "run", "--port"], "Option '--port' requires an argument. See mtsmart serve --help"),
        (["--version=3"], "Option '--version' does not take a value. See mtsmart --help"),
        (["runs", "compare"], "Missing argument 'RUN RUN...'. See mtsmart runs compare --help"),
        (["evaluate", "--task", "run"], "Missing argument 'RUN'. See mtsmart evaluate --help"),
        (["train"], "Missing argument 'EXPERIMENT'.*See mtsmart train --help"),
        (["predict", "run"], "Missing option '--task'.*See mtsmart predict --help"),
        (["train", "x", "--resum"], r"No such option: --resum \(Possible options: .*--resume.*\). See mtsmart train"),
        (["trian", "x"], "No such command 'trian'. Did you mean 'train'\\? See mtsmart --help"),
        (["runs", "lst"], "No such command 'lst'.*See mtsmart runs --help"),
        (["tasks", "check", "--a\x1b[31m"], "No such option: .*See mtsmart tasks check --help"),
    ],
)
def test_one_line(cli, arguments, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = cli(*arguments)
    assert result.code == 2 and result.out == ""
    (line,) = result.err.splitlines()
    assert re.fullmatch(f"mtsmart: {message}.*", line), line
    assert "\x1b" not in line and "?." not in line and not re.search(r"(?<!\.)\.\.(?!\.)", line)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("arguments", [["--help"], ["train", "--help"], ["--version"]])
def test_what_is_asked_for_is_no_mistake(cli, arguments):
    result = cli(*arguments)
    assert result.code == 0 and result.out and not result.err


def test_a_command_alone_shows_its_help(cli):
    result = cli("runs")
    assert result.code == 2 and "Usage: mtsmart runs" in result.out + result.err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ("train e.yaml --learning_rate 1e-5", "Write optimizer.learning_rate=1e-5, without dashes. See mtsmart train"),
        ("train e.yaml --learning-rate=1e-5", "Write optimizer.learning_rate=1e-5, without dashes."),
        ("train e.yaml --training.epochs=1", "Write training.epochs=1, without dashes."),
        ("train e.yaml --epochs 1", "Write training.epochs=1, without dashes."),
        ("train e.yaml --num_train_epochs 1", "Write training.epochs=1, without dashes."),
        ("train e.yaml --fp16 training.epochs=1", "Write training.precision=VALUE, without dashes."),
        ("train e.yaml --epochs", "Write training.epochs=VALUE, without dashes."),
        ("train e.yaml --smart.weight 2", "Write smart.weight=2, without dashes."),
        ("sweep e.yaml --seed 3", "Write training.seed=3, without dashes."),
        ("train --config e.yaml", "Write EXPERIMENT alone, without --config."),
        ("sweep --config=e.yaml", "alone, without --config."),
        ("evaluate --run r", "Write RUN alone, without --run."),
    ],
)
def test_flags_of_other_tools_are_told_as_settings(cli, arguments, told):
    result = cli(*arguments.split())
    assert result.code == 2 and result.out == ""
    (line,) = result.err.splitlines()
    assert line.startswith("mtsmart: No such option: --") and told in line


def test_a_flag_that_is_no_setting_gets_no_such_hint(cli):
    for arguments in ("train e.yaml --nonsense 3", "evaluate r --epochs 3"):
        assert "Write" not in cli(*arguments.split()).err
