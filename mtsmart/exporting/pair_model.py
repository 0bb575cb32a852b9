"""One task whose head compares two texts, as a folder that transformers loads with the small file ``modeling_pair.py``.

transformers has no class for such a head. It runs that file of the folder if its user says so.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from mtsmart.data.batch import pad_inputs
from mtsmart.data.tokenizing import special_tokens_of, tokenize
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

_AUTO_CLASS = "AutoModelForSequenceClassification"
_CODE = "modeling_pair.py"


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
        saved = exported_tokenizer(tokenizer, encoder, max_length)
        write = saving(_filled(encoder, model.head(head), config, unit), saved)
        check = partial(_check_logits, model, head, saved, unit)
        return Prepared(_AUTO_CLASS, PairModel.__name__, write, check, _CODE)

    return export_checked(folder, overwrite, prepare, card)


def _config(
    encoder: PreTrainedModel, spec: HeadSpec, tokenizer: PreTrainedTokenizerBase, head: str, problem_type: str | None
) -> PairConfig:
    before, between, after = special_tokens_of(2, tokenizer)
    if not between:
        message = "the encoder's tokenizer puts no token between two texts, so an exported model cannot tell them apart"
        raise CheckpointError(message, argument="task", value=head, hint="It works in 'mtsmart predict'")
    return PairConfig(
        encoder=_without_places(encoder.config.to_dict()),
        hidden_layers=spec.layers or 0,
        separator_id=between[0],
        special_ids=sorted({*before, *between, *after}),
        num_labels=spec.num_labels,
        problem_type=problem_type,
        pad_token_id=tokenizer.pad_token_id,
        **output_names(spec, head, problem_type),
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
    inputs = _probe(tokenizer, model.encoder.max_positions)
    logits = unit.to_labels(own_logits(model, head, inputs)).float()
    theirs = again.eval()(**{name: tensor for name, tensor in inputs.items() if name != "segments"}).logits
    check_equal(logits, theirs, unit, PairModel.__name__, head)


def _probe(tokenizer: PreTrainedTokenizerBase, longest: int | None) -> dict[str, Tensor]:
    """Four pairs of texts of random tokens, with ``segments`` (4, T), as a task gives them."""
    ordinary = sorted(set(range(tokenizer.vocab_size)) - set(tokenizer.all_special_ids))
    generator = torch.Generator().manual_seed(0)

    def text(size: int) -> str:
        chosen = torch.randint(len(ordinary), (size,), generator=generator)
        return str(tokenizer.decode([ordinary[index] for index in chosen]))

    columns = [[text(size) for size in sizes] for sizes in ((7, 3, 1, 4), (2, 5, 1, 8))]
    encoded = tokenize(columns, tokenizer, min(24, longest or 24), segments=True)
    rows = [dict(zip(encoded, values, strict=True)) for values in zip(*encoded.values(), strict=True)]
    return pad_inputs(rows, tokenizer)
