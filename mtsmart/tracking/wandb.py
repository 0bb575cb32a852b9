"""Weights & Biases: on its server, or offline in the run's folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field

from mtsmart.tracking import TRACKERS, ProjectSettings, Tracker


class WandbSettings(ProjectSettings):
    """Where the run is shown."""

    credentials: ClassVar[str] = "WANDB_API_KEY"

    entity: str | None = Field(None, description="the user or team; null: as your account says")
    group: str | None = Field(None, description="the group of runs, for example of a sweep")
    tags: list[str] = Field(default_factory=list, description="tags of the run")
    mode: Literal["online", "offline"] | None = Field(None, description="null: as WANDB_MODE says, or else online")


@TRACKERS.register("wandb")
class Wandb(Tracker[WandbSettings]):
    """A run of Weights & Biases."""

    Settings = WandbSettings
    package = "wandb"
    extra = "wandb"

    def build(self) -> Any:
        """A run, which goes on where one of its id exists."""
        import wandb
        from accelerate.tracking import WandBTracker

        settings = self.settings
        return WandBTracker(
            settings.project,
            name=settings.name or self.opening.name,
            entity=settings.entity,
            group=settings.group,
            tags=settings.tags or None,
            mode=settings.mode,
            dir=str(self.opening.folder),
            id=self.opening.known_id,
            resume="allow",
            # What mtsmart prints may hold texts of rows, and a terminal that another program reads is none.
            # A run that the user's program has opened stays the program's own.
            settings=wandb.Settings(console="off", reinit="create_new"),
        )

    @property
    def run_id(self) -> str:
        """The run's id."""
        return str(self.inner.run.id)

    def describe(self, settings: Mapping[str, Any], text: str) -> None:
        """The configuration of this run. accelerate would change that of the run that was opened last."""
        self.inner.run.config.update(dict(settings), allow_val_change=True)

    def conclude(self, results: Mapping[str, float], update: int) -> None:
        """The scores in the run's summary."""
        self.inner.run.summary.update({**results, "best/update": update})

    def show(self, title: str, picture: Path, update: int) -> None:
        """A picture in the run's summary, because curves may not go back to its update."""
        import wandb

        self.inner.run.summary[title] = wandb.Image(str(picture))

    def close(self, completed: bool) -> None:
        """End the run; an exit code shows that it did not come to its end."""
        self.inner.run.finish(exit_code=0 if completed else 1)
