"""The sections of an experiment file. The description of each field is its documentation."""

from __future__ import annotations

import math
from typing import Any, Literal

from pydantic import Field, model_validator

from mtsmart.config.hints.places import enter_root
from mtsmart.config.method_names import RESERVED
from mtsmart.config.open_section import OpenSection
from mtsmart.config.regularizers import REGULARIZERS
from mtsmart.config.strict import Misfit, StrictModel
from mtsmart.config.sweeps.folds import FoldsConfig
from mtsmart.config.sweeps.grid import GridConfig
from mtsmart.config.sweeps.search import SearchConfig
from mtsmart.config.trackers import TrackingConfig
from mtsmart.config.transforms import TRANSFORMS
from mtsmart.config.weightings import WeightingConfig
from mtsmart.text.names import Kind, problem_of


class EncoderConfig(OpenSection):
    """The pretrained encoder that all tasks share. The name of a transform changes the encoder after loading."""

    registry = TRANSFORMS
    main_key = "path"

    path: str | None = Field(
        None, description="Hub id, local folder, or pkg://package/folder; required unless init.run is given"
    )
    revision: str | None = Field(None, description="Hub branch, tag or commit")
    sha256: str | None = Field(
        None, pattern="^[0-9a-f]{64}$", description="expected SHA-256 of model.safetensors (local folders and pkg://)"
    )
    dropout: float | None = Field(
        None, ge=0, lt=1, description="it replaces the encoder's hidden and attention dropout"
    )
    attention: Literal["eager", "sdpa"] | None = Field(
        None, description="the attention kernel; null: transformers chooses it"
    )
    gradient_checkpointing: bool = Field(
        False, description="compute activations again in the backward pass, which saves memory and costs time"
    )
    trust_remote_code: bool = Field(False, description="run code that comes with a Hub model")


class InitConfig(StrictModel):
    """Start from an earlier run instead of the plain encoder."""

    main_key = "run"

    run: str = Field(description="the folder of the run whose model is loaded, or hub:owner/name[@revision]")
    heads: Literal["keep", "fresh"] = Field(
        "keep", description="keep: use the heads of the run; fresh: initialise new heads"
    )


class DataConfig(StrictModel):
    """Where the data comes from and how it becomes batches."""

    hub_dir: str | None = Field(None, description="the folder of local Hub clones; also MTSMART_HUB_DIR")
    cache_dir: str | None = Field(None, description="the folder that keeps encoded data; also MTSMART_CACHE_DIR")
    max_length: int = Field(
        128, ge=4, description="the largest number of tokens in a row; longer rows are cut; a task may set its own"
    )
    length_grouped: bool = Field(
        True, description="put rows of similar length into one batch; max_tokens always does this"
    )
    max_tokens: int | None = Field(
        None,
        ge=4,
        lt=2**31,
        description="the largest number of tokens in a training batch: its rows times the longest row. A batch of long "
        "rows then has fewer rows; a row, or a list of candidates, that is longer becomes a batch of its own; "
        "batch_size still limits the rows",
    )
    workers: int = Field(0, ge=0, le=1024, description="the number of processes that prepare batches")


class MixingConfig(StrictModel):
    """How often each task is drawn. All rows of a batch belong to one task."""

    main_key = "strategy"

    strategy: Literal["proportional", "uniform", "temperature", "annealed", "weights", "rounds"] = Field(
        "proportional",
        description="proportional: every row of every task once per epoch; rounds: every update holds one batch of "
        "each task (training.accumulation: n of them), an epoch has about as many batches as with the other "
        "strategies, and a pass over a task's rows continues in the next epoch",
    )
    temperature: float = Field(2.0, ge=0.01, description="temperature: P ~ N^(1/temperature)")
    start_exponent: float = Field(1.0, ge=0, le=1, description="annealed: exponent a of P ~ N^a in the first epoch")
    end_exponent: float = Field(0.2, ge=0, le=1, description="annealed: exponent a in the last epoch")
    weights: dict[str, float] | None = Field(None, description="weights: the relative frequency of each task")
    one_pass: bool = Field(
        False,
        description="tasks that read the same texts share batches, and the encoder reads each text once for all of "
        "them; a text that one of them has no label for trains the others",
    )

    @model_validator(mode="after")
    def _weights_fit(self) -> MixingConfig:
        if self.one_pass and self.strategy == "weights":
            message = "does not go with the strategy 'weights', which draws each task alone"
            raise Misfit(message, ("one_pass",), self.one_pass, "Use another mixing.strategy")
        if self.strategy == "weights" and self.weights is None:
            raise Misfit("needs mixing.weights, the relative frequency of each task", ("strategy",), self.strategy)
        if self.strategy != "weights" and self.weights is not None:
            message = f"only the strategy 'weights' uses it, and the strategy is '{self.strategy}'"
            raise Misfit(message, ("weights",), self.weights, "Set mixing.strategy=weights, or leave the key out")
        if self.weights and (min(self.weights.values()) < 0 or not 0 < sum(self.weights.values()) < math.inf):
            raise ValueError("weights must not be negative, one must be above 0, and their sum must be finite")
        return self


class OptimizerConfig(StrictModel):
    """The optimizer and its learning-rate schedule."""

    main_key = "name"

    name: Literal["adamw", "adamax"] = Field("adamw", description="adamw (fused where possible) or adamax")
    learning_rate: float = Field(5e-5, gt=0, description="the highest learning rate")
    beta1: float = Field(0.9, ge=0, lt=1)
    beta2: float = Field(0.999, ge=0, lt=1)
    eps: float = Field(1e-8, gt=0)
    weight_decay: float = Field(0.01, ge=0, description="it is not applied to biases and norms")
    schedule: Literal["linear", "cosine", "constant"] = Field(
        "linear", description="the learning rate after the warm-up"
    )
    warmup: float = Field(
        0.1,
        ge=0,
        le=1,
        description="the share of the updates in which the learning rate rises, from 0 at the first one",
    )


class TrainingConfig(StrictModel):
    """How long training is, how large batches are, and how often the model is evaluated and stored."""

    epochs: int = Field(3, ge=1)
    max_updates: int | None = Field(None, ge=1, description="stop after this many updates")
    batch_size: int = Field(32, ge=1, description="rows of one task in a batch")
    eval_batch_size: int = Field(64, ge=1, le=65_536, description="rows, or windows of rows, in an evaluation batch")
    accumulation: int = Field(
        1,
        ge=1,
        le=1_000_000,
        description="how many batches make one update; with mixing.strategy rounds: how many rounds",
    )
    max_grad_norm: float | None = Field(1.0, gt=0, description="gradient clipping; null: off")
    precision: Literal["auto", "float32", "bfloat16"] = Field(
        "float32",
        description="the autocast dtype; weights stay float32; bfloat16 rounds the published perturbations to zero; "
        "auto: bfloat16 where this machine multiplies it faster and no method needs more digits, otherwise float32",
    )
    compile: bool = Field(
        False,
        description="compile the encoder with torch.compile, once for all shapes; useful for long runs on a GPU",
    )
    shard: bool = Field(
        False,
        description="each of several processes keeps a part of the gradients and of the optimizer state (FSDP); each "
        "still keeps all weights, for evaluation",
    )
    seed: int = Field(42, ge=0, lt=2**63)
    evaluate_every: int | None = Field(None, ge=1, description="updates between evaluations; null: each epoch")
    checkpoint_every: int | None = Field(None, ge=1, description="updates between checkpoints; null: each epoch")
    keep_checkpoints: int = Field(2, ge=1, description="how many of the newest resume points stay on disk")
    keep_best: bool = Field(False, description="also keep the resume point of the best evaluation, if it has one")
    non_finite: Literal["stop", "skip"] = Field(
        "stop",
        description="what happens if an update's loss or gradients are not finite; the update is never applied",
    )
    max_skipped: int = Field(10, ge=1, description="skip: the largest number of such updates in a run")
    log_every: int = Field(10, ge=1, description="updates between two lines of metrics.jsonl")
    patience: int | None = Field(None, ge=1, description="stop after this many evaluations without a better score")
    report: bool = Field(True, description="write report.html into the run's folder at the end")

    def planned_updates(self, per_epoch: int) -> int:
        """How many updates a run has whose epochs have ``per_epoch`` of them."""
        planned = per_epoch * self.epochs
        return min(planned, self.max_updates or planned)

    @property
    def skips_non_finite(self) -> bool:
        """Whether training goes on after an update that is left out because it is not finite."""
        return self.non_finite == "skip"


class RunConfig(OpenSection):
    """One experiment, which `mtsmart train` reads. The settings of a regulariser stand under its name."""

    registry = REGULARIZERS

    name: str = Field("run", description="the name of the run and of its folder")
    description: str = ""
    tasks: dict[str, dict[str, Any]] = Field(
        min_length=1, description="task, suite or pattern -> the settings that replace those of its definition"
    )
    task_files: list[str] = Field(default_factory=list, description="YAML files with more task definitions")
    encoder: EncoderConfig = Field(default_factory=EncoderConfig)
    init: InitConfig | None = None
    data: DataConfig = Field(default_factory=DataConfig)
    mixing: MixingConfig = Field(default_factory=MixingConfig)
    weighting: WeightingConfig = Field(default_factory=WeightingConfig)
    optimizer: OptimizerConfig = Field(default_factory=OptimizerConfig)
    training: TrainingConfig = Field(default_factory=TrainingConfig)
    tracking: TrackingConfig = Field(
        default_factory=TrackingConfig, description="the trackers that get the figures of training; empty: none"
    )
    grid: GridConfig | None = Field(None, description="the runs that `mtsmart sweep` compares; null: a single run")
    folds: FoldsConfig | None = Field(
        None, description="the parts of the training rows on which `mtsmart sweep` scores one run each; null: no parts"
    )

    search: SearchConfig | None = Field(
        None, description="the settings for which `mtsmart sweep` looks for the best values; null: no search"
    )

    @model_validator(mode="after")
    def _name_can_be_a_folder(self) -> RunConfig:
        if (problem := problem_of(self.name, Kind.RUN)) is not None:
            raise Misfit(problem, ("name",), self.name)
        return self

    @model_validator(mode="after")
    def _has_encoder(self) -> RunConfig:
        if self.encoder.path is None and self.init is None:
            raise ValueError("an encoder is missing: give 'encoder: {path: ...}' or 'init: {run: ...}'")
        given = [key for key in ("path", "revision", "sha256") if getattr(self.encoder, key) is not None]
        if given and self.init is not None:
            message = "the encoder comes from init.run, so this key must be left out, or null"
            raise Misfit(message, ("encoder", given[0]), getattr(self.encoder, given[0]))
        return self


enter_root(RunConfig, "a setting of the experiment, beside 'tasks'")


RESERVED.update(RunConfig.model_fields)
