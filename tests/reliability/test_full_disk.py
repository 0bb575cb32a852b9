"""A full disk at every kind of write: one message, nothing half written, and the run goes on once there is room."""

import json
import os
import shutil
from pathlib import Path

import pytest

import mtsmart
from tests.forked import Forked, command_line
from tests.reliability.small_disk import on_disks
from tests.training.test_resume import assert_same_run
from tests.two_layers import tiny_encoder, trained_workspace  # noqa: F401 (fixtures; sizes of disks are for two layers)

SETTINGS = [
    "training.max_updates=8",
    "training.log_every=2",
    "training.checkpoint_every=4",
    "training.evaluate_every=3",
    "training.keep_checkpoints=2",
]


@pytest.fixture
def on_small_disks(workspace):
    """Cases on disks in a folder -> what small_disk.py says of them."""

    def run(folder, cases):
        folder.mkdir()
        answer = workspace.folder / "answer.json"
        process = Forked(on_disks, folder, cases, answer, out=workspace.folder / "disks.txt")
        assert process.wait() == 0, process.out.read_text()
        told = json.loads(answer.read_text())
        if told is None:
            pytest.skip("this system lets the tests mount no disk of their own")
        return told

    return run


def check_message(first, disk):
    """Exit code 2 and one line that names a place on the disk and what the system said."""
    assert first["code"] == 2, first
    (line,) = first["err"].strip().splitlines()
    assert line.startswith(f"mtsmart: {disk}") and "No space left on device" in line, line


@pytest.mark.parametrize("sizes", [[160, 240], pytest.param([4, 48, 160, 240, 320], marks=pytest.mark.slow)])
def test_training_on_disks_that_fill_up_sooner_or_later(workspace, on_small_disks, sizes):
    """From one that has no room for the first file to one that is full at the last; and then the run goes on."""
    reference = mtsmart.train(workspace.experiment, SETTINGS, output_dir=workspace.folder / "reference").path
    disk = workspace.folder / "disk"
    command = ["train", str(workspace.experiment), *SETTINGS, "--output-dir", str(disk / "run")]
    cases = [
        {"size": f"{size}k", "command": command, "again": ["--resume"], "keep": str(workspace.folder / f"kept{size}")}
        for size in sizes
    ]
    places, resumed = set(), 0
    for size, case in zip(sizes, on_small_disks(disk, cases), strict=True):
        if case["first"]["code"]:
            check_message(case["first"], disk)
            places.add(case["first"]["err"].partition(": cannot be written")[0].rpartition("/")[2])
            half = [name for name in case["left"] if ".new" in name or ".old" in name]
            assert not half, (size, half)
            assert case["again"]["code"] == 0, case["again"]
            resumed += "continues after update" in case["again"]["out"]
        assert_same_run(reference, workspace.folder / f"kept{size}" / "run")
    print(sorted(places), resumed)
    assert {"model", "update-00000004"} <= places and resumed >= len(sizes) // 2


def test_cached_rows_on_a_full_disk(workspace, on_small_disks):
    disk = workspace.folder / "disk"
    command = ["train", str(workspace.experiment), "training.max_updates=1", "--output-dir"]
    cases = [
        {
            "size": f"{size}k",
            "command": [*command, str(workspace.folder / f"run{size}")],
            "environment": {"MTSMART_CACHE_DIR": str(disk)},
            "keep": str(workspace.folder / f"kept{size}"),
        }
        for size in (4, 12)
    ]
    failed = 0
    for case in on_small_disks(disk, cases):
        if case["first"]["code"]:
            failed += 1
            check_message(case["first"], disk)
            assert case["again"]["code"] == 0, case["again"]
            assert "tmp" not in " ".join(case["left"]) and ".new" not in " ".join(case["left"])
    assert failed >= 2


@pytest.mark.parametrize("kind", ["predictions", "export"])
def test_results_on_a_full_disk(workspace, on_small_disks, trained_run, kind):
    run = trained_run("training.max_updates=1")
    disk = workspace.folder / "disk"
    rows = workspace.folder / "in.jsonl"
    rows.write_text('{"text": "a red house"}\n' * 400)
    if kind == "predictions":
        command = ["predict", str(run), "--task", "color", "--input", str(rows), "--output", str(disk / "out.csv")]
    else:
        command = ["export", str(run), "--task", "color", str(disk / "exported")]
    (case,) = on_small_disks(disk, [{"size": "8k", "command": command, "keep": str(workspace.folder / "kept")}])
    check_message(case["first"], disk)
    assert case["left"] == []
    assert case["again"]["code"] == 0, case["again"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no /dev/full")
def test_output_to_a_full_disk(workspace):
    """Listing ends with one line; training goes on, and says so only when it comes to its last words."""
    train = ["train", str(workspace.experiment), "training.max_updates=1", "optimizer.warmup=0", "-o", "run"]
    for number, arguments in enumerate((["tasks", "list"], train)):
        err = workspace.folder / f"err{number}"
        process = Forked(command_line, *arguments, out=Path("/dev/full"), err=err)
        assert process.wait() == 2
        assert "mtsmart: standard output: No space left on device" in err.read_text().splitlines()
    assert (workspace.folder / "run" / "results.json").is_file()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no /dev/full")
def test_few_predictions_to_a_full_disk(workspace, trained_run):
    """They have room in a buffer, so nothing fails before the command's end."""
    run = trained_run("training.max_updates=1")
    (workspace.folder / "in.jsonl").write_text('{"text": "a red house"}\n')
    command = ["predict", str(run), "--task", "color", "--input", "in.jsonl"]
    process = Forked(command_line, *command, out=Path("/dev/full"), err=workspace.folder / "err")
    assert process.wait() == 2
    assert process.err.read_text() == "mtsmart: standard output: No space left on device\n"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission(workspace, cli):
    folder = workspace.folder / "closed"
    folder.mkdir(mode=0o500)
    result = cli("train", workspace.experiment, "-o", folder / "run")
    assert result.code == 2 and "cannot be written" in result.err


def test_a_read_only_disk(workspace, on_small_disks):
    disk = workspace.folder / "disk"
    shutil.rmtree(disk, ignore_errors=True)
    command = ["train", str(workspace.experiment), *SETTINGS, "--output-dir", str(disk / "run")]
    (case,) = on_small_disks(disk, [{"size": "1m,ro", "command": command, "keep": str(workspace.folder / "kept")}])
    assert case["first"]["code"] == 2
    (line,) = case["first"]["err"].strip().splitlines()
    assert str(disk) in line and "cannot be written" in line
