"""A tracker that writes one csv file for each curve."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mtsmart.tracking import TRACKERS, Tracker, TrackerSettings


class CsvSettings(TrackerSettings):
    """What stands between the two fields."""

    separator: str = ","


@TRACKERS.register("csv_files")
class CsvFiles(Tracker[CsvSettings]):
    """The files are in the run's folder, under tracking/csv_files."""

    Settings = CsvSettings
    package = "csv"  # this module must be installed

    def build(self) -> Any:
        """None of accelerate's trackers does this."""
        return None

    @property
    def run_id(self) -> str:
        """A resumed run goes on in the same folder."""
        return "csv_files"

    def describe(self, settings: Mapping[str, Any], text: str) -> None:
        """The configuration."""
        (self.opening.folder / "config.yaml").write_text(text, encoding="utf-8")

    def log(self, figures: Mapping[str, float], update: int) -> None:
        """A line in each file."""
        for name, value in figures.items():
            file = self.opening.folder / f"{name.replace('/', '-')}.csv"
            with file.open("a", encoding="utf-8") as stream:
                stream.write(f"{update}{self.settings.separator}{value!r}\n")

    def close(self, completed: bool) -> None:
        """Every line is written already."""
