"""``mtsmart.submit``: the answers of a run as the zip that a leaderboard takes."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from mtsmart.arguments import checked
from mtsmart.errors import ConfigError, did_you_mean
from mtsmart.evaluation.loaded import LoadedRun
from mtsmart.log import log_notice
from mtsmart.quiet import without_bars
from mtsmart.runs.claim import check_output_file
from mtsmart.suites.boards import BOARDS
from mtsmart.suites.boards.submission import answers_of, write_submission
from mtsmart.torch_state import own_torch_state


@checked
@without_bars()
@own_torch_state()
def submit(
    board: str,
    run: str | Path,
    output: str | Path | None = None,
    *,
    fill: bool = False,
    overwrite: bool = False,
    task_files: Iterable[str | Path] = (),
) -> Path:
    """Write the zip that a leaderboard takes: predictions for the test split of each of its tasks.

    Args:
        board: ``glue`` or ``superglue``.
        run: the run's folder, or ``hub:owner/name[@revision]``.
        output: the zip; None: ``glue.zip`` or ``superglue.zip`` in the working directory.
        fill: whether files of tasks that the run does not have are written too, with the same answer in all rows.
            Otherwise they are an error.
        overwrite: whether the zip may replace a file.
        task_files: YAML files with tasks of the board that use other heads of the run.

    Returns:
        the zip.

    Raises:
        MtsmartError: there is no such board, the run lacks a task, a test split is not that of the board, or the zip
            cannot be written. Nothing is written then.
    """
    if board not in BOARDS:
        raise ConfigError("is no leaderboard", argument="board", value=board, hint=did_you_mean(board, BOARDS))
    target = Path(f"{board}.zip" if output is None else output)
    _check_output(target, overwrite)
    answers = answers_of(BOARDS[board], LoadedRun(run, task_files), fill)
    write_submission(answers, target)
    predicted = sum(not each.is_filled for each in answers)
    if predicted < len(answers):
        verb = "holds" if predicted == 1 else "hold"
        log_notice(
            f"{target}: {predicted} of {len(answers)} files {verb} predictions; in the others no model has answered"
        )
    return target


def _check_output(file: Path, overwrite: bool) -> None:
    """Refuse a wrong output path before the work begins.

    Raises:
        ConfigError: it is no zip, its folder does not exist, it is a file of a run, or it is taken.
    """
    shown = str(file)
    if file.suffix.lower() != ".zip":
        hint = f"Did you mean '{file}.zip'?"
        raise ConfigError("is no name of a zip", argument="output", value=shown, hint=hint)
    check_output_file(file)
    if file.exists() and not (overwrite and file.is_file()):
        hint = "Use `overwrite=True`, or name another file" if file.is_file() else "Name another file"
        raise ConfigError("is there already", argument="output", value=shown, hint=hint)
