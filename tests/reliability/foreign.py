"""Random files of others, and what each command writes, in small: real folders with tiny files instead of a model.

Each command runs in a child process, which dies at a chosen change of the file system, as if it had been killed.
"""

import os
import random
import shutil
import traceback
from contextlib import suppress

import torch

from mtsmart.errors import MtsmartError
from mtsmart.evaluation.prediction_files import check_output, write_rows
from mtsmart.models.export_folder import exporting_to
from mtsmart.runs.best_model import keep_model, put_model_back
from mtsmart.runs.checkpoints import (
    checkpoint_path,
    delete_old_checkpoints,
    list_checkpoints,
    put_newer_aside,
    save_checkpoint,
)
from mtsmart.runs.claim import RunPlace, refuse_inside_run
from mtsmart.runs.folder import RunFolder
from mtsmart.runs.journal import Journal
from mtsmart.runs.lock import RunLock
from mtsmart.runs.results import Results
from mtsmart.storage.durable import replacing_folder, write_text
from mtsmart.sweeps.folder import check_sweep, own_sweep
from mtsmart.sweeps.ledger import LEDGER, FinishedRun, Ledger
from mtsmart.sweeps.page import PAGE
from mtsmart.tasks.conversion import convert_file
from tests.tasks.mtdnn_files import CASES

CONFIG = """
name: tiny
encoder: {path: ./encoder}
tasks:
  a: {task_type: regression, text: [text], dataset: {files: {train: train.jsonl}}}
"""
NAMES = """
README.md notes.txt config.yaml config.json results.json metrics.jsonl timing.jsonl runs.jsonl RESULTS.md table.svg
model/my_weights.pt model/manifest.json model/heads.json model/encoder/notes model.old/keep model.new/keep
checkpoints/notes checkpoints/update-00000001/keep checkpoints/update-00000002/state.json
checkpoints/update-00000003.model/keep checkpoints/update-00000004.new/keep checkpoints/update-00000009/manifest.json
.git/HEAD .git/objects/ab/cd .lock .holder.json .env .results.json.0123456789ab.new .x.0123456789ab.new
.export-0123456789ab/new/model.safetensors .export-abcd/x .encoding-abcd/x .model.0123456789ab.new/keep
unfinished/0123/keep unfinished/aaaa-1/keep starts/aaaa-1/keep starts/bbbb-1/model/keep new/x old/x
out.csv out.jsonl tasks.yaml train.jsonl update-00000001/keep tiny/keep tiny-2/keep tiny-3 model.safetensors
""".split()
PLACES = ("", "target", "runs", "target/deeper", "sweep", "export", "run")
KILLERS = ("rename", "replace", "unlink", "rmdir", "mkdir", "link", "truncate", "fsync", "chmod", "ftruncate")


def scatter(root, rng):
    """Put some files of others under ``root``, where nothing is yet; path -> content."""
    made = {}
    for number in range(rng.randint(1, 8)):
        path = root / rng.choice(PLACES) / rng.choice(NAMES)
        with suppress(FileExistsError, NotADirectoryError):
            path.parent.mkdir(parents=True, exist_ok=True)
            if os.path.lexists(path):
                continue
            kind = rng.random()
            if kind < 0.1 and made:
                os.link(rng.choice(list(made)), path)
            elif kind < 0.2:
                path.symlink_to(root / "outside")
            else:
                path.write_text(f"of somebody else, {number}\n" * rng.randint(0, 3))
            made[path] = content(path)
    return made


def content(path):
    """What tells whether a file is the same."""
    if path.is_symlink():
        return os.readlink(path)
    return path.read_bytes() if path.is_file() else None


def _train(folder, resume, updates=(2, 4, 6)):
    """What a run writes, in its order."""
    with RunPlace("tiny", folder, resume) as place:
        place.choose()
        run = place.claim()
        points = list_checkpoints(run.checkpoints) if resume else []
        run.open()
        run.store(CONFIG)
        journal = Journal(run)
        if points:
            put_newer_aside(points[-1])
            put_model_back(run, points[-1], print)
        journal.start(0, print)
        for update in updates:
            journal.add({"type": "train", "update": update})
            run.claim(run.model)
            with replacing_folder(run.model, run.scratch) as aside:
                (aside / "heads").mkdir()
                (aside / "heads" / "a.safetensors").write_text(f"{update}")
                (aside / "heads.json").write_text("{}")
            run.store_results(Results())
            keep_model(run, checkpoint_path(run.checkpoints, update))
            save_checkpoint(run, update, {"model": {"a": torch.zeros(1)}}, {"update": update})
            delete_old_checkpoints(run.checkpoints, 2)
        journal.add_timing({"update": 6, "seconds": 1.0, "device": "cpu"})
        run.store_page(run.card_file, "Trained with mtsmart from nothing\n")


def train(root):
    _train(root / "target", resume=False)


def resume(root):
    _train(root / "run", resume=True, updates=(6, 8))


def train_without_a_folder(root):
    os.chdir(root)
    _train(None, resume=False)


def export(root):
    refuse_inside_run(root / "export", "folder")
    with exporting_to(root / "export", overwrite=True) as aside:
        (aside / "config.json").write_text("{}")
        (aside / "model.safetensors").write_text("weights")
        (aside / "README.md").write_text("card")


def sweep(root):
    folder = root / "sweep"
    check_sweep(folder)
    with RunLock(folder) as lock:
        lock.acquire()
        owned = own_sweep(folder)
        ledger = Ledger(folder / LEDGER)
        for name in ("aaaa", "bbbb"):
            run = RunFolder(folder / "unfinished" / f"{name}-1")
            _train(run.path, resume=run.exists)
            if name == "bbbb":
                run.move_to(RunFolder(folder / "starts" / f"{name}-1"))
            owned.claim(LEDGER)
            ledger.add(_line(name))
            if name == "aaaa":
                run.remove()
        owned.check([PAGE, "table.svg"])
        for name in ("table.svg", PAGE):
            owned.claim(name)
            write_text(folder / name, "Written by `mtsmart sweep`\n", owned.scratch)


def _line(name):
    empty = {"figures": {}, "rows": {}, "versions": {}, "machine": "m", "device": "cpu"}
    scores = {"t": {"accuracy": 0.5}}
    return FinishedRun(
        run=name, config=name, seed=1, tasks=scores, updates=6, seconds=1.0, seconds_per_update=None, **empty
    )


def predict(root):
    """Writes beside, into the run, and over a file that the run reads; the first is a file that nobody has."""
    for output in (root / "predictions.csv", root / "run" / "results.jsonl", root / "run" / "model" / "x.csv"):
        with suppress(MtsmartError):
            check_output(output, root / "in.jsonl", root / "run")
            write_rows([{"prediction": 1}], output)


def convert(root):
    (root / "mtdnn").mkdir(exist_ok=True)
    CASES["cola"].write("old", root / "mtdnn")
    for output in ("fresh.yaml", "tasks.yaml"):
        with suppress(MtsmartError):
            write_text(root / output, convert_file(root / "mtdnn" / "tasks.yml", root / output))


COMMANDS = (train, resume, train_without_a_folder, export, sweep, predict, convert)


def prepare(root, command, rng):
    """What earlier commands left: nothing, something whole, or something that a kill has left."""
    if command in (resume, predict):
        in_child(_interrupted, root)
    elif command in (export, sweep) and rng.random() < 0.5:
        in_child(command, root, rng.choice([None, rng.randint(1, 120)]))


def _interrupted(root):
    with suppress(MtsmartError):
        _train(root / "run", resume=False, updates=(2, 4))
    (root / "run" / "README.md").unlink(missing_ok=True)
    (root / "run" / "timing.jsonl").unlink(missing_ok=True)
    folder = RunFolder(root / "run")
    owned = folder._marker
    for name in ("README.md", "timing.jsonl"):  # as if it had stopped after its last resume point
        del owned.files[name]
    owned.write()


def in_child(command, root, kill_at=None):
    """Run a command in a process that dies at its ``kill_at``-th change of the file system.

    Returns:
        how many changes it has made; None if it died.
    """
    receiver, sender = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            counter = _die_at(kill_at)
            with suppress(MtsmartError):
                command(root)
            os.write(sender, str(counter[0]).encode())
            code = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(code)
    os.close(sender)
    told = os.read(receiver, 100)
    os.close(receiver)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    assert code in ((0,) if kill_at is None else (0, 9)), f"{command.__name__} failed"
    return int(told) if told else None


def _die_at(kill_at):
    counter = [0]

    def mortal(function):
        def call(*arguments, **keywords):
            counter[0] += 1
            if counter[0] == kill_at:
                os._exit(9)
            return function(*arguments, **keywords)

        return call

    os.fsync = lambda descriptor: None  # takes most of the time, and a kill loses nothing of what the system has
    for name in KILLERS:
        setattr(os, name, mortal(getattr(os, name)))
    opened = os.open

    def open_(path, flags, *arguments, **keywords):
        if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC):
            counter[0] += 1
            if counter[0] == kill_at:
                os._exit(9)
        return opened(path, flags, *arguments, **keywords)

    os.open = open_
    return counter


def violations(root, command, seed, kills):
    """The files of others that a command changes or removes: uninterrupted, and killed and then started again."""
    found = []
    prepared = root / "prepared"
    prepared.mkdir()
    rng = random.Random(seed)
    prepare(prepared, command, rng)
    state = rng.getstate()
    for number in range(kills + 1):
        case = root / f"{number}"
        shutil.copytree(prepared, case, symlinks=True)
        rng.setstate(state)
        before = scatter(case, rng)
        if number:
            kill_at = random.Random(f"{seed} {number}").randint(1, MOST_CHANGES[command])
            in_child(command, case, kill_at)
            found += [(command.__name__, seed, kill_at, path) for path in before if content(path) != before[path]]
        in_this_process(command, case)
        found += [(command.__name__, seed, None, path) for path in before if content(path) != before[path]]
        shutil.rmtree(case)
    return found


def in_this_process(command, root):
    """Run a command to its end, or until it refuses. A process that is forked for it would cost most of the time."""
    synchronize = os.fsync
    folder = os.getcwd()
    os.fsync = lambda descriptor: None
    try:
        with suppress(MtsmartError):
            command(root)
    finally:
        os.fsync = synchronize
        os.chdir(folder)


MOST_CHANGES = {
    train: 330, resume: 300, train_without_a_folder: 330, export: 40, sweep: 800, predict: 12, convert: 16
}  # fmt: skip
