"""Distillation as a user meets it: a teacher run, a student of it, its files, its errors."""

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file, save_file

import mtsmart
from mtsmart.config import load_experiment
from mtsmart.config.sections import DataConfig
from mtsmart.data.encoding import cache_dir
from mtsmart.data.loader import load_batches
from mtsmart.data.sampler import BatchIndex
from mtsmart.distill import teachers as distillation
from mtsmart.evaluation.loaded import LoadedRun
from mtsmart.runs.checkpoints import list_checkpoints
from mtsmart.training.setup import prepare
from tests.conftest import BOTH_TERMS, sentences, write_jsonl
from tests.models.architectures import save
from tests.training.test_resume import StopAt

DISTILL = "distill: {teachers: [teacher], weight: 0.5, temperature: 2.0}\n"
BOTH = ["smart=tuned", "mbpp.preset=tuned", "mbpp.weight=1"]


def of_student(text):
    """The experiment with distillation in the place of both terms."""
    return text.replace(BOTH_TERMS, DISTILL)


@pytest.fixture
def teacher(workspace, monkeypatch):
    """A trained run of both tasks in `teacher`; the experiment then is a student's."""
    monkeypatch.setenv("MTSMART_CACHE_DIR", str(workspace.folder / "cache"))
    settings = ["training.seed=5", "smart=off", "mbpp=off"]
    run = mtsmart.train(workspace.experiment, settings, output_dir=workspace.folder / "teacher")
    workspace.write_experiment(of_student(workspace.experiment.read_text()))
    return run.path


@pytest.fixture
def scored(monkeypatch):
    """The (teacher's folder, task) pairs that were computed."""
    calls, compute = [], distillation._score

    def score(teacher, task, split, config):
        calls.append((teacher.folder.path.name, task.name))
        return compute(teacher, task, split, config)

    monkeypatch.setattr(distillation, "_score", score)
    return calls


def batch_of(setup, task, rows):
    (batch,) = load_batches([BatchIndex(task, tuple(rows))], setup.train, setup.collate)
    return batch


def adapted(run, setup, task, rows):
    """The run's logits for the setup's rows, computed here and now."""
    batch, kind = batch_of(setup, task, rows), setup.tasks[task].type
    with torch.no_grad():
        model = run.model.cpu()
        return kind.adapt(model(kind.head_name, model.embed(batch.inputs["input_ids"]), batch.inputs), batch)


def files():
    return sorted((cache_dir(DataConfig()) / "teachers").iterdir())


def same_model(a, b):
    pairs = [(file, b / file.relative_to(a)) for file in sorted((a / "model").rglob("*.safetensors"))]
    assert pairs
    for one, other in pairs:
        first, second = load_file(one), load_file(other)
        if first.keys() != second.keys() or not all(torch.equal(first[key], second[key]) for key in first):
            return False
    return True


def test_train_evaluate_and_predict_on_the_command_line(workspace, teacher, cli):
    done = cli("train", workspace.experiment, *BOTH, "encoder.layers=1", "-o", "student")
    assert done.code == 0, done.err
    lines = [json.loads(line) for line in (workspace.folder / "student" / "metrics.jsonl").read_text().splitlines()]
    figures = [line["tasks"][task] for line in lines if line["type"] == "train" for task in line["tasks"]]
    assert figures and all(figure["KD"] > 0 for figure in figures)
    shutil.rmtree(teacher)  # a trained student does not need it
    shown = cli("evaluate", "student", "--json")
    assert shown.code == 0, shown.err
    assert set(json.loads(shown.out)["tasks"]) == {"color", "near"}
    (workspace.folder / "new.jsonl").write_text('{"text": "a red dog"}\n')
    assert cli("predict", "student", "--task", "color", "--input", "new.jsonl").code == 0
    done = cli("finetune", "student", "--task", "color", "training.epochs=1", "-o", "tuned")
    assert done.code == 0, done.err


def test_batches_hold_the_teachers_logits_for_their_rows(workspace, teacher):
    setup, run = prepare(load_experiment(workspace.experiment)), LoadedRun(teacher)
    rows = [7, 0, 43, 12]
    target = batch_of(setup, "color", rows).targets["teacher"]
    expected = adapted(run, setup, "color", rows)
    torch.testing.assert_close(torch.softmax(target / 2, -1), torch.softmax(expected / 2, -1), atol=1e-5, rtol=1e-5)
    near = batch_of(setup, "near", rows).targets["teacher"]
    torch.testing.assert_close(near, adapted(run, setup, "near", rows), atol=1e-5, rtol=1e-5)
    assert float(near.std()) > 0


def test_an_ensemble_is_the_mean_of_its_teachers(workspace, teacher, scored):
    plain = workspace.experiment.read_text().replace(DISTILL, "")
    other = workspace.folder / "other.yaml"
    other.write_text(plain)
    second = mtsmart.train(
        other, ["training.seed=6", "smart=off", "mbpp=off"], output_dir=workspace.folder / "second"
    ).path
    setup = prepare(load_experiment(workspace.experiment, [f"distill.teachers=[{teacher}, {second}]"]))
    assert scored == [("teacher", "color"), ("teacher", "near"), ("second", "color"), ("second", "near")]
    rows = [3, 30, 9]
    color, near = (
        [adapted(LoadedRun(run), setup, task, rows) for run in (teacher, second)] for task in ("color", "near")
    )
    target = batch_of(setup, "color", rows).targets["teacher"]
    mean = sum(torch.softmax(each / 2, -1) for each in color) / 2
    torch.testing.assert_close(torch.softmax(target / 2, -1), mean, atol=1e-5, rtol=1e-5)
    target = batch_of(setup, "near", rows).targets["teacher"]
    torch.testing.assert_close(target, sum(near) / 2, atol=1e-5, rtol=1e-5)


def test_labels_are_matched_by_name(workspace, teacher):
    before = batch_of(prepare(load_experiment(workspace.experiment)), "color", [0, 1, 2]).targets
    workspace.tasks.write_text(workspace.tasks.read_text().replace("[other, red]", "[red, other]"))
    after = batch_of(prepare(load_experiment(workspace.experiment)), "color", [0, 1, 2]).targets
    assert torch.equal(after["labels"], 1 - before["labels"])
    torch.testing.assert_close(after["teacher"], before["teacher"].flip(-1), atol=1e-5, rtol=1e-5)


def test_a_teacher_runs_once(workspace, teacher, scored):
    prepare(load_experiment(workspace.experiment))
    assert scored == [("teacher", "color"), ("teacher", "near")]
    stored = files()
    prepare(load_experiment(workspace.experiment, ["distill.temperature=5", "distill.weight=0.9", "encoder.layers=1"]))
    assert len(scored) == 2  # neither the temperature nor the student changes what the teacher says

    (teacher / "model" / "manifest.json").unlink()  # the changes are ours
    weights = teacher / "model" / "heads" / "color.safetensors"
    save_file({name: tensor + 1 for name, tensor in load_file(weights).items()}, weights)
    prepare(load_experiment(workspace.experiment))
    assert scored[2:] == [("teacher", "color")]

    weights = teacher / "model" / "encoder" / "model.safetensors"
    save_file({name: tensor * 1.1 for name, tensor in load_file(weights).items()}, weights, {"format": "pt"})
    prepare(load_experiment(workspace.experiment))
    assert scored[3:] == [("teacher", "color"), ("teacher", "near")]

    rows = (workspace.folder / "near_train.jsonl").read_text().splitlines(keepends=True)
    (workspace.folder / "near_train.jsonl").write_text("".join(reversed(rows)))
    prepare(load_experiment(workspace.experiment))
    assert scored[5:] == [("teacher", "near")]
    assert len(files()) == len(stored) + 4


def test_a_damaged_file_is_written_anew(workspace, teacher, scored):
    first = batch_of(prepare(load_experiment(workspace.experiment)), "near", [0, 5]).targets["teacher"]
    for file in files():
        file.write_bytes(file.read_bytes()[:100])
    again = batch_of(prepare(load_experiment(workspace.experiment)), "near", [0, 5]).targets["teacher"]
    assert len(scored) == 4
    assert torch.equal(first, again)


def test_the_run_is_the_same_whether_the_teacher_ran_or_its_file_was_found(workspace, teacher, scored):
    runs = [mtsmart.train(workspace.experiment, output_dir=workspace.folder / name).path for name in ("one", "two")]
    assert len(scored) == 2
    assert (runs[0] / "metrics.jsonl").read_bytes() == (runs[1] / "metrics.jsonl").read_bytes()
    assert same_model(*runs)


def test_weight_zero_is_plain_training_bit_by_bit(workspace, teacher, scored):
    zero = mtsmart.train(workspace.experiment, ["distill.weight=0"], output_dir=workspace.folder / "zero").path
    plain = mtsmart.train(workspace.experiment, ["distill=null"], output_dir=workspace.folder / "plain").path
    assert not scored
    assert (zero / "metrics.jsonl").read_bytes() == (plain / "metrics.jsonl").read_bytes()
    assert same_model(zero, plain)
    half = mtsmart.train(workspace.experiment, output_dir=workspace.folder / "half").path
    assert not same_model(half, plain)


def test_tasks_without_teachers_train_as_before(workspace, teacher, scored):
    setup = prepare(load_experiment(workspace.experiment, ["distill.tasks=[near]"]))
    assert scored == [("teacher", "near")]
    assert "teacher" not in batch_of(setup, "color", [0, 1]).targets
    assert "teacher" in batch_of(setup, "near", [0, 1]).targets


@pytest.mark.parametrize("stop", [2, 5])
def test_resume_is_bitwise_exact(workspace, teacher, scored, stop):
    whole = mtsmart.train(workspace.experiment, BOTH, output_dir=workspace.folder / "whole").path
    folder = workspace.folder / "stopped"
    with pytest.raises(KeyboardInterrupt):
        mtsmart.train(workspace.experiment, BOTH, output_dir=folder, callback=StopAt(stop))
    torch.manual_seed(999)
    mtsmart.train(workspace.experiment, BOTH, output_dir=folder, resume=True)
    assert len(scored) == 2
    assert (whole / "metrics.jsonl").read_bytes() == (folder / "metrics.jsonl").read_bytes()
    assert same_model(whole, folder)
    last = list_checkpoints(whole / "checkpoints")[-1].name
    for name in ("model", "optimizer", "random", "distillation"):
        one, other = (load_file(run / "checkpoints" / last / f"{name}.safetensors") for run in (whole, folder))
        assert one.keys() == other.keys() and all(torch.equal(one[key], other[key]) for key in one), name


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
    assert cli("train", workspace.experiment, "training.epochs=1", "smart=off", "-o", "teacher").code == 0
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
        kd = task.divergence(batch.targets["teacher"] / 2, expected / 2, batch, "kd_loss")
        assert float(kd) == pytest.approx(0, abs=1e-6)
        assert float(task.divergence(batch.targets["teacher"] * 2, expected, batch, "kd_loss")) > 1e-4
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
    settings = [f"encoder.path={folder}", "training.epochs=1"]
    assert cli("train", workspace.experiment, *settings, "-o", "teacher").code == 0
    workspace.write_experiment(of_student(text))
    setup = prepare(load_experiment(workspace.experiment, settings))
    assert "teacher" not in batch_of(setup, "text", [0, 1]).targets
    assert "teacher" in batch_of(setup, "color", [0, 1]).targets
    done = cli("train", workspace.experiment, *settings, "distill.tasks=[text]", "-o", "student")
    assert done.code == 2
    assert "command line: distill.tasks: task type 'masked_lm' cannot be distilled, got 'text'" in done.err


# Errors ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("weight: 0.5", "weight: 1.5", "distill.weight: should be less than or equal to 1, got 1.5"),
        ("weight: 0.5", "weight: -0.1", "distill.weight: should be greater than or equal to 0, got -0.1"),
        ("temperature: 2.0", "temperature: 0", "distill.temperature: should be greater than 0, got 0"),
        ("[teacher]", "[gone]", "distill.teachers: is not the folder of a run (it has no config.yaml), got"),
        ("[teacher]", "[]", "distill.teachers: "),
        ("2.0}", "2.0, tasks: [colour]}", "the experiment has no such task, got 'colour'. Did you mean 'color'?"),
        ("2.0}", "2.0, taks: [color]}", "distill.taks: unknown key. Did you mean 'tasks'?"),
    ],
)
def test_errors_name_file_line_and_key(workspace, teacher, cli, old, new, message):
    workspace.write_experiment(workspace.experiment.read_text().replace(old, new))
    done = cli("train", workspace.experiment, "-o", "student")
    assert done.code == 2
    assert message in done.err
    assert "experiment.yaml:7: distill" in done.err
    assert "Traceback" not in done.err
    assert not (workspace.folder / "student").exists()


def test_a_teacher_without_the_tasks_is_refused(workspace, teacher, cli):
    workspace.tasks.write_text(workspace.tasks.read_text().replace("color:\n", "shade:\n", 1))
    text = workspace.experiment.read_text().replace("[color, near]", "[shade]")
    workspace.write_experiment(text)
    done = cli("train", workspace.experiment, "-o", "student")
    assert done.code == 2
    assert "experiment.yaml:7: distill.teachers: has a head for none of the tasks (it has: color, near)" in done.err
    workspace.write_experiment(text.replace("[shade]", "[shade, near]").replace("2.0}", "2.0, tasks: [shade]}"))
    done = cli("train", workspace.experiment, "-o", "student")
    assert done.code == 2
    assert "has no classification head for it (it has: color, near), got 'shade'" in done.err


def test_other_labels_are_refused(workspace, teacher, cli, scored):
    workspace.tasks.write_text(workspace.tasks.read_text().replace("[other, red]", "[other, red, blue]"))
    done = cli("train", workspace.experiment, "tasks.color.metrics=[accuracy]", "-o", "student")
    assert done.code == 2
    assert "has other labels for 'color': it has ['other', 'red'], not ['other', 'red', 'blue']" in done.err
    assert "experiment.yaml:7: distill.tasks" in done.err
    assert not scored


def test_a_run_without_a_model_is_no_teacher(workspace, teacher, cli):
    shutil.rmtree(teacher / "model")
    done = cli("train", workspace.experiment, "-o", "student")
    assert done.code == 2
    assert "holds no trained model" in done.err


def test_teachers_are_relative_to_the_file_that_names_them(workspace):
    workspace.write_experiment(of_student(workspace.experiment.read_text()))
    config = load_experiment(workspace.experiment).config
    assert config.parts["distill"].teachers == [str(workspace.folder / "teacher")]
    config = load_experiment(workspace.experiment, ["distill.teachers=[runs/x]"]).config
    assert config.parts["distill"].teachers == [str(workspace.folder / "runs" / "x")]


def test_a_teacher_reads_rows_to_its_own_length(workspace, teacher):
    """What a teacher says of a row does not depend on how much of it the student reads."""
    whole = prepare(load_experiment(workspace.experiment))
    short = prepare(load_experiment(workspace.experiment, ["data.max_length=4"]))
    rows = [0, 1, 2, 3, 4, 5]
    assert batch_of(short, "color", rows).inputs["input_ids"].shape[1] == 4
    targets = [batch_of(setup, "color", rows).targets["teacher"] for setup in (short, whole)]
    torch.testing.assert_close(*targets, atol=1e-5, rtol=1e-5)


def test_an_ordinal_student_learns_the_mean_of_each_step(workspace, monkeypatch):
    monkeypatch.setenv("MTSMART_CACHE_DIR", str(workspace.folder / "cache"))
    rows = [{"text": text, "label": ["low", "mid", "high"][index % 3]} for index, text in enumerate(sentences(12))]
    write_jsonl(workspace.folder / "o.jsonl", rows)
    files = "{files: {train: o.jsonl, validation: o.jsonl}}"
    (workspace.folder / "o.yaml").write_text(
        f"size: {{task_type: ordinal, dataset: {files}, text: [text], labels: [low, mid, high]}}\n"
    )
    common = ["task_files=[o.yaml]", "tasks=[size]", "smart=off", "mbpp=off", "training.epochs=1"]
    for seed in (1, 2):
        mtsmart.train(workspace.experiment, [*common, f"training.seed={seed}"], output_dir=f"t{seed}")
    student = ["distill.teachers=[t1, t2]", "distill.temperature=2.0"]
    setup = prepare(load_experiment(workspace.experiment, [*common, *student]))
    chosen = [3, 0, 7]
    target = batch_of(setup, "size", chosen).targets["teacher"]
    each = [adapted(LoadedRun(f"t{seed}"), setup, "size", chosen) for seed in (1, 2)]
    mean = torch.stack([torch.sigmoid(logits / 2) for logits in each]).mean(0)
    torch.testing.assert_close(torch.sigmoid(target / 2), mean, atol=1e-5, rtol=1e-5)
