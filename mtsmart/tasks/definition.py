"""The definition of a task: the schema of one entry of a task file."""

from __future__ import annotations

import unicodedata
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, field_validator, model_validator

from mtsmart.arguments import checked
from mtsmart.config.hints.places import enter_root
from mtsmart.config.open_section import OpenSection
from mtsmart.config.regularizers import REGULARIZERS
from mtsmart.config.strict import Misfit, StrictModel
from mtsmart.tasks.dataset import DatasetSource
from mtsmart.tasks.spellings import named
from mtsmart.text.html import html_table
from mtsmart.text.json_text import json_text

Missing = Literal["refuse", "drop", "empty"]
"""What is done with a row that lacks a value."""
AUTO = "auto"
"""The head type that stands for one which the encoder decides."""
NATIVE = "native"
_MAX_PARTS = 100


def _of_few_parts(spec: str) -> str:
    """Refuse a split of too many parts: the time to read it grows with the square of their number."""
    if (parts := spec.count("+") + 1) > _MAX_PARTS:
        raise ValueError(f"adds {parts:,} parts, where {_MAX_PARTS} are the most")
    return spec


def _as_text(name: Any) -> Any:
    """A label's name that YAML reads as a number or a truth value, as the text that it stands for."""
    if isinstance(name, bool):
        return str(name).lower()
    return str(name) if isinstance(name, int | float) else name


def _in_words(value: Any) -> str:
    return value if isinstance(value, str) else json_text(value, ensure_ascii=False)


class HeadConfig(StrictModel):
    """The module that turns the shared encoder's outputs into this task's logits."""

    type: str = Field(
        AUTO,
        description="auto: what suits the encoder and the task, see docs/heads.md; native: the architecture's own "
        "Hugging Face head; plain; pair, which compares two texts; san",
    )
    dropout: float | None = Field(None, ge=0, lt=1, description="null: the architecture's own")
    layers: int | None = Field(None, ge=0, le=8, description="hidden layers (head types plain and pair) or steps (san)")
    pooling: Literal["cls", "mean", "max", "cls_mean", "attention"] | None = Field(
        None, description="how tokens become one vector (head type plain); cls_mean: cls and mean, one after the other"
    )

    @model_validator(mode="before")
    @classmethod
    def _name_alone_is_the_type(cls, value: Any) -> Any:
        return {"type": value} if isinstance(value, str) else value

    @model_validator(mode="before")
    @classmethod
    def _own_form_means_plain(cls, value: Any) -> Any:
        if isinstance(value, dict) and "type" not in value and {"layers", "pooling"} & set(value):
            return {**value, "type": "plain"}
        return value

    @model_validator(mode="after")
    def _form_fits_the_type(self) -> HeadConfig:
        if self.type in (AUTO, NATIVE) and (self.layers is not None or self.pooling is not None):
            raise ValueError(f"'layers' and 'pooling' go with type 'plain'; '{self.type}' has a form of its own")
        return self


class HeadInitConfig(StrictModel):
    """Start a task's head with the weights of the head of a task of a finished run."""

    run: str = Field(description="the folder of the run, or hub:owner/name[@revision]")
    task: str | None = Field(None, description="the run's task; null: the one of the same name")


class TaskDefinition(OpenSection):
    """One registered task. Settings that differ from the experiment's stand under a regulariser's name."""

    registry = REGULARIZERS

    @classmethod
    def has_key(cls, name: object) -> bool:
        """Whether ``name`` is a regulariser of which a task may have settings of its own."""
        return isinstance(name, str) and name in REGULARIZERS and REGULARIZERS[name].per_task

    @classmethod
    def reason_unknown(cls, key: str) -> str | None:
        """Why a task has no such key, for a regulariser whose settings all tasks share."""
        if key in REGULARIZERS and not REGULARIZERS[key].per_task:
            return f"All tasks share its settings: write '{key}' beside 'tasks', into the experiment"
        return super().reason_unknown(key)

    task_type: str = Field(description="what kind of task; 'mtsmart tasks types' lists them")
    description: str = ""
    suite: str | None = Field(None, description="a group name that stands for all its tasks")
    dataset: DatasetSource
    text: list[str] = Field(
        min_length=1,
        max_length=2,
        description='one or two text columns; a.b is a column within a, and "{a}: {b}" is a text made of columns',
    )
    label: str | list[str] | None = Field(
        "label",
        description="label column; or several columns of 0 and 1 (multi_label), one a label; null: no row has a label, "
        "so the task needs 'share_head', is not scored, and only methods that compare predictions train on it",
    )
    labels: list[str] | None = Field(
        None, min_length=2, description="label names in order; null: with several label columns, their names"
    )
    labels_from: Literal[0, 1] | None = Field(
        None, description="number that stands for the first of `labels`; null: 0, if the data shows it"
    )
    project: dict[str, str] | None = Field(
        None, description="label of the shared head -> label of this task (a head with more labels than the data)"
    )
    share_head: str | None = Field(None, description="use this task's head instead of one of its own")
    evaluation_only: bool = Field(False, description="never trained, only scored (needs share_head)")
    splits: dict[str, Annotated[str, AfterValidator(_of_few_parts)]] = Field(
        default_factory=dict, description="our split -> the data set's, with slices: validation: train[85%:]"
    )
    options: dict[str, Any] = Field(default_factory=dict, description="the task type's own settings")
    replaces_shipped: bool = Field(False, description="may take the place of a shipped task of the same name")
    shots: int | None = Field(
        None,
        ge=1,
        description="train on this many rows of each label (of a label with fewer rows: on all, and a warning tells "
        "it); for task types with one label a row",
    )
    shots_seed: int | None = Field(
        None,
        ge=0,
        lt=2**63,
        description="of the rows that 'shots' draws; the same rows are drawn in whatever order they stand; null: "
        "training.seed",
    )
    missing: Missing | dict[str, Missing] = Field(
        "refuse",
        description="rows without a text or a label. refuse: an error; drop: they are left out; empty: a missing text "
        "is an empty text (a label must be there). One word, or some columns' own: {body: empty}",
    )
    metrics: list[str] | None = Field(None, min_length=1, description="the first is the main one")
    loss: str | None = Field(None, description="criterion; null: the task type's own")
    adv_loss: str | None = Field(
        None, description="divergence of perturbed from clean predictions; null: the task type's own"
    )
    prox_loss: str | None = Field(
        None, description="divergence from the predictions of earlier weights; null: the task type's own"
    )
    kd_loss: str | None = Field(
        None,
        description="divergence from predictions that stay fixed, such as those of finished runs; null: KL from them",
    )
    head: HeadConfig = Field(default_factory=HeadConfig)
    init: HeadInitConfig | None = Field(
        None, description="a run's head with the same labels, with whose weights the head starts; null: new weights"
    )
    weight: float = Field(1.0, gt=0, description="factor of this task's whole objective")
    batch_size: int | None = Field(None, ge=1, description="rows in a batch; null: the experiment's")
    learning_rate_factor: float | None = Field(
        None,
        gt=0,
        description="factor of the learning rate of this task's head; null: one that suits a new head of its kind",
    )
    patience: int | None = Field(
        None,
        ge=1,
        description="after this many evaluations without a better main metric the task is no longer drawn, and keeps "
        "the head of its best evaluation; null: it is always drawn",
    )
    max_length: int | None = Field(None, ge=4, description="tokens a row is cut to; null: the experiment's")

    @model_validator(mode="before")
    @classmethod
    def _columns_name_labels(cls, value: Any) -> Any:
        label = value.get("label") if isinstance(value, dict) else None
        if isinstance(label, list) and len(label) < 2:
            raise Misfit("should be one column, or a list of several columns of 0 and 1", ("label",))
        if isinstance(label, list) and value.get("labels") is None:
            return {**value, "labels": value["label"]}
        return value

    @field_validator("labels", mode="before")
    @classmethod
    def _names_are_text(cls, value: Any) -> Any:
        return [_as_text(name) for name in value] if isinstance(value, list) else value

    @model_validator(mode="after")
    def _settings_may_be_own(self) -> TaskDefinition:
        for name, section in self.parts.items():
            if found := REGULARIZERS[name].reason_not_own(section):
                raise Misfit(found[1], (name, found[0]), hint=f"Write it under '{name}' beside 'tasks'")
        return self

    @model_validator(mode="after")
    def _columns_are_distinct(self) -> TaskDefinition:
        columns = [*self.text, *self.label_columns]
        if len(set(columns)) < len(columns) or "row" in columns:
            raise ValueError("the text and label columns must differ, and none may be called 'row'")
        return self

    @model_validator(mode="after")
    def _holdout_is_the_only_validation(self) -> TaskDefinition:
        if self.dataset.holdout is not None:
            file = named(self.dataset.files or {}, "validation")
            is_left = file is not None and named(dict.fromkeys(self.splits.values()), file) is None
            if "validation" in self.splits or is_left:
                message = "the task has a validation split, and 'dataset.holdout' makes one of the training rows"
                raise Misfit(message, ("dataset", "holdout"), hint="Leave one of the two out")
        return self

    @model_validator(mode="after")
    def _perturbed_rows_are_only_scored(self) -> TaskDefinition:
        if self.dataset.perturb is not None and not self.evaluation_only:
            message = "changes the texts of tasks that are never trained"
            hint = "Set 'evaluation_only: true', and 'share_head' to the task whose head is scored"
            raise Misfit(message, ("dataset", "perturb"), self.dataset.perturb.kind, hint)
        return self

    @model_validator(mode="after")
    def _groups_are_one_column(self) -> TaskDefinition:
        fold = self.dataset.fold
        group = self.options.get("group")
        if fold is not None and fold.group_column not in (None, group) and group is not None:
            message = f"the rows of the lists in '{group}' must stay together, so no other column can group them"
            raise Misfit(message, ("dataset", "fold", "group_column"), fold.group_column)
        return self

    @model_validator(mode="after")
    def _labels_are_distinct(self) -> TaskDefinition:
        same = [unicodedata.normalize("NFC", name) for name in self.labels or []]
        twice = next((name for name in same if same.count(name) > 1), None) if len(set(same)) < len(same) else None
        if twice is not None:
            second = len(same) - 1 - same[::-1].index(twice)
            raise Misfit(f"label '{twice}' is listed twice", ("labels", second))
        if self.project is not None and self.share_head is None:
            raise ValueError("'project' needs 'share_head'")
        if self.evaluation_only and self.share_head is None:
            raise ValueError("'evaluation_only' needs 'share_head': the task has no trained head of its own")
        return self

    @model_validator(mode="after")
    def _without_labels_nothing_reads_them(self) -> TaskDefinition:
        if self.has_labels:
            return self
        if self.share_head is None:
            raise ValueError("'label: null' needs 'share_head': rows without labels train the head of another task")
        given = {key: getattr(self, key) for key in ("metrics", "loss", "shots", "labels_from")}
        given |= {"evaluation_only": self.evaluation_only or None, "dataset.holdout": self.dataset.holdout}
        for key, value in given.items():
            if value is not None:
                raise ValueError(f"'{key}' needs labels, and 'label' is null")
        return self

    @model_validator(mode="after")
    def _head_is_its_owners(self) -> TaskDefinition:
        if self.share_head is not None:
            for key, default in own_head_defaults().items():
                if getattr(self, key) != default:
                    message = f"'{key}' is for a head of the task's own; this one uses that of '{self.share_head}'"
                    raise ValueError(message)
        return self

    def _repr_html_(self) -> str:
        """The settings that are not the defaults, for notebooks."""
        settings = self.model_dump(mode="json", exclude_defaults=True)
        return html_table("task", ["setting", "value"], [[key, _in_words(value)] for key, value in settings.items()])

    @property
    def label_columns(self) -> list[str]:
        """The columns that hold the gold values; one, unless the task has several or none."""
        return [self.label] if isinstance(self.label, str) else self.label or []

    @property
    def has_labels(self) -> bool:
        """Whether the rows have gold values, or make them."""
        return self.label is not None

    @checked
    def split(self, name: str) -> str:
        """The data set's split, with its slice, that is our split ``name``.

        With ``dataset.holdout`` or ``dataset.fold``, ``validation`` is ``holdout(S)`` and ``train`` is ``rest(S)``,
        where S is what ``train`` would be without it.
        """
        if self.dataset.draws_validation and name in ("train", "validation"):
            part = "rest" if name == "train" else "holdout"
            return f"{part}({self.splits.get('train', 'train')})"
        return self.splits.get(name, name)


enter_root(TaskDefinition, "a setting of a task", ("TASK",))


def as_it_began(definition: TaskDefinition) -> TaskDefinition:
    """The stored definition of a run, with the head that the run has.

    A run stores the head and the factor that were chosen. A run from the time before there was a choice stores
    neither; it has the architecture's own head, which learns as fast as the encoder.
    """
    if definition.share_head is not None:
        return definition
    changes: dict[str, Any] = {}
    if definition.head.type == AUTO:
        changes["head"] = definition.head.model_copy(update={"type": NATIVE})
    if definition.learning_rate_factor is None:
        changes["learning_rate_factor"] = 1.0
    return definition.model_copy(update=changes)


def own_head_defaults() -> dict[str, Any]:
    """The keys about a head of the task's own, with what they are in a task that uses another task's head."""
    return {"head": HeadConfig(), "learning_rate_factor": None, "init": None}
