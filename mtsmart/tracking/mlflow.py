"""MLflow: a server, a database, or a folder of files."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from mtsmart.log import log_notice
from mtsmart.tracking import TRACKERS, Again, ProjectSettings, Tracker

_SCHEMES_OF_FILES = ("", "file")


class MLflowSettings(ProjectSettings):
    """The project is what MLflow calls an experiment."""

    credentials: ClassVar[str] = "MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN,"

    uri: str | None = Field(
        None,
        min_length=1,
        description="the server, the database, or a folder (relative to the working directory); null: as "
        "MLFLOW_TRACKING_URI says",
    )
    tags: dict[str, str] = Field(default_factory=dict, description="tags of the run")

    @field_validator("uri")
    @classmethod
    def _holds_no_password(cls, uri: str | None) -> str | None:
        if uri is not None and "@" in urlsplit(uri).netloc:
            raise ValueError(f"must not hold a name or a password; set {cls.credentials} in the environment")
        return uri


@TRACKERS.register("mlflow")
class MLflow(Tracker[MLflowSettings]):
    """MLflow never takes back a value. What it has already is left out."""

    Settings = MLflowSettings
    package = "mlflow"
    extra = "mlflow"
    again = Again.REPLACES

    def build(self) -> Any:
        """An active run of MLflow."""
        import mlflow
        from accelerate.tracking import MLflowTracker

        settings = self.settings
        if settings.uri is not None:
            if urlsplit(settings.uri).scheme in _SCHEMES_OF_FILES:
                # MLflow wants a word of consent for folders. The user has given it by naming one.
                os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")
            mlflow.set_tracking_uri(settings.uri)
        name = settings.name or self.opening.name
        self._has: dict[tuple[str, int], float] | None = None  # not asked yet
        self._has_told = False
        return MLflowTracker(settings.project, run_id=self.opening.known_id, run_name=name, tags=settings.tags or None)

    @property
    def run_id(self) -> str:
        """MLflow's run id."""
        return str(self.inner.active_run.info.run_id)

    def describe(self, settings: Mapping[str, Any], text: str) -> None:
        """Parameters, and the configuration as a file."""
        import mlflow

        super().describe(settings, text)
        mlflow.log_text(text, "config.yaml")

    def log(self, figures: Mapping[str, float], update: int) -> None:
        """Add what MLflow does not have."""
        has = self._stored()
        for name, value in figures.items():
            if has.get((name, update), value) != value and not self._has_told:
                self._has_told = True
                log_notice(
                    f"mlflow: update {update} was logged before with another value of {name}, which MLflow keeps; "
                    "metrics.jsonl has the new one"
                )
        new = {name: value for name, value in figures.items() if (name, update) not in has}
        super().log(new, update)

    def _stored(self) -> dict[tuple[str, int], float]:
        """(Curve, update) -> value, for all that MLflow has of the run from before. It is asked once."""
        if self._has is None:
            self._has = {} if self.opening.known_id is None else self._asked()
        return self._has

    def _asked(self) -> dict[tuple[str, int], float]:
        from mlflow import MlflowClient

        client = MlflowClient()
        curves = client.get_run(self.run_id).data.metrics
        return {(name, one.step): one.value for name in curves for one in client.get_metric_history(self.run_id, name)}

    def show(self, title: str, picture: Path, update: int) -> None:
        """A picture, as a file."""
        self.inner.log_artifact(str(picture), "pictures")

    def close(self, completed: bool) -> None:
        """End the run with the status that MLflow has for it."""
        import mlflow

        mlflow.end_run("FINISHED" if completed else "KILLED")
