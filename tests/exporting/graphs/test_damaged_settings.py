"""A damaged ``tasks.json`` is one line about the file, through Python, ``answer.py`` and ``mtsmart serve``."""

import json
import runpy
import shutil

import pytest

from tests.conftest import write_jsonl


def without(*keys):
    """Settings that lack the value at the end of these keys."""

    def damage(settings):
        for key in keys[:-1]:
            settings = settings[key]
        del settings[keys[-1]]

    return damage


def having(value, *keys):
    """Settings that have another value at the end of these keys."""

    def damage(settings):
        for key in keys[:-1]:
            settings = settings[key]
        settings[keys[-1]] = value

    return damage


NO_SETTINGS = [
    (b"[]", "should be a mapping, got []"),
    (b"3", "should be a mapping, got 3"),
    (b"null", "should be a mapping, got None"),
    (b"{}", "format: is missing"),
    (b'{"format": 2}', "batch_size: is missing"),
    (b'{"format": 2, "tasks"', "it is not JSON in UTF-8 (Expecting"),
    (b"[" * 100_000, "it is not JSON in UTF-8 (maximum recursion depth exceeded"),
    (b'{"a":' * 100_000, "it is not JSON in UTF-8 (maximum recursion depth exceeded"),
    (b'{"format": 2, "tasks": "\xff"}', "it is not JSON in UTF-8 ('utf-8' codec"),
    (b"", "it is not JSON in UTF-8 (Expecting"),
]
CHANGED = [
    (without("tokenizer"), "tokenizer: is missing"),
    (without("tasks"), "tasks: is missing"),
    (without("tasks", "span", "output"), "tasks.span.output: is missing"),
    (without("tasks", "span", "reading"), "tasks.span.reading: is missing"),
    (without("tasks", "span", "reading", "stride"), "tasks.span.reading.stride: is missing"),
    (without("tasks", "regression", "decoding", "std"), "tasks.regression.decoding.std: is missing"),
    (without("tokenizer", "frames", "2"), "tokenizer.frames.2: is missing"),
    (having({}, "tasks"), "tasks: names no task"),
    (having([], "tasks"), "tasks: should be a mapping, got []"),
    (having("8", "batch_size"), "batch_size: should be a whole number from 1, got '8'"),
    (having(True, "batch_size"), "batch_size: should be a whole number from 1, got True"),
    (having(0, "batch_size"), "batch_size: should be a whole number from 1, got 0"),
    (having("row", "outputs"), "outputs: should be a mapping, got 'row'"),
    (having(None, "tokenizer", "pad"), "tokenizer.pad: should be a whole number from 0, got None"),
    (having("up", "tokenizer", "padding_side"), "tokenizer.padding_side: should be one of left, right, got 'up'"),
    (having([1], "tokenizer", "frames", "1", "types", 0), "frames.1.types.0: should be a whole number from 0, got [1]"),
    (having([], "tokenizer", "frames", "1", "specials"), "tokenizer.frames.1.specials: should have 2 items, got []"),
    (having([], "tasks", "span"), "tasks.span: should be a mapping, got []"),
    (having("text", "tasks", "span", "columns"), "tasks.span.columns: should be a list, got 'text'"),
    (having("nowhere", "tasks", "span", "output"), "tasks.span.output: is none of the outputs, got 'nowhere'"),
    (having("x", "tasks", "span", "reading", "kind"), "tasks.span.reading.kind: should be one of candidates, groups"),
    (having([], "tasks", "span", "decoding", "kind"), "tasks.span.decoding.kind: should be one of answer, choice"),
    (having("x", "tasks", "span", "reading", "text", 0), "tasks.span.reading: reads what is none of the columns"),
    (having("1", "tasks", "span", "temperature"), "tasks.span.temperature: should be a number, got '1'"),
    (having([3], "tasks", "ordinal", "decoding", "labels"), "tasks.ordinal.decoding.labels.0: should be a text, got 3"),
]
CASES = [*NO_SETTINGS, *CHANGED]


@pytest.fixture
def damaged(every_type, tmp_path):
    """An export's folder whose ``tasks.json`` has other bytes, or is changed."""

    def made(damage):
        folder = every_type("BERT").folder
        if not isinstance(damage, bytes):
            settings = json.loads((folder / "tasks.json").read_text())
            damage(settings)
            damage = json.dumps(settings).encode()
        copy = tmp_path / "graph"
        copy.mkdir()
        shutil.copy(folder / "answer.py", copy)
        (copy / "tasks.json").write_bytes(damage)
        return copy

    return made


@pytest.mark.parametrize(("damage", "message"), CASES, ids=[f"{message} {n}" for n, (_, message) in enumerate(CASES)])
def test_it_is_one_line(cli, damaged, damage, message, tmp_path, capsys):
    folder = damaged(damage)
    capsys.readouterr()  # What training and export have printed.
    main = runpy.run_path(str(folder / "answer.py"))["main"]
    assert main(["--task", "span", "--input", str(write_jsonl(tmp_path / "rows.jsonl", [{}]))]) == 2
    told = capsys.readouterr()
    served = cli("serve", folder, "--port", "0")
    assert (told.out, served.code, served.out) == ("", 2, "")
    for text in (told.err, served.err):
        assert len(text.splitlines()) == 1 and f"{folder / 'tasks.json'}: is damaged: " in text, text
        assert message in text
    assert "Export the run again with this mtsmart" in served.err


def test_an_output_that_the_graph_lacks_is_told(every_type, damaged, cli):
    folder = damaged(having("row", "outputs", "nowhere"))
    for name in ("model.onnx", "tokenizer.json"):
        shutil.copy(every_type("BERT").folder / name, folder)
    served = cli("serve", folder, "--port", "0")
    assert served.code == 2
    assert f"{folder / 'tasks.json'}: names outputs that model.onnx lacks: ['nowhere']" in served.err, served.err
