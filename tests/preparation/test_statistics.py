"""``mtsmart tasks show --stats``: what it says of a task's data is what stands in the files."""

import json
import re

import pytest

from mtsmart.preparation.split_checks import READ_WHOLE
from tests.conftest import write_jsonl

CLASSES = """
mine:
  task_type: classification
  dataset: {files: {train: train.csv, validation: valid.csv, test: test.csv}}
  text: [text]
  label: label
  labels: [bad, good]
  max_length: 6
  missing: MISSING
  options: OPTIONS
"""
TRAIN = [
    "one,good",
    "two words,good",
    "one,good",
    "a text of six words,bad",
    ",bad",
    "three more words,",
    "one,bad",
]


@pytest.fixture
def shown(tmp_path, cli):
    """A function that writes a task file and data files, and gives the statistics as JSON."""

    def call(text, *arguments, **files):
        (tmp_path / "tasks.yaml").write_text(text)
        for name, rows in files.items():
            if isinstance(rows[0], str):
                (tmp_path / f"{name}.csv").write_text("\n".join(rows) + "\n")
            else:
                write_jsonl(tmp_path / f"{name}.jsonl", rows)
        place = ("--task-file", tmp_path / "tasks.yaml")
        result = cli("tasks", "show", "mine", *place, "--stats", "--json", *arguments)
        assert result.code == 0, result.err
        plain = cli("tasks", "show", "mine", *place, "--stats", *arguments)
        return json.loads(result.out), plain.out

    return call


def classes(shown, missing="drop", *arguments, options="{}"):
    return shown(
        CLASSES.replace("MISSING", missing).replace("OPTIONS", options),
        *arguments,
        train=["text,label", *TRAIN],
        valid=["text,label", "one,good", "new,bad"],
        test=["text", "two words"],
    )


def test_rows_labels_and_repeated_rows_are_counted(shown):
    found, text = classes(shown)
    train = found["splits"]["train"]
    assert (train["rows"], train["left_out"], train["repeated"]) == (7, 2, 2)
    assert train["labels"] == {"bad": 2, "good": 3}
    assert train["empty"] == {"text": 1}
    assert train["shared"] == {"validation": 3, "test": 1}
    assert found["splits"]["validation"]["shared"] == {"train": 1, "test": 0}
    assert found["splits"]["test"]["labels"] is None
    assert found["examples"]["good"] == [
        {"text": "one", "label": "good"},
        {"text": "two words", "label": "good"},
    ]
    assert "train: 7 rows, 2 of them are left out: a text or label is missing" in text
    assert re.search(r"^bad +2 \(40\.0%\) +1 \(50\.0%\)$", text, re.MULTILINE)
    assert "also in validation: 3 rows" in text


@pytest.mark.parametrize(("missing", "left_out"), [("refuse", 2), ("{text: empty, label: drop}", 1)])
def test_incomplete_rows_are_counted_where_training_refuses_them(shown, missing, left_out):
    assert classes(shown, missing)[0]["splits"]["train"]["left_out"] == left_out


def test_lengths_are_those_of_whole_rows(shown, tiny_encoder):
    found, text = classes(shown)
    assert found["unit"] == "words"
    assert found["splits"]["train"]["lengths"] == {"median": 3, "p95": 4, "longest": 7, "over": 1}
    assert "longer than 6 tokens: at least 1 row\n" in text
    found, text = classes(shown, "drop", "--encoder", tiny_encoder)
    assert found["unit"] == "tokens"
    lengths = found["splits"]["train"]["lengths"]
    assert lengths["longest"] >= 7
    assert f"longer than 6 tokens: {lengths['over']} row" in text
    share = lengths["over"] / found["splits"]["train"]["rows"]
    assert f"\n    {share:.0%} of all: they are cut; {READ_WHOLE}\n" in text
    found, text = classes(shown, "drop", options="{windows: {}}")
    assert "\n    at least 14% of all: they are read in windows\n" in text
    assert found["splits"]["train"]["lengths"]["longest"] == 7


OTHERS = {
    "tagging": (
        "text: [words], label: tags, labels: [O, X]",
        [{"words": ["a", "b", "c"], "tags": ["O", "X", "O"]}, {"words": ["d"], "tags": ["X"]}],
        {"O": 2, "X": 2},
    ),
    "multi_label": (
        "text: [t], label: tags, labels: [p, q]",
        [{"t": "a", "tags": ["p", "q"]}, {"t": "b", "tags": []}],
        {"p": 1, "q": 1},
    ),
    "ordinal": (
        "text: [t], label: l, labels: [low, high]",
        [{"t": "a", "l": "low"}, {"t": "b", "l": "high"}],
        {"low": 1, "high": 1},
    ),
    "regression": ("text: [t], label: l", [{"t": "a", "l": 1.5}, {"t": "b", "l": 2.5}], None),
    "multiple_choice": (
        "text: [t], label: l, options: {choices: c}",
        [{"t": "a", "c": ["x", "y"], "l": 0}, {"t": "b", "c": ["x", "y"], "l": 1}],
        None,
    ),
    "ranking": (
        "text: [t], label: l, options: {candidates: c}",
        [{"t": "a", "c": ["x", "y"], "l": [0, 1]}, {"t": "b", "c": ["x", "y"], "l": [1, 0]}],
        None,
    ),
    "span": (
        "text: [q, c], label: a, options: {no_answer: true}",
        [
            {"q": "who", "c": "a b", "a": {"text": ["b"], "answer_start": [2]}},
            {"q": "how", "c": "a c", "a": {"text": [], "answer_start": []}},
        ],
        None,
    ),
    "masked_lm": ("text: [t]", [{"t": "a"}, {"t": "b"}], None),
}


@pytest.mark.parametrize("kind", list(OTHERS))
def test_every_task_type_has_statistics(shown, kind):
    keys, rows, labels = OTHERS[kind]
    text = f"mine: {{task_type: {kind}, dataset: {{files: {{train: data.jsonl}}}}, {keys}}}"
    found, plain = shown(text, data=rows)
    train = found["splits"]["train"]
    assert (train["rows"], train["left_out"], train["repeated"]) == (2, 0, 0)
    assert train["labels"] == labels
    assert train["lengths"]["over"] == 0
    if kind == "regression":
        assert train["numbers"] == {"least": 1.5, "mean": 2.0, "most": 2.5}
        assert "labels: 1.5 to 2.5, mean 2" in plain
    examples = [row for rows in found["examples"].values() for row in rows]
    assert examples and all(row.keys() <= rows[0].keys() for row in examples)


def test_what_training_refuses_is_one_line(tmp_path, cli):
    (tmp_path / "tasks.yaml").write_text("mine: {task_type: regression, dataset: {files: a.csv}, text: [t], label: l}")
    (tmp_path / "a.csv").write_text("t,l\nx,much\n")
    result = cli("tasks", "show", "mine", "--task-file", tmp_path / "tasks.yaml", "--stats")
    assert (result.code, result.out) == (2, "")
    assert "row 1" in result.err and "'much'" in result.err


def test_the_definition_is_shown_as_json_too(cli):
    assert json.loads(cli("tasks", "show", "rte", "--json").out)["rte"]["suite"] == "glue"


def test_an_encoder_without_statistics_is_refused(cli):
    result = cli("tasks", "show", "rte", "--encoder", "no/such/place")
    assert (result.code, result.out) == (2, "")
    assert result.err == (
        "mtsmart: --encoder: counts lengths, which are told with --stats alone, got 'no/such/place'. Add --stats\n"
    )
