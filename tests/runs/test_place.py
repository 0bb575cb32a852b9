"""Where a run is written: free numbers, two runs at once, and nothing left behind by a preparation that fails."""

import multiprocessing

import pytest

import mtsmart
from mtsmart.errors import CheckpointError, ConfigError, MtsmartError, StorageError
from mtsmart.runs.claim import RunPlace
from mtsmart.runs.lock import LOCK
from mtsmart.storage.owned import Kind, start


@pytest.fixture(autouse=True)
def _in_a_new_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def finished_run(path):
    path.mkdir(parents=True)
    owned = start(path, Kind.RUN)
    owned.claim("config.yaml")
    (path / "config.yaml").write_text("name: tiny\n")


def claimed(name="tiny", output_dir=None, resume=False):
    with RunPlace(name, output_dir, resume) as place:
        place.choose()
        return place.claim().path


def test_a_new_run_takes_the_first_free_number(tmp_path):
    assert [claimed().name for _ in range(3)] == ["tiny", "tiny-2", "tiny-3"]
    (tmp_path / "runs" / "tiny-2" / LOCK).unlink()
    (tmp_path / "runs" / "tiny-2").rmdir()
    assert claimed().name == "tiny-2"


def test_there_is_no_highest_number(tmp_path):
    for number in range(2, 10_002):
        (tmp_path / "runs" / f"tiny-{number}").mkdir(parents=True)
    (tmp_path / "runs" / "tiny").mkdir()
    assert claimed().name == "tiny-10002"


def test_names_that_only_begin_like_the_run_take_no_number(tmp_path):
    for name in ("tiny-", "tiny-x", "tiny-02", "tiny-2-3", "tinytiny"):
        (tmp_path / "runs" / name).mkdir(parents=True)
    assert [claimed().name, claimed().name] == ["tiny", "tiny-2"]


def test_choosing_leaves_nothing(tmp_path):
    with RunPlace("tiny", None, False) as place:
        assert place.choose().path.name == "tiny"
    with RunPlace("tiny", "elsewhere", False) as place:
        assert place.choose().path.name == "elsewhere"
    assert list(tmp_path.iterdir()) == []


def test_two_runs_that_start_at_once_get_two_folders():
    with RunPlace("tiny", None, False) as first, RunPlace("tiny", None, False) as second:
        assert [first.choose().path.name, second.choose().path.name] == ["tiny", "tiny-2"]
        assert [first.claim().path.name, second.claim().path.name] == ["tiny", "tiny-2"]


def _claim_at_once(barrier, queue):
    with RunPlace("tiny", None, False) as place:
        place.choose()
        barrier.wait()
        queue.put(place.claim().path.name)


def test_processes_that_claim_at_once_get_a_folder_each():
    context = multiprocessing.get_context("fork")
    barrier = context.Barrier(6)
    queue = context.SimpleQueue()
    processes = [context.Process(target=_claim_at_once, args=(barrier, queue)) for _ in range(6)]
    for process in processes:
        process.start()
    names = sorted(queue.get() for _ in processes)
    for process in processes:
        process.join()
    assert names == ["tiny", *(f"tiny-{number}" for number in range(2, 7))]


def test_resuming_without_a_folder_takes_the_newest_run(tmp_path):
    for number in ("", "-2", "-9", "-10"):
        finished_run(tmp_path / "runs" / f"tiny{number}")
    (tmp_path / "runs" / "tiny-11").mkdir()  # claimed by a process that died before it wrote anything
    assert claimed(resume=True).name == "tiny-10"


def test_resuming_where_there_is_no_run_starts_one():
    assert claimed(resume=True).name == "tiny"


def test_a_named_folder_with_a_run_is_refused_unless_it_is_resumed(tmp_path):
    finished_run(tmp_path / "mine")
    with pytest.raises(ConfigError, match=r"output_dir: there already is a run, got 'mine'\. Use `resume=True`"):
        claimed(output_dir="mine")
    assert claimed(output_dir="mine", resume=True).name == "mine"


def test_of_two_runs_that_name_the_same_folder_the_second_is_refused_at_once():
    with RunPlace("tiny", "mine", False) as first, RunPlace("tiny", "mine", False) as second:
        first.choose()
        with pytest.raises(CheckpointError, match="another run is writing here"):
            second.choose()


def test_a_folder_that_is_held_is_refused(tmp_path):
    finished_run(tmp_path / "mine")
    with RunPlace("tiny", "mine", True) as place:
        place.choose()
        with pytest.raises(CheckpointError, match="another run is writing here"):
            claimed(output_dir="mine", resume=True)
    assert claimed(output_dir="mine", resume=True).name == "mine"


@pytest.mark.parametrize("output_dir", ["file/run", None])
def test_a_place_that_cannot_be_written_is_one_message(tmp_path, output_dir):
    (tmp_path / "file").write_text("")
    (tmp_path / "runs").write_text("")
    with pytest.raises((ConfigError, StorageError), match="cannot be written"):
        claimed(output_dir=output_dir)


def test_a_preparation_that_fails_leaves_no_folder(workspace):
    with pytest.raises(MtsmartError):
        mtsmart.train(workspace.experiment, ["tasks.color.labels=[a, b]"])
    assert not (workspace.folder / "runs").exists()
