"""Memory does not grow with the number of updates."""

from pathlib import Path

import pytest

import mtsmart
from mtsmart.training.callbacks import Callback

UPDATES = 20_000
PAGE = 4096


class Measured(Callback):
    """Resident memory in MB after the first thousand updates and at each thousand after it."""

    def __init__(self):
        self.megabytes = []

    def on_update(self, event):
        if event.update % 1000 == 0:
            self.megabytes.append(int(Path("/proc/self/statm").read_text().split()[1]) * PAGE / 2**20)


@pytest.mark.torture
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="this system does not tell a process's memory")
def test_twenty_thousand_updates(workspace):
    measured = Measured()
    settings = [
        *("training.epochs=100000", f"training.max_updates={UPDATES}", "training.log_every=50"),
        *("training.evaluate_every=1000", "training.checkpoint_every=1000", "smart.direction=fisher"),
    ]
    mtsmart.train(workspace.experiment, settings, output_dir=workspace.folder / "run", callback=measured)
    print([round(value, 1) for value in measured.megabytes])
    assert len(measured.megabytes) == UPDATES // 1000
    assert max(measured.megabytes[1:]) - measured.megabytes[0] < 20
