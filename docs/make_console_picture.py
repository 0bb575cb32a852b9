"""Write docs/images/console.svg: what `mtsmart train` shows in a terminal while it trains.

It is drawn from docs/images/console.jsonl, which a real training wrote with ``--json``: that of ``COMMAND``.

python docs/make_console_picture.py            # write the picture
python docs/make_console_picture.py --check    # exit 1 if it is not up to date
"""

from __future__ import annotations

import io
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

from mtsmart.evaluation.evaluator import Evaluation, TaskResult
from mtsmart.reporting.progress.console import ProgressBlock
from mtsmart.training.callbacks import Evaluated, Event, Logged, Started, UpdateDone

IMAGES = Path(__file__).with_name("images")
PICTURE = IMAGES / "console.svg"
RECORD = IMAGES / "console.jsonl"
COMMAND = "mtsmart train quickstart"
WIDTH = 80  # columns
SHOWN = 0.8  # the share of the training that is done in the picture
ROWS = 24  # of an update of the quickstart


class RecordedClock:
    """Shows the seconds that the recorded training took."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def main() -> int:
    """Write the picture, or check it."""
    text = picture([json.loads(line) for line in RECORD.read_text(encoding="utf-8").splitlines()])
    if "--check" in sys.argv:
        return 0 if PICTURE.read_text(encoding="utf-8") == text else 1
    PICTURE.write_text(text, encoding="utf-8")
    return 0


def picture(lines: list[dict[str, Any]]) -> str:
    """The terminal as SVG.

    Args:
        lines: what a training command printed with ``--json``.
    """
    console = Console(file=io.StringIO(), width=WIDTH, record=True, force_terminal=True, color_system="truecolor")
    console.print(Text.assemble(("$ ", "bold green"), COMMAND))
    clock = RecordedClock()
    block = ProgressBlock(console, clock, is_live=False)
    for event in events(lines, clock):
        block.receive(event)
    console.print(block)
    # A picture should load nothing from the network, so its font is one that the reader has.
    form = re.sub(r"@font-face \{\{.*?\}\}\s*", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
    return console.export_svg(title="mtsmart", theme=MONOKAI, code_format=form, unique_id="mtsmart")


def events(lines: list[dict[str, Any]], clock: RecordedClock) -> Iterator[Event]:
    """The events of the first part of a recorded training, at the times when they happened."""
    begun = lines[0]
    done = begun["done"]
    tasks = begun["tasks"]
    rows = {name: counts["train_rows"] for name, counts in tasks.items()}
    yield Started(rows, rows, {}, [], begun["updates"], done, begun["device"], begun["regularizers"])
    for line in lines[1:]:
        if line["event"] not in ("logged", "evaluated") or line["update"] > SHOWN * begun["updates"]:
            return
        if line["event"] == "logged":
            for update in range(done + 1, line["update"] + 1):
                clock.seconds += ROWS / line["rows_per_second"]
                yield UpdateDone(update, ROWS)
            done = line["update"]
            yield Logged(done, line["learning_rate"], {}, line["tasks"], {})
        else:
            scores = {name: TaskResult(metrics) for name, metrics in line["tasks"].items()}
            yield Evaluated(Evaluation(scores), line["update"], line["best"])


if __name__ == "__main__":
    sys.exit(main())
