"""Checks of an encoder, before memory is reserved for it and before a run begins with it.

A folder may come from anywhere, and transformers trusts its configuration: it reserves memory for any size that is
written there, and draws at random what the weights lack.
"""

from __future__ import annotations

import copy
import math
import re
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import huggingface_hub
import torch
from torch import nn
from torch.nn.modules.module import (
    register_module_module_registration_hook,
    register_module_parameter_registration_hook,
)
from transformers import CONFIG_MAPPING, PreTrainedConfig

from mtsmart.models.checks.files import size_without_holes, weight_files
from mtsmart.models.checks.parsing import read_settings
from mtsmart.models.checks.same_settings import SameSettings
from mtsmart.models.checks.tokenizer import check_tokenizer_class

# Beyond any encoder there is: a damaged configuration would fill the memory before its weights are looked at.
_RANGES = {
    "num_hidden_layers": (1, 1000),
    "hidden_size": (1, 100_000),
    "intermediate_size": (1, 1_000_000),
    "vocab_size": (1, 10_000_000),
    "max_position_embeddings": (-1, 16_777_216),  # XLNet says -1 for no limit; models without a table have 10 million
    "type_vocab_size": (0, 100_000),
    "chunk_size_feed_forward": (0, 1),  # a chunk of more tokens must divide the length of every batch
}
# Each text is padded to a multiple of these, and each token takes as many numbers in each attention head.
_WINDOWS = {"attention_window": 4096, "lsh_attn_chunk_length": 2048, "local_attn_chunk_length": 2048}
_TIGHT = {
    # transformers makes a list or a dictionary of this length while it reads the configuration.
    **{"num_labels": 100_000, "num_classes": 100_000, "n_layer": 1000, "attention_types": 1000},
    **_WINDOWS,
}
_MANY_LAYERS = 1000
_LARGEST = 16_777_216
_NO_SIZE = re.compile(r".*(theta|seed).*")  # names of integers that may have any value
_MOST_WINDOWED = 2**28  # numbers that all heads take for a text of one window: 16 heads with 4096 tokens
_LABELS = ("id2label", "label2id")
_MOST_LABELS = 100_000
_MOST_PARTS = 10_000
_MOST_VALUES = 500_000
_DEEPEST = 16
# transformers takes files, or whole models, from where these point to.
_FOLLOWED = ("transformers_weights", "backbone", "backbone_config", "use_timm_backbone", "use_pretrained_backbone")
_DTYPES = ("dtype", "torch_dtype")  # transformers takes any attribute of torch by these
_SPREADS = ("initializer_range", "initializer_factor", "init_std")
# What a configuration may name; everything else is code of the Hub, or of packages that may not be installed.
_KERNELS = {
    "_attn_implementation": ("eager", "sdpa"),
    "_experts_implementation": ("eager", "batched_mm", "grouped_mm"),
}
_COMPUTED = (
    *("autoformer", "distilbert", "flaubert", "informer", "marian", "pegasus", "roformer"),
    *("time_series_transformer", "xlm"),
)
_MOST_COMPUTED = 4_194_304  # 4096 positions of 1024 numbers
_MOST_PARAMETERS = 50_000  # of a model, in number: each module and parameter takes some KB, whatever its size
_SPARE = 256 * 2**20  # bytes for what a checkpoint may lack: a pooler, tables that are computed


def check_stored_settings(folder: Path) -> None:
    """Refuse a local folder whose configuration has numbers that no encoder has, or names other files or models.

    This stands before transformers reads the configuration, because reading it can fill the memory already.

    Raises:
        ValueError: names the file and the setting.
    """
    for file in sorted((*folder.glob("config.json"), *folder.glob("config.*.json"))):
        settings = read_settings(file)
        _check_values(settings, file.name, _class_of(settings))
        check_tokenizer_class(file.name, settings.get("tokenizer_class"))


def check_settings(model_config: Any) -> None:
    """Refuse a configuration with numbers that no encoder has.

    Raises:
        ValueError: names the setting.
    """
    for name, (least, most) in _RANGES.items():
        size = getattr(model_config, name, None)
        if isinstance(size, int) and not least <= size <= most:
            raise ValueError(f"its configuration has {name} {size}")
    values = model_config.to_dict()
    _check_values(values, "its configuration", type(model_config))
    for name, value in values.items():
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"its configuration has {name} {value}")
    for name in _SPREADS:
        spread = getattr(model_config, name, None)
        if isinstance(spread, int | float) and spread < 0:
            raise ValueError(f"its configuration has {name} {spread}")
    _check_computed_tables(model_config)
    _check_windows(model_config)


def _class_of(settings: Mapping[str, Any]) -> type[PreTrainedConfig] | None:
    """The class that transformers makes of the settings; None if it has none for their type."""
    kind = settings.get("model_type")
    return CONFIG_MAPPING[kind] if isinstance(kind, str) and kind in CONFIG_MAPPING else None


def _has(kind: type[PreTrainedConfig] | None, name: str) -> bool:
    """Whether a class has a setting of this name. A class that is not known may have any."""
    return kind is None or name in kind.__dataclass_fields__ or name in kind.attribute_map


def _check_values(settings: Mapping[str, Any], place: str, kind: type[PreTrainedConfig] | None) -> None:
    """Refuse integers that no encoder has, at any depth, and settings that transformers would follow elsewhere.

    What the class has no setting for is a note, such as the number of tokens that a model was trained on. It may be of
    any size, except under the names that have bounds of their own.
    """
    waiting: list[tuple[str, Any, int, float]] = [("", settings, 0, _LARGEST)]
    count = 0
    while waiting:
        name, value, depth, largest = waiting.pop()
        count += 1
        if isinstance(value, int) and abs(value) > _most(name, largest):
            raise ValueError(f"{place} has {name} {value}")
        if not isinstance(value, dict | list):
            continue
        most = _MOST_LABELS if name in _LABELS else _MOST_PARTS
        if len(value) > most or count > _MOST_VALUES:
            raise ValueError(f"{place} has {len(value):,} values in {name or 'it'}, {most:,} are the most")
        if depth == _DEEPEST:
            raise ValueError(f"{place} has more than {_DEEPEST} nested levels in {name}")
        if isinstance(value, list):
            waiting.extend((name, part, depth + 1, largest) for part in value)
            continue
        if name not in _LABELS:
            _check_keys(value, place)
        for key, part in value.items():
            is_note = depth == 0 and not _has(kind, str(key))
            waiting.append((str(key), part, depth + 1, math.inf if is_note else largest))


def _most(name: str, largest: float) -> float:
    """The largest integer that may stand under this name; ``largest`` if the name has no bound of its own."""
    if _NO_SIZE.fullmatch(name):
        return math.inf
    if name in _RANGES:
        return max(_RANGES[name][1], 100)  # check_settings holds the narrow ones, once the names are settled
    return _TIGHT.get(name, _MANY_LAYERS if name.endswith("layers") else largest)


def _check_keys(settings: Mapping[Any, Any], place: str) -> None:
    """Refuse what names other files or models, and what would replace a part of transformers' own class."""
    for name, value in settings.items():
        if name in _FOLLOWED and value is not None:
            raise ValueError(f"{place} has {name} {value!r}, and an encoder must not name other files or models")
        if name in _DTYPES and isinstance(value, str) and not isinstance(getattr(torch, value, None), torch.dtype):
            raise ValueError(f"{place} has {name} {value!r}, which is no dtype of torch")
        own = getattr(PreTrainedConfig, str(name), None)
        if callable(own) or isinstance(own, dict | tuple):
            raise ValueError(f"{place} has {name}, which is no setting")
    if str(settings.get("model_type")).startswith("timm"):
        raise ValueError(f"{place} has model_type {settings['model_type']!r}, which is no encoder of text")


def _check_computed_tables(model_config: Any) -> None:
    """Refuse long tables that transformers computes with numbers of Python, which take 40 bytes each."""
    if model_config.model_type not in _COMPUTED:
        return
    positions = model_config.max_position_embeddings
    if positions * model_config.hidden_size > _MOST_COMPUTED:
        raise ValueError(f"its configuration has max_position_embeddings {positions}, too many to compute")


def _check_windows(model_config: Any) -> None:
    """Refuse windows of attention in which a short text, once it is padded, takes very much memory."""
    heads = getattr(model_config, "num_attention_heads", None)
    for name in _WINDOWS:
        window = getattr(model_config, name, None)
        sizes = [size for size in (window if isinstance(window, list) else [window]) if isinstance(size, int)]
        largest = max(sizes, default=0)
        if isinstance(heads, int) and heads * largest**2 > _MOST_WINDOWED:
            raise ValueError(f"its configuration has {name} {largest} with {heads} attention heads")


def settle_outputs(model_config: Any) -> None:
    """Undo settings that change the form of the outputs, which the heads rely on. They do not change any number."""
    if not getattr(model_config, "return_dict", True):
        model_config.return_dict = True
    for name in ("output_hidden_states", "output_attentions"):
        if getattr(model_config, name, False):
            setattr(model_config, name, False)


def settle_attention(model_config: Any) -> None:
    """Let BigBird attend to all tokens in every batch.

    Its sparse attention needs long batches, and a short one turns it off for good. So what a row gives would depend on
    the rows beside it and before it.
    """
    if getattr(model_config, "attention_type", None) == "block_sparse":
        model_config.attention_type = "original_full"


def check_kernels(model_config: Any) -> None:
    """Refuse a configuration that asks for a kernel by name: transformers would load code from the Hub for it.

    Raises:
        ValueError: names the setting and the kernel.
    """
    for setting, known in _KERNELS.items():
        kernel = getattr(model_config, setting, None)
        if kernel is not None and kernel not in known:
            message = f"its configuration has {setting} {kernel!r}, where a file may ask for {' or '.join(known)} only"
            raise ValueError(message)
    if getattr(model_config, "quantization_config", None) is not None:
        raise ValueError("its configuration has a quantization_config, and quantized weights are not read")
    for part in vars(model_config).values():
        if isinstance(part, PreTrainedConfig):
            check_kernels(part)


@contextmanager
def without_network(path: str) -> Iterator[None]:
    """Keep what is read from a local folder from fetching anything: a configuration may name other models.

    Args:
        path: a folder; for a Hub id nothing changes.
    """
    before = huggingface_hub.constants.HF_HUB_OFFLINE
    huggingface_hub.constants.HF_HUB_OFFLINE = before or Path(path).is_dir()
    try:
        yield
    finally:
        huggingface_hub.constants.HF_HUB_OFFLINE = before


def check_room(folder: Path, model_config: Any, auto_class: Any, **settings: Any) -> None:
    """Refuse a configuration that asks for far more memory than the weights of its local folder could fill.

    Args:
        folder: the folder.
        model_config: the configuration.
        auto_class: the class that builds the model.
        settings: what else the model is built with.

    Raises:
        ValueError: says how much it asks for.
        Exception: of any kind, if the model cannot be built. It could not be built from its weights either.
    """
    files = weight_files(folder)
    stored = sum(map(size_without_holes, files))
    count, tables = _size(auto_class, SameSettings.of(model_config), **settings)
    if 2 * count + tables > stored + _SPARE:
        size = (2 * count + tables) / 2**20
        raise ValueError(f"its configuration asks for {size:,.0f} MB or more, its weights have {stored / 2**20:,.0f}")


@lru_cache(maxsize=32)  # Building takes as long as reading a small model, and one process may load an encoder often.
def _size(auto_class: Any, same: SameSettings, **settings: Any) -> tuple[int, int]:
    """The number of parameters of a model, and the bytes of its tables. No memory is reserved for either."""
    config = copy.deepcopy(same.config)
    with torch.random.fork_rng(devices=[]), torch.device("meta"), _counting_parameters():
        model = auto_class.from_config(config, dtype=torch.float32, **settings)
    count = sum(parameter.numel() for parameter in model.parameters())
    tables = sum(buffer.numel() * buffer.element_size() for buffer in model.buffers())
    return count, tables


@contextmanager
def _counting_parameters() -> Iterator[None]:
    """Stop what builds a model in this thread, once it has far more parts than any encoder."""
    thread = threading.get_ident()
    count = 0

    def register(module: nn.Module, name: str, part: Any) -> None:
        nonlocal count
        count += threading.get_ident() == thread
        if count > _MOST_PARAMETERS:
            raise ValueError(f"its configuration asks for more than {_MOST_PARAMETERS:,} parameters and modules")

    handles = [
        register_module_module_registration_hook(register),
        register_module_parameter_registration_hook(register),
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def check_complete(missing: Iterable[str]) -> None:
    """Refuse weights without all that the architecture has; a pooler is not in all checkpoints, and learns quickly.

    Raises:
        ValueError: names the first that are missing.
    """
    names = sorted(name for name in missing if "pooler" not in name)
    if names:
        more = ", ..." if len(names) > 3 else ""
        raise ValueError(f"its weights lack {len(names)} of the architecture's: {', '.join(names[:3])}{more}")
