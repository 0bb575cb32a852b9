"""What training would find wrong with the data of tasks, found without an encoder."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import PreTrainedTokenizerBase, PreTrainedTokenizerFast

from mtsmart.config.sections import DataConfig
from mtsmart.data.data_files import absent_files
from mtsmart.data.encoding import EncodedSplit
from mtsmart.data.selection import bases, check_spec
from mtsmart.data.sources import has_split, load_again, places_read
from mtsmart.errors import DataError, MtsmartError, warn
from mtsmart.preparation.prepared_task import PreparedTask
from mtsmart.preparation.preparer import LabelsMissing, Preparer
from mtsmart.preparation.split_checks import seen_text, tell_of_labels
from mtsmart.preparation.split_names import mistyped_splits, unread_validation
from mtsmart.quiet import without_bars
from mtsmart.task_types import TaskType

_LEARNT = ("train", "validation")
_SPECIALS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
_MAX_LENGTH = 256


@without_bars()
def data_problems(task: TaskType) -> list[MtsmartError]:
    """What is wrong with a task's data, an error for each split. Warnings tell of what training would warn of.

    Data files are read as for training. Of a data set on the Hub, or its local clone, only the names of splits and
    the slices are checked.
    """
    found: list[MtsmartError] = []
    unread = unread_validation(task.definition, DataConfig(), with_hub=False)
    for text in filter(None, (*mistyped_splits(task.definition), unread)):
        warn(f"task {task.name}: {text}")
    with tempfile.TemporaryDirectory(prefix="mtsmart-check-") as cache:
        preparer = Preparer(plain_tokenizer(), DataConfig(cache_dir=cache, max_length=_MAX_LENGTH), None)
        encoded: dict[str, EncodedSplit] = {}
        for split in _splits(task):
            try:
                if (rows := _checked(task, split, preparer)) is not None:
                    encoded[split] = rows
            except MtsmartError as error:
                # Two splits may come from one file.
                found += [] if _without_split(error) in map(_without_split, found) else [error]
        absent = absent_files(task.name, task.definition.dataset)
        found += [error for error in absent if str(error) not in map(str, found)]
        if not found:
            train = encoded.get("train")
            validation = encoded.get("validation")
            told = preparer.has_told_of_words(task)
            seen = None if train is None or validation is None else _seen(task, train, validation, preparer.config)
            if seen is not None:
                warn(f"task {task.name}: {seen}")
            tell_of_labels(PreparedTask(task.definition, task, preparer.collate(task), train, validation, told))
    return found


def _without_split(error: MtsmartError) -> str:
    """What an error says, whatever the split is called in which it was found."""
    return re.sub(r", split [^ ,]+ \(", " (", str(error))


def _seen(task: TaskType, train: EncodedSplit, validation: EncodedSplit, config: DataConfig) -> str | None:
    """What is said of validation rows whose text a training row has. Here no word has a token of its own."""
    seen = set(_contents(task, "train", train, config))
    contents = _contents(task, "validation", validation, config)
    return seen_text(sum(content in seen for content in contents), len(contents))


def _contents(task: TaskType, split: str, encoded: EncodedSplit, config: DataConfig) -> list[int]:
    """A hash of what each encoded row was made of, without its label."""
    definition = task.definition
    columns = [column for column in dict.fromkeys(task.columns) if column not in definition.label_columns]
    rows = load_again(task.name, definition, split, columns, config)
    used = set(encoded.rows["row"][:])
    parts = zip(rows["row"][:], *(rows[column][:] for column in columns), strict=True)
    return [hash(repr(values)) for number, *values in parts if number in used]


def _splits(task: TaskType) -> Iterator[str]:
    """Our splits that the task has or names; each task that is trained must have one to train on."""
    definition = task.definition
    if not definition.evaluation_only:
        yield "train"
    if not definition.has_labels:
        return
    if "validation" in definition.splits or definition.dataset.draws_validation or _has_validation_file(task):
        yield "validation"
    yield from (split for split in definition.splits if split not in _LEARNT)


def _has_validation_file(task: TaskType) -> bool:
    if task.definition.dataset.files is None:
        return False
    try:
        return has_split(task.definition, "validation", DataConfig())
    except MtsmartError:  # Reading the training split finds it too.
        return False


def _checked(task: TaskType, split: str, preparer: Preparer) -> EncodedSplit | None:
    """The rows of a split of data files; None where rows are not read.

    Raises:
        MtsmartError: what training, or scoring the split, would refuse.
    """
    definition = task.definition
    check_spec(definition.split(split), {"key": f"{task.name}.splits.{split}"})
    if definition.dataset.files is None:
        if places_read(definition, preparer.config) and not has_split(definition, split, preparer.config):
            names = ", ".join(bases(definition.split(split)))
            raise DataError(f"the data has no split '{names}'", key=f"{task.name}.splits.{split}")
        return None
    try:
        return preparer.split(task, split, with_labels=definition.has_labels)
    except LabelsMissing:
        if split in _LEARNT:
            raise
        return preparer.split(task, split, with_labels=False)


def lacks_all_files(task: TaskType) -> bool:
    """Whether none of the data files that a task names is there."""
    names = task.definition.dataset.file_names
    return bool(names) and not any(Path(name).exists() for name in names)


def plain_tokenizer() -> PreTrainedTokenizerBase:
    """A tokenizer that knows no words: the rows need tokens, and nothing reads them."""
    ids = {token: number for number, token in enumerate(_SPECIALS)}
    tokenizer = Tokenizer(models.WordLevel(ids, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", ids["[SEP]"]), ("[CLS]", ids["[CLS]"]))
    names = ("pad_token", "unk_token", "cls_token", "sep_token", "mask_token")
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, **dict(zip(names, _SPECIALS, strict=True)))
