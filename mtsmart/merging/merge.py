"""One run from several: the weights are mixed, and nothing is trained.

- Without a base: sum of w_i theta_i, where the weights sum to 1. Wortsman et al. 2022, "Model soups: averaging weights
  of multiple fine-tuned models improves accuracy without increasing inference time".
- With a base: base + sum of w_i (theta_i - base). Ilharco et al. 2023, "Editing Models with Task Arithmetic". One run
  and the encoder that it started from: Wortsman et al. 2022, "Robust fine-tuning of zero-shot models" (WiSE-FT).
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mtsmart.config.loader import dump_config
from mtsmart.errors import ConfigError, did_you_mean, nearest
from mtsmart.evaluation.stored_run import StoredRun
from mtsmart.merging.members import (
    START,
    KnownHeads,
    check_encoder,
    check_member,
    heads_of,
    read_member,
    start_of,
)
from mtsmart.merging.sums import WeightedSum
from mtsmart.models.files import save_model
from mtsmart.models.heads import HeadSpec
from mtsmart.models.multitask import MultiTaskModel
from mtsmart.models.weights import check_finite, load_state, shared_tensors, state_of
from mtsmart.runs.changes import Described
from mtsmart.runs.claim import RunPlace
from mtsmart.runs.folder import RunFolder, resolved_config
from mtsmart.runs.results import Results
from mtsmart.tasks.definition import TaskDefinition
from mtsmart.text.escaping import markdown
from mtsmart.user_paths import HUB_PREFIX

_TOLERANCE = 1e-6  # of a sum of weights that should be 1


def merge_runs(
    runs: Sequence[str | Path],
    weights: Sequence[float] | None = None,
    base: str | Path | None = None,
    output_dir: str | Path | None = None,
) -> RunFolder:
    """Write a run whose model is a mixture of others'; see :func:`mtsmart.merge`."""
    shares = checked_weights(len(runs), weights, base is not None)
    first = read_member(runs[0])
    with RunPlace(f"{first.config.name}-merged", output_dir, resume=False) as place:
        place.choose()
        mixture = _mixture(first, runs, shares, base)
        model = _merged_model(first, mixture, shares)
        folder = place.claim()
        folder.open()
        _write(folder, first, mixture, model, _described(runs, shares, base))
    return folder


def checked_weights(runs: int, weights: Sequence[float] | None, has_base: bool) -> list[float]:
    """The weight of each run; without ``weights`` all have the same.

    Raises:
        ConfigError: there is nothing to mix, or the weights are not one finite number a run, or do not sum to 1.
    """
    if runs < 1 or (runs == 1 and not has_base):
        hint = "Name more runs, or use `base=start`"
        raise ConfigError("there must be two runs, or one run and a base", argument="runs", hint=hint)
    if weights is None:
        return [1 / runs] * runs
    if len(weights) != runs:
        message = f"must be one number for each of the {runs} runs"
        raise ConfigError(message, argument="weights", value=list(weights))
    if not all(map(math.isfinite, weights)):
        raise ConfigError("must be finite", argument="weights", value=list(weights))
    if not has_base and abs(math.fsum(weights) - 1) > _TOLERANCE:
        hint = "Let them sum to 1, or add to a base: `base=start`"
        raise ConfigError(f"sum to {math.fsum(weights):g}", argument="weights", value=list(weights), hint=hint)
    return list(map(float, weights))


@dataclass
class _Mixture:
    """What has been added up, and what belongs to it.

    Attributes:
        encoder: the sum of encoders.
        heads: head -> the sum of the heads of this name.
        specs: head -> how it is built.
        definitions: task -> its definition, the first run's where several have the task.
        decoding: task -> the numbers for its decoding, of the run with the largest weight among those that trained the
            task's head. They were fitted to the predictions of one model, so a mean of them would fit none.
        ranks: task -> whether that run trained the head, and its weight.
    """

    encoder: WeightedSum = field(default_factory=WeightedSum)
    heads: dict[str, WeightedSum] = field(default_factory=dict)
    specs: dict[str, HeadSpec] = field(default_factory=dict)
    definitions: dict[str, TaskDefinition] = field(default_factory=dict)
    decoding: dict[str, dict[str, float]] = field(default_factory=dict)
    ranks: dict[str, tuple[bool, float]] = field(default_factory=dict)

    def add(self, weight: float, run: StoredRun) -> None:
        """Add a run."""
        self.encoder.add(weight, state_of(run.model.encoder))
        for name, tensors in heads_of(run).items():
            self.heads.setdefault(name, WeightedSum()).add(weight, tensors)
            self.specs.setdefault(name, run.model.specs[name])
        for name, definition in run.definitions.items():
            if (definition.share_head or name) in self.heads:
                self.definitions.setdefault(name, definition)
            rank = (name not in run.untrained, weight)  # An untrained head takes no part, so its numbers are the last.
            if name not in self.ranks or rank > self.ranks[name]:
                self.ranks[name] = rank
                self.decoding[name] = dict(run.decoding.get(name, {}))

    def add_base_heads(self, base: StoredRun) -> None:
        """Add the base's heads to those that several runs have, so that their weights sum to 1."""
        for name, tensors in heads_of(base).items():
            if name in self.heads and not self.heads[name].is_single:
                self.heads[name].add(1 - self.heads[name].weight, tensors)


def _mixture(
    first: StoredRun, runs: Sequence[str | Path], shares: Sequence[float], base: str | Path | None
) -> _Mixture:
    mixture = _Mixture()
    known = KnownHeads()
    known.add(first, runs[0])
    mixture.add(shares[0], first)
    for run, share in zip(runs[1:], shares[1:], strict=True):
        other = read_member(run)
        check_member(first, other, run)
        known.add(other, run)
        mixture.add(share, other)
    if base is None:
        return mixture
    rest = 1 - mixture.encoder.weight
    if base == START:
        encoder = start_of(first)
        check_encoder(first.model.encoder, encoder, f"the start of {runs[0]}")
        mixture.encoder.add(rest, state_of(encoder))
    else:
        _refuse_misspelt_start(base)
        origin = read_member(base)
        check_member(first, origin, base)
        known.check(origin, base)
        mixture.encoder.add(rest, state_of(origin.model.encoder))
        mixture.add_base_heads(origin)
    return mixture


def _refuse_misspelt_start(base: str | Path) -> None:
    """Refuse a base that is no folder, but like the word for the start."""
    if not Path(base).exists() and nearest(base, [START]) is not None:
        hint = did_you_mean(base, [START])
        raise ConfigError(f"is neither '{START}' nor a folder", argument="base", value=str(base), hint=hint)


def _merged_model(first: StoredRun, mixture: _Mixture, shares: list[float]) -> MultiTaskModel:
    """The model with the mixed weights, built on the first run's encoder.

    Raises:
        ConfigError: the weights of a head's runs have no sum to divide by, or are so large that the model is not
            finite.
    """
    encoder = first.model.encoder
    load_state(encoder, mixture.encoder.total())
    model = MultiTaskModel(encoder, mixture.specs)
    for name, summed in mixture.heads.items():
        if not summed.has_mean and not summed.is_single:
            message = f"those of the runs with a head for {name} sum to 0, so the head has no mean"
            raise ConfigError(message, argument="weights")
        load_state(model.head(name), summed.mean(), shared_tensors(encoder))
    try:
        check_finite(model)
    except ValueError:
        raise ConfigError("are too large: the merged model is not finite", argument="weights", value=shares) from None
    return model


def _write(folder: RunFolder, first: StoredRun, mixture: _Mixture, model: MultiTaskModel, description: str) -> None:
    """Write configuration, model, a results.json without scores and a card."""
    parts = {"description": description, "grid": None, "folds": None, "search": None}
    config = first.config.model_copy(update=parts)
    folder.store(dump_config(resolved_config(config, mixture.definitions)))
    decoding = {name: mixture.decoding[name] for name in mixture.definitions if mixture.decoding.get(name)}
    save_model(folder.claimed_model(), model, first.tokenizer, decoding, folder.scratch)
    extensions = Described(config, mixture.definitions).extensions()
    folder.store_results(Results(extensions=extensions))
    folder.store_page(folder.card_file, f"# {markdown(config.name)}\n\n{markdown(description)}.\n")


def _described(runs: Sequence[str | Path], shares: Sequence[float], base: str | Path | None) -> str:
    terms = " + ".join(f"{share:g} * {_named(run)}" for run, share in zip(runs, shares, strict=True))
    return f"Merged with mtsmart: {terms}" + ("" if base is None else f", measured from {_named(base)}")


def _named(run: str | Path) -> str:
    """A run without the folders that it lies in: a description may be read on other machines."""
    text = str(run)
    return text if text.startswith(HUB_PREFIX) else os.path.basename(os.path.abspath(text))
