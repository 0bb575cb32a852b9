"""csv and tsv of ``mtsmart predict``: labels come out as they are declared, and what is changed is told."""

import csv
import json

import pytest

from tests.conftest import write_jsonl

NEW = [{"text": "=1+1", "label": "+", "more": "-x"}, {"text": "a\tcat", "label": "-", "more": "@all"}]


def signs(workspace):
    """The labels of the task are signs."""
    for split in ("train", "validation"):
        file = workspace.folder / f"color_{split}.jsonl"
        rows = [json.loads(line) for line in file.read_text().splitlines()]
        write_jsonl(file, [{**row, "label": "+" if row["label"] == "red" else "-"} for row in rows])
    workspace.tasks.write_text(workspace.tasks.read_text().replace("[other, red]", "['-', '+']"))
    text = workspace.experiment.read_text().replace("[color, near]", "[color]")
    workspace.write_experiment(text)


@pytest.fixture
def run(trained_run, workspace):
    found = trained_run("training.max_updates=2", "smart=off", "mbpp=off", change=signs)
    write_jsonl(workspace.folder / "new.jsonl", NEW)
    return found


def predicted(cli, workspace, run, name, *options):
    """The rows of a file that predict writes, and what it prints beside them."""
    result = cli("predict", run, "--task", "color", "-i", "new.jsonl", "-o", name, *options)
    assert result.code == 0, result.err
    form = {"delimiter": ","} if name.endswith("csv") else {"delimiter": "\t", "quoting": csv.QUOTE_NONE}
    with (workspace.folder / name).open(newline="") as stream:
        return list(csv.DictReader(stream, **form)), result.err


@pytest.mark.parametrize("ending", ["csv", "tsv"])
def test_labels_stay_and_other_fields_that_a_spreadsheet_computes_are_told(cli, workspace, run, ending):
    rows, told = predicted(cli, workspace, run, f"out.{ending}")
    assert [row["label"] for row in rows] == ["+", "-"]
    assert {row["prediction"] for row in rows} <= {"+", "-"}
    assert [row["more"] for row in rows] == ["'-x", "'@all"] and rows[0]["text"] == "'=1+1"
    assert f"out.{ending}: an apostrophe stands before 3 fields (more: 2, text: 1), which" in told
    assert "`--exact` or a .jsonl file keeps them" in told
    flat = "out.tsv: tabs and line breaks became blanks in 1 field (text: 1)"
    assert (flat in told) == (ending == "tsv")


@pytest.mark.parametrize("ending", ["csv", "tsv"])
def test_exact_writes_texts_as_they_are(cli, workspace, run, ending):
    rows, told = predicted(cli, workspace, run, f"out.{ending}", "--exact")
    assert [row["more"] for row in rows] == ["-x", "@all"] and rows[0]["text"] == "=1+1"
    assert "apostrophe" not in told and ("A .jsonl or .csv file keeps them" in told) == (ending == "tsv")


def test_nothing_is_told_where_nothing_is_changed(cli, workspace, run):
    write_jsonl(workspace.folder / "new.jsonl", [{"text": "a red cat", "label": "+"}])
    result = cli("predict", run, "--task", "color", "-i", "new.jsonl", "-o", "plain.tsv")
    assert (result.code, result.err) == (0, "")
    write_jsonl(workspace.folder / "new.jsonl", NEW)
    result = cli("predict", run, "--task", "color", "-i", "new.jsonl", "-o", "out.jsonl")
    assert (result.code, result.err) == (0, "")
