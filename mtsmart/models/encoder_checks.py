"""Checks of an encoder, before memory is reserved for it and before a run begins with it.

A folder may come from anywhere, and transformers trusts its configuration: it reserves memory for any size that is
written there, and draws at random what the weights lack.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

import huggingface_hub
import torch
from transformers import PreTrainedConfig

# Beyond any encoder there is: a damaged configuration would fill the memory before its weights are looked at.
_LIMITS = {
    "num_hidden_layers": (1, 1000),
    "hidden_size": (1, 100_000),
    "intermediate_size": (1, 1_000_000),
    "vocab_size": (1, 10_000_000),
    "max_position_embeddings": (-1, 1_000_000),  # XLNet says -1 for no limit
    "type_vocab_size": (0, 100_000),
    "chunk_size_feed_forward": (0, 1),  # a chunk of more tokens must divide the length of every batch
}
_SPREADS = ("initializer_range", "initializer_factor", "init_std")
# The files of a folder that transformers reads whole, and how many MB an honest one may have.
_READ_WHOLE = {
    **dict.fromkeys(("tokenizer.json", "vocab*", "merges.txt", "*.model"), 64),
    **dict.fromkeys(("*config.json", "tokenizer*.json", "*tokens*.json", "*.index.json", "*.jinja"), 16),
}
_WEIGHTS = "*.safetensors"
# What a configuration may name; everything else is code of the Hub, or of packages that may not be installed.
_KERNELS = {
    "_attn_implementation": ("eager", "sdpa"),
    "_experts_implementation": ("eager", "batched_mm", "grouped_mm"),
}
_PEFT = "adapter_config.json"  # makes transformers load another model, which the file names
_SPARE = 256 * 2**20  # bytes for what a checkpoint may lack: a pooler, tables that are computed


def check_files(path: str) -> None:
    """Refuse a local folder with files that are far too large to be an encoder's, or that are no files.

    Raises:
        ValueError: names the file.
    """
    if not Path(path).is_dir():
        return
    if (Path(path) / _PEFT).exists():
        raise ValueError(f"its folder has {_PEFT} of the library peft, which is not read; merge the adapter first")
    for file in sorted(Path(path).iterdir()):
        limit = next((limit for pattern, limit in _READ_WHOLE.items() if fnmatch(file.name, pattern)), None)
        if file.is_dir() or (limit is None and not fnmatch(file.name, _WEIGHTS)):
            continue
        if not file.is_file():
            raise ValueError(f"{file.name} is no regular file")
        if limit is not None and file.stat().st_size > limit * 2**20:
            raise ValueError(f"{file.name} is larger than {limit} MB")


def check_settings(model_config: Any) -> None:
    """Refuse a configuration with numbers that no encoder has.

    Raises:
        ValueError: names the setting.
    """
    for name, (least, most) in _LIMITS.items():
        size = getattr(model_config, name, None)
        if isinstance(size, int) and not least <= size <= most:
            raise ValueError(f"its configuration has {name} {size}")
    for name, value in model_config.to_dict().items():
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"its configuration has {name} {value}")
    for name in _SPREADS:
        spread = getattr(model_config, name, None)
        if isinstance(spread, int | float) and spread < 0:
            raise ValueError(f"its configuration has {name} {spread}")


def settle_outputs(model_config: Any) -> None:
    """Undo settings that change the form of the outputs, which the heads rely on. They do not change any number."""
    if not getattr(model_config, "return_dict", True):
        model_config.return_dict = True
    for name in ("output_hidden_states", "output_attentions"):
        if getattr(model_config, name, False):
            setattr(model_config, name, False)


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


def check_room(path: str, model_config: Any, auto_class: Any) -> None:
    """Refuse a configuration that asks for far more memory than the weights of its local folder could fill.

    Raises:
        ValueError: says how much it asks for.
    """
    stored = sum(file.stat().st_size for file in Path(path).glob(_WEIGHTS)) if Path(path).is_dir() else 0
    if not stored:
        return
    try:
        with torch.random.fork_rng(devices=[]), torch.device("meta"):
            model = auto_class.from_config(copy.deepcopy(model_config))
    except Exception:  # loading it says why it cannot be built
        return
    count = sum(parameter.numel() for parameter in model.parameters())
    tables = sum(buffer.numel() * buffer.element_size() for buffer in model.buffers())
    if 2 * count + tables > stored + _SPARE:
        size = (2 * count + tables) / 2**20
        raise ValueError(f"its configuration asks for {size:,.0f} MB or more, its weights have {stored / 2**20:,.0f}")


def check_complete(missing: Iterable[str]) -> None:
    """Refuse weights without all that the architecture has; a pooler is not in all checkpoints, and learns quickly.

    Raises:
        ValueError: names the first that are missing.
    """
    names = sorted(name for name in missing if "pooler" not in name)
    if names:
        more = ", ..." if len(names) > 3 else ""
        raise ValueError(f"its weights lack {len(names)} of the architecture's: {', '.join(names[:3])}{more}")
