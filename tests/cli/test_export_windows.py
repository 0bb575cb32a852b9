"""Cards of exported tasks that mtsmart reads in windows: they say what is done otherwise without mtsmart."""

import json
import re

import pytest

import mtsmart
from tests.conftest import sentences, write_jsonl
from tests.models.test_export import alone

TASKS = """
tag:
  task_type: tagging
  dataset: {files: {train: rows.jsonl, validation: rows.jsonl}}
  text: [words]
  label: tags
  labels: [O, animal]
find:
  task_type: span
  dataset: {files: {train: rows.jsonl, validation: rows.jsonl}}
  text: [question, words]
  options: {stride: 2, max_answer_length: 4, no_answer: true}
"""


def in_windows(workspace):
    rows = [
        {
            "words": text,
            "tags": " ".join("animal" if word in ("cat", "dog") else "O" for word in text.split()),
            "question": "the",
            "answers": {"text": [], "answer_start": []},
        }
        for text in sentences(24)
    ]
    write_jsonl(workspace.folder / "rows.jsonl", rows)
    workspace.tasks.write_text(TASKS)
    workspace.write_experiment(workspace.experiment.read_text().replace("[color, near]", "[tag, find]"))


@pytest.fixture
def run(trained_run):
    settings = ["training.max_updates=2", "mixing.strategy=rounds", "smart=off", "mbpp=off", "data.max_length=10"]
    return trained_run(*settings, change=in_windows)


def card_of(cli, workspace, run, task):
    assert cli("export", run, "--task", task, "out").code == 0
    return (workspace.folder / "out" / "README.md").read_text()


def test_a_tagging_card_says_which_tokens_count_and_that_pipelines_cut(cli, workspace, run):
    """And so it is: the words up to the cut have our tags, and those after it have none."""
    card = card_of(cli, workspace, run, "tag")
    assert "- Input: words, at most 10 tokens at once\n" in card and "- Labels: O, animal\n" in card
    (rule,) = re.findall("- Decoding: (.*)", card)
    assert "the tag of a word is that of its first token" in rule and "overlapping windows" in rule
    assert "A pipeline of transformers cuts it instead, and gives no tag to the words after the cut" in rule
    code = re.search(r"```python\n(.*?)```", card, flags=re.DOTALL).group(1)
    texts = ["a red cat runs", "the dog " * 10]
    ask = f"import json; print('ANSWER', json.dumps([predict(t, ignore_labels=[]) for t in {texts!r}], default=str))"
    said = json.loads(alone(workspace.folder, f"{code}\n{ask}").split("ANSWER")[1])
    short, long = ([one["entity"] for one in of_text] for of_text in said)
    ours = mtsmart.load(run).predict("tag", [{"words": text} for text in texts])
    assert short == ours[0]["prediction"] and len(long) == 8 and len(ours[1]["prediction"]) == 20


def test_a_span_card_says_how_an_answer_is_found_and_that_windows_are_mtsmarts(cli, workspace, run):
    card = card_of(cli, workspace, run, "find")
    assert "- Input: question and words, at most 10 tokens at once\n" in card
    (rule,) = re.findall("- Decoding: (.*)", card)
    assert "of at most 4 tokens, with the highest sum of start and end logit" in rule
    assert "no answer has the sum at the classification token" in rule
    assert "A single pass of the exported model reads one window" in rule
