"""The card in a run's folder. It says what the run is, how it scored and how to use it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from mtsmart.config.sections import RunConfig, TrainingConfig
from mtsmart.data.sources import source_name
from mtsmart.hardware import installed_version
from mtsmart.log import log_notice
from mtsmart.regularizers import summaries
from mtsmart.runs.folder import RunFolder
from mtsmart.runs.results import untrained_told
from mtsmart.tasks.definition import TaskDefinition
from mtsmart.text.escaping import code_span, markdown, one_line
from mtsmart.text.scores import score_text
from mtsmart.training.precision import Choice
from mtsmart.training.setup import recipe_of
from mtsmart.training.stopping.task_patience import Stopped

_LIBRARIES = ("mtsmart", "torch", "transformers", "datasets")


def write_card(
    folder: RunFolder,
    config: RunConfig,
    definitions: Mapping[str, TaskDefinition],
    results: Mapping[str, Any],
    precision: Choice | None = None,
) -> None:
    """Write README.md into a run's folder, unless somebody has written or changed it meanwhile.

    Args:
        folder: the run's.
        config, definitions: what it was trained with.
        results: what results.json holds.
        precision: what was chosen for a run that left it to mtsmart.
    """
    lines = [
        *_head(config),
        *(f"{markdown(text)}." for text in recipe_of(config, definitions, precision)),
        *map(markdown, summaries(config, definitions)),
        "",
        "| task | data | metric | score | best constant |",
        "|---|---|---|---|---|",
        *_rows(definitions, results),
        "",
        f"Scores are those of the best evaluation (update {(results.get('best') or {}).get('update', '-')}) on each "
        "task's validation split. config.yaml says which slice of it was used.",
        *_stopped(results),
        *_untrained(results),
        "",
        "```",
        one_line(f"mtsmart evaluate {folder.path}"),
        one_line(f"mtsmart predict {folder.path} --task {next(iter(definitions))} --input FILE"),
        "```",
        "",
        f"Versions: {versions()}.",
        "",
    ]
    if not folder.store_page(folder.card_file, "\n".join(lines)):
        log_notice(f"{folder.card_file}: was written by somebody else, so it stays as it is")


def how_trained(config: RunConfig) -> str:
    """How long a run trains and by what, in one line."""
    training = config.training
    optimizer = config.optimizer
    return (
        f"{_length(training)}, batch size {training.batch_size}, {optimizer.name} at {optimizer.learning_rate:g}, "
        f"seed {training.seed}"
    )


def versions(libraries: Iterable[str] = _LIBRARIES) -> str:
    """The versions of libraries, by default of those that decide what a run computes."""
    return ", ".join(f"{name} {installed_version(name) or '(not installed)'}" for name in libraries)


def _head(config: RunConfig) -> list[str]:
    """The title, the user's description, and how the run was trained."""
    start = f"the run {code_span(config.init.run)}" if config.init else code_span(str(config.encoder.path))
    return [
        f"# {markdown(config.name)}",
        "",
        *([markdown(config.description), ""] if config.description.strip() else []),
        f"Trained with mtsmart from {start}: {how_trained(config)}.",
    ]


def _length(training: TrainingConfig) -> str:
    """How long a run may train, in words."""
    epochs = f"{training.epochs} epoch{'s' if training.epochs > 1 else ''}"
    return epochs if training.max_updates is None else f"at most {training.max_updates} updates and {epochs}"


def _stopped(results: Mapping[str, Any]) -> list[str]:
    """A paragraph for each task that was no longer drawn at the end."""
    lines = []
    for task, found in results.get("stopped", {}).items():
        text = Stopped(**found).told(task)
        lines += ["", f"{markdown(text[0].upper() + text[1:])}."]
    return lines


def _untrained(results: Mapping[str, Any]) -> list[str]:
    """A paragraph about the heads that are still random."""
    told = untrained_told(results.get("untrained", []))
    return ["", f"{markdown(told)}."] if told else []


def _rows(definitions: Mapping[str, TaskDefinition], results: Mapping[str, Any]) -> list[str]:
    rows = []
    for name, metrics in results["tasks"].items():
        definition = definitions[name]
        data = f"{source_name(definition.dataset)} [{definition.split('validation')}]"
        if definition.dataset.files is not None:
            data = "data files"
        for metric, value in metrics.items():
            known = results["baselines"].get(name, {})
            constant = score_text(known[metric]) if metric in known else ""
            cells = [*map(markdown, (name, data, metric)), score_text(value), constant]
            rows.append(f"| {' | '.join(cells)} |")
    return rows
