"""The part of a tracker that the configuration needs: its name, its settings and its place in the YAML."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field

from mtsmart.config.open_section import NamedEntry, OpenSection
from mtsmart.config.strict import StrictModel
from mtsmart.registry import Registry

_WORDS_OF_SECRETS = ("key", "password", "secret", "token")


class TrackerSettings(StrictModel):
    """The base class of a tracker's settings. Each setting has a default, and none holds a key or a password.

    Attributes:
        credentials: the environment variables from which the tracker takes keys and passwords.
    """

    credentials: ClassVar[str] = ""

    @classmethod
    def reason_unknown(cls, key: str) -> str | None:
        """Where keys and passwords belong, for a setting that would hold one."""
        if not cls.credentials or not any(word in key.lower() for word in _WORDS_OF_SECRETS):
            return None
        return f"Keys and passwords never stand in a configuration: set {cls.credentials} in the environment"


class ProjectSettings(TrackerSettings):
    """The settings of a tracker that gathers runs in projects."""

    project: str = Field("mtsmart", min_length=1, description="the project that the run belongs to")
    name: str | None = Field(None, min_length=1, description="the run's name; null: the name of its folder")


class TrackerEntry(NamedEntry):
    """One tracker. ``mtsmart.tracking.Tracker`` extends this class with the work.

    Attributes:
        Settings: the type of the settings under its name in the YAML.
        package: the module that must be installed.
        extra: of mtsmart's own trackers: ``pip install 'mtsmart[EXTRA]'`` installs it.
    """

    Settings: ClassVar[type[TrackerSettings]] = TrackerSettings
    package: ClassVar[str]
    extra: ClassVar[str] = ""


TRACKERS: Registry[type[TrackerEntry]] = Registry(
    "tracker",
    folder="mtsmart.tracking",
    group="mtsmart.trackers",
    needs=["Settings", "section", "expand", "package", "log", "close"],
)


class TrackingConfig(OpenSection):
    """The trackers that get the figures of a run: the name of each, with its settings."""

    registry = TRACKERS


def expand_tracking(value: Any) -> Any:
    """Turn ``mlflow`` and ``[mlflow, wandb]`` into mappings, and null into an empty one."""
    if value is None:
        return {}
    names = [value] if isinstance(value, str) else value
    if isinstance(names, list) and all(isinstance(name, str) for name in names):
        return {name: {} for name in names}
    return value
