"""Chooses the heads, and their learning rates, of tasks that leave the choice to mtsmart."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import Any

from mtsmart.config.document import Document, Origin
from mtsmart.config.sections import RunConfig
from mtsmart.errors import ConfigError
from mtsmart.models.borrowed_heads import lender_of
from mtsmart.models.heads.pair import PAIR
from mtsmart.models.heads.plain import CLS, CLS_MEAN, MEAN, POOLED
from mtsmart.models.pooling import made_with
from mtsmart.task_types import TaskType, build_task, build_tasks
from mtsmart.task_types.shared.sequence import SequenceTask
from mtsmart.tasks.definition import AUTO, NATIVE, HeadConfig, TaskDefinition
from mtsmart.tasks.library import Entry

_HowToPool = Callable[[], str | None]

# The most that a new head's learning rate is above the encoder's, by the kind of head; docs/heads.md has the sweeps.
_FACTORS = {
    "sequence_classification": 30.0,
    "multiple_choice": 30.0,
    "token_classification": 10.0,
    "question_answering": 10.0,
}
_FACTOR_OF_ONE_LAYER = 100.0  # of a head that pools and has no hidden layer, so that nothing is random beneath it
_USUAL_RATE = 5e-5  # the encoder's learning rate in those sweeps; a new head needs no more where it is higher
_PLAIN = "plain"
_HEAD_TYPE = ("head", "type")
_CHOSEN = Origin("chosen by mtsmart")
_WORDS = {NATIVE: "the architecture's own", PAIR: "pair comparison"}
_NAMED = {CLS_MEAN: "first token and mean"}
_OF_TOKENS = (CLS, MEAN, CLS_MEAN)  # the poolings of an encoder beside which another form may learn more
_FEW_LABELS = 4  # up to this number the encoder's own pooling learns as much in few updates, and more in joint runs


def settle_heads(
    entries: Mapping[str, Entry],
    config: RunConfig,
    earlier: Mapping[str, TaskDefinition],
    begun: Mapping[str, TaskDefinition],
) -> dict[str, Entry]:
    """The tasks with the head types and factors that they leave open.

    On an encoder that was made with the first token or with the mean of all, a head of type ``auto`` compares the two
    texts of a pair. For few labels of one text it pools as the encoder was made; for many labels, and for choices, it
    takes both poolings. Heads that give a number for one text, kinds that keep every token, and encoders of which no
    pooling is known, get the architecture's own head. A factor that is left open gives
    a new head a learning rate that suits its kind, and never a lower one than the encoder's. A head that starts from
    another run's head is of its form.

    Args:
        entries: the tasks as the files say.
        config: names the encoder, and has its learning rate.
        earlier: the tasks of the run that training starts from. Its encoder was trained with the pooling of their
            heads.
        begun: the tasks of the interrupted run that is resumed. What it has chosen stays.

    Raises:
        ConfigError: a definition does not fit its task type.
        CheckpointError: the encoder is not there, or its file about pooling is damaged.
    """
    open_names = [name for name, entry in entries.items() if _is_open(entry.definition)]
    if not open_names:
        return dict(entries)
    tasks = build_tasks(entries)
    pooling = cache(partial(_pooling, config, earlier))
    rate = config.optimizer.learning_rate
    settled = dict(entries)
    for name in open_names:
        definition = entries[name].definition
        known = _known(name, definition, begun)
        users = [tasks[name], *(task for task in tasks.values() if task.definition.share_head == name)]
        changes = _as_known(definition, known) if known else _chosen(definition, users, rate, pooling)
        settled[name] = Entry(name, entries[name].document.merged(_document(changes)))
    return settled


def _document(changes: dict[str, Any]) -> Document:
    """What is chosen for a task. The origin of the kind of head tells of the choice."""
    return Document(changes, {_HEAD_TYPE: _CHOSEN} if "head" in changes else {})


def automatic_heads(settled: Mapping[str, Entry]) -> tuple[str, ...]:
    """The tasks for whose heads :func:`settle_heads` has chosen the kind."""
    return tuple(name for name, entry in settled.items() if entry.document.origin(_HEAD_TYPE) == _CHOSEN)


def without_chosen_factor(name: str, definition: TaskDefinition, rate: float) -> TaskDefinition:
    """A stored definition without the factor that a run chooses where nobody has set one.

    Args:
        name: the task.
        definition: as a run has stored it, with the head that it has.
        rate: the encoder's learning rate.
    """
    if definition.share_head is not None:
        return definition
    try:
        kind = build_task(name, definition).head_spec.kind
    except ConfigError:  # The type may be of a package that is not installed.
        return definition
    is_chosen = definition.learning_rate_factor == _factor(definition.head, kind, rate)
    return definition.model_copy(update={"learning_rate_factor": None}) if is_chosen else definition


def without_chosen_head(definition: TaskDefinition) -> TaskDefinition:
    """A stored definition, whose kind of head was chosen, with a head of type ``auto`` as its file has it."""
    head = definition.head.model_copy(update={"type": AUTO, "pooling": None, "layers": None})
    return definition.model_copy(update={"head": head})


def summary_of_heads(definitions: Mapping[str, TaskDefinition]) -> str:
    """One short text: which tasks have which head, and how fast it learns."""
    groups: dict[str, list[str]] = {}
    for name, definition in definitions.items():
        if definition.share_head is None:
            groups.setdefault(_described(definition), []).append(name)
    if len(groups) == 1:
        return f"heads: {next(iter(groups))}"
    parts = [f"{text} ({', '.join(names)})" for text, names in groups.items()]
    return f"heads: {'; '.join(parts)}"


def _is_open(definition: TaskDefinition) -> bool:
    is_owner = definition.share_head is None
    return is_owner and (definition.head.type == AUTO or definition.learning_rate_factor is None)


def _known(name: str, definition: TaskDefinition, begun: Mapping[str, TaskDefinition]) -> TaskDefinition | None:
    """The definition whose head a task takes over: that of the interrupted run, or of the run that lends its head."""
    if name in begun or definition.init is None:
        return begun.get(name)
    return lender_of(name, definition.init)


def _as_known(definition: TaskDefinition, known: TaskDefinition) -> dict[str, Any]:
    """What an earlier run has in the places that the task leaves open."""
    changes: dict[str, Any] = {}
    if definition.head.type == AUTO:
        changes["head"] = {"type": known.head.type, "pooling": known.head.pooling, "layers": known.head.layers}
    if definition.learning_rate_factor is None:
        changes["learning_rate_factor"] = known.learning_rate_factor
    return changes


def _chosen(definition: TaskDefinition, users: list[TaskType], rate: float, pooling: _HowToPool) -> dict[str, Any]:
    """The changes to a task's definition, whose head some tasks use, itself among them."""
    kind = users[0].head_spec.kind
    changes: dict[str, Any] = {}
    if definition.head.type == AUTO:
        changes["head"] = _form(users, pooling)
    if definition.learning_rate_factor is None:
        head = HeadConfig(**changes["head"]) if "head" in changes else definition.head
        changes["learning_rate_factor"] = _factor(head, kind, rate)
    return changes


def _factor(head: HeadConfig, kind: str, rate: float) -> float:
    """The factor of a new head, where the encoder's learning rate is ``rate``."""
    most = _FACTOR_OF_ONE_LAYER if _is_one_layer(head, kind) else _FACTORS.get(kind, 1.0)
    factor = max(1.0, most * min(1.0, _USUAL_RATE / rate))
    return float(f"{factor:.3g}")


def _form(users: list[TaskType], pooling: _HowToPool) -> dict[str, Any]:
    spec = users[0].head_spec
    how = pooling() if spec.kind in POOLED else None
    if how in _OF_TOKENS and all(isinstance(task, SequenceTask) and task.reads_pairs for task in users):
        return {"type": PAIR}
    if how is None or (spec.kind == "sequence_classification" and spec.num_labels == 1):
        return {"type": NATIVE}
    has_few_labels = spec.kind == "sequence_classification" and spec.num_labels <= _FEW_LABELS
    if how in _OF_TOKENS and not has_few_labels:
        how = CLS_MEAN
    return {"type": _PLAIN, "pooling": how}


def _is_one_layer(head: HeadConfig, kind: str) -> bool:
    """Whether the output layer is the only one with weights of its own; pooling by attention has some too."""
    pools = head.type == PAIR or (head.type == _PLAIN and head.pooling != "attention")
    return pools and kind in POOLED and not head.layers


def _pooling(config: RunConfig, earlier: Mapping[str, TaskDefinition]) -> str | None:
    """What the encoder was made with, or how the first head of the earlier run that pools does it."""
    if config.init is None:
        return made_with(config.encoder)
    heads = [each.head for each in earlier.values()]
    named = next((head.pooling for head in heads if head.pooling is not None), None)
    return MEAN if named is None and any(head.type == PAIR for head in heads) else named


def _described(definition: TaskDefinition) -> str:
    head = definition.head
    what = _WORDS.get(head.type, head.type)
    if head.type == _PLAIN and head.pooling is not None:
        what = f"{_NAMED.get(head.pooling, head.pooling)} pooling"
    factor = definition.learning_rate_factor or 1.0
    return f"{what} at the encoder's learning rate" if factor == 1 else f"{what} at {factor:g} times the learning rate"
