"""Resume points: which stay, which is gone on from, what a damaged one does, and what a resumed run may change."""

import json
import multiprocessing
import os
import random
import re
import shutil
import signal
import socket
import time

import pytest
import torch
from safetensors.torch import load_file

import mtsmart
from mtsmart.config import load_experiment
from mtsmart.errors import CheckpointError, ConfigError, StorageError
from mtsmart.models.files import save_model
from mtsmart.runs.best_model import ENDING
from mtsmart.runs.checkpoints import list_checkpoints, newest_checkpoint
from mtsmart.runs.folder import RunFolder
from mtsmart.runs.lock import HOLDER, LOCK, RunLock
from mtsmart.training.callbacks import Callback
from mtsmart.training.setup import prepare
from mtsmart.training.trainer import Trainer
from tests.conftest import write_jsonl
from tests.forked import Forked, command_line
from tests.training.test_resume import SETTINGS, StopAt, assert_same_run

EVERY = [*SETTINGS, "training.checkpoint_every=3"]


class Notices(Callback):
    def __init__(self):
        self.texts = []

    def on_notice(self, event):
        self.texts.append(event.text)


@pytest.fixture
def run(trained_run):
    """A finished run of 18 updates with a resume point each third."""
    return trained_run(*EVERY)


def names(run):
    """What lies in checkpoints/, but for the models that are kept beside resume points."""
    found = {path.name for path in (run / "checkpoints").iterdir()}
    models = {name for name in found if name.endswith(ENDING)}
    assert {name.removesuffix(ENDING) for name in models} <= {name.removesuffix(".damaged") for name in found}
    return sorted(found - models)


def damage(file, kind, rng):
    """Cut a file short, flip one of its bits, or take it away."""
    content = file.read_bytes()
    if kind == "missing":
        file.unlink()
    elif kind == "cut":
        file.write_bytes(content[: rng.randrange(len(content))])
    else:
        place = rng.randrange(len(content))
        file.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])


@pytest.mark.parametrize("kind", ["cut", "flip", "missing"])
def test_a_damaged_file_of_a_resume_point_is_named_and_the_point_before_it_taken(run, kind):
    rng = random.Random(kind)
    *_, before, point = list_checkpoints(run / "checkpoints")
    assert len(sorted(point.iterdir())) == 7
    for file in sorted(point.iterdir()):
        content, told = file.read_bytes(), []
        damage(file, kind, rng)
        assert newest_checkpoint(point.parent, told.append) == before
        assert len(told) == 1 and str(point) in told[0] and f"Resuming from {before.name}" in told[0]
        file.write_bytes(content)
        assert newest_checkpoint(point.parent, told.append) == point and len(told) == 1


@pytest.mark.parametrize(("count", "kinds"), [(1, ["flip"]), (3, ["missing", "cut", "flip"])])
def test_a_run_that_goes_on_from_a_whole_resume_point_ends_as_if_nothing_had_happened(workspace, run, count, kinds):
    reference = shutil.copytree(run, workspace.folder / "reference")
    rng, told = random.Random(count), Notices()
    bad = [rng.choice(sorted(point.iterdir())) for point in list_checkpoints(run / "checkpoints")[-count:]]
    for file, kind in zip(bad, kinds, strict=True):
        damage(file, kind, rng)
    mtsmart.train(workspace.experiment, EVERY, output_dir=run, resume=True, callback=told)
    assert len(told.texts) == len(bad)
    for file, text in zip(reversed(bad), told.texts, strict=True):
        assert str(file.parent) in text and "Resuming from update-" in text
    assert_same_run(reference, run)
    assert sum(name.endswith(".damaged") for name in names(run)) == len(bad)


def test_with_every_resume_point_damaged_nothing_is_started_over(workspace, run):
    for point in list_checkpoints(run / "checkpoints"):
        (point / "state.json").unlink()
    before = (run / "metrics.jsonl").read_bytes()
    with pytest.raises(CheckpointError, match=r"update-00000018/state\.json: is missing.*No resume point is whole"):
        mtsmart.train(workspace.experiment, EVERY, output_dir=run, resume=True)
    assert (run / "metrics.jsonl").read_bytes() == before


def test_a_run_killed_before_its_first_resume_point_begins_again_and_says_so(workspace, run):
    reference = shutil.copytree(run, workspace.folder / "reference")
    for name in ("checkpoints", "model", "results.json"):
        shutil.rmtree(run / name) if (run / name).is_dir() else (run / name).unlink()
    notices = Notices()
    mtsmart.train(workspace.experiment, EVERY, output_dir=run, resume=True, callback=notices)
    assert [text for text in notices.texts if "resume point" in text] == [
        f"{run} has no resume point yet, so training starts at its beginning"
    ]
    assert_same_run(reference, run)


def test_a_damaged_model_is_named(run):
    file = run / "model" / "heads" / "color.safetensors"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"color\.safetensors: is damaged"):
        mtsmart.load(run)


def test_the_newest_stay_and_the_best_where_asked_for(workspace):
    settings = [*EVERY, "training.keep_checkpoints=2", "training.evaluate_every=3", "training.seed=3"]
    last = mtsmart.train(workspace.experiment, settings, output_dir=workspace.folder / "last").path
    assert names(last) == ["update-00000015", "update-00000018"]
    run = mtsmart.train(workspace.experiment, [*settings, "training.keep_best=true"], output_dir=workspace.folder / "b")
    best = f"update-{run.results['best']['update']:08d}"
    assert names(run.path) == sorted({best, "update-00000015", "update-00000018"})
    assert best < "update-00000015"  # else this would show nothing


def test_what_a_killed_process_left_goes_away(workspace, run):
    scratch = RunFolder(run).scratch
    scratch.mkdir()
    list_checkpoints(run / "checkpoints")[-1].rename(scratch / "update-00000018.new")
    (scratch / ".results.json.new").write_text("{")
    mtsmart.train(workspace.experiment, EVERY, output_dir=run, resume=True)
    assert names(run) == [f"update-{update:08d}" for update in range(3, 19, 3)]
    assert not scratch.exists()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("optimizer.learning_rate=2e-3", r"optimizer\.learning_rate: 0\.001 -> 0\.002"),
        ("tasks.color.weight=3", r"tasks\.color\.weight: 1\.0 -> 3\.0"),
        ("tasks=[near, color]", r"tasks: color, near -> near, color"),
        ("smart.weight=9", r"smart\.weight: null -> 9\.0"),
        ("data.max_length=16", r"data\.max_length: 32 -> 16; rows\.color\.train: 44 rows, \w{12} -> 44 rows, \w{12}"),
    ],
)
def test_another_run_is_refused_with_the_differences(workspace, run, change, told):
    with pytest.raises(CheckpointError, match=told):
        mtsmart.train(workspace.experiment, [*EVERY, change], output_dir=run, resume=True)


def test_changed_data_is_refused_unless_allowed(workspace, run):
    file = workspace.folder / "color_train.jsonl"
    rows = [json.loads(line) for line in file.read_text().splitlines()]
    write_jsonl(file, [*rows, {"text": "a new red house", "label": "red"}])
    with pytest.raises(CheckpointError, match=r"another run now: rows\.color\.train: 44 rows, \w{12} -> 45 rows"):
        mtsmart.train(workspace.experiment, EVERY, output_dir=run, resume=True)
    mtsmart.train(workspace.experiment, EVERY, output_dir=run, resume=True, allow_changes=["rows.color.train"])


def test_an_allowed_change_goes_on_and_is_the_runs_from_then_on(workspace, run, cli):
    longer = [*EVERY, "training.epochs=4", "smart=off"]
    arguments = ["train", workspace.experiment, *longer, "--output-dir", run, "--resume"]
    refused = cli(*arguments, "--allow-changes", "training.epochs")
    assert refused.code == 2 and "smart" in refused.err and "training.epochs" not in refused.err
    result = cli(*arguments, "--allow-changes", "training.epochs", "--allow-changes", "smart")
    assert result.code == 0, result.err
    assert "continues after update 18" in result.out
    assert json.loads((run / "metrics.jsonl").read_text().splitlines()[-1])["update"] == 24
    assert cli(*arguments).code == 0


def test_optimizer_state_goes_to_the_parameter_it_belongs_to(workspace, run):
    """The tasks in another order: the optimizer numbers the parameters of their heads anew."""
    point = list_checkpoints(run / "checkpoints")[-1]
    trainer = Trainer(prepare(load_experiment(workspace.experiment, [*EVERY, "tasks=[near, color]"])), RunFolder(run))
    trainer.resume(point)
    stored = load_file(point / "optimizer.safetensors")
    for name, parameter in trainer.setup.model.named_parameters():
        for key, value in trainer.optimizer.state[parameter].items():
            assert torch.equal(value, stored[f"{name}.{key}"])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("optimizer.name=adamax", "its optimizer kept exp_avg, exp_avg_sq, step of a parameter"),
        ("tasks=[color]", "near"),
    ],
)
def test_an_allowed_change_that_cannot_be_gone_on_from_is_one_message(workspace, run, change, message):
    """The configuration stays, so that the original command still resumes."""
    before = (run / "config.yaml").read_bytes()
    with pytest.raises(CheckpointError, match=f"cannot be resumed from: .*{message}"):
        mtsmart.train(
            workspace.experiment,
            [*EVERY, change],
            output_dir=run,
            resume=True,
            allow_changes=["optimizer", "tasks", "rows"],
        )
    assert (run / "config.yaml").read_bytes() == before


@pytest.fixture
def gone_on(workspace, run):
    """The run at its resume point of update 15, model/ being that of a later update; and what goes on from there."""
    for path in (run / "checkpoints").glob("update-00000018*"):
        shutil.rmtree(path)
    best = json.loads((run / "checkpoints" / "update-00000015" / "state.json").read_text())["selection"]["best"]
    load_as = load_experiment(workspace.experiment, EVERY)
    model = Trainer(prepare(load_as), RunFolder(run)).setup
    save_model(run / "model", model.model, model.tokenizer)
    settings = [*EVERY, "optimizer.learning_rate=1e-9"]  # with which no later evaluation is a better one
    told = Notices()

    def go_on():
        return mtsmart.train(
            workspace.experiment, settings, output_dir=run, resume=True, allow_changes=["optimizer"], callback=told
        )

    return run, best, go_on, told


def test_the_model_is_that_of_the_best_evaluation_also_after_going_back(gone_on):
    run, best, go_on, told = gone_on
    results = go_on().results
    assert results["best"] == best and told.texts == []
    assert mtsmart.load(run).evaluate().score == pytest.approx(best["score"])


def test_a_best_model_that_is_lost_is_told(gone_on):
    run, _, go_on, told = gone_on
    (run / "checkpoints" / f"update-00000015{ENDING}" / "heads" / "color.safetensors").unlink()
    go_on()
    assert len(told.texts) == 1 and "is of a later update than the best one" in told.texts[0]


def test_kept_models_take_no_room_of_their_own(workspace):
    run = mtsmart.train(workspace.experiment, EVERY, output_dir=workspace.folder / "run").path
    model, kept = (
        path / "encoder" / "model.safetensors" for path in (run / "model", *run.glob(f"checkpoints/*18{ENDING}"))
    )
    assert model.samefile(kept)


@pytest.mark.parametrize("left", [0, 500])
def test_lost_lines_are_told_and_leave_whole_lines(workspace, run, left):
    file, told = run / "metrics.jsonl", Notices()
    file.write_bytes(file.read_bytes()[:left])
    settings = [*EVERY, "training.epochs=4"]
    mtsmart.train(
        workspace.experiment, settings, output_dir=run, resume=True, allow_changes=["training"], callback=told
    )
    assert len(told.texts) == 1 and re.search(
        rf"metrics\.jsonl: has lost lines.*\({left} of [0-9,]+ bytes", told.texts[0]
    )
    assert [json.loads(line) for line in file.read_text().splitlines()][-1]["update"] == 24


def test_a_teacher_that_joins_at_a_resume_is_a_copy_of_the_present_student(workspace):
    folder = workspace.folder / "stopped"
    settings = [*SETTINGS, "smart=off"]
    with pytest.raises(KeyboardInterrupt):
        mtsmart.train(
            workspace.experiment, [*settings, "mbpp=off", "tasks.near.mbpp=off"], output_dir=folder, callback=StopAt(10)
        )
    experiment = load_experiment(workspace.experiment, settings)
    trainer = Trainer(prepare(experiment), RunFolder(folder))
    trainer.resume(list_checkpoints(folder / "checkpoints")[-1])
    teacher = trainer.step.regularizers["mbpp"]
    assert teacher.measure(trainer.setup.model) == {"teacher_distance": 0.0}
    assert teacher.updates == trainer.progress.update == 10


def test_what_changes_nothing_may_differ(workspace, run):
    before = (run / "metrics.jsonl").read_bytes()
    settings = [*EVERY, "training.keep_checkpoints=1", "data.workers=1", "description=another"]
    mtsmart.train(workspace.experiment, settings, output_dir=run, resume=True)
    assert (run / "metrics.jsonl").read_bytes() == before


def test_a_finished_run_keeps_its_configuration(workspace, run):
    """Nothing is trained with the change, so it is not the run's."""
    before = {name: (run / name).read_bytes() for name in ("config.yaml", "README.md", "metrics.jsonl")}
    settings = [*EVERY, "optimizer.learning_rate=0.5"]
    mtsmart.train(workspace.experiment, settings, output_dir=run, resume=True, allow_changes=["optimizer"])
    assert {name: (run / name).read_bytes() for name in before} == before


def test_allowed_changes_are_for_runs_that_go_on(workspace, run):
    with pytest.raises(ConfigError, match="Use `resume=True` too"):
        mtsmart.train(workspace.experiment, EVERY, output_dir=run, allow_changes=["training"])


def test_a_resume_point_past_the_shorter_epoch_goes_on_with_the_next(workspace):
    """With larger batches, the batch at which the run stopped may not be there any more."""
    folder = workspace.folder / "stopped"
    with pytest.raises(KeyboardInterrupt):
        mtsmart.train(workspace.experiment, SETTINGS, output_dir=folder, callback=StopAt(5))
    settings = [*SETTINGS, "training.batch_size=44"]
    mtsmart.train(workspace.experiment, settings, output_dir=folder, resume=True, allow_changes=["training"])


def test_two_processes_on_one_folder(workspace, cli):
    """The second is refused with the first one's process and host; when that has died, nothing is in the way."""
    folder = workspace.folder / "run"
    queue = multiprocessing.get_context("fork").SimpleQueue()

    def hold():
        lock = RunLock(folder)  # named, for it lets go when nothing refers to it
        lock.acquire()
        queue.put("held")
        time.sleep(600)

    holder = multiprocessing.get_context("fork").Process(target=hold)
    holder.start()
    try:
        assert queue.get() == "held"
        result = cli("train", workspace.experiment, "--output-dir", folder)
        assert result.code == 2
        assert f"another run is writing here: process {holder.pid} on {socket.gethostname()}" in result.err
        assert sorted(path.name for path in folder.iterdir()) == [HOLDER, LOCK]
    finally:
        os.kill(holder.pid, signal.SIGKILL)
        holder.join()
    assert cli("train", workspace.experiment, "--output-dir", folder).code == 0
    assert not (folder / HOLDER).exists()


def test_the_lock_is_free_after_an_error(workspace):
    folder = workspace.folder / "run"
    with pytest.raises(ZeroDivisionError), RunLock(folder) as lock:
        lock.acquire()
        raise ZeroDivisionError
    with RunLock(folder) as lock:
        lock.acquire()


def test_a_lock_that_cannot_be_described_leaves_nothing_behind(tmp_path, monkeypatch):
    """As on a disk that is full after the lock's own, empty file."""

    def full(*_):
        raise StorageError("cannot be written")

    monkeypatch.setattr("mtsmart.runs.lock.json.dumps", full)
    with pytest.raises(StorageError), RunLock(tmp_path / "run") as lock:
        lock.acquire()
    assert not (tmp_path / "run").exists()


class StopsTwice(Callback):
    """Ctrl-C twice in the same update: the second one does not wait."""

    def on_update(self, event):
        if event.update == 5:
            signal.raise_signal(signal.SIGINT)  # two at once from outside may arrive as one
            signal.raise_signal(signal.SIGINT)


def test_a_second_interrupt_ends_at_once_and_leaves_the_older_resume_point(workspace):
    folder = workspace.folder / "stopped"
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background is born without
    try:
        with pytest.raises(KeyboardInterrupt):
            mtsmart.train(workspace.experiment, EVERY, output_dir=folder, callback=StopsTwice())
    finally:
        signal.signal(signal.SIGINT, before)
    assert names(folder) == ["update-00000003"]
    assert newest_checkpoint(folder / "checkpoints", print).name == "update-00000003"


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signals_write_a_resume_point_and_have_their_exit_codes(workspace, number, code):
    folder = workspace.folder / "run"
    settings = ["training.epochs=1000", "training.checkpoint_every=100000", "training.evaluate_every=100000"]
    command = ["train", str(workspace.experiment), *settings, "-o", str(folder)]
    process = Forked(command_line, *command, out=workspace.folder / "out", err=workspace.folder / "err")
    deadline = time.monotonic() + 120
    while not (folder / "metrics.jsonl").exists() or not (folder / "metrics.jsonl").stat().st_size:
        assert not process.ended() and time.monotonic() < deadline, process.err.read_text()
        time.sleep(0.05)
    os.kill(process.pid, number)
    assert process.wait(timeout=60) == code, process.err.read_text()
    assert "--resume continues from it" in process.out.read_text() and "Traceback" not in process.err.read_text()
    assert len(list_checkpoints(folder / "checkpoints")) == 1
