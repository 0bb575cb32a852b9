"""Several tasks predicted at once: one pass through the encoder for those that read the same input."""

import json

import pytest
import torch

import mtsmart
from mtsmart.evaluation.evaluator import _on_cpu
from tests.conftest import make_workspace, sentences, write_jsonl

TASKS = """
color:
  task_type: classification
  dataset: {files: {train: rows.jsonl, validation: rows.jsonl}}
  text: [text]
  label: color
  labels: [other, red]
length:
  task_type: regression
  dataset: {files: {train: rows.jsonl, validation: rows.jsonl}}
  text: [text]
  label: length
about:
  task_type: multi_label
  dataset: {files: {train: rows.jsonl, validation: rows.jsonl}}
  text: [text]
  label: about
  labels: [animal, thing]
short:
  task_type: regression
  dataset: {files: {train: rows.jsonl, validation: rows.jsonl}}
  text: [text]
  label: length
  max_length: 6
words:
  task_type: tagging
  dataset: {files: {train: rows.jsonl, validation: rows.jsonl}}
  text: [text]
  label: tags
  labels: [O, X]
  metrics: [tag_accuracy]
also_words:
  task_type: tagging
  dataset: {files: {train: rows.jsonl, validation: rows.jsonl}}
  text: [text]
  label: also_tags
  labels: [A, B, C]
  metrics: [tag_accuracy]
"""


def about(text):
    return [name for name, word in (("animal", "dog"), ("thing", "car")) if word in text.split()]


@pytest.fixture(scope="module")
def run(tmp_path_factory, tiny_encoder):
    """Six tasks on one column of text, four of which read it in the same way."""
    rows = [
        {
            "text": text,
            "color": "red" if "red" in text else "other",
            "length": len(text.split()) / 10,
            "about": about(text),
            "tags": ["X" if word == "cat" else "O" for word in text.split()],
            "also_tags": ["ABC"[len(word) % 3] for word in text.split()],
        }
        for text in sentences(24)
    ]
    workspace = make_workspace(tmp_path_factory.mktemp("six-tasks"), tiny_encoder)
    write_jsonl(workspace.folder / "rows.jsonl", rows)
    workspace.tasks.write_text(TASKS)
    text = workspace.experiment.read_text()
    workspace.write_experiment(text.replace("[color, near]", "[color, length, about, short, words, also_words]"))
    settings = ["training.max_updates=2", "smart=off", "mbpp=off"]
    return mtsmart.train(workspace.experiment, settings, output_dir=workspace.folder / "run").load()


@pytest.fixture
def passes(run, monkeypatch):
    """How many batches went through the encoder."""
    counted = []
    forward = run.model.encoder.forward
    monkeypatch.setattr(run.model.encoder, "forward", lambda *args: counted.append(1) or forward(*args))
    return counted


ROWS = [{"text": text} for text in sentences(9, seed=3)]


@pytest.mark.parametrize(
    ("tasks", "expected"),
    [
        (["color", "length", "about"], 1),  # different types, the same input
        (["words", "also_words"], 1),  # different labels, the same words
        (["color", "short"], 2),  # another length limit
        (["color", "words"], 2),  # encoded in another way
        (["words", "color", "also_words", "about"], 2),
        (["color"], 1),
    ],
)
def test_tasks_that_read_the_same_input_share_a_pass(run, passes, tasks, expected):
    together = run.predict(tasks, ROWS)
    assert len(passes) == expected
    alone = {task: run.predict(task, ROWS) for task in tasks}
    for index, row in enumerate(together):
        wanted = {f"{task}.{key}": value for task in tasks for key, value in alone[task][index].items()}
        assert row == wanted  # to the last bit
        assert list(row) == list(wanted)


def test_one_task_by_name_is_not_prefixed(run):
    assert [list(row) for row in run.predict("color", ROWS[:2])] == [["prediction", "p(other)", "p(red)"]] * 2
    assert run.predict(["color", "length"], []) == []


def test_rows_for_tasks_of_other_columns_need_them_all(workspace):
    settings = ["training.max_updates=1", "smart=off", "mbpp=off"]
    run = mtsmart.train(workspace.experiment, settings, output_dir="two").load()
    rows = [{"text": "a cat", "a": "the dog", "b": "red"}, {"text": "red", "a": "a", "b": "b"}]
    assert [list(row) for row in run.predict(["near", "color"], rows)] == [
        ["near.prediction", "color.prediction", "color.p(other)", "color.p(red)"]
    ] * 2
    with pytest.raises(mtsmart.MtsmartError, match="row 1: a: there is no such column"):
        run.predict(["color", "near"], [{"text": "a cat"}])


@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_the_command_takes_several_tasks(run, cli, tmp_path, suffix):
    (tmp_path / "in.jsonl").write_text("".join(json.dumps({"id": i, **row}) + "\n" for i, row in enumerate(ROWS)))
    names = ["-t", "color", "-t", "length", "-t", "color"]
    output = tmp_path / f"out{suffix}"
    result = cli("predict", run.path, *names, "-i", tmp_path / "in.jsonl", "--output", output)
    assert result.code == 0, result.err
    text = output.read_text()
    keys = ["id", "text", "color.prediction", "color.p(other)", "color.p(red)", "length.prediction"]
    if suffix == ".csv":
        assert text.splitlines()[0] == ",".join(keys)
        return
    expected = run.predict(["color", "length"], ROWS)
    made = [json.loads(line) for line in text.splitlines()]
    assert made == [{"id": i, **row, **more} for i, (row, more) in enumerate(zip(ROWS, expected, strict=True))]


def test_one_task_named_twice_is_one_task(run, cli, tmp_path):
    (tmp_path / "in.jsonl").write_text(json.dumps(ROWS[0]) + "\n")
    result = cli("predict", run.path, "-t", "length", "-t", "length", "-i", tmp_path / "in.jsonl")
    assert list(json.loads(result.out)) == ["text", "prediction"]


@pytest.mark.parametrize(
    ("tasks", "content", "message"),
    [
        (["color", "colour"], "text\nx\n", "--task: there is no task of this name, got 'colour'. Did you mean 'color'"),
        (["color", "length"], "text,length.prediction\nx,1\n", "length.prediction: the file already has a column"),
        (["color", "length"], "txt\nx\n", "in.csv: text: there is no such column. Did you mean 'txt'"),
    ],
)
def test_refusals(run, cli, tmp_path, tasks, content, message):
    (tmp_path / "in.csv").write_text(content)
    names = [part for task in tasks for part in ("-t", task)]
    result = cli("predict", run.path, *names, "-i", tmp_path / "in.csv")
    assert (result.code, result.out) == (2, "")
    assert message in result.err


def test_several_labels_are_written_as_they_are_read(workspace, cli):
    """A prediction file in csv can be read as training data: the separator stands between the labels."""
    rows = [
        {"text": "a red cat", "label": "cat,red"},
        {"text": "the dog", "label": ""},
        {"text": "cat", "label": "cat"},
    ]
    write_jsonl(workspace.folder / "train.jsonl", rows * 4)
    workspace.tasks.write_text(
        "marks: {task_type: multi_label, dataset: {files: {train: train.jsonl, validation: train.jsonl}},\n"
        "  text: [text], labels: [cat, red], options: {threshold: 0.0001}}\n"
    )
    workspace.write_experiment(workspace.experiment.read_text().replace("[color, near]", "[marks]"))
    assert cli("train", workspace.experiment, "training.max_updates=1", "smart=off", "mbpp=off", "-o", "run").code == 0
    (workspace.folder / "in.csv").write_text("text\na red cat\n")
    result = cli("predict", "run", "-t", "marks", "-i", "in.csv", "--output", "out.csv")
    assert result.code == 0, result.err
    assert '"cat,red"' in (workspace.folder / "out.csv").read_text()
    assert json.loads(cli("predict", "run", "-t", "marks", "-i", "in.csv").out)["prediction"] == ["cat", "red"]


def test_kept_outputs_have_memory_of_their_own():
    """A row that was a view would take its whole batch along wherever it is sent."""
    rows = _on_cpu([*torch.randn(64, 3, dtype=torch.bfloat16), torch.zeros(2, 5)])
    assert [row.dtype for row in rows] == [torch.float32] * 65 and rows[-1].shape == (2, 5)
    assert all(row.untyped_storage().nbytes() == 4 * row.numel() for row in rows)
