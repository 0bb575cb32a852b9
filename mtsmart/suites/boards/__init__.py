"""What leaderboards take: one file a task, in a zip."""

from mtsmart.suites.boards.board import Board
from mtsmart.suites.boards.glue import GLUE
from mtsmart.suites.boards.superglue import SUPERGLUE

BOARDS: dict[str, Board] = {"glue": GLUE, "superglue": SUPERGLUE}

__all__ = ["BOARDS", "Board"]
