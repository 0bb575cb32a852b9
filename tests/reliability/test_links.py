"""Links in folders from other people: nothing is written, renamed or deleted where they lead."""

import json

import pytest

from mtsmart.errors import StorageError
from mtsmart.models.export_folder import exporting_to
from mtsmart.runs.folder import RunFolder
from mtsmart.runs.lock import RunLock
from mtsmart.storage.owned import MARKER, Kind, OwnedFolder
from mtsmart.sweeps.folder import own_sweep
from tests.reliability.refusals import assert_refused, contents


@pytest.fixture
def home(tmp_path):
    """A folder of somebody else, with files of the names that mtsmart uses."""
    folder = tmp_path / "home"
    for name in ("thesis.txt", "model.new/x", "model.old/x", "update-00000002.new/x"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("mine")
    return folder


def resume(cli, trained, run):
    return cli("train", trained / "e.yaml", "--resume", "-o", run)


@pytest.mark.parametrize("name", [".mtsmart.holder.json", ".mtsmart.0123456789ab", ".mtsmart.anything"])
def test_a_name_of_ours_that_is_a_link_is_refused(trained, run, home, cli, name):
    (run / name).unlink(missing_ok=True)
    (run / name).symlink_to(home / "thesis.txt")
    before = contents(home)
    assert_refused(resume(cli, trained, run), "is a link")
    assert contents(home) == before


def test_a_link_to_another_folder_is_no_folder_for_unfinished_writes(trained, run, home, cli):
    token = json.loads((run / MARKER).read_text())["token"]
    (run / f".mtsmart.{token}").symlink_to(home)
    before = contents(home)
    assert_refused(resume(cli, trained, run), "is a link")
    assert contents(home) == before


def test_an_empty_folder_with_such_a_link_is_refused(trained, tmp_path, home, cli):
    folder = tmp_path / "new"
    folder.mkdir()
    (folder / ".mtsmart.holder.json").symlink_to(home / "thesis.txt")
    assert_refused(cli("train", trained / "e.yaml", "-o", folder), "is a link")
    assert (home / "thesis.txt").read_text() == "mine"


def test_the_note_of_a_locks_holder_is_not_written_through_a_link(tmp_path, home):
    folder = tmp_path / "any"
    folder.mkdir()
    (folder / ".mtsmart.holder.json").symlink_to(home / "thesis.txt")
    with RunLock(folder) as lock:
        lock.acquire()
    assert (home / "thesis.txt").read_text() == "mine"


def test_a_marker_deletes_nothing_behind_a_link(run, home):
    """As of a finished run in a sweep's folder, which is removed."""
    (run / "l").symlink_to(home)
    owned = OwnedFolder.read(run)
    owned.files["l/thesis.txt"] = None
    owned.write()
    RunFolder(run).remove()
    assert (home / "thesis.txt").read_text() == "mine"


@pytest.mark.parametrize("linked", ["old", "old/l"])
def test_a_leftover_of_an_export_deletes_nothing_behind_a_link(tmp_path, home, linked):
    leftover = tmp_path / ".export-0123456789ab"
    (leftover / "new").mkdir(parents=True)
    OwnedFolder(leftover, Kind.EXPORT, "0123456789ab", {"out": None}).write()
    if linked == "old":
        OwnedFolder(home, Kind.EXPORT, files={"thesis.txt": None}).write()
    else:
        (leftover / "old").mkdir()
        OwnedFolder(leftover / "old", Kind.EXPORT, files={"l/thesis.txt": None}).write()
    (leftover / linked).symlink_to(home)
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "x").write_text("taken")
    with exporting_to(tmp_path / "other", overwrite=False) as aside:
        (aside / "config.json").write_text("{}")
    assert (home / "thesis.txt").read_text() == "mine"
    assert (tmp_path / "other" / "config.json").is_file()


@pytest.mark.parametrize("name", ["starts", "unfinished", ".mtsmart.holder.json"])
def test_a_sweep_works_through_no_link(tmp_path, home, name):
    folder = tmp_path / "sweep"
    folder.mkdir()
    own_sweep(folder)
    (folder / name).symlink_to(home)
    with pytest.raises(StorageError, match="is a link"):
        own_sweep(folder)


def test_a_circle_of_links_is_one_message(trained, run, tmp_path, cli):
    (tmp_path / "loop").symlink_to("loop")
    assert_refused(cli("train", trained / "e.yaml", "-o", tmp_path / "loop"), "loop")
    assert_refused(cli("export", run, "-t", "color", tmp_path / "loop"), "loop")


def test_an_export_has_a_name_of_any_bytes(run, tmp_path, cli):
    result = cli("export", run, "-t", "color", f"{tmp_path}/o\udcff")
    assert result.code == 0, result.err
