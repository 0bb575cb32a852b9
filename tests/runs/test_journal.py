"""What a run writes line by line is read back whole, also after a loss of power."""

import shutil

import mtsmart
from mtsmart.runs.checkpoints import list_checkpoints
from mtsmart.runs.journal import read_timing

SETTINGS = ["training.max_updates=4", "training.checkpoint_every=2", "training.keep_checkpoints=9"]


def test_a_line_about_time_that_a_loss_of_power_has_cut_is_dropped(workspace, trained_run):
    run = trained_run(*SETTINGS)
    file = run / "timing.jsonl"
    (before,) = read_timing(file)
    with file.open("a", encoding="utf-8") as stream:
        stream.write('{"update": 4, "seco')
    shutil.rmtree(list_checkpoints(run / "checkpoints")[-1])
    mtsmart.train(workspace.experiment, SETTINGS, output_dir=run, resume=True)
    first, second = read_timing(file)
    assert first == before and second.update == 4
