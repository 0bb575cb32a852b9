"""The rows that a draft holds out for validation: rows about one text stay on one side."""

from pathlib import Path

import pytest

from mtsmart.config.sections import DataConfig
from mtsmart.data.sources import load_split
from mtsmart.drafting.draft import Given
from mtsmart.drafting.new import new_task
from mtsmart.tasks import TaskLibrary
from tests.conftest import write_jsonl

CONTEXTS = [f"The red dog number {n} saw a blue cat near the old house." for n in range(15)]


def answer(question):
    return question.answers[0]


def drafted(rows):
    write_jsonl(Path("d.jsonl"), rows)
    return new_task(["d.jsonl"], answer, Given())


def questions(contexts, each):
    gold = {"text": ["blue cat"], "answer_start": [contexts[0].index("blue cat")]}
    return [
        {"question": f"What is {n} of {place}?", "context": context, "answers": gold}
        for n in range(each)
        for place, context in enumerate(contexts)
    ]


def inferences():
    return [
        {"premise": text, "hypothesis": f"{text.split()[2]} {n} is here and it is {kind}.", "label": kind}
        for n, text in enumerate(CONTEXTS)
        for kind in ("red", "blue", "old")
    ]


@pytest.mark.parametrize(
    ("rows", "column"), [(questions(CONTEXTS[:9], 4), "context"), (inferences(), "premise")], ids=["span", "pairs"]
)
def test_rows_about_one_text_are_held_out_together(tmp_path, monkeypatch, cli, rows, column):
    monkeypatch.chdir(tmp_path)
    made = drafted(rows)
    assert f"# several rows have the same '{column}'" in made.task_file.read_text()
    definition = TaskLibrary([made.task_file])[made.name]
    assert (definition.dataset.group_column, definition.dataset.holdout) == (column, "20%")
    train, held = (set(load_split("t", definition, name, [column], DataConfig())[column]) for name in SIDES)
    assert held and train.isdisjoint(held)
    assert cli("tasks", "check", made.task_file).code == 0


SIDES = ("train", "validation")


def test_texts_that_occur_once_need_no_group(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pairs = [{**row, "premise": f"{n} {row['premise']}"} for n, row in enumerate(inferences())]
    assert "group_column" not in drafted(pairs).task_file.read_text()


def test_too_few_passages_for_two_sides_are_told(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    made = drafted(questions(CONTEXTS[:2], 10))
    assert "group_column" not in made.task_file.read_text()
    assert "So many rows share a 'context' that some stand on both sides of the holdout." in made.draft.told
