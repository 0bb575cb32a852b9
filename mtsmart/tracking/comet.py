"""Comet: on its server, or offline in the run's folder."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field

from mtsmart.tracking import TRACKERS, ProjectSettings, Tracker


class CometSettings(ProjectSettings):
    """Where the run is shown."""

    credentials: ClassVar[str] = "COMET_API_KEY"

    workspace: str | None = Field(None, description="the workspace; null: as your account says")
    tags: list[str] = Field(default_factory=list, description="tags of the run")
    online: bool | None = Field(None, description="false: write files that `comet upload` sends later; null: true")


@TRACKERS.register("comet")
class Comet(Tracker[CometSettings]):
    """An experiment of Comet."""

    Settings = CometSettings
    package = "comet_ml"
    extra = "comet"

    def build(self) -> Any:
        """An experiment; a resumed run goes on with the one that it has."""
        # Comet would put itself between mtsmart and torch, to log by itself.
        os.environ.setdefault("COMET_DISABLE_AUTO_LOGGING", "1")
        import comet_ml
        from accelerate.tracking import CometMLTracker

        settings = self.settings
        config = comet_ml.ExperimentConfig(
            name=settings.name or self.opening.name,
            tags=settings.tags,
            offline_directory=str(self.opening.folder),
            log_code=False,
            auto_output_logging=False,
        )
        return CometMLTracker(
            settings.project,
            workspace=settings.workspace,
            online=settings.online,
            experiment_key=self.opening.known_id,
            mode=None if self.opening.known_id is None else "get_or_create",
            experiment_config=config,
        )

    @property
    def run_id(self) -> str:
        """The experiment's key."""
        return str(self.inner.writer.get_key())

    def conclude(self, results: Mapping[str, float], update: int) -> None:
        """The scores beside the experiment's other facts."""
        self.inner.writer.log_others({**results, "best/update": update})

    def show(self, title: str, picture: Path, update: int) -> None:
        """A picture."""
        self.inner.writer.log_image(str(picture), name=title, step=update)
