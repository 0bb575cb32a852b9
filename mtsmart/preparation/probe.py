"""A look at whether encoder, tokenizer, heads and data fit each other, before training begins.

Some encoders load without an error and still cannot learn a task: every word is unknown to their tokenizer, or they
read the padding of a row that is shorter than its batch. So two token sequences of each task go through the encoder and
the task's head, together and alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from mtsmart.data.encoding import EncodedSplit
from mtsmart.errors import CheckpointError, MtsmartError, warn
from mtsmart.models.dropout import without_dropout
from mtsmart.models.heads.windows import WINDOWS
from mtsmart.models.multitask import MultiTaskModel
from mtsmart.preparation.prepared_task import PreparedTask
from mtsmart.preparation.probing.heads import check_hidden, check_logits, check_weights
from mtsmart.torch_state import kept_generators
from mtsmart.unforeseen import place_of, working_on

_ROWS = 500  # whose tokens are counted
_MANY = 0.99  # share of unknown tokens with which nothing can be learnt
_SOME = 0.1  # share of unknown tokens that the user should know of
_SAME = 1e-4  # times the largest value: rounding gives 1e-6, padding that is read gives 1e-2 and more
_EQUAL = 1e-6  # times the largest value: two texts that differ more than by rounding
_SEED = 0
_WIDTH = 64  # tokens of a sequence that is looked at; longer ones would take seconds
_OTHER = "Use another encoder"
_POOLED = ("sequence_classification", "multiple_choice")  # kinds whose heads make one vector of all tokens

Inputs = dict[str, Tensor]


def check_fit(model: MultiTaskModel, tasks: Mapping[str, PreparedTask], tokenizer: PreTrainedTokenizerBase) -> None:
    """Refuse an encoder that does not fit the tasks' rows or heads. Model and random generators stay as they are.

    Raises:
        CheckpointError: most tokens are unknown, a row's outputs depend on the padding beside it, different rows have
            the same logits, a head fails, or ``inputs_embeds`` and ``input_ids`` give different outputs.
        TrainingError: a head gives logits of another shape than it must, has weights that it has not registered, or
            changes the hidden states.
    """
    looked_at = False
    for task in tasks.values():
        rows = task.train or task.validation
        if not rows:
            continue
        _check_tokens(task, rows, tokenizer)
        _tell_of_joined_texts(task, tokenizer, model.encoder.takes_token_types)
        pair = _pair(task, rows, tokenizer)
        with working_on(task.name), _unchanged(model):
            together = _hidden(model, task, pair)
            if not looked_at:
                _check_encoder(model, task, pair, together.last_hidden_state)
            _check_padding(model, task, pair, together)
        looked_at = True


# Tokens ---------------------------------------------------------------------------------------------------------


def _check_tokens(task: PreparedTask, rows: EncodedSplit, tokenizer: PreTrainedTokenizerBase) -> None:
    unknown = _unknown(tokenizer)
    specials = set(tokenizer.all_special_ids) - {unknown}
    first = rows.column("input_ids").slice(0, _ROWS).to_pylist()
    words = [token for ids in first for token in _flat(ids) if token not in specials]
    if not words:
        message = f"makes no tokens of the texts of task {task.name}"
        hint = "Its files may be missing or damaged: copy the files of the right tokenizer into the encoder's folder"
        raise CheckpointError(message, file="encoder's tokenizer", key="encoder.path", hint=hint)
    share = sum(token == unknown for token in words) / len(words)
    text = f"knows too few words: {share:.0%} of the tokens of task {task.name} are unknown to it"
    if share > _MANY:
        hint = (
            "Use an encoder for the language of these texts, or copy the files of the right tokenizer into its folder"
        )
        raise CheckpointError(text, file="encoder's tokenizer", key="encoder.path", hint=hint)
    if share > _SOME:
        text = f"{share:.0%} of the tokens of task {task.name} are unknown to the encoder's tokenizer"
        warn(text)


def _tell_of_joined_texts(task: PreparedTask, tokenizer: PreTrainedTokenizerBase, reads_types: bool) -> None:
    """Warn if a row has two texts, and nothing shows the model where the second one begins."""
    columns = task.type.columns
    if len(columns) < 2:
        return
    encoded = tokenizer("a", "b", return_token_type_ids=True)
    texts = encoded.sequence_ids()
    begin = texts.index(1)
    has_types = reads_types and "token_type_ids" in tokenizer.model_input_names
    if texts[begin - 1] is None or (has_types and len(set(encoded["token_type_ids"])) > 1):
        return
    text = f"task {task.name}: the encoder's tokenizer puts no mark between the texts of {' and '.join(columns[:2])}"
    hint = f'text: ["{{{columns[0]}}} | {{{columns[1]}}}"] makes one text of both, with a mark of your own'
    warn(f"{text}, so where the second begins is not seen: {hint}")


def _unknown(tokenizer: PreTrainedTokenizerBase) -> int | None:
    """The token that stands for words outside the vocabulary; None if there is none, or if it has another meaning."""
    # The tokenizer's settings may name none, or another one, and it gives that of its vocabulary all the same.
    given = getattr(tokenizer.backend_tokenizer.model, "unk_token", None)
    unknown: Any = tokenizer.unk_token_id if given is None else tokenizer.convert_tokens_to_ids(given)
    # GPT-2's knows all texts, and has one token for all purposes. Padding is not counted.
    marks = (tokenizer.bos_token_id, tokenizer.eos_token_id, tokenizer.cls_token_id, tokenizer.sep_token_id)
    return None if unknown in marks else unknown


def _flat(ids: Any) -> list[int]:
    return [token for part in ids for token in (part if isinstance(part, list) else [part])]


# Two sequences --------------------------------------------------------------------------------------------------


def _pair(task: PreparedTask, rows: EncodedSplit, tokenizer: PreTrainedTokenizerBase) -> Inputs:
    """The inputs of two token sequences of different lengths, the shorter one first, as a padded batch."""
    places = dict.fromkeys((int(rows.lengths.argmin()), int(rows.lengths.argmax())))
    inputs = task.collate([rows.rows[place] for place in places], _SEED).inputs
    lengths = inputs["attention_mask"].sum(1)
    shortest = int(lengths.argmin())
    longest = int(lengths.argmax())
    if shortest == longest:  # All have the same length.
        longest = len(lengths) - 1
    pair = {name: tensor[[shortest, longest]].clone() for name, tensor in inputs.items() if name != WINDOWS}
    for place in range(2):
        _thin_out(pair, place, _WIDTH / int(pair["attention_mask"][place].sum()), tokenizer)
    if bool(pair["attention_mask"].sum(1).unique().numel() == 1):
        _thin_out(pair, 0, 2 / 3, tokenizer)
    return _without_common_padding(pair)


def _thin_out(pair: Inputs, place: int, share: float, tokenizer: PreTrainedTokenizerBase) -> None:
    """Keep a share of a sequence's tokens, and at least one of each segment; the rest becomes padding."""
    mask = pair["attention_mask"]
    if share >= 1:
        return
    real = mask[place].nonzero().squeeze(1)
    segments = pair["segments"][place, real] if "segments" in pair else torch.zeros_like(real)
    kept = []
    for segment in segments.unique():
        tokens = real[segments == segment]
        count = max(1, int(share * len(tokens)))
        kept.append(tokens[torch.linspace(0, len(tokens) - 1, count).long()])
    chosen = torch.cat(kept).sort().values
    start = mask.shape[1] - len(chosen) if tokenizer.padding_side == "left" else 0
    for name in _by_token(pair):
        values = pair[name][place, chosen]
        pair[name][place] = tokenizer.pad_token_id if name == "input_ids" else 0
        pair[name][place, start : start + len(chosen)] = values


def _without_common_padding(pair: Inputs) -> Inputs:
    """The pair without columns that are padding in both, and with positions that exist, where the head reads some."""
    needed = pair["attention_mask"].any(0)
    cut = {name: tensor[:, needed] if name in _by_token(pair) else tensor for name, tensor in pair.items()}
    mask = cut["attention_mask"]
    if "positions" in cut:  # The task draws some at random. The ends of each sequence do as well.
        cut["positions"] = torch.stack([mask.argmax(1), mask.shape[1] - 1 - mask.flip(1).argmax(1)], dim=1)
    return cut


def _have_other_words(pair: Inputs) -> bool:
    """Whether the sequences differ, as those of equal rows of one token do not."""
    one, other = (pair["input_ids"][place, pair["attention_mask"][place].bool()] for place in range(2))
    return not torch.equal(one, other)


def _by_token(inputs: Inputs) -> list[str]:
    """The names of the inputs that have a value for each token."""
    shape = inputs["attention_mask"].shape
    return [name for name, tensor in inputs.items() if tensor.shape == shape and name != "positions"]


def _alone(pair: Inputs, place: int) -> Inputs:
    """One sequence of the pair without padding."""
    mask = pair["attention_mask"][place]
    inputs = {name: tensor[place : place + 1] for name, tensor in pair.items()}
    inputs |= {name: inputs[name][:, mask.bool()] for name in _by_token(pair)}
    if "positions" in pair:
        inputs["positions"] = inputs["positions"] - mask.argmax()
    return inputs


# The model ------------------------------------------------------------------------------------------------------


def _check_encoder(model: MultiTaskModel, task: PreparedTask, pair: Inputs, hidden: Tensor) -> None:
    """Compare what the encoder gives for word embeddings with what it gives for words, and for other words.

    Args:
        hidden: the hidden states (B, T, H) of the pair.
    """
    width = hidden.shape[-1]
    if width != model.encoder.hidden_size:
        message = f"gives outputs of {width} numbers, and its configuration says {model.encoder.hidden_size}"
        raise _refusal(message, _OTHER)
    real = pair["attention_mask"].bool()
    with _refusing("fails", task, _OTHER):
        by_words = _run(lambda: model.encoder.from_ids(pair).last_hidden_state)
    if _differ(by_words[real], hidden[real]):
        message = "computes something else from word embeddings than from words, and training here needs embeddings"
        raise _refusal(message, _OTHER)
    if _mixes_nothing(model, task, pair, hidden):
        raise _refusal("gives each token an output that does not depend on the token before it", _OTHER)


def _mixes_nothing(model: MultiTaskModel, task: PreparedTask, pair: Inputs, hidden: Tensor) -> bool:
    """Whether another word in the middle of the longer row changes nothing in the output of the next token."""
    ids = pair["input_ids"].clone()
    tokens = pair["attention_mask"][1].nonzero().squeeze(1)
    middle = tokens[max(0, len(tokens) // 2 - 1)]
    others = ids[ids != ids[1, middle]]
    if len(tokens) < 2 or not len(others):
        return False
    ids[1, middle] = others[0]
    changed = _hidden(model, task, {**pair, "input_ids": ids}).last_hidden_state
    return _are_equal(hidden[1, middle + 1], changed[1, middle + 1])


def _check_padding(model: MultiTaskModel, task: PreparedTask, pair: Inputs, together: Any) -> None:
    """Compare what two sequences give together with what each gives alone.

    Args:
        together: the encoder's outputs for the pair.
    """
    with torch.enable_grad():
        in_graph = _logits(model, task, pair, together)
    check_weights(model, task, in_graph)
    logits = in_graph.detach()
    for place in range(2):
        real = pair["attention_mask"][place].bool()
        inputs = _alone(pair, place)
        alone = _hidden(model, task, inputs)
        if _differ(together.last_hidden_state[place, real], alone.last_hidden_state[0]):
            message = f"gives a row of task {task.name} other outputs alone than beside a longer row: it reads padding"
            raise _refusal(message, _OTHER)
        beside = logits[place, real] if _is_by_token(model, task) else logits[place]
        if _differ(beside, _logits(model, task, inputs, alone)[0], among=logits):  # one row's may be near 0
            message = f"has a head that gives a row of task {task.name} other logits alone than beside a longer row"
            raise _refusal(message, _other_head(model, task))
    if _is_pooled(model, task) and _have_other_words(pair) and _are_equal(*logits):
        message = f"has a head that gives different rows of task {task.name} the same logits"
        raise _refusal(message, _other_head(model, task))


def _hidden(model: MultiTaskModel, task: PreparedTask, inputs: Inputs) -> Any:
    """The encoder's outputs; the first are hidden states (B, T, H)."""
    head = task.type.head_name
    with _refusing("fails", task, _OTHER):
        return _run(lambda: model.encode(head, model.embed(inputs["input_ids"]), inputs))


def _logits(model: MultiTaskModel, task: PreparedTask, inputs: Inputs, outputs: Any) -> Tensor:
    """The logits of the task's head."""
    before = outputs.last_hidden_state.clone()
    with _refusing("has a head that fails", task, _other_head(model, task)):
        logits = _run(lambda: model.logits(task.type.head_name, outputs, inputs))
    check_hidden(model, task, before, outputs.last_hidden_state)
    return check_logits(model, task, logits, inputs)


@contextmanager
def _refusing(what: str, task: PreparedTask, hint: str) -> Iterator[None]:
    """Turn what is raised inside into a refusal of the encoder, unless an extension of another package raised it."""
    try:
        yield
    except MtsmartError:
        raise
    except Exception as error:  # of any kind: encoders and heads are classes of transformers, or of other packages
        place = place_of(error)
        if place is not None and not place.is_own:
            raise
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise _refusal(f"{what} on a row of task {task.name} ({reason})", hint) from None


def _run(compute: Callable[[], Any]) -> Any:
    """What ``compute`` gives; the same each time, also where an encoder draws random numbers (Reformer)."""
    torch.default_generator.manual_seed(_SEED)  # `torch.manual_seed` would seed the generators of GPUs too.
    return compute()


@contextmanager
def _unchanged(model: MultiTaskModel) -> Iterator[None]:
    """Inside it the model is in evaluation mode. Afterwards it and all random generators are as before."""
    with without_dropout(model), torch.no_grad(), kept_generators():
        yield


def _kind(model: MultiTaskModel, task: PreparedTask) -> str:
    return model.specs[task.type.head_name].kind


def _is_pooled(model: MultiTaskModel, task: PreparedTask) -> bool:
    return _kind(model, task) in _POOLED


def _is_by_token(model: MultiTaskModel, task: PreparedTask) -> bool:
    return _kind(model, task) in ("token_classification", "question_answering")


def _other_head(model: MultiTaskModel, task: PreparedTask) -> str:
    spec = model.specs[task.type.head_name]
    if spec.type == "plain" and spec.pooling in (None, "mean"):
        return _OTHER
    pooling = ", pooling: mean" if _is_pooled(model, task) else ""
    return f"Say 'head: {{type: plain{pooling}}}' in the task"


def _refusal(message: str, hint: str) -> CheckpointError:
    return CheckpointError(message, file="encoder", key="encoder.path", hint=hint)


def _differ(one: Tensor, other: Tensor, among: Tensor | None = None) -> bool:
    """Whether they differ by more than rounding does beside the largest value of both, or of all ``among`` them."""
    return one.shape != other.shape or not _within(one, other, _SAME, among)


def _are_equal(one: Tensor, other: Tensor) -> bool:
    """Whether they are equal but for rounding. A head that starts at zero has nothing to compare yet."""
    return bool(one.any()) and _within(one, other, _EQUAL)


def _within(one: Tensor, other: Tensor, share: float, among: Tensor | None = None) -> bool:
    values = torch.cat([each.flatten() for each in (one, other, among) if each is not None])
    return float((one - other).abs().amax()) <= share * float(values.abs().amax())
