"""Measure libraries beside the code of mtsmart that they could replace, and write the table of docs/decisions.md.

    pip install torchmetrics ruamel.yaml
    python -m benchmarks.decisions [--repeats N]

Both sides are interleaved in one process with one thread. The page's text is written by hand; only the part between the
two markers is replaced.
"""

from __future__ import annotations

import argparse
import copy
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn
from transformers import BertConfig, BertModel

from benchmarks.speed.timing import interleaved, machine, put_between, spread, table
from mtsmart.config.document import parse_yaml
from mtsmart.errors import ConfigError
from mtsmart.metrics import METRICS
from mtsmart.training.optim import load_optimizer, optimizer_tensors

PAGE = Path(__file__).resolve().parents[1] / "docs" / "decisions.md"
BEGIN = "<!-- figures: begin -->\n"
END = "<!-- figures: end -->"
PACKAGES = ("torchmetrics", "ruamel.yaml")
QUERIES = 10_000
YAML_LINES = 2_000
IMPORTS = {  # what a process has imported already when it comes to the module, and the module
    "torch.distributed.checkpoint.state_dict": "import torch, torch.distributed.fsdp",
    "torchmetrics.retrieval": "import torch, numpy, sklearn.metrics",
    "torchmetrics.functional.text": "import torch, numpy, sklearn.metrics",
    "ruamel.yaml": "pass",
    "yaml": "pass",
}


class Row(NamedTuple):
    """One line of the table."""

    what: str
    ours: str
    library: str
    theirs: str


def main() -> None:
    """Measure, then replace the table in the page."""
    parser = argparse.ArgumentParser(description="Measure libraries beside mtsmart's code; write docs/decisions.md.")
    parser.add_argument("--repeats", type=int, default=5, help="measured rounds (default 5)")
    repeats = parser.parse_args().repeats
    require_packages()
    torch.set_num_threads(1)
    rows = [
        *optimizer_rows(repeats),
        *ranking_rows(repeats),
        *answer_rows(repeats),
        *yaml_rows(repeats),
        *import_rows(),
    ]
    replace_table(rows, repeats)


def require_packages() -> None:
    """End with one line if a library that is measured is not installed."""
    for package in PACKAGES:
        try:
            version(package)
        except PackageNotFoundError:
            sys.exit(f"{package} is not installed. Install what is measured: pip install {' '.join(PACKAGES)}")


def replace_table(rows: list[Row], repeats: int) -> None:
    """Write the rows between the page's markers."""
    libraries = ", ".join(f"{package} {version(package)}" for package in PACKAGES)
    lines = [
        "",
        *table(["what", "mtsmart", "library", "with the library"], rows),
        f"Processor seconds: median (smallest to largest) of {repeats} interleaved rounds; imports: median of 3 "
        f"processes. By `python -m benchmarks.decisions` on {machine()} {libraries}.",
        "",
        "",
    ]
    text = "\n".join(lines)
    put_between(PAGE, BEGIN, END, text)
    print(text)


def compare(what: str, library: str, repeats: int, ours: Callable[[], Any], theirs: Callable[[], Any]) -> Row:
    """Processor seconds of both sides, which do not count what other programs take."""
    seconds = interleaved({"ours": ours, "theirs": theirs}, repeats, clock=time.process_time)
    return Row(f"{what}, s", spread(seconds["ours"]), library, spread(seconds["theirs"]))


# Optimizer state ----------------------------------------------------------------------------------------------------


class TwoHeads(nn.Module):
    """An encoder and two heads, of which only the first is trained."""

    def __init__(self, encoder: nn.Module, width: int) -> None:
        super().__init__()
        self.encoder = encoder
        self.first = nn.Linear(width, 2)
        self.second = nn.Linear(width, 2)


def trained_first_head() -> tuple[TwoHeads, torch.optim.AdamW]:
    """A model of MiniLM's size after one update that used the encoder and the first head."""
    torch.manual_seed(0)
    config = BertConfig(hidden_size=384, num_hidden_layers=6, num_attention_heads=12, intermediate_size=1536)
    model = TwoHeads(BertModel(config, add_pooling_layer=False), 384)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=True)
    states = model.encoder(input_ids=torch.arange(64).reshape(4, 16)).last_hidden_state
    model.first(states[:, 0]).square().sum().backward()
    optimizer.step()
    return model, optimizer


def optimizer_rows(repeats: int) -> list[Row]:
    """Taking the state by parameter name and putting it back; then what a head that has not been trained gets."""
    from torch.distributed.checkpoint import state_dict as library

    name = "torch.distributed.checkpoint.state_dict"
    model, optimizer = trained_first_head()
    options = library.StateDictOptions(full_state_dict=True, cpu_offload=True, strict=False)
    tensors = optimizer_tensors(optimizer, dict(model.named_parameters()))
    state = copy.deepcopy(library.get_optimizer_state_dict(model, optimizer, options=options))

    def ours() -> None:
        optimizer_tensors(optimizer, dict(model.named_parameters()))
        load_optimizer(optimizer, tensors, dict(model.named_parameters()))

    def theirs() -> None:
        library.get_optimizer_state_dict(model, optimizer, options=options)
        library.set_optimizer_state_dict(model, optimizer, copy.copy(state), options=options)

    millions = sum(parameter.numel() for parameter in model.parameters()) / 1e6
    speed = compare(
        f"optimizer state of {millions:.1f} million parameters, taken and put back", name, repeats, ours, theirs
    )
    steps = []
    for put_back in (
        lambda model, optimizer: load_optimizer(optimizer, tensors, dict(model.named_parameters())),
        lambda model, optimizer: library.set_optimizer_state_dict(model, optimizer, state, options=options),
    ):
        fresh = copy.deepcopy(model)
        resumed = torch.optim.AdamW(fresh.parameters(), lr=1e-4, fused=True)
        put_back(fresh, resumed)
        steps.append(f"{float(resumed.state[fresh.second.weight].get('step', 0)):.0f}")
    return [speed, Row("updates counted for a head without any, after a resume", steps[0], name, steps[1])]


# Scores -------------------------------------------------------------------------------------------------------------


def ranking_rows(repeats: int) -> list[Row]:
    """Rankings of lists of mixed length with graded relevance, then the same with logits, then one score for all."""
    from torchmetrics.retrieval import RetrievalMRR, RetrievalNormalizedDCG

    rng = np.random.default_rng(0)
    lengths = rng.integers(2, 20, size=QUERIES).tolist()
    scores = [rng.uniform(0.1, 1.0, size=length).tolist() for length in lengths]
    relevances = [rng.integers(0, 3, size=length).tolist() for length in lengths]
    rows = []
    for metric, kind in (("mrr", RetrievalMRR), ("ndcg", RetrievalNormalizedDCG)):
        ours = partial(METRICS[metric], scores, relevances)
        theirs = partial(retrieval, kind(), scores, relevances, binary=metric == "mrr")
        assert abs(ours() - theirs()) < 1e-6, (metric, ours(), theirs())
        what = f"`{metric}` of {QUERIES:,} queries (equal values)"
        rows.append(compare(what, "torchmetrics", repeats, ours, theirs))
    negative = [[score - 0.6 for score in row] for row in scores]
    constant = [[1.0] * 4] * 100
    relevant = [[1, 0, 0, 0], [0, 0, 0, 1]] * 50
    for what, given, gold in (
        ("`mrr` of the same order with scores below 0", negative, relevances),
        ("`mrr` of one score for all of 4 candidates", constant, relevant),
    ):
        values = METRICS["mrr"](given, gold), retrieval(RetrievalMRR(), given, gold, binary=True)
        rows.append(Row(what, f"{values[0]:.3f}", "torchmetrics", f"{values[1]:.3f}"))
    return rows


def retrieval(metric: Any, scores: list[list[float]], relevances: list[list[int]], binary: bool) -> float:
    """The value of a retrieval metric of torchmetrics, which reads flat tensors and the query of each entry."""
    given = torch.tensor([score for row in scores for score in row])
    gold = torch.tensor([relevance for row in relevances for relevance in row])
    queries = torch.repeat_interleave(torch.arange(len(scores)), torch.tensor([len(row) for row in scores]))
    return float(metric(given, gold > 0 if binary else gold, indexes=queries))


def answer_rows(repeats: int) -> list[Row]:
    """Exact match and word F1 of answers, then a question that has no answer."""
    rng = np.random.default_rng(0)
    words = [f"word{number}" for number in range(50)] + ["the", "a"]
    texts = [" ".join(rng.choice(words, size=rng.integers(1, 8))) for _ in range(3 * QUERIES)]
    predictions = texts[:QUERIES]
    references = list(zip(texts[QUERIES : 2 * QUERIES], texts[2 * QUERIES :], strict=True))
    ours = partial(answers, predictions, references)
    theirs = partial(answers_of_torchmetrics, predictions, references)
    assert np.allclose(ours(), theirs(), atol=1e-6)
    what = f"exact match and word F1 of {QUERIES:,} answers (equal values)"
    speed = compare(what, "torchmetrics", repeats, ours, theirs)
    unanswered = outcome(lambda: answers([""], [()])[1])
    with_library = outcome(lambda: answers_of_torchmetrics([""], [()])[1])
    return [speed, Row("word F1 of a question without an answer", unanswered, "torchmetrics", with_library)]


def answers(predictions: list[str], references: Sequence[Sequence[str]]) -> tuple[float, ...]:
    """Exact match and word F1 in [0, 1] by mtsmart."""
    return tuple(METRICS[name](predictions, references) for name in ("answer_exact", "answer_f1"))


def answers_of_torchmetrics(predictions: list[str], references: Sequence[Sequence[str]]) -> tuple[float, ...]:
    """The same by torchmetrics, with the making of its form of input."""
    from torchmetrics.functional.text import squad

    given: list[Any] = [{"prediction_text": text, "id": str(row)} for row, text in enumerate(predictions)]
    gold: list[Any] = [
        {"answers": {"text": list(texts), "answer_start": [0] * len(texts)}, "id": str(row)}
        for row, texts in enumerate(references)
    ]
    found = squad(given, gold)
    return tuple(float(found[name]) / 100 for name in ("exact_match", "f1"))


# YAML ---------------------------------------------------------------------------------------------------------------


def yaml_rows(repeats: int) -> list[Row]:
    """A file of many tasks read with the line of every key, then texts that are not what they seem."""
    from ruamel.yaml import YAML

    entry = [
        "task_{}:",
        "  task_type: classification",
        "  dataset: {{path: some/where, name: task_{}}}",
        "  text: [first, second]",
        "  label: label",
        "  labels: [one, two, three]",
        "  metrics: [accuracy, macro_f1]",
        "  head: {{dropout: 0.1}}  # a comment",
        "  options:",
        "    stride: 5e-1",
    ]
    text = "\n".join(line.format(number) for number in range(YAML_LINES // len(entry)) for line in entry)
    what = f"YAML of {YAML_LINES:,} lines, with the line of each key"
    rows = [compare(what, "ruamel.yaml", repeats, lambda: parse_yaml(text, "x"), lambda: YAML().load(text))]
    probes = {
        "text `2001-01-01`": "a: 2001-01-01",
        "text `1_000`": "a: 1_000",
        "9 levels of 9 aliases": "a: &a [1]\n"
        + "".join(
            f"{new}: &{new} [{', '.join([f'*{old}'] * 9)}]\n" for old, new in zip("abcdefgh", "bcdefghi", strict=True)
        ),
        "3,000 nested lists": "a: " + "[" * 3000 + "]" * 3000,
        "an unknown tag": "a: !unknown 1",
    }
    for name, content in probes.items():
        ours = outcome(lambda text: parse_yaml(text, "x").data["a"], content)
        theirs = outcome(lambda text: YAML().load(text)["a"], content)
        rows.append(Row(name, ours, "ruamel.yaml", theirs))
    return rows


def outcome(work: Callable[..., Any], *arguments: Any) -> str:
    """A number that comes out, the kind of anything else, or the error."""
    try:
        value = work(*arguments)
        return f"{value:g}" if isinstance(value, float) else f"a {type(value).__name__}"
    except ConfigError as error:
        return f"refused: {error.message}"
    except Exception as error:  # the kind of a library's error is what is shown
        return f"{type(error).__name__}"


# Imports ------------------------------------------------------------------------------------------------------------


def import_rows() -> list[Row]:
    """Seconds that the first import of a library takes, after what is imported anyway; the median of 3 processes."""
    seconds = {
        name: statistics.median(import_seconds(before, name) for _ in range(3)) for name, before in IMPORTS.items()
    }
    rows = [
        Row(f"import of `{name}`, s", "", name.partition(".")[0], f"{seconds[name]:.2f}")
        for name in IMPORTS
        if not name.endswith("yaml")
    ]
    yaml = Row(
        "import of the YAML library, s", f"{seconds['yaml']:.2f}", "ruamel.yaml", f"{seconds['ruamel.yaml']:.2f}"
    )
    return [*rows, yaml]


def import_seconds(before: str, name: str) -> float:
    """Seconds of one import in a fresh process."""
    code = f"import time\n{before}\nstart = time.process_time()\nimport {name}\nprint(time.process_time() - start)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return float(done.stdout)


if __name__ == "__main__":
    main()
