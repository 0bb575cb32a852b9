"""One task whose head compares two texts, as a folder that transformers loads with the small file ``modeling_pair.py``.

transformers has no class for such a head. It runs that file of the folder if its user says so.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import nn
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from mtsmart.data.batch import pad_inputs
from mtsmart.data.tokenizing import frame_of, tokenize
from mtsmart.errors import CheckpointError
from mtsmart.exporting.modeling_pair import PairConfig, PairModel
from mtsmart.models.adapters import without_adapters
from mtsmart.models.export_folder import Exported, Prepared, export_checked
from mtsmart.models.heads import HeadSpec
from mtsmart.models.heads.pair import PairHead
from mtsmart.models.hugging_face import (
    LABELS_OWN,
    check_complete,
    check_equal,
    exported_tokenizer,
    output_names,
    own_logits,
    refuse_adapters,
    saving,
)
from mtsmart.models.multitask import MultiTaskModel
from mtsmart.models.output_unit import OutputUnit, fold
from mtsmart.text.escaping import code_span

_AUTO_CLASS = "AutoModelForSequenceClassification"
_CODE = "modeling_pair.py"
_TYPES = "token_type_ids"
_LONGEST = 32  # tokens of a probe


def is_pair(model: MultiTaskModel, head: str) -> bool:
    """Whether a head compares the means of two texts."""
    return isinstance(model.head(head), PairHead)


def export_pair(
    model: MultiTaskModel,
    head: str,
    tokenizer: PreTrainedTokenizerBase,
    folder: Path,
    *,
    problem_type: str | None = None,
    max_length: int | None = None,
    card: Callable[[Exported], str] | None = None,
    overwrite: bool = False,
    unit: OutputUnit = LABELS_OWN,
) -> Exported:
    """Write the encoder with one of its heads, and the file with the class that computes both.

    The folder appears only once its files have been read again and have given this model's logits for a probe batch.

    Args:
        model, head: on the CPU in float32; the name of a head that :func:`is_pair`.
        tokenizer, folder, problem_type, max_length, card, overwrite, unit: as for
            :func:`mtsmart.models.hugging_face.export_head`.

    Raises:
        CheckpointError: the encoder has adapters of its own kind or is a part of another model, its tokenizer puts no
            token between two texts, the folder is taken, or the logits differ.
        StorageError: the folder cannot be written.
    """

    def prepare() -> Prepared:
        refuse_adapters(model)
        encoder = without_adapters(model.encoder, head).model
        config = _config(encoder, model.specs[head], tokenizer, head, problem_type)
        saved = _telling_types(exported_tokenizer(tokenizer, encoder, max_length), config)
        write = saving(_filled(encoder, model.head(head), config, unit), saved)
        check = partial(_check_logits, model, head, saved, unit)
        return Prepared(_AUTO_CLASS, PairModel.__name__, write, check, _CODE, _note(tokenizer, config))

    return export_checked(folder, overwrite, prepare, card)


def _config(
    encoder: PreTrainedModel, spec: HeadSpec, tokenizer: PreTrainedTokenizerBase, head: str, problem_type: str | None
) -> PairConfig:
    frame = frame_of(tokenizer, 2)
    before, between, after = frame.specials
    first_type, second_type = frame.types
    own_types = frame.special_types[1]
    if not between and first_type == second_type:
        message = "the encoder's tokenizer puts no token between two texts, so an exported model cannot tell them apart"
        raise CheckpointError(message, argument="task", value=head, hint="It works in 'mtsmart predict'")
    return PairConfig(
        encoder=_without_places(encoder.config.to_dict()),
        hidden_layers=spec.layers or 0,
        before=len(before),
        between=between,
        after=len(after),
        second_type=None if first_type == second_type else second_type,
        own_type_between=len(own_types) - own_types.index(second_type) if second_type in own_types else 0,
        encoder_types=_TYPES in tokenizer.model_input_names and _TYPES in inspect.signature(encoder.forward).parameters,
        num_labels=spec.num_labels,
        problem_type=problem_type,
        pad_token_id=tokenizer.pad_token_id,
        **output_names(spec, head, problem_type),
    )


def _telling_types(tokenizer: PreTrainedTokenizerBase, config: PairConfig) -> PreTrainedTokenizerBase:
    """The tokenizer, which gives the types of tokens if they tell the texts, whatever the encoder reads."""
    if config.second_type is not None and _TYPES not in tokenizer.model_input_names:
        names = [*tokenizer.model_input_names, _TYPES]
        tokenizer.model_input_names = names
        tokenizer.init_kwargs["model_input_names"] = names  # only what stands here is written
    return tokenizer


def _note(tokenizer: PreTrainedTokenizerBase, config: PairConfig) -> str:
    """What the card says of a tokenizer that gives both texts the same type; nothing of others."""
    if config.second_type is not None:
        return ""
    separator = "".join(map(str, tokenizer.convert_ids_to_tokens(config.between)))
    return (
        f"The tokenizer does not mark which text a token belongs to, so the first {code_span(separator)} counts as the "
        "end of the first text. mtsmart reads a first text in another way that holds this itself, "
        "or that ends with the beginning of it, also where it was cut."
    )


def _without_places(settings: Any) -> Any:
    """Settings of an encoder and of its parts without the folders of this machine that they were read from."""
    if not isinstance(settings, dict):
        return settings
    return {name: _without_places(value) for name, value in settings.items() if name != "_name_or_path"}


def _filled(encoder: PreTrainedModel, head: nn.Module, config: PairConfig, unit: OutputUnit) -> PairModel:
    """The exported class with the weights of an encoder and a head; its outputs are labels."""
    # Without these, save_pretrained writes neither the file with the classes nor where they are.
    PairConfig.register_for_auto_class()
    PairModel.register_for_auto_class(_AUTO_CLASS)
    with torch.random.fork_rng(devices=[]):  # what is drawn here is overwritten
        whole = PairModel(config)
    if type(whole.encoder) is not type(encoder):
        message = (
            f"AutoModel gives the whole of {type(whole.encoder).__name__}, of which {type(encoder).__name__} is a part"
        )
        raise CheckpointError(message, key="encoder", hint="The task works in 'mtsmart predict'")
    whole.encoder.load_state_dict(encoder.state_dict())
    assert isinstance(head, PairHead)
    ours = [part for part in (*head.layers.modules(), *head.output.modules()) if isinstance(part, nn.Linear)]
    theirs = [part for part in (*whole.layers.modules(), whole.output) if isinstance(part, nn.Linear)]
    for source, target in zip(ours, theirs, strict=True):
        target.load_state_dict(source.state_dict())
    if unit != LABELS_OWN:
        fold(unit, whole.output)
    whole.eval()
    return whole


@torch.no_grad()
def _check_logits(
    model: MultiTaskModel, head: str, tokenizer: PreTrainedTokenizerBase, unit: OutputUnit, folder: Path
) -> None:
    """Read the folder, and compare its logits for a batch of pairs with padding.

    Raises:
        CheckpointError: weights are missing, or logits differ.
    """
    loaded: Any = PairModel.from_pretrained(folder, dtype=torch.float32, output_loading_info=True)
    again, loading = loaded
    check_complete(loading, folder)
    limit = min(_LONGEST, model.encoder.max_positions or _LONGEST)
    columns = _probe(tokenizer, again.config)
    encoded = tokenize(columns, tokenizer, limit, segments=True)
    rows = [dict(zip(encoded, values, strict=True)) for values in zip(*encoded.values(), strict=True)]
    logits = unit.to_labels(own_logits(model, head, pad_inputs(rows, tokenizer))).float()
    theirs = again.eval()(**tokenizer(*columns, truncation=True, max_length=limit, padding=True, return_tensors="pt"))
    theirs = theirs.logits
    check_equal(logits, theirs, unit, PairModel.__name__, head)


def _probe(tokenizer: PreTrainedTokenizerBase, config: PairConfig) -> list[list[str]]:
    """Four pairs of texts of random tokens, of which some hold special tokens: those that can be told apart."""
    special = set(tokenizer.all_special_ids)
    ordinary = sorted(set(range(tokenizer.vocab_size)) - special)
    inside = sorted(special - (set(config.between) if config.second_type is None else set()))
    generator = torch.Generator().manual_seed(0)

    def text(size: int, more: list[int]) -> str:
        chosen = torch.randint(len(ordinary), (size,), generator=generator)
        halves = [[ordinary[index] for index in part] for part in chosen.split([size // 2, size - size // 2])]
        return " ".join(str(tokenizer.decode(ids)) for ids in (halves[0], more, halves[1]))

    return [
        [text(size, more) for size, more in zip(sizes, given, strict=True)]
        for sizes, given in (((7, 3, 1, 4), ([], inside, [], inside[:1])), ((2, 5, 1, 8), (inside, [], [], [])))
    ]
