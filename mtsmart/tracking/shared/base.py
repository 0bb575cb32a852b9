"""The seam to a tracker."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

from mtsmart.config.trackers import TrackerEntry, TrackerSettings

S = TypeVar("S", bound=TrackerSettings)


class Again(Enum):
    """What a tracker does with the figures of an update that it has already, when a resumed run computes them again."""

    REPLACES = auto()
    """They take the place of the earlier ones, or are recognised. The tracker may get any line again."""
    DOUBLES = auto()
    """They would stand beside the earlier ones. The tracker gets each line once."""


@dataclass(frozen=True)
class Opening:
    """How a tracker begins or goes on.

    Attributes:
        folder: the folder for the tracker's own files; it exists.
        name: what the run is called if the settings give no name.
        known_id: the tracker's own name of the run that it goes on with; None: it begins a new one.
        after: the tracker gets the figures of all updates after this one, some of them perhaps again.
    """

    folder: Path
    name: str
    known_id: str | None = None
    after: int = 0


class Tracker(TrackerEntry, ABC, Generic[S]):
    """One tracker of a run. Where accelerate has a tracker for it, ``build`` gives that, and most is done.

    Any method may raise anything. The caller tells the user once, and does without the tracker from then on.

    Args:
        settings: the tracker's settings.
        opening: how it begins or goes on.

    Attributes:
        again: what it does with figures that it has already.
        inner: accelerate's tracker; None: the tracker does everything by itself.
    """

    again: ClassVar[Again] = Again.DOUBLES

    def __init__(self, settings: S, opening: Opening) -> None:
        import torch  # not where a configuration is only read
        from accelerate import PartialState

        PartialState(cpu=not torch.accelerator.is_available())  # accelerate's trackers need it, also in one process.
        self.settings = settings
        self.opening = opening
        self.inner = self.build()
        if self.inner is not None:
            self.inner.start()

    @abstractmethod
    def build(self) -> Any:
        """accelerate's tracker, not yet started; None if it has none."""

    @property
    @abstractmethod
    def run_id(self) -> str:
        """The tracker's own name of the run, with which a resumed run goes on."""

    def describe(self, settings: Mapping[str, Any], text: str) -> None:
        """Show the configuration of a new run.

        Args:
            settings: dotted key -> value.
            text: the configuration in YAML.
        """
        self.inner.store_init_configuration(dict(settings))

    def log(self, figures: Mapping[str, float], update: int) -> None:
        """Add figures to the curves.

        Args:
            figures: curve -> value, finite.
            update: how many updates were done.
        """
        self.inner.log(dict(figures), step=update)

    def conclude(self, results: Mapping[str, float], update: int) -> None:
        """Show the scores of the best evaluation.

        Args:
            results: curve -> value, finite.
            update: that of the evaluation.
        """
        self.log(results, update)

    def show(self, title: str, picture: Path, update: int) -> None:
        """Show a picture, if the tracker takes any.

        Args:
            title: what is in it.
            picture: a PNG file.
            update: how many updates were done.
        """

    def close(self, completed: bool) -> None:
        """Hand over what is waiting, and end.

        Args:
            completed: whether the run has come to its end.
        """
        self.inner.finish()
