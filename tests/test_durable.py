"""Files and folders are whole or not there: after an exception, a kill at any point, damage, and on a full disk."""

import contextlib
import errno
import json
import os
import shutil

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtsmart.errors import CheckpointError, StorageError
from mtsmart.storage import durable
from mtsmart.storage.failures import writing

SCRATCH = ".scratch"
FULL = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


class Killed(BaseException):
    """The process died here: nothing after this point runs, in particular no cleaning up."""


def fill(folder, text):
    with durable.replacing_folder(folder, folder.parent / SCRATCH) as aside:
        (aside / "sub").mkdir()
        (aside / "a.bin").write_bytes(text.encode() * 100)
        (aside / "sub" / "b.txt").write_text(text)


def content(folder):
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != durable.MANIFEST
    }


@pytest.mark.parametrize("before", [None, "old"])
def test_a_file_is_replaced_or_left(tmp_path, before):
    file = tmp_path / "x.json"
    if before is not None:
        file.write_text(before)
    with pytest.raises(ValueError, match="stop"), durable.replacing(file) as aside:
        aside.write_text("half")
        raise ValueError("stop")
    assert [path.name for path in tmp_path.iterdir()] == ([] if before is None else ["x.json"])
    durable.write_json(file, {"ä": 1})
    assert json.loads(file.read_text(encoding="utf-8")) == {"ä": 1}
    assert [path.name for path in tmp_path.iterdir()] == ["x.json"]


def test_a_failed_write_is_one_message_that_names_the_place(tmp_path):
    told = r"x\.json: cannot be written: No space left on device"
    with pytest.raises(StorageError, match=told), durable.replacing(tmp_path / "x.json"):
        raise FULL
    with pytest.raises(StorageError, match=r"cannot be written: No such file or directory"):
        durable.write_text(tmp_path / "none" / "x", "text")


@pytest.mark.parametrize("below", ["x", "x/y/z.json"])
def test_a_file_in_the_place_of_a_folder_is_named(tmp_path, below):
    file = tmp_path / "file"
    file.write_text("mine")
    expected = f"{file / below}: cannot be written: {file} is a file, not a folder"
    with pytest.raises(StorageError) as error, writing(file / below):
        (file / below).parent.mkdir(parents=True, exist_ok=True)
        (file / below).write_text("text")
    assert str(error.value) == expected and file.read_text() == "mine"


@pytest.mark.parametrize(("text", "reason"), [("", "OSError"), ("\n no room \nelse", "no room")])
def test_an_error_of_a_write_without_the_systems_words_has_a_reason(tmp_path, text, reason):
    with pytest.raises(StorageError, match=f"cannot be written: {reason}$"), writing(tmp_path / "x"):
        raise OSError(text)


def test_what_safetensors_says_of_a_full_disk_is_said_in_the_systems_words(tmp_path):
    safetensors = pytest.importorskip("safetensors", reason="safetensors comes with mtsmart")
    told = "Error while serializing: I/O error: No space left on device (os error 28)"
    expected = r"cannot be written: No space left on device$"
    with pytest.raises(StorageError, match=expected), writing(tmp_path):
        raise safetensors.SafetensorError(told)


def test_an_appended_line_is_whole_or_not_there(tmp_path, monkeypatch):
    file = tmp_path / "metrics.jsonl"
    durable.append_line(file, '{"a": 1}')

    class Half:
        """A file on a disk that fills up in the middle of a line."""

        def __init__(self, stream):
            self.stream = stream

        def __enter__(self):
            return self

        def __exit__(self, *_):
            self.stream.close()

        def tell(self):
            return self.stream.tell()

        def write(self, data):
            self.stream.write(data[:4])
            self.stream.flush()
            raise FULL

        def flush(self):
            self.stream.flush()

    opened = durable.open_to_append
    with monkeypatch.context() as patch:
        patch.setattr(durable, "open_to_append", lambda file: Half(opened(file)))
        with pytest.raises(StorageError, match="No space left"):
            durable.append_line(file, '{"b": 2}')
    assert file.read_text() == '{"a": 1}\n'


@pytest.mark.parametrize("before", [None, "old"])
def test_a_folder_is_replaced_or_left(tmp_path, before):
    folder = tmp_path / "model"
    if before is not None:
        fill(folder, before)
    with pytest.raises(StorageError), durable.replacing_folder(folder, tmp_path / SCRATCH) as aside:
        (aside / "half").write_text("half")
        raise FULL
    assert [path.name for path in tmp_path.iterdir()] == ([] if before is None else ["model"])
    fill(folder, "new")
    assert content(folder) == {"a.bin": b"new" * 100, "sub/b.txt": b"new"}
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_a_folder_is_there_at_every_moment_where_the_system_can_exchange_two(tmp_path, monkeypatch):
    one, other = tmp_path / "one", tmp_path / "other"
    one.mkdir()
    other.mkdir()
    if not durable.exchange(one, other):
        pytest.skip("this file system cannot exchange two folders")
    folder = tmp_path / "model"
    fill(folder, "old")
    (folder / "notes.txt").write_text("mine")
    rename = os.rename
    moments = []

    def watched(*paths, **options):
        rename(*paths, **options)
        moments.append((folder / "notes.txt").is_file())

    monkeypatch.setattr(os, "rename", watched)
    fill(folder, "new")
    assert moments and all(moments)
    assert content(folder)["a.bin"] == b"new" * 100


@pytest.mark.parametrize("can_exchange", [True, False])
def test_what_comes_into_a_folder_while_it_is_replaced_stays(tmp_path, monkeypatch, can_exchange):
    folder = tmp_path / "model"
    fill(folder, "old")
    exchange = durable.exchange

    def late(one, other):
        (folder / "late.txt").write_text("mine")
        return can_exchange and exchange(one, other)

    monkeypatch.setattr(durable, "exchange", late)
    fill(folder, "new")
    assert content(folder) == {"a.bin": b"new" * 100, "sub/b.txt": b"new", "late.txt": b"mine"}
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


@pytest.mark.parametrize("can_exchange", [True, False])
@pytest.mark.parametrize("at", range(40))
def test_a_kill_at_any_step_leaves_the_old_folder_or_the_new(tmp_path, monkeypatch, at, can_exchange):
    """Every system call that replacing a folder makes is a point to die at; the reader then finds a whole folder."""
    if not can_exchange:
        monkeypatch.setattr(durable, "exchange", lambda one, other: False)
    folder = tmp_path / "model"
    fill(folder, "old")
    left = at

    def mortal(function):
        def call(*arguments, **keywords):
            nonlocal left
            left -= 1
            if left < 0:
                raise Killed
            return function(*arguments, **keywords)

        return call

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", mortal(os.fsync))
        patch.setattr(shutil, "rmtree", mortal(shutil.rmtree))
        for name in ("mkdir", "rename", "write_bytes", "write_text"):
            patch.setattr(type(folder), name, mortal(getattr(type(folder), name)))
        with contextlib.suppress(Killed):
            fill(folder, "new")
    found = content(durable.present(folder, tmp_path / SCRATCH))
    assert found in ({"a.bin": b"old" * 100, "sub/b.txt": b"old"}, {"a.bin": b"new" * 100, "sub/b.txt": b"new"})
    durable.check_manifest(durable.present(folder, tmp_path / SCRATCH))
    fill(folder, "next")
    assert content(folder) == {"a.bin": b"next" * 100, "sub/b.txt": b"next"}
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_the_kills_above_reach_the_end(tmp_path, monkeypatch):
    """Forty steps are more than there are, so the last of them dies nowhere."""
    count = 0

    def counted(function):
        def call(*arguments, **keywords):
            nonlocal count
            count += 1
            return function(*arguments, **keywords)

        return call

    folder = tmp_path / "model"
    fill(folder, "old")
    monkeypatch.setattr(os, "fsync", counted(os.fsync))
    monkeypatch.setattr(shutil, "rmtree", counted(shutil.rmtree))
    for name in ("mkdir", "rename", "write_bytes", "write_text"):
        monkeypatch.setattr(type(folder), name, counted(getattr(type(folder), name)))
    fill(folder, "new")
    assert 10 < count < 40


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_any_damage_is_recognised_and_named(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("damage") / "model"
    fill(folder, "text")
    durable.check_manifest(folder)
    name = data.draw(st.sampled_from(["a.bin", "sub/b.txt", durable.MANIFEST]))
    file = folder / name
    before = file.read_bytes()
    kind = data.draw(st.sampled_from(["missing", "cut", "flipped", "longer"]))
    if kind == "missing":
        file.unlink()
    elif kind == "cut":
        file.write_bytes(before[: data.draw(st.integers(0, len(before) - 1))])
    elif kind == "longer":
        file.write_bytes(before + b"x")
    else:
        place = data.draw(st.integers(0, len(before) - 1))
        changed = bytes([before[place] ^ (1 << data.draw(st.integers(0, 7)))])
        file.write_bytes(before[:place] + changed + before[place + 1 :])
    if name != durable.MANIFEST:
        with pytest.raises(CheckpointError, match=f"{file.name}: is (missing|damaged)"):
            durable.check_manifest(folder)
        return
    try:
        durable.check_manifest(folder)
    except CheckpointError:
        return
    # What is left: a change that reads the same, such as a blank more or the manifest's last line break.
    assert json.loads(file.read_text()) == json.loads(before)


def test_a_manifest_names_no_file_outside(tmp_path):
    """A hostile manifest is at most wrong: nothing is written by it, and nothing outside is opened."""
    folder = tmp_path / "model"
    fill(folder, "text")
    manifest = json.loads((folder / durable.MANIFEST).read_text())
    manifest["files"]["../../etc/passwd"] = {"size": 1, "sha256": ""}
    (folder / durable.MANIFEST).write_text(json.dumps(manifest))
    with pytest.raises(CheckpointError, match="names a file outside"):
        durable.check_manifest(folder)
