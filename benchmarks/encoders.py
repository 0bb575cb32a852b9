"""Try architectures of transformers as encoders, as tiny random models, and write the table in docs/encoders.md.

    python -m benchmarks.encoders [NAME ...]

Each architecture goes through the same preparation as a run, once with mtsmart's own heads of all kinds and once with
each kind of head of transformers. Where that passes, some updates are trained. With names, only the lines of these
architectures are written again.
"""

from __future__ import annotations

import json
import random
import re
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import torch

from benchmarks.encoder_zoo import WORDS, ZOO, save
from benchmarks.speed.timing import interleaved, machine, put_between, spread, table
from benchmarks.speed.workload import ENCODER
from mtsmart.config.loader import load_experiment
from mtsmart.errors import MtsmartError
from mtsmart.preparation.probe import check_fit
from mtsmart.quiet import quiet_libraries
from mtsmart.runs.folder import RunFolder
from mtsmart.training.setup import prepare
from mtsmart.training.trainer import Trainer

PAGE = Path(__file__).resolve().parents[1] / "docs" / "encoders.md"
BEGIN = "<!-- encoders: written by benchmarks/encoders.py -->\n"
END = "<!-- encoders: end -->\n"
UPDATES = 2
ROWS = 12
WORKS = "works"
NO_CLASS = "has no Hugging Face class"
HEADINGS = ("architecture", "`plain` heads", "`native` heads that work", "`native` heads that are refused")
LONG = 300  # words
_FILES = "dataset: {files: {train: rows.jsonl}}"
TASKS = {
    "sequence_classification": f"task_type: classification, text: [a, b], labels: ['no', 'yes'], {_FILES}",
    "multiple_choice": f"task_type: multiple_choice, text: [a], options: {{choices: [b, c]}}, label: right, {_FILES}",
    "token_classification": f"task_type: tagging, text: [words], label: tags, labels: [animal, other], {_FILES}",
    "question_answering": f"task_type: span, text: [question, context], label: answers, {_FILES}",
    "masked_lm": f"task_type: masked_lm, text: [a], {_FILES}",
}
"""Kind of head -> a task that has such a head."""


def main() -> None:
    """Try the architectures, write the table."""
    quiet_libraries()
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    written = PAGE.read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0]
    rows = {cells[0]: cells for line in written.splitlines() if (cells := line.strip("| ").split(" | "))[0] in ZOO}
    with tempfile.TemporaryDirectory() as scratch:
        for number, name in enumerate(sys.argv[1:] or ZOO):
            rows[name] = row(name, verdicts(name, Path(scratch) / str(number)))
        seconds = cost(Path(scratch))
    text = "\n".join([*table(HEADINGS, [rows[name] for name in ZOO if name in rows]), seconds, ""])
    put_between(PAGE, BEGIN, END, text)
    print(text)


def verdicts(name: str, folder: Path) -> dict[str, str]:
    """What comes of an architecture: for ``plain`` heads of all kinds and for each kind of native head."""
    folder.mkdir()
    write_rows(folder / "rows.jsonl")
    encoder = save(name, folder / "encoder")
    plain = verdict(encoder, folder, "plain", TASKS)
    if plain != WORKS:
        return {"plain": plain}
    return {"plain": plain, **{kind: verdict(encoder, folder, "native", {kind: TASKS[kind]}) for kind in TASKS}}


def verdict(encoder: Path, folder: Path, head: str, tasks: Mapping[str, str]) -> str:
    """``works``, or the message with which these tasks are refused on the encoder."""
    try:
        train(write_experiment(folder, encoder, head, tasks), folder / "run")
    except MtsmartError as error:
        # A long path is cut in a message. The place where the encoder is named says nothing here.
        text = re.sub(r"got '/[^'\s]*('|\.{3})", "got 'FOLDER'", str(error)).replace(str(encoder), "FOLDER")
        return re.sub(r"^(encoder|\S+experiment\.yaml:\d+): ", "", text)
    return WORKS


def write_experiment(
    folder: Path, encoder: Path | str, head: str, tasks: Mapping[str, str], max_length: int = 32
) -> Path:
    """An experiment with these tasks."""
    file = folder / "experiment.yaml"
    lines = "\n".join(f"  {kind}: {{{task}, head: {{type: {head}}}}}" for kind, task in tasks.items())
    file.write_text(
        f"tasks:\n{lines}\nencoder: {{path: {encoder}}}\n"
        f"data: {{max_length: {max_length}, cache_dir: {folder}/cache}}\n"
        "smart: tuned\ntraining: {epochs: 9, batch_size: 4}\n",
        encoding="utf-8",
    )
    return file


def train(experiment: Path, folder: Path) -> None:
    """Prepare a run, and train some updates of each task.

    Raises:
        MtsmartError: the encoder is refused.
        ValueError: an update changed a weight to a value that is not finite.
    """
    setup = prepare(load_experiment(experiment)).without_validation()
    folder.mkdir(exist_ok=True)
    made = Trainer(setup, RunFolder(folder))
    for number, batches in enumerate(made.updates()):
        made.update(batches)
        made.advance(len(batches))
        if number + 1 == UPDATES * len(setup.tasks):
            break
    if not all(bool(parameter.isfinite().all()) for parameter in setup.model.parameters()):
        raise ValueError("the weights are not finite")


def write_rows(file: Path, longest: int = 9) -> None:
    """Rows with all columns that the tasks read, of up to ``longest`` words in each text."""
    file.write_text("".join(json.dumps(row) + "\n" for row in made_rows(longest)), encoding="utf-8")


def made_rows(longest: int) -> Iterator[dict[str, Any]]:
    """The rows; the same each time."""
    draw = random.Random(0)
    for number in range(ROWS):
        a, b, c = (draw.choices(WORDS, k=draw.randint(2, longest)) for _ in range(3))
        yield {
            "a": " ".join(a),
            "b": " ".join(b),
            "c": " ".join(c),
            "label": ("no", "yes")[number % 2],
            "right": number % 2,
            "words": a,
            "tags": ["animal" if word in ("cat", "dog") else "other" for word in a],
            "question": "the dog",
            "context": " ".join(b),
            "answers": {"text": [b[0]], "answer_start": [0]},
        }


def row(name: str, found: Mapping[str, str]) -> list[str]:
    """An architecture's line of the table."""
    native = {kind: text for kind, text in found.items() if kind != "plain"}
    works = ", ".join(kind for kind, text in native.items() if text == WORKS)
    refused = "; ".join(f"{kind}: {text}" for kind, text in native.items() if text != WORKS and NO_CLASS not in text)
    plain = found["plain"] if found["plain"] == WORKS else f"refused: {found['plain']}"
    return [name, plain, works or "-", refused or "-"]


def cost(folder: Path) -> str:
    """A sentence with the seconds that the probe takes on MiniLM, with one task of each kind and long rows."""
    folder = folder / "cost"
    folder.mkdir()
    write_rows(folder / "rows.jsonl", LONG)
    file = write_experiment(folder, ENCODER, "plain", TASKS, 512)
    setup = prepare(load_experiment(file))
    probe = partial(check_fit, setup.model, setup.tasks, setup.tokenizer)
    seconds = spread(interleaved({"probe": probe}, 5, time.process_time)["probe"], 2)
    longest = max(int(task.train.lengths.max()) for task in setup.tasks.values() if task.train is not None)
    what = f"On MiniLM, with these five tasks and rows of up to {longest} tokens, the probe takes"
    return f"{what} {seconds} s of one core. {machine()}"


if __name__ == "__main__":
    main()
