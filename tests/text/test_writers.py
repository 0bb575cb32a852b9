"""All that shows text of files to people shows it escaped: lists of tasks, logs, cards and predictions."""

import csv
import io
import json
import logging
import re

import pytest
import yaml
from markdown_it import MarkdownIt
from rich.console import Console

from mtsmart.cli.terminal import ErrorStreamHandler
from mtsmart.config.sections import RunConfig
from mtsmart.data.readers import read_table
from mtsmart.evaluation.delimited.rules import FieldRules
from mtsmart.evaluation.evaluator import Evaluation, TaskResult
from mtsmart.evaluation.prediction_files import write_jsonl, write_rows
from mtsmart.models.export_folder import Exported
from mtsmart.reporting.card import write_card
from mtsmart.reporting.model_card import ModelCard
from mtsmart.reporting.progress.console import ProgressBlock, ProgressText
from mtsmart.reporting.progress.event_lines import EventLines
from mtsmart.reporting.results_table import results_table
from mtsmart.runs.folder import RunFolder
from mtsmart.tasks import TaskDefinition
from mtsmart.training.callbacks import Ended, Evaluated, Logged, Started, UpdateDone

CODES = "\x1b[2J\x1b]0;owned\x07\u202e\x9b31m"
EVIL = f"{CODES}\n# H\n```python\nimport os\n```\n<script>x</script> [red]y[/] ![z](http://q) |"
DEFINITION = {
    "task_type": "classification",
    "description": EVIL,
    "suite": EVIL,
    "dataset": {"files": {"train": "t.jsonl"}},
    "text": [EVIL],
    "labels": ["other", EVIL],
}


def assert_is_quiet(text: str) -> None:
    """No control code, direction or markup of rich has had an effect."""
    assert text.replace("\n", "").isprintable()
    assert "\\x1b[2J" in text and "[red]" in text


def assert_is_flat(card: str, headings: int, blocks: int) -> None:
    """Nothing of the evil text is a heading, code, HTML, an image or a link."""
    assert card.replace("\n", "").isprintable()
    page = MarkdownIt("commonmark", {"html": True}).enable("table").render(card)
    assert not re.search("<(script|img|a)\\b", page)
    assert (page.count("<h"), page.count("<pre>")) == (headings, blocks)
    assert "# H" in page


def test_lists_of_tasks(tmp_path, cli):
    file = tmp_path / "evil.yaml"
    file.write_text(yaml.safe_dump({"evil": DEFINITION}))
    listed, shown = (cli("tasks", *arguments, "--task-file", file) for arguments in (["list"], ["show", "evil"]))
    assert listed.out.replace("\n", "").isprintable() and "\\x1b" in listed.out
    assert shown.out.replace("\n", "").isprintable()
    assert yaml.safe_load(shown.out)["evil"]["description"] == EVIL


def evil_progress():
    """What training tells about a task whose names are evil."""
    yield Started({EVIL: 8}, {EVIL: 8}, {EVIL: 1}, [EVIL], 2, done=0, device=EVIL, regularizers=[EVIL], recipe=[EVIL])
    yield UpdateDone(1, 8)
    yield Logged(1, 0.1, {}, {EVIL: {"loss": 1.0}}, {})
    yield Evaluated(Evaluation({EVIL: TaskResult({EVIL: 0.5})}), 1, best=True)


def test_lines_of_progress():
    stream = io.StringIO()
    shown = ProgressText(Console(file=stream, width=500))
    for event in evil_progress():
        shown.receive(event)
    assert_is_quiet(stream.getvalue())
    assert stream.getvalue().count("\n") == 7


def test_events_as_json():
    stream = io.StringIO()
    lines = EventLines(stream)
    for event in evil_progress():
        lines.receive(event)
    assert stream.getvalue().replace("\n", "").isprintable()
    assert [EVIL in json.loads(line)["tasks"] for line in stream.getvalue().splitlines()] == [True] * 3


def test_the_block_of_progress():
    stream = io.StringIO()
    block = ProgressBlock(Console(file=stream, width=500, force_terminal=True, color_system=None, _environ={}))
    for event in evil_progress():
        block.receive(event)
    block._live.refresh()
    block.receive(Ended())
    text = re.sub(r"\x1b\[\??[0-9]*[AKhl]|\r", "", stream.getvalue())  # what rich itself writes
    assert_is_quiet(text)


def test_notices_and_warnings(capsys):
    ErrorStreamHandler().emit(logging.makeLogRecord({"levelno": logging.WARNING, "msg": EVIL}))
    shown = capsys.readouterr().err
    assert_is_quiet(shown)
    assert shown.count("\n") == 1


def test_the_table_of_scores():
    stream = io.StringIO()
    Console(file=stream, width=900).print(results_table({EVIL: {EVIL: 0.5}}, {}, EVIL))
    assert_is_quiet(stream.getvalue())
    assert stream.getvalue().count("[red]y[/]") == 3


def test_the_card_of_a_run(tmp_path):
    config = RunConfig(tasks={"evil": {}}, description=EVIL, encoder={"path": EVIL})
    folder = RunFolder(tmp_path / "run")
    folder.path.mkdir()
    definition = TaskDefinition(**{**DEFINITION, "dataset": {"path": EVIL}})
    write_card(folder, config, {"evil": definition}, {"tasks": {"evil": {EVIL: 0.5}}, "baselines": {}})
    assert_is_flat(folder.card_file.read_text(), headings=1, blocks=1)


def test_the_card_of_an_export(tmp_path):
    card = ModelCard(
        name="evil",
        definition=TaskDefinition(**DEFINITION),
        encoder=EVIL,
        labels=["other", EVIL],
        max_length=16,
        scores={EVIL: 0.5},
        decoding={EVIL: 0.5},
        problem_type=EVIL,
        recipe=[EVIL],
        rule=EVIL,
    ).text(Exported(tmp_path / "out", "AutoModelForSequenceClassification", EVIL))
    _, head, body = card.split("---\n", 2)
    assert_is_flat(body, headings=2, blocks=1)
    assert head.replace("\n", "").isprintable()
    front = yaml.safe_load(head)
    assert front.keys() == {"library_name", "pipeline_tag", "tags", "model-index"}
    assert front["tags"] == ["mtsmart", "classification"]
    (result,) = front["model-index"][0]["results"]
    assert result["metrics"] == [{"type": EVIL, "name": EVIL, "value": 0.5}]


ROWS = [
    {"=x": "=1+1", "text": '"quoted" a', "prediction": "-b", "p": -0.5, "list": ["@a", "b"], "numbers": [-1.0, 2.0]},
    {"=x": "-0.5", "text": "\t=1\n", "prediction": "a", "p": -1e-5, "list": [], "numbers": []},
]


@pytest.mark.parametrize("ending", ["csv", "tsv"])
def test_predictions_that_a_spreadsheet_would_compute(tmp_path, ending):
    """csv quotes a field with a comma, quote or line break. tsv quotes nothing: a tab becomes a blank."""
    file = tmp_path / f"out.{ending}"
    write_rows(ROWS, file)
    if ending == "csv":
        with file.open(newline="") as stream:
            names, first, second = csv.reader(stream)
    else:
        names, first, second = (line.split("\t") for line in file.read_text().splitlines())
    assert names == ["'=x", "text", "prediction", "p", "list", "numbers"]
    assert first == ["'=1+1", '"quoted" a', "'-b", "-0.5", "'@a b", "-1.0 2.0"]
    assert second == ["-0.5", "'\t=1\n" if ending == "csv" else "' =1 ", "a", "-1e-05", "", ""]
    # A reader of data keeps the apostrophe.
    assert read_table(file).to_pylist()[0]["'=x"] == "'=1+1"


def test_lists_of_labels_stay_whatever_stands_between_them(tmp_path):
    """The labels of a tagged row, those of a row with several labels, and a text that only begins like a label."""
    file = tmp_path / "out.csv"
    rules = FieldRules(labels=frozenset({"-", "+", "@x"}), separators=(None, ";"))
    rows = [{"list": ["-", "@x"], "tags": "- + @x", "several": "+;-", "text": "- a", "formula": "=1"}]
    write_rows(rows, file, rules)
    with file.open(newline="") as stream:
        assert list(csv.reader(stream))[1] == ["- @x", "- + @x", "+;-", "'- a", "'=1"]


def test_a_carriage_return_begins_no_row(tmp_path):
    """A spreadsheet would compute what stands after it."""
    file = tmp_path / "out.csv"
    write_rows([{"text": "a\r=1+1", "prediction": "b"}], file)
    assert file.read_bytes() == b'text,prediction\n"a\r=1+1","b"\n'


def test_predictions_as_json_lines_are_the_same_data_without_codes(tmp_path):
    rows = [{"text": EVIL, "p": -0.5}]
    stream = io.StringIO()
    write_jsonl(rows, stream)
    assert stream.getvalue().removesuffix("\n").isprintable()
    file = tmp_path / "out.jsonl"
    write_rows(rows, file)
    assert read_table(file).to_pylist() == rows
