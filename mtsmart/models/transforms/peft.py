"""``encoder.peft``: few new weights are trained, beside an encoder that stays as it is.

Hu et al. 2022, "LoRA: Low-Rank Adaptation of Large Language Models"; Liu et al. 2024, "DoRA: Weight-Decomposed Low-Rank
Adaptation"; Liu et al. 2022, "Few-Shot Parameter-Efficient Fine-Tuning is Better and Cheaper than In-Context Learning"
(IA3). The modules are those of the library peft.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator
from torch import nn
from transformers.pytorch_utils import Conv1D

from mtsmart.config.strict import Misfit, StrictModel
from mtsmart.errors import CheckpointError, did_you_mean
from mtsmart.models.encoder import Encoder
from mtsmart.models.transforms import TRANSFORMS, Adapter

_SHARED = "shared"  # the name of the adapter of all heads
_BASE = "base_layer"  # what peft calls the layer that it has wrapped
_IN_ATTENTION = ("attn", "attention")
_RANK = 8
_ALPHA = 16.0
_METHODS = ("lora", "dora", "ia3")
_OF_RANK = ("rank", "alpha", "dropout")
# Parts of the names of factors of IA3 and of lengths of DoRA. At 0 they would switch their layer off.
_FACTORS = (".ia3_l.", ".lora_magnitude_vector.")


class PeftSettings(StrictModel):
    """Few new weights are trained, and the encoder's own stay as they are. It needs the library peft."""

    method: Literal["lora", "dora", "ia3"] = Field(
        "lora",
        description="lora: a product of two low matrices is added to a weight matrix; dora: the same, with a trained "
        "length for each output; ia3: each output, or input, is multiplied by a trained number",
    )
    rank: int | None = Field(None, ge=1, description="lora, dora: the width of the low matrices; null: 8")
    alpha: float | None = Field(
        None, gt=0, description="lora, dora: the product is multiplied by alpha / rank; null: 16"
    )
    dropout: float | None = Field(None, ge=0, lt=1, description="lora, dora: dropout before the product; null: 0")
    targets: Literal["attention", "all"] | Annotated[list[str], Field(min_length=1, title="a list of names")] = Field(
        "attention",
        description="which linear layers are adapted: those of the attention, all but the pooler, or those whose names "
        "end so, such as [query, value]",
    )
    per_task: bool = Field(
        False, description="each task's head has adapters of its own, so that tasks change nothing for one another"
    )

    @model_validator(mode="before")
    @classmethod
    def _filled(cls, data: Any) -> Any:
        if not isinstance(data, dict) or data.get("method", "lora") == "ia3":
            return data
        usual = {"rank": _RANK, "alpha": _ALPHA, "dropout": 0.0}
        given = {key: value for key, value in data.items() if key not in usual or value is not None}
        return {**usual, **given}

    @model_validator(mode="after")
    def _ia3_has_no_rank(self) -> PeftSettings:
        for name in _OF_RANK:
            if self.method == "ia3" and getattr(self, name) is not None:
                message = "only the methods lora and dora have it"
                raise Misfit(message, (name,), getattr(self, name), "Leave it out, or set method: lora")
        return self


@TRANSFORMS.register("peft")
class Peft(Adapter[PeftSettings]):
    """Freezes the encoder and adds LoRA, DoRA or IA3 to its linear layers.

    A pooler that the checkpoint lacks stays trained: frozen, it would stay random.
    """

    settings_type = PeftSettings
    merges = True
    excludes = ("freeze",)

    @classmethod
    def expand(cls, value: Any) -> Any:
        """The name of a method stands for the method with its usual settings."""
        if not isinstance(value, str):
            return value
        if value not in _METHODS:
            raise Misfit("there is no such method", ("peft",), value, did_you_mean(value, _METHODS))
        return {"method": value}

    @classmethod
    def summary(cls, settings: PeftSettings) -> str:
        """The method, its size and its place."""
        names = settings.targets
        place = f"the linear layers {', '.join(names)}" if isinstance(names, list) else f"the layers of {names}"
        if names == "all":
            place = "all linear layers"
        rank = "" if settings.rank is None else f" of rank {settings.rank}, alpha {settings.alpha:g},"
        whose = "one set for each task" if settings.per_task else "one set for all tasks"
        return f"{settings.method}{rank} on {place}, {whose}; the encoder's own weights are not trained"

    @property
    def by_head(self) -> bool:
        """See :class:`Adapter`."""
        return self.settings.per_task

    @classmethod
    def plain_name(cls, name: str) -> str:
        """See :class:`Adapter`."""
        return name.replace(f".{_BASE}.", ".")

    def apply(self, encoder: Encoder) -> None:
        """See :class:`Transform`.

        Raises:
            CheckpointError: peft is not installed, the encoder has no such layers, or they are smaller than the rank.
        """
        _require_library()
        self._targets(encoder)
        for name, parameter in encoder.model.named_parameters():
            parameter.requires_grad_(name in encoder.drawn)
        if not self.by_head:
            self._inject(encoder, _SHARED)

    def add_head(self, encoder: Encoder, head: str) -> None:
        """See :class:`Adapter`."""
        self._inject(encoder, _own(head))
        self.use_head(encoder, encoder.head_in_use)

    def use_head(self, encoder: Encoder, head: str | None) -> None:
        """See :class:`Adapter`."""
        names = [] if head is None else [_own(head)]
        for layer in _adapted(encoder).values():
            # peft would train the adapters in use alone.
            flags = {parameter: parameter.requires_grad for parameter in layer.parameters()}
            layer.set_adapter(names)
            for parameter, flag in flags.items():
                parameter.requires_grad_(flag)

    def names_of_head(self, encoder: Encoder, head: str) -> set[str]:
        """See :class:`Adapter`."""
        own = _own(head)
        return {name for name in encoder.model.state_dict() if self.by_head and own in name.split(".")}

    def remove(self, encoder: Encoder) -> None:
        """Merge what is in use into the encoder's own weights."""
        for name, layer in _adapted(encoder).items():
            layer.merge()
            encoder.model.set_submodule(name, layer.get_base_layer())

    def _inject(self, encoder: Encoder, adapter: str) -> None:
        from peft import inject_adapter_in_model

        flags = {parameter: parameter.requires_grad for parameter in encoder.model.parameters()}
        inject_adapter_in_model(self._config(encoder), encoder.model, adapter)
        del encoder.model.peft_config  # A second adapter is no mistake, of which peft would warn.
        for name, parameter in encoder.named_parameters():
            parameter.requires_grad_(flags.get(parameter, True))
            if any(mark in name for mark in _FACTORS):
                encoder.undecayed.add(name)

    def _config(self, encoder: Encoder) -> Any:
        from peft import IA3Config, LoraConfig

        settings = self.settings
        targets = self._targets(encoder)
        common: dict[str, Any] = {
            "target_modules": list(targets),
            "fan_in_fan_out": any(isinstance(layer, Conv1D) for layer in targets.values()),
        }
        if settings.method == "ia3":
            # As in the paper: of a layer that leads back to the encoder's width, the inputs are scaled.
            narrowing = [name for name, layer in targets.items() if _shape(layer)[0] > _shape(layer)[1]]
            return IA3Config(feedforward_modules=narrowing, **common)
        return LoraConfig(
            r=settings.rank,
            lora_alpha=settings.alpha,
            lora_dropout=settings.dropout,
            use_dora=settings.method == "dora",
            **common,
        )

    def _targets(self, encoder: Encoder) -> dict[str, nn.Module]:
        """The layers that are adapted, by name.

        Raises:
            CheckpointError: there are none, or one is smaller than the rank.
        """
        layers = _linears(encoder)
        wanted = self.settings.targets
        if wanted == "attention":
            chosen = {name: layer for name, layer in layers.items() if _is_in_attention(name)}
        elif wanted == "all":
            chosen = layers
        else:
            chosen = _named(layers, wanted)
        if not chosen:
            kind = type(encoder.model).__name__
            message = f"{kind} has no linear layers that could be adapted there"
            hint = "Use targets: all, or leave encoder.peft out" if layers else "Leave encoder.peft out"
            raise CheckpointError(message, key="encoder.peft.targets", value=wanted, hint=hint)
        self._check_rank(chosen)
        return chosen

    def _check_rank(self, layers: dict[str, nn.Module]) -> None:
        rank = self.settings.rank
        for name, layer in layers.items():
            if rank is not None and rank > min(_shape(layer)):
                message = f"is more than the layer {name} has inputs or outputs ({min(_shape(layer))})"
                raise CheckpointError(message, key="encoder.peft.rank", value=rank)


def _require_library() -> None:
    try:
        import peft  # noqa: F401
    except ImportError:
        message = "needs the library peft, which is not installed"
        raise CheckpointError(message, key="encoder.peft", hint="pip install 'mtsmart[peft]'") from None


def _own(head: str) -> str:
    """The name of a head's own adapter. The suffix keeps it apart from all other parts of tensors' names."""
    return f"{head}_head"


def _adapted(encoder: Encoder) -> dict[str, Any]:
    """The layers that have adapters, by name."""
    from peft.tuners.tuners_utils import BaseTunerLayer

    return {name: module for name, module in encoder.model.named_modules() if isinstance(module, BaseTunerLayer)}


def _linears(encoder: Encoder) -> dict[str, nn.Module]:
    """The linear layers between the embeddings and the pooler, by the names that they have without adapters."""
    found = dict(_plain_modules(encoder.model, ""))
    pooler = getattr(encoder.model, "pooler", None)
    outside = [module for module in (encoder.embeddings, pooler) if isinstance(module, nn.Module)]
    left_out = {id(module) for part in outside for module in part.modules()}
    return {
        name: module
        for name, module in found.items()
        if isinstance(module, nn.Linear | Conv1D) and id(module) not in left_out
    }


def _plain_modules(module: nn.Module, name: str) -> Iterator[tuple[str, nn.Module]]:
    """All modules of a model, with the layers that adapters have wrapped in the place of what wraps them."""
    base = getattr(module, _BASE, None)
    if isinstance(base, nn.Module):
        yield name, base
        return
    yield name, module
    for child, part in module.named_children():
        yield from _plain_modules(part, f"{name}.{child}" if name else child)


def _is_in_attention(name: str) -> bool:
    return any(part in name.lower() for part in _IN_ATTENTION)


def _shape(layer: Any) -> tuple[int, int]:
    """Inputs and outputs of a linear layer."""
    rows, columns = layer.weight.shape
    return (rows, columns) if isinstance(layer, Conv1D) else (columns, rows)


def _named(layers: dict[str, nn.Module], wanted: list[str]) -> dict[str, nn.Module]:
    """The layers whose names end as wanted.

    Raises:
        CheckpointError: no layer's name ends so.
    """
    for end in wanted:
        if not any(f".{name}".endswith(f".{end}") for name in layers):
            endings = {".".join(name.split(".")[-count:]) for name in layers for count in (1, 2, 3)}
            known = sorted({name.rsplit(".", 1)[-1] for name in layers})
            nearest = did_you_mean(end, endings)
            hint = nearest or f"Its linear layers are {', '.join(known)}"
            message = "the encoder has no linear layer whose name ends so"
            raise CheckpointError(message, key="encoder.peft.targets", value=end, hint=hint)
    return {name: layer for name, layer in layers.items() if any(f".{name}".endswith(f".{end}") for end in wanted)}
