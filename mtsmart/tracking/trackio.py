"""Trackio: figures in a local database, which ``trackio show`` displays, or in a Space of the Hub."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field

from mtsmart.tracking import TRACKERS, ProjectSettings, Tracker


class TrackioSettings(ProjectSettings):
    """Where the run is shown."""

    credentials: ClassVar[str] = "HF_TOKEN"

    space: str | None = Field(None, description="the Space of the Hub that shows the runs; null: this machine")
    private: bool = Field(True, description="whether a Space that is made for it is private")
    group: str | None = Field(None, description="the group of runs, for example of a sweep")


@TRACKERS.register("trackio")
class Trackio(Tracker[TrackioSettings]):
    """A run of Trackio, which knows its runs by name."""

    Settings = TrackioSettings
    package = "trackio"
    extra = "trackio"

    def build(self) -> Any:
        """A run, which goes on where one of its name exists."""
        from accelerate.tracking import TrackioTracker

        settings = self.settings
        name = self.opening.known_id or settings.name or self.opening.name
        resume = "never" if self.opening.known_id is None else "allow"
        return TrackioTracker(
            settings.project,
            name=name,
            group=settings.group,
            space_id=settings.space,
            private=settings.private,
            resume=resume,
            embed=False,
        )

    @property
    def run_id(self) -> str:
        """The run's name."""
        return str(self.inner.run.name)
