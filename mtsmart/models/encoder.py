"""The shared encoder: any ``AutoModel``, split between the word embeddings and the rest, where SMART perturbs it."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from mtsmart.errors import CheckpointError

_OPTIONAL_INPUTS = ("token_type_ids",)
_PART = 4096  # tokens that are embedded at a time, of a vocabulary that may be large


class Encoder(nn.Module):
    """A Hugging Face encoder whose embedding lookup is a step of its own.

    ``forward(embed(input_ids), ...)`` equals the model on ``input_ids``: ``embed`` returns WORD embeddings, and the
    model adds positions, types and norm to them itself.

    Attributes:
        model: the Hugging Face model.
        drawn: names of the parameters of ``model`` that its checkpoint lacks, so that they start from random values.
        adapters: the adapters that have been added to ``model``, name -> settings, in the order of adding.
        by_head: whether an adapter has a part of its own for each head.
        own_heads: the heads that have such parts.
        head_in_use: the head whose part of the adapters ``forward`` uses; None: it uses no such part.
        rate_factors: factors of the learning rate of parameters, by their names in this module; 1 for all others.
        undecayed: names in this module of parameters that get no weight decay, beside vectors, which never do.
        compiled: the backend that has compiled ``forward``; None if it is not compiled.
    """

    def __init__(self, model: PreTrainedModel, drawn: Collection[str] = ()) -> None:
        """Wrap ``model``.

        Raises:
            CheckpointError: the architecture takes no ``inputs_embeds``, or has no table of word embeddings, so it
                cannot be perturbed.
        """
        super().__init__()
        self.model = model
        self.drawn = frozenset(drawn)
        self.adapters: dict[str, Any] = {}
        self.by_head = False
        self.own_heads: list[str] = []
        self.head_in_use: str | None = None
        self.rate_factors: dict[str, float] = {}
        self.undecayed: set[str] = set()
        self.compiled: str | None = None
        accepted = inspect.signature(model.forward).parameters
        if "inputs_embeds" not in accepted:
            raise _refusal(model, "it takes no inputs_embeds")
        if not _has_table(model):
            raise _refusal(model, "it has no table of word embeddings")
        self._inputs = [name for name in _OPTIONAL_INPUTS if name in accepted]
        pooler = getattr(model, "pooler", None)
        if isinstance(pooler, nn.Module):
            # It is a head's first layer that lies in the encoder, and heads compute in float32.
            pooler.register_forward_hook(_again_in_full_precision)

    @property
    def config(self) -> Any:
        """The architecture's configuration."""
        return self.model.config

    @property
    def attention(self) -> str:
        """The attention kernel in use, such as ``eager`` or ``sdpa``."""
        # transformers has a public way to set the kernel, and none to ask for it.
        return str(self.config._attn_implementation)

    @property
    def max_positions(self) -> int | None:
        """The longest input in tokens; None where positions are relative and unbounded."""
        positions = getattr(self.config, "max_position_embeddings", None)
        if not positions or positions < 1:
            return None
        # RoBERTa and its relatives count positions from pad_token_id + 1, so they never reach the last embeddings.
        table = next((m for name, m in self.model.named_modules() if name.endswith("position_embeddings")), None)
        offset = getattr(table, "padding_idx", None)
        return int(positions) if offset is None else int(positions) - offset - 1

    @property
    def hidden_size(self) -> int:
        """H, the width of the encoder's outputs."""
        return int(self.config.hidden_size)

    @property
    def summary_at_end(self) -> bool:
        """Whether the token that stands for the whole input is the last one (XLNet), not the first."""
        return getattr(self.config, "summary_type", None) == "last"

    @property
    def layers(self) -> nn.ModuleList | None:
        """The layers from the first to the last; None where the architecture shares one layer's weights (ALBERT)."""
        count = getattr(self.config, "num_hidden_layers", None)
        lists = (module for module in self.model.modules() if isinstance(module, nn.ModuleList))
        return next((layers for layers in lists if len(layers) == count), None)

    @property
    def layer_modules(self) -> list[nn.Module]:
        """The modules whose calls are the encoder's layers; one that is called several times stands here once."""
        lists = (module for module in self.model.modules() if isinstance(module, nn.ModuleList))
        return list(self.layers or next(lists, ()))

    @property
    def time_first(self) -> bool:
        """Whether its layers take hidden states (T, B, H), as XLNet's do, and not (B, T, H)."""
        return getattr(self.config, "model_type", None) == "xlnet"

    @property
    def embeddings(self) -> nn.Module:
        """The module that turns token ids into the first layer's input; the lookup alone where there is no other."""
        embeddings = getattr(self.model, "embeddings", None)
        return embeddings if isinstance(embeddings, nn.Module) else self.model.get_input_embeddings()

    @property
    def word_embeddings(self) -> nn.Parameter:
        """The word embedding matrix (V, E); E may differ from H."""
        return next(self.model.get_input_embeddings().parameters())

    @torch.no_grad()
    def embedding_rms(self) -> float:
        """Root mean square of what ``embed`` returns, over the vocabulary: the unit of relative perturbation lengths.

        Some architectures scale the rows of the matrix (BART, Gemma).
        """
        lookup = self.model.get_input_embeddings()
        if type(lookup) is nn.Embedding:
            return float(self.word_embeddings.float().square().mean().sqrt())
        ids = torch.arange(len(self.word_embeddings), device=self.word_embeddings.device)
        means = [self.embed(part).double().square().mean(-1) for part in ids.split(_PART)]
        return float(torch.cat(means).mean().sqrt())

    @property
    def recomputes(self) -> bool:
        """Whether the backward pass runs layers again (gradient checkpointing)."""
        return any(getattr(module, "gradient_checkpointing", False) for module in self.model.modules())

    def compile_shapes(self, backend: str = "inductor") -> None:
        """Compile ``forward`` once for all shapes (B, T).

        From then on torch keeps the buffers of all compiled graphs of this thread, until its end.
        """
        # A regulariser differentiates the clean pass before the training loss does, so its graph is used twice and must
        # keep its buffers. torch has no setting for one graph, and reads this one again in every backward pass, so it
        # cannot end with this call. It belongs to the thread, and it changes memory, not results.
        from torch._functorch import config

        config.donated_buffer = False
        self.compiled = backend
        self.compile(dynamic=True, backend=backend)

    def embed(self, input_ids: Tensor) -> Tensor:
        """Word embeddings. (B, T) int64 -> (B, T, E)."""
        embeddings: Tensor = self.model.get_input_embeddings()(input_ids)
        return embeddings

    def from_ids(self, inputs: dict[str, Tensor]) -> Any:
        """The encoder's outputs for token ids, as transformers computes them.

        Args:
            inputs: ``input_ids`` (B, T) beside what ``forward`` takes.

        Returns:
            the Hugging Face model output.
        """
        names = ("input_ids", "attention_mask", *self._inputs)
        return self.model(**{name: inputs[name] for name in names if name in inputs}, return_dict=True)

    def forward(self, inputs_embeds: Tensor, inputs: dict[str, Tensor]) -> Any:
        """The encoder's outputs for word embeddings.

        Args:
            inputs_embeds: (B, T, E), padded on the side that the tokenizer pads on.
            inputs: ``attention_mask`` (B, T) and, where the architecture has them, ``token_type_ids`` (B, T).

        Returns:
            the Hugging Face model output, ``last_hidden_state`` (B, T, H) among its fields.
        """
        optional = {name: inputs[name] for name in self._inputs if name in inputs}
        mask = inputs["attention_mask"]
        if inputs_embeds.device.type != "cpu" and self.takes_whole_masks:
            mask = whole_mask(mask)
        return self.model(inputs_embeds=inputs_embeds, attention_mask=mask, return_dict=True, **optional)

    @property
    def takes_token_types(self) -> bool:
        """Whether the architecture reads ``token_type_ids``."""
        return "token_type_ids" in self._inputs

    @property
    def takes_whole_masks(self) -> bool:
        """Whether the architecture's attention takes a mask (B, 1, 1, T) of booleans as it is."""
        functions = vars(sys.modules[type(self.model).__module__])
        sliding = "create_bidirectional_sliding_window_mask" in functions
        return self.attention == "sdpa" and "create_bidirectional_mask" in functions and not sliding

    @contextmanager
    def changing_layers(self, change: Callable[[int, Tensor], Tensor]) -> Iterator[None]:
        """Inside it, what each layer gives goes through ``change``, which may also just look at it.

        Args:
            change: called with the number of a layer in its pass, from 1, and its output (B, T, H). It returns what the
                next layer gets, of the same shape.

        Raises:
            CheckpointError: the architecture has no list of layers, or the encoder is compiled or uses gradient
                checkpointing, so that its layers run unseen or twice.
        """
        if not self.layer_modules or self.compiled or self.recomputes:
            message = "has no layers whose outputs can be seen or changed"
            hint = "Leave training.compile and encoder.gradient_checkpointing out" if self.layer_modules else ""
            raise CheckpointError(message, file=type(self.model).__name__, hint=hint)
        changes = _Changes(change, self.time_first)
        with ExitStack() as hooks:
            start = self.register_forward_pre_hook(lambda module, given: changes.begin())
            hooks.callback(start.remove)
            for layer in self.layer_modules:
                hooks.callback(layer.register_forward_hook(changes.after).remove)
            yield


class _Changes:
    """The calls of the layers in a pass, in their order."""

    def __init__(self, change: Callable[[int, Tensor], Tensor], time_first: bool) -> None:
        self._change = change
        self._time_first = time_first
        self._number = 0

    def begin(self) -> None:
        """A pass begins."""
        self._number = 0

    def after(self, layer: nn.Module, given: Any, output: Any) -> Any:
        """A hook: the layer's output with its hidden states changed; they stand first where it gives several things."""
        self._number += 1
        hidden = output[0] if isinstance(output, tuple) else output
        hidden = hidden.transpose(0, 1) if self._time_first else hidden
        changed = self._change(self._number, hidden)
        changed = changed.transpose(0, 1) if self._time_first else changed
        return (changed, *output[1:]) if isinstance(output, tuple) else changed


def _refusal(model: PreTrainedModel, reason: str) -> CheckpointError:
    message = f"cannot be trained here: {reason}"
    return CheckpointError(message, file=type(model).__name__, hint="Use another encoder")


def _has_table(model: PreTrainedModel) -> bool:
    try:
        return isinstance(model.get_input_embeddings(), nn.Module)
    except NotImplementedError:  # CANINE computes an embedding from several hashes of a character.
        return False


def in_full_precision(outputs: Any) -> Any:
    """A Hugging Face model output with its half-precision tensors in float32; the same object if there are none."""
    changed = {name: value.float() for name, value in outputs.items() if _is_half(value)}
    return type(outputs)(**{**outputs, **changed}) if changed else outputs


def _again_in_full_precision(module: nn.Module, inputs: tuple[Any, ...], output: Any) -> Any:
    """A hook: what autocast has rounded is computed again without autocast. It is a layer of one token a row."""
    if not _is_half(output):
        return None
    with torch.autocast(output.device.type, enabled=False):
        return module.forward(*(value.float() if _is_half(value) else value for value in inputs))


def _is_half(value: Any) -> bool:
    return isinstance(value, Tensor) and value.dtype in (torch.bfloat16, torch.float16)


def whole_mask(attention_mask: Tensor) -> Tensor:
    """(B, T) int64 -> (B, 1, 1, T) bool. Given the former, transformers looks for padding, which waits for a device."""
    return attention_mask[:, None, None, :].bool()
