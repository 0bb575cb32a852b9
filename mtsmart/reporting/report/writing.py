"""Writes reports: at the end of training, and whenever the user asks for one."""

from __future__ import annotations

import os
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path

import torch

from mtsmart.errors import CheckpointError, ConfigError, MtsmartError, StorageError, did_you_mean
from mtsmart.evaluation.details.temperatures import store_temperatures
from mtsmart.log import log_notice
from mtsmart.reporting.report.compared_rows import ComparedRows, compare_rows
from mtsmart.reporting.report.comparison import Comparison, read_runs
from mtsmart.reporting.report.content import RunContent, read_content
from mtsmart.reporting.report.drawing import INSTALL, can_draw
from mtsmart.reporting.report.figures import Picture, save
from mtsmart.reporting.report.page import SIGN, comparison_page, run_page
from mtsmart.reporting.report.pictures import all_pictures, distinct, pictures_of_runs
from mtsmart.reporting.report.record import RunRecord, State, read_record
from mtsmart.runs.claim import check_output_file, refuse_inside_run
from mtsmart.runs.folder import RunFolder
from mtsmart.runs.lock import RunLock
from mtsmart.storage.durable import write_text
from mtsmart.storage.failures import writing
from mtsmart.storage.owned import OwnedFolder

_VARIABLE = "MTSMART_REPORTS"
_OFF = "off"
_PAGE = "report.html"
_ENDINGS = (".html", ".htm")


class PictureFormat(StrEnum):
    """Formats of pictures in files."""

    SVG = "svg"
    PNG = "png"


def reports_at_end() -> bool:
    """Whether the environment lets a run have a report at its end."""
    return os.environ.get(_VARIABLE) != _OFF


def report_at_end(folder: RunFolder, device: torch.device, figures: Path | None = None) -> dict[str, Path]:
    """Write report.html and calibration.json of a run that has just ended; its lock is held.

    The run is complete without them, so what goes wrong here is a notice.

    Args:
        folder: the run's folder.
        device: where its model is evaluated.
        figures: a folder that gets each picture as a PNG file; None: no such files.

    Returns:
        title -> file of each picture.
    """
    try:
        content = read_content(read_record(folder.path), device)
        _store(content, run_page(content))
        drawn = all_pictures(content) if can_draw() else []
        return _write_figures(drawn, figures, PictureFormat.PNG)
    except KeyboardInterrupt:
        log_notice(f"the run is complete, but its report is not written: `mtsmart report {folder.path}` writes it")
        raise
    except (MtsmartError, OSError, torch.OutOfMemoryError) as error:
        log_notice(f"{folder.report_file}: was not written: {error}")
        return {}


def write_report(paths: Sequence[Path], output: Path | None, figures: Path | None, figure_format: str) -> Path:
    """Write a report about one run or several; see ``mtsmart.report``."""
    if not paths:
        raise ConfigError("is missing", argument="runs", value=[])
    _check_format(figure_format)
    if figures is not None:
        _check_figures(figures)
    if len(paths) == 1 and (output is None or output.absolute() == RunFolder(paths[0]).report_file.absolute()):
        return _write_into(read_record(paths[0]), figures, figure_format)
    target = Path(_PAGE) if output is None else output
    _check_output(target)
    if len(paths) == 1:
        content = read_content(read_record(paths[0]))
        page = run_page(content)
        drawn = all_pictures(content)
    else:
        comparison = read_runs(paths)
        page = comparison_page(comparison, _compared(comparison))
        drawn = [picture for task in comparison.tasks for picture in pictures_of_runs(comparison.runs, task)]
    _write_figures(drawn, figures, figure_format)
    write_text(target, page)
    return target


def _compared(comparison: Comparison) -> dict[str, ComparedRows]:
    """Evaluate the best models, and compare the rows of each task."""
    contents = {name: read_content(record) for name, record in comparison.runs.items()}
    # The stored scores may be of rows that the data files do not have any more.
    other = comparison.scored_rows().other
    found = {task: compare_rows(contents, task) for task in comparison.tasks}
    return {task: rows.with_other(other[task]) if task in other else rows for task, rows in found.items()}


def _write_into(record: RunRecord, figures: Path | None, figure_format: str) -> Path:
    """Write the report of a run into its folder."""
    _check_free(record)
    with RunLock(record.folder.path) as lock:
        lock.acquire()
        content = read_content(record)
        page = run_page(content)
        drawn = all_pictures(content)
        _store(content, page)
        _write_figures(drawn, figures, figure_format)
    return record.folder.report_file


def _check_free(record: RunRecord) -> None:
    """Refuse a run whose folder must stay as it is."""
    hint = "Name a file with `output`"
    path = record.folder.path
    if record.state is State.RUNNING:
        raise CheckpointError("another process is training this run", file=path, hint=f"Wait for it. {hint}")
    owned = OwnedFolder.read(path)
    if owned is None:  # Nothing would say which of its files are ours.
        raise CheckpointError("has no .mtsmart.json, so nothing is written into it", file=path, hint=hint)
    if not owned.may_replace(record.folder.report_file.name):
        raise _changed(record.folder.report_file)


def _store(content: RunContent, page: str) -> None:
    folder = content.record.folder
    temperatures = content.temperatures()
    stored = {folder.report_file: folder.store_page(folder.report_file, page)}
    if temperatures:
        stored[folder.calibration_file] = store_temperatures(folder, temperatures)
    for file, is_written in stored.items():
        if not is_written:
            raise _changed(file)


def _changed(file: Path) -> StorageError:
    hint = "Move it to another place, or name another file for the report"
    return StorageError("was written or changed by somebody else, so it stays as it is", file=file, hint=hint)


def _check_output(file: Path) -> None:
    """Refuse a wrong file before the work begins."""
    if file.suffix.lower() not in _ENDINGS:
        hint = did_you_mean(file.suffix, _ENDINGS)
        raise ConfigError("does not end like a page", argument="output", value=str(file), hint=hint)
    check_output_file(file)
    if os.path.lexists(file) and not _is_report(file):
        message = "is no report that mtsmart has written, and would be replaced"
        raise ConfigError(message, argument="output", value=str(file), hint="Name another file")


def _is_report(file: Path) -> bool:
    if not file.is_file() or file.is_symlink():
        return False
    with file.open(encoding="utf-8", errors="replace") as stream:
        return SIGN in stream.read(1_000)


def _check_format(figure_format: str) -> None:
    """Refuse a wrong format before the work begins, also where no pictures are written: it may be a slip."""
    known = [each.value for each in PictureFormat]
    if figure_format not in known:
        hint = did_you_mean(figure_format, known)
        raise ConfigError("is no format of pictures", argument="figure_format", value=figure_format, hint=hint)


def _check_figures(folder: Path) -> None:
    """Refuse a wrong folder before the work begins."""
    if not can_draw():
        message = "needs matplotlib, which is not installed"
        raise ConfigError(message, argument="figures", value=str(folder), hint=INSTALL)
    refuse_inside_run(folder, "figures")
    if os.path.lexists(folder) and (not folder.is_dir() or any(folder.iterdir())):
        message = "is not a new or empty folder"
        raise ConfigError(message, argument="figures", value=str(folder), hint="Name another folder")


def _write_figures(pictures: Sequence[Picture], folder: Path | None, figure_format: str) -> dict[str, Path]:
    """Title -> file of each picture that was written."""
    if folder is None:
        return {}
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    files = {folder / f"{name}.{figure_format}": picture for name, picture in distinct(pictures).items()}
    save(files)
    return {f"{picture.name}: {picture.title}": file for file, picture in files.items()}
