"""One task as a plain Hugging Face model: a folder that transformers loads without this package."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from mtsmart.errors import CheckpointError
from mtsmart.models.adapters import unmerged_adapters, without_adapters
from mtsmart.models.dropout import without_dropout
from mtsmart.models.export_folder import Exported, Prepared, export_checked
from mtsmart.models.files import settled
from mtsmart.models.heads import HeadSpec
from mtsmart.models.heads.native import NATIVE_CLASSES, NativeHead
from mtsmart.models.multitask import MultiTaskModel
from mtsmart.models.output_unit import OutputUnit, fold
from mtsmart.text.escaping import code_span

TOLERANCE = 1e-5  # between a logit of ours and the exported model's, absolute and relative
_ROUNDING = 1e-6  # of the mean of labels in float32, relative
LABELS_OWN = OutputUnit()
_DROPOUTS = (
    "classifier_dropout",
    "classifier_dropout_prob",
    "pooler_dropout",
    "seq_classif_dropout",
    "qa_dropout",
    "summary_last_dropout",
)


def export_head(
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
    """Write the encoder with one of its heads as the architecture's own task class.

    The folder appears only once it has been loaded again and has given this model's logits for a probe batch.

    Args:
        model, head: on the CPU in float32; the head's name.
        tokenizer, folder: the encoder's tokenizer; the folder to write.
        problem_type: Hugging Face's name of what a sequence classification head was trained for.
        max_length: tokens that inputs were cut to; the tokenizer will do the same.
        card, overwrite: makes the text of README.md; whether an earlier export may be replaced.
        unit: of the head's outputs; those of the exported model are labels.

    Raises:
        CheckpointError: there is no class for this head, the folder is taken, or the exported model's logits differ.
        StorageError: the folder cannot be written.
    """

    def prepare() -> Prepared:
        whole = _giving_labels(task_model(model, head, problem_type), unit, head)
        saved = exported_tokenizer(tokenizer, whole, max_length)
        auto_class = NATIVE_CLASSES[model.specs[head].kind].__name__
        check = partial(_check_logits, model, head, saved, unit)
        note = padding_note(getattr(whole, whole.base_model_prefix), saved)
        return Prepared(auto_class, type(whole).__name__, saving(whole, saved), check, note=note)

    return export_checked(folder, overwrite, prepare, card)


def saving(*parts: PreTrainedModel | PreTrainedTokenizerBase) -> Callable[[Path], None]:
    """Writes a model, or a tokenizer, or both into a folder."""

    def save(folder: Path) -> None:
        for part in parts:
            part.save_pretrained(folder)

    return save


@torch.no_grad()
def padding_note(encoder: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> str:
    """What the card says of an encoder that takes padding's token within a text for padding; nothing of others.

    Such an encoder counts the positions of tokens by their numbers. mtsmart gives it embeddings instead.
    """
    inputs = tokenizer(f"a {tokenizer.pad_token} b", return_tensors="pt")
    ids, mask = inputs["input_ids"], inputs["attention_mask"]
    if not (ids == tokenizer.pad_token_id).any():
        return ""
    by_number = encoder(input_ids=ids, attention_mask=mask).last_hidden_state
    by_place = encoder(inputs_embeds=encoder.get_input_embeddings()(ids), attention_mask=mask).last_hidden_state
    if torch.allclose(by_number, by_place, atol=1e-4):
        return ""
    token = code_span(str(tokenizer.pad_token))
    return (
        f"mtsmart reads a text that holds {token} itself in another way: this model gives the token no position of its "
        f"own, so the answers for such a text may differ. Take {token} out of texts first."
    )


def task_model(model: MultiTaskModel, head: str, problem_type: str | None = None) -> PreTrainedModel:
    """The Hugging Face task class with the shared encoder's weights and one head's, in evaluation mode.

    Raises:
        CheckpointError: the head is of a type that transformers has no class for, or the weights do not fit the class.
    """
    spec = model.specs[head]
    module = model.head(head)
    if not isinstance(module, NativeHead):
        raise CheckpointError(
            f"the task's head is of type '{spec.type}', which no Hugging Face class has",
            argument="task",
            value=head,
            hint="Only heads of type 'native' and 'pair', and plain ones that pool by cls, mean or max, can be "
            "exported; this one works in 'mtsmart predict'",
        )
    refuse_adapters(model)
    with torch.random.fork_rng(devices=[]):  # what is drawn here is overwritten
        whole: PreTrainedModel = NATIVE_CLASSES[spec.kind].from_config(_config(model, head, problem_type))
    prefix = whole.base_model_prefix
    plain = without_adapters(model.encoder, head).model
    encoder = {f"{prefix}.{name}": tensor for name, tensor in plain.state_dict().items()}
    missing, unexpected = whole.load_state_dict({**encoder, **module.model.state_dict()}, strict=False)
    # The class may do without parts of the bare encoder (a pooler), never the other way round.
    strange = [*missing, *(name for name in unexpected if name not in encoder)]
    if strange:
        message = f"the weights do not fit {type(whole).__name__}: {', '.join(sorted(strange)[:3])}"
        raise CheckpointError(message, argument="task", value=head)
    whole.eval()
    return whole


def refuse_adapters(model: MultiTaskModel) -> None:
    """Refuse adapters that are no part of the architecture.

    Raises:
        CheckpointError: names them.
    """
    unmerged = unmerged_adapters(model.encoder)
    if unmerged:
        message = f"the encoder has adapters that no Hugging Face class has: {', '.join(unmerged)}"
        raise CheckpointError(message, key="encoder")


def _config(model: MultiTaskModel, head: str, problem_type: str | None) -> Any:
    spec = model.specs[head]
    config = copy.deepcopy(model.encoder.config)
    if spec.kind not in ("masked_lm", "multiple_choice"):
        config.num_labels = spec.num_labels
    for name, names in output_names(spec, head, problem_type).items():
        setattr(config, name, names)
    if problem_type is not None:
        config.problem_type = problem_type
    if spec.dropout is not None:
        for name in _DROPOUTS:
            if hasattr(config, name):
                setattr(config, name, spec.dropout)
        if hasattr(config, "pooler_dropout"):  # DeBERTa reads this one too, but does not list it among its settings
            config.cls_dropout = spec.dropout
    return config


def output_names(spec: HeadSpec, head: str, problem_type: str | None) -> dict[str, dict[Any, Any]]:
    """``id2label`` and ``label2id`` of a head's outputs; empty if they have no names.

    A number is called as its task.
    """
    labels = [head] if problem_type == "regression" else spec.labels
    if labels is None:
        return {}
    return {"id2label": dict(enumerate(labels)), "label2id": {label: index for index, label in enumerate(labels)}}


def exported_tokenizer(
    tokenizer: PreTrainedTokenizerBase, whole: PreTrainedModel, max_length: int | None
) -> PreTrainedTokenizerBase:
    """The tokenizer as it cut and padded the inputs, giving only what the class takes.

    A class without a token for padding gets the tokenizer's. Classes of decoders find the end of a text by it.
    """
    if getattr(whole.config, "pad_token_id", None) is None:
        whole.config.pad_token_id = tokenizer.pad_token_id
    saved = settled(tokenizer)
    accepted = inspect.signature(whole.forward).parameters
    settings: dict[str, Any] = {
        "padding_side": tokenizer.padding_side,
        "model_input_names": [name for name in tokenizer.model_input_names if name in accepted],
    }
    if max_length is not None:
        settings["model_max_length"] = max_length
    for name, value in settings.items():
        setattr(saved, name, value)
        saved.init_kwargs[name] = value  # only what stands here is written
    return saved


def _giving_labels(whole: PreTrainedModel, unit: OutputUnit, head: str) -> PreTrainedModel:
    """The model, with weights that make its outputs labels.

    Raises:
        CheckpointError: the class's last layer has no bias.
    """
    if unit == LABELS_OWN or fold(unit, whole):
        return whole
    raise CheckpointError(
        f"the last layer of {type(whole).__name__} has no bias that could hold the mean of the labels",
        argument="task",
        value=head,
        hint="Train the task with options: {standardize: false}",
    )


@torch.no_grad()
def _check_logits(
    model: MultiTaskModel, head: str, tokenizer: PreTrainedTokenizerBase, unit: OutputUnit, folder: Path
) -> None:
    """Load the folder as a user will, and compare its logits for a batch with padding.

    Raises:
        CheckpointError: weights are missing, or logits differ.
    """
    kind = model.specs[head].kind
    again, loading = NATIVE_CLASSES[kind].from_pretrained(folder, dtype=torch.float32, output_loading_info=True)
    check_complete(loading, folder)
    inputs = probe_batch(tokenizer, model.encoder.max_positions)
    real = inputs["attention_mask"].bool()
    ours = dict(inputs)
    if kind == "masked_lm":
        ours["positions"] = torch.arange(real.shape[1]).expand(real.shape)
    logits = own_logits(model, head, ours)
    theirs = _logits(again.eval(), kind, inputs)
    if theirs.ndim == 3:  # a logit for each token: those of padding mean nothing
        logits = logits[real]
        theirs = theirs[real]
    if unit != LABELS_OWN:
        logits = unit.to_labels(logits).float()
    check_equal(logits, theirs, unit, type(again).__name__, head)


def check_complete(loading: Mapping[str, Any], folder: Path) -> None:
    """Refuse an exported model without some of its weights.

    Args:
        loading: what transformers tells about loading it.
        folder: where it lies.

    Raises:
        CheckpointError: names weights that are missing or of another shape.
    """
    names = sorted(map(str, [*loading["missing_keys"], *loading["mismatched_keys"]]))
    if names:
        raise CheckpointError(f"the exported model would lack weights: {', '.join(names[:3])}", file=folder.name)


@torch.no_grad()
def own_logits(model: MultiTaskModel, head: str, inputs: Mapping[str, Tensor]) -> Tensor:
    """This model's logits for a probe batch, in evaluation mode; the model's mode stays as it was."""
    with without_dropout(model):
        logits: Tensor = model(head, model.embed(inputs["input_ids"]), dict(inputs))
    return logits


def check_equal(ours: Tensor, theirs: Tensor, unit: OutputUnit, architecture: str, head: str) -> None:
    """Refuse an exported model that computes something else.

    Args:
        ours, theirs: the logits of this model and of the exported one, float32, of one shape.
        unit: of the head's outputs.
        architecture, head: the exported model and the head, for the message.

    Raises:
        CheckpointError: says by how much they differ.
    """
    rounding = TOLERANCE * unit.std + _ROUNDING * abs(unit.mean)
    if not torch.allclose(ours, theirs, atol=rounding, rtol=TOLERANCE):
        difference = float((ours - theirs).abs().max())
        raise CheckpointError(
            f"{architecture} computes other logits with these weights (they differ by {difference:.2g})",
            argument="task",
            value=head,
        )


def probe_batch(tokenizer: PreTrainedTokenizerBase, longest: int | None) -> dict[str, Tensor]:
    """Four rows of random tokens (4, T), three of them padded."""
    generator = torch.Generator().manual_seed(0)
    width = min(24, longest or 24)
    ordinary = sorted(set(range(tokenizer.vocab_size)) - set(tokenizer.all_special_ids))
    ids = torch.tensor(ordinary)[torch.randint(len(ordinary), (4, width), generator=generator)]
    lengths = torch.tensor([width, width // 2, max(1, width - 3), min(3, width)])
    mask = (torch.arange(width) < lengths.unsqueeze(-1)).long()
    if tokenizer.padding_side == "left":
        mask = mask.flip(-1)
    inputs = {"input_ids": ids.masked_fill(mask == 0, tokenizer.pad_token_id), "attention_mask": mask}
    if "token_type_ids" in tokenizer.model_input_names:
        inputs["token_type_ids"] = (torch.arange(width) >= width // 4).long() * mask
    return inputs


def _logits(whole: PreTrainedModel, kind: str, inputs: dict[str, Tensor]) -> Tensor:
    """Logits of a Hugging Face task class in the form that our heads give."""
    if kind == "multiple_choice":  # a list of one candidate a row
        inputs = {name: tensor.unsqueeze(1) for name, tensor in inputs.items()}
    result = whole(**inputs)
    if kind == "question_answering":
        return torch.stack([result.start_logits, result.end_logits], dim=-1)
    logits: Tensor = result.logits
    return logits
