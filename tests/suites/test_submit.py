"""``mtsmart submit`` as a user meets it."""

import json
import zipfile

import pytest

from mtsmart.suites.boards import BOARDS
from tests.conftest import write_jsonl

WNLI = """
wnli:
  task_type: classification
  dataset: {files: {test: wnli.jsonl}}
  replaces_shipped: true
  text: [text]
  labels: [not_entailment, entailment]
  share_head: color
  evaluation_only: true
  project: {other: not_entailment, red: entailment}
"""


@pytest.fixture
def place(trained_run, workspace):
    """A run whose head for colours answers WNLI, with as many rows as the board has."""
    trained_run()
    rows = [{"text": "a red cat" if number % 3 else "the dog", "idx": number} for number in range(146)]
    write_jsonl(workspace.folder / "wnli.jsonl", rows)
    (workspace.folder / "t.yaml").write_text(WNLI)
    return workspace.folder


def test_a_zip_with_the_boards_own_rows(place, cli):
    result = cli("submit", "glue", "run", "--task-file", "t.yaml", "--fill", "--out", "mine.zip")
    assert (result.code, result.out) == (0, "Written: mine.zip\n"), result.err
    assert "QQP.tsv has no predictions: the run has no head for 'qqp', so all rows say 0" in result.err
    assert "WNLI.tsv: answering 146 rows" in result.err and result.err.count("WNLI") == 1
    assert "mine.zip: 1 of 11 files holds predictions" in result.err
    with zipfile.ZipFile(place / "mine.zip") as archive:
        files = {name: archive.read(name).decode().splitlines() for name in archive.namelist()}
    assert {name: len(lines) - 1 for name, lines in files.items()} == {f.name: f.rows for f in BOARDS["glue"].files}
    assert all(lines[0] == "index\tprediction" for lines in files.values())
    assert files["QQP.tsv"][-1] == "390964\t0"
    assert files["STS-B.tsv"][1] == "0\t0.000"
    predicted = cli("predict", "run", "-t", "wnli", "--task-file", "t.yaml", "--input", "wnli.jsonl").out
    words = [json.loads(line)["prediction"] for line in predicted.splitlines()]
    assert files["WNLI.tsv"][1:] == [f"{number}\t{int(word == 'entailment')}" for number, word in enumerate(words)]


def test_what_does_not_fit_is_one_line_and_nothing_is_written(place, cli):
    (place / "taken.zip").write_text("mine")
    before = sorted(place.rglob("*"))
    run = ["run", "--task-file", "t.yaml"]
    for arguments, message in (
        (["glu", "run"], "BOARD: is no leaderboard, got 'glu'. Did you mean 'glue'?"),
        (["glue", "run"], "run: the run has none of GLUE's tasks. They are: cola, sst2, mrpc"),
        (["glue", *run], "run: GLUE needs a file for each of its tasks, and the run has no head for: cola, sst2,"),
        (["glue", *run], "stsb, mnli (whose head also answers mnli_mismatched and ax), qnli"),
        (["glue", *run], "With --fill all rows of their files say the same"),
        (["glue", *run, "-o", "x.tar"], "--output: is no name of a zip, got 'x.tar'. Did you mean 'x.tar.zip'?"),
        (["glue", *run, "-o", "no/x.zip"], "--output: there is no such folder, got 'no'"),
        (["glue", *run, "-o", "taken.zip"], "--output: is there already, got 'taken.zip'. Use --overwrite, or"),
        (["glue", *run, "-o", "run/model/x.zip"], "--output: lies in model/ of the run"),
        (["superglue", "gone"], "gone"),
    ):
        result = cli("submit", *arguments)
        assert result.code == 2 and message in result.err and len(result.err.splitlines()) == 1, (arguments, result.err)
    assert sorted(place.rglob("*")) == before and (place / "taken.zip").read_text() == "mine"


def test_rows_that_are_not_the_boards_are_refused(place, cli):
    rows = (place / "wnli.jsonl").read_text().splitlines(keepends=True)
    for changed, message in (
        (rows[1:], "task wnli, split test: has 145 rows, and the board expects 146 in WNLI.tsv"),
        ([rows[1], rows[0], *rows[2:]], "task wnli, split test: idx: row 1 has an id that the board does not have"),
        (['{"text": null, "idx": 0}\n', *rows[1:]], "task wnli, split test: row 1 lacks a text"),
    ):
        (place / "wnli.jsonl").write_text("".join(changed))
        result = cli("submit", "glue", "run", "--task-file", "t.yaml", "--fill")
        assert result.code == 2 and message in result.err, result.err
        assert not (place / "glue.zip").exists() and "QQP" not in result.err
        assert "row 1 lacks" in message or "Nothing is written" in result.err
