"""TensorBoard: event files in the run's folder, which ``tensorboard --logdir runs`` shows."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mtsmart.storage.durable import replacing
from mtsmart.tracking import TRACKERS, Again, Tracker, TrackerSettings


class TensorBoardSettings(TrackerSettings):
    """TensorBoard has no settings. Its files are in the run's folder."""


@TRACKERS.register("tensorboard")
class TensorBoard(Tracker[TensorBoardSettings]):
    """Each process that trains the run writes one more event file into the same folder.

    Curves are float32: TensorBoard's fast reader leaves out those of float64.
    """

    Settings = TensorBoardSettings
    package = "tensorboard"
    extra = "tensorboard"
    again = Again.REPLACES

    def build(self) -> Any:
        """A writer. What the files of a resumed run hold after the update that it goes on from is cut off."""
        from accelerate.tracking import TensorBoardTracker

        opening = self.opening
        if opening.known_id is None:
            return TensorBoardTracker("", opening.folder)
        for file in sorted(opening.folder.glob("events.out.tfevents.*")):
            _cut(file, opening.after)
        # A TensorBoard that has read the files before is told of the cut, too.
        return TensorBoardTracker("", opening.folder, purge_step=opening.after + 1)

    @property
    def run_id(self) -> str:
        """The folder is all that a resumed run needs to know."""
        return "tensorboard"

    def describe(self, settings: Mapping[str, Any], text: str) -> None:
        """The configuration as a text. accelerate would make a run of its own of it."""
        self.inner.writer.add_text("configuration", f"```yaml\n{text}\n```", 0)

    def conclude(self, results: Mapping[str, float], update: int) -> None:
        """The scores as a table."""
        rows = "\n".join(f"| {name} | {value} |" for name, value in results.items())
        self.inner.writer.add_text("results", f"| | update {update} |\n|---|---|\n{rows}", update)

    def show(self, title: str, picture: Path, update: int) -> None:
        """A picture."""
        import numpy as np
        from PIL import Image

        with Image.open(picture) as image:
            pixels = np.asarray(image.convert("RGB"))
        self.inner.writer.add_image(title, pixels, update, dataformats="HWC")


def _cut(file: Path, after: int) -> None:
    """Leave the events up to an update in an event file. The last event may be there in part, and is then left out."""
    from tensorboard.backend.event_processing.event_file_loader import RawEventFileLoader
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.summary.writer.record_writer import RecordWriter

    records = [record for record in RawEventFileLoader(str(file)).Load() if Event.FromString(record).step <= after]
    with replacing(file) as aside, aside.open("wb") as stream:
        writer = RecordWriter(stream)
        for record in records:
            writer.write(record)
