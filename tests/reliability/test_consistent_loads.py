"""A run is loaded while another process replaces its model: the old model or the new one, and never parts of both.

``MTSMART_LOADS`` sets the number of loads.
"""

import multiprocessing
import os
import shutil
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from mtsmart.errors import CheckpointError
from mtsmart.evaluation.loaded import LoadedRun
from mtsmart.runs.folder import RunFolder
from mtsmart.storage.consistent import read_consistently
from mtsmart.storage.durable import replacing_folder

LOADS = int(os.environ.get("MTSMART_LOADS", "15"))
INTERVAL = 0.05  # seconds between two replacements


def replace(run, model):
    with replacing_folder(run / "model", RunFolder(run).scratch) as aside:
        shutil.copytree(model, aside, dirs_exist_ok=True)


def replace_again_and_again(run, variants, stop):
    number = 0
    while not stop.is_set():
        replace(run, variants[number % 2])
        number += 1
        time.sleep(INTERVAL)


def variant(model, folder, value):
    """The model with one value for all weights, and as its threshold."""
    shutil.copytree(model, folder)
    (folder / "manifest.json").unlink()
    for file in folder.rglob("*.safetensors"):
        weights = {name: torch.full_like(tensor, value) for name, tensor in load_file(file).items()}
        save_file(weights, file, metadata={"format": "pt"})
    return folder


def test_a_model_that_is_replaced_meanwhile_is_loaded_whole(run, tmp_path):
    variants = [variant(run / "model", tmp_path / f"variant{value}", value) for value in (0.25, 1.0)]
    replace(run, variants[0])  # The trained model has different values; the first load may come before the writer.
    context = multiprocessing.get_context("fork")
    stop = context.Event()
    writer = context.Process(target=replace_again_and_again, args=(run, variants, stop))
    writer.start()
    found = set()
    try:
        for _ in range(LOADS):
            model = LoadedRun(run, device="cpu").model
            values = {float(parameter.detach().mean()) for parameter in model.parameters()}
            assert len(values) == 1, values
            found |= values
    finally:
        stop.set()
        writer.join()
    assert found == {0.25, 1.0}


def folder_of(path, **files):
    path.mkdir(parents=True)
    for name, text in files.items():
        (path / name).write_text(text)
    return path


def place(parent):
    """Where the model is: under its old name while it is being replaced."""
    old = parent / "model.old"
    return old if old.exists() and not (parent / "model").exists() else parent / "model"


def texts(folder):
    return {path.name: path.read_text() for path in sorted(folder.iterdir())}


def test_what_changes_during_a_read_is_read_again(tmp_path):
    """A folder that is replaced, renamed away and back, or gets another file; and a file beside it."""
    folder, beside = folder_of(tmp_path / "model", a="1", b="1"), tmp_path / "config"
    beside.write_text("1")

    def replace_folder():
        with replacing_folder(folder, tmp_path / "scratch") as aside:
            (aside / "a").write_text("2")
            (aside / "b").write_text("2")

    def rename():
        folder.rename(tmp_path / "away")
        (tmp_path / "away").rename(folder)

    changes = [replace_folder, rename, lambda: (folder / "a").write_text("3"), lambda: beside.write_text("2")]
    for change in changes:
        reads = []

        def read(path, reads=reads, change=change):
            found = texts(path)
            reads.append(1)
            if len(reads) == 1:
                change()
            return found, beside.read_text()

        found = read_consistently(lambda: folder, read, [beside])
        assert len(reads) == 2
        assert found == (texts(folder), beside.read_text())


def test_an_error_counts_only_if_the_folder_stayed_the_same(tmp_path):
    folder = folder_of(tmp_path / "model", a="1")
    calls = []

    def read(path):
        calls.append(1)
        if len(calls) == 1:
            (folder / "a").write_text("another text")
        raise ValueError(f"call {len(calls)}")

    with pytest.raises(ValueError, match="call 2"):
        read_consistently(lambda: folder, read)


def test_a_folder_that_a_dead_process_left_under_its_old_name_is_found(tmp_path):
    folder_of(tmp_path / "model.old", a="1")
    assert read_consistently(lambda: place(tmp_path), texts) == {"a": "1"}


def test_an_old_folder_that_is_being_deleted_is_not_read(tmp_path):
    """The new folder appears during the read, and the old one has lost a file before it."""
    old = folder_of(tmp_path / "model.old", a="1")
    reads = []

    def read(path):
        reads.append(path.name)
        if len(reads) == 1:
            folder_of(tmp_path / "model", a="2", b="2")
        return texts(path)

    assert read_consistently(lambda: place(tmp_path), read) == {"a": "2", "b": "2"}
    assert reads[0] == old.name and len(reads) == 2


def test_a_folder_that_never_stays_the_same_is_given_up(tmp_path, monkeypatch):
    import mtsmart.storage.consistent

    monkeypatch.setattr(mtsmart.storage.consistent, "_PATIENCE", 0.1)
    file = folder_of(tmp_path / "model", a="") / "a"
    with pytest.raises(CheckpointError, match=r"model: changed during each of the reads of the last 0 seconds"):
        read_consistently(lambda: place(tmp_path), lambda path: file.write_text(file.read_text() + "x"))


def test_a_folder_that_is_not_there_is_said_at_once(tmp_path):
    started = time.monotonic()
    with pytest.raises(FileNotFoundError):
        read_consistently(lambda: place(tmp_path), lambda path: Path(path / "a").read_text())
    assert time.monotonic() - started < 5
