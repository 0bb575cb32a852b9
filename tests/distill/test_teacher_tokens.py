"""A teacher and a student with different tokenizers, and tasks that are taught token by token."""

import json
import shutil

import pytest
import torch

from mtsmart.config import load_experiment
from mtsmart.evaluation.loaded import LoadedRun
from mtsmart.losses import Role
from mtsmart.training.setup import prepare
from tests.conftest import sentences, write_jsonl
from tests.distill.students import adapted, batch_of, of_student
from tests.models.architectures import save


# Other tokenizers, other types ----------------------------------------------------------------------------------
def reordered(folder, source):
    """The encoder of ``source`` with a tokenizer that numbers the words from the end of the list."""
    shutil.copytree(source, folder)
    file = folder / "tokenizer.json"
    data = json.loads(file.read_text())
    vocabulary = data["model"]["vocab"]
    words = [word for word in vocabulary if not word.startswith("[")]
    numbers = [vocabulary[word] for word in words]
    vocabulary.update(zip(words, reversed(numbers), strict=True))
    file.write_text(json.dumps(data))
    return folder


def test_a_teacher_reads_rows_with_its_own_tokenizer(workspace, teacher, tiny_encoder):
    """Classification and regression go by rows: the target is what the teacher says of the texts."""
    student = reordered(workspace.folder / "encoder", tiny_encoder)
    same = prepare(load_experiment(workspace.experiment))
    other = prepare(load_experiment(workspace.experiment, [f"encoder.path={student}"]))
    for task in ("color", "near"):
        first, second = (batch_of(setup, task, [0, 9, 4]) for setup in (same, other))
        assert not torch.equal(first.inputs["input_ids"], second.inputs["input_ids"])
        torch.testing.assert_close(first.targets["teacher"], second.targets["teacher"], atol=1e-5, rtol=1e-5)


TOKEN_TASKS = """
tags:
  task_type: tagging
  dataset: {files: {train: tags.jsonl, validation: tags.jsonl}}
  text: [words]
  labels: [O, B-cat, I-cat]
answers:
  task_type: span
  dataset: {files: {train: answers.jsonl, validation: answers.jsonl}}
  text: [question, context]
"""


@pytest.fixture
def token_level(workspace, cli, monkeypatch):
    """A trained teacher of a tagging and a span task, long rows in several windows."""
    monkeypatch.setenv("MTSMART_CACHE_DIR", str(workspace.folder / "cache"))
    texts = [" ".join([*text.split(), *text.split()]) for text in sentences(16)]
    write_jsonl(
        workspace.folder / "tags.jsonl",
        [
            {"words": text.split(), "label": ["B-cat" if word == "cat" else "O" for word in text.split()]}
            for text in texts
        ],
    )
    write_jsonl(
        workspace.folder / "answers.jsonl",
        [
            {"question": "the cat", "context": text, "answers": {"text": [text.split()[0]], "answer_start": [0]}}
            for text in texts
        ],
    )
    workspace.tasks.write_text(TOKEN_TASKS)
    text = workspace.experiment.read_text().replace("[color, near]", "[tags, answers]")
    workspace.write_experiment(text.replace("max_length: 32", "max_length: 16"))
    short = ["training.max_updates=2", "smart=off", "mbpp=off"]
    assert cli("train", workspace.experiment, *short, "-o", "teacher").code == 0
    workspace.write_experiment(of_student(workspace.experiment.read_text()))
    return workspace


def test_tagging_and_span_students_learn_token_by_token(token_level, cli):
    setup = prepare(load_experiment(token_level.experiment))
    assert len(setup.train["tags"]) > 16 and len(setup.train["answers"]) > 16  # windows
    run = LoadedRun(token_level.folder / "teacher")
    for name, task in setup.task_types.items():
        rows = [1, 0, 5, 17]
        batch = batch_of(setup, name, rows)
        expected = adapted(run, setup, name, rows)
        kd = task.divergence(batch.targets["teacher"] / 2, expected / 2, batch, Role.DISTILLATION)
        assert float(kd) == pytest.approx(0, abs=1e-6)
        assert float(task.divergence(batch.targets["teacher"] * 2, expected, batch, Role.DISTILLATION)) > 1e-4
    done = cli("train", token_level.experiment, "training.max_updates=2", "training.log_every=1", "-o", "student")
    assert done.code == 0, done.err
    lines = [json.loads(x) for x in (token_level.folder / "student" / "metrics.jsonl").read_text().splitlines()]
    assert all(figure["KD"] > 0 for line in lines if line["type"] == "train" for figure in line["tasks"].values())


def test_token_level_tasks_need_the_same_tokens(token_level, tiny_encoder, cli):
    student = reordered(token_level.folder / "encoder", tiny_encoder)
    done = cli("train", token_level.experiment, f"encoder.path={student}", "-o", "student")
    assert done.code == 2
    assert "experiment.yaml:7: distill.teachers: reads the rows of 'tags' as other tokens" in done.err
    assert "Traceback" not in done.err


def test_masked_language_modelling_cannot_be_distilled(workspace, cli, monkeypatch):
    text = workspace.experiment.read_text().replace("[color, near]", "[color, text]")
    folder = save("BERT", workspace.folder / "with_mask")
    workspace.tasks.write_text(
        workspace.tasks.read_text()
        + "text:\n  task_type: masked_lm\n  dataset: {files: {train: color_train.jsonl}}\n  text: [text]\n"
    )
    workspace.write_experiment(text)
    settings = [f"encoder.path={folder}", "training.max_updates=1", "smart=off", "mbpp=off"]
    assert cli("train", workspace.experiment, *settings, "-o", "teacher").code == 0
    workspace.write_experiment(of_student(text))
    setup = prepare(load_experiment(workspace.experiment, settings))
    assert "teacher" not in batch_of(setup, "text", [0, 1]).targets
    assert "teacher" in batch_of(setup, "color", [0, 1]).targets
    done = cli("train", workspace.experiment, *settings, "distill.tasks=[text]", "-o", "student")
    assert done.code == 2
    assert "command line: distill.tasks: task type 'masked_lm' cannot be distilled, got 'text'" in done.err


def test_a_teacher_reads_rows_to_its_own_length(workspace, teacher):
    """What a teacher says of a row does not depend on how much of it the student reads."""
    whole = prepare(load_experiment(workspace.experiment))
    short = prepare(load_experiment(workspace.experiment, ["data.max_length=4"]))
    rows = [0, 1, 2, 3, 4, 5]
    assert batch_of(short, "color", rows).inputs["input_ids"].shape[1] == 4
    targets = [batch_of(setup, "color", rows).targets["teacher"] for setup in (short, whole)]
    torch.testing.assert_close(*targets, atol=1e-5, rtol=1e-5)
