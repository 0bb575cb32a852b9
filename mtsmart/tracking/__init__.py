"""Trackers, one file each: programs that show the figures of runs.

A module in this folder that registers a tracker is found by itself.
"""

from mtsmart.config.trackers import TRACKERS, ProjectSettings, TrackerSettings
from mtsmart.tracking.shared.base import Again, Opening, Tracker

__all__ = ["TRACKERS", "Again", "Opening", "ProjectSettings", "Tracker", "TrackerSettings"]
