"""Facts about the processor, the device and the installed libraries."""

from __future__ import annotations

import platform
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch

from mtsmart.errors import ConfigError, did_you_mean
from mtsmart.torch_state import kind_of_accelerator

PRECISIONS = ("float32", "bfloat16")
"""In what products may be taken. Weights are float32 in any case."""
_INFO = Path("/proc/cpuinfo")
_MEMORY = Path("/proc/meminfo")
# Linux's names of instructions that multiply bfloat16, the fastest first.
_BFLOAT16 = {"amx_bf16": "AMX-BF16", "avx512_bf16": "AVX512-BF16", "bf16": "Arm's BF16"}


@cache
def processor_facts() -> dict[str, str]:
    """What Linux reports about the first processor: name -> value. It is empty on other systems."""
    text = _INFO.read_text(encoding="utf-8", errors="replace") if _INFO.exists() else ""
    pairs = (line.partition(":") for line in text.partition("\n\n")[0].splitlines())
    return {name.strip(): value.strip() for name, _, value in pairs}


def processor_flags() -> set[str]:
    """What the first processor can do, in Linux's names. Arm's processors list it under another word."""
    facts = processor_facts()
    return set((facts.get("flags") or facts.get("Features") or "").split())


def processor_name() -> str:
    """The processor's name. On Linux it includes family and model, because clouds give many processors one name."""
    facts = processor_facts()
    name = facts.get("model name") or platform.processor() or platform.machine()
    numbers = [f"{key.removeprefix('cpu ')} {facts[key]}" for key in ("cpu family", "model") if key in facts]
    return f"{name} ({', '.join(numbers)})" if numbers else name


def device_name(device: str) -> str:
    """The product name of a torch device such as ``cpu`` or ``cuda:0``."""
    return torch.cuda.get_device_name(device) if torch.device(device).type == "cuda" else processor_name()


def bfloat16_units(device: torch.device) -> str | None:
    """What multiplies bfloat16 in a device, in words; None if nothing is known to do it without a detour."""
    if device.type == "cuda":
        return "the GPU" if torch.cuda.is_bf16_supported(including_emulation=False) else None
    if device.type != "cpu":
        return None
    flags = processor_flags()
    return next((name for flag, name in _BFLOAT16.items() if flag in flags), None)


def free_memory(device: torch.device) -> int | None:
    """How many bytes a device has free; None where the system does not say.

    On Linux that includes what the system keeps only to read files faster.
    """
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    if device.type != "cpu" or not _MEMORY.exists():
        return None
    for line in _MEMORY.read_text(encoding="utf-8").splitlines():
        name, _, value = line.partition(":")
        if name == "MemAvailable":
            return int(value.split()[0]) * 1024  # The file's kB are units of 1,024 bytes.
    return None


def usable_device(device: str | torch.device) -> torch.device:
    """A torch device that computes here.

    Raises:
        ConfigError: there is no such device, or torch cannot compute on it.
    """
    try:
        torch.zeros(1, device=device).item()  # The device ``meta`` has tensors without values.
    except (RuntimeError, AssertionError, ImportError, ValueError):  # Each backend refuses in its own way.
        hint = f"Choose from: {', '.join(_usable_names())}"
        raise ConfigError(
            "torch cannot compute on this device", argument="device", value=str(device), hint=hint
        ) from None
    return torch.device(device)


def usable_precision(precision: str, device: torch.device) -> str:
    """A precision in which a device computes.

    Raises:
        ConfigError: there is no such precision, or the device does not have it.
    """
    if precision not in PRECISIONS:
        hint = did_you_mean(precision, PRECISIONS)
        raise ConfigError("is no precision", argument="precision", value=precision, hint=hint)
    if precision == "bfloat16" and device.type == "cuda" and not torch.cuda.is_bf16_supported():
        raise ConfigError("the GPU has no such numbers", argument="precision", value=precision, hint="Use float32")
    return precision


def autocast(device: torch.device, precision: str) -> AbstractContextManager[object]:
    """Inside it products are taken in bfloat16, if that is the precision; weights stay float32."""
    if precision == "bfloat16":
        return torch.autocast(device.type, dtype=torch.bfloat16)
    return nullcontext()


def _usable_names() -> list[str]:
    kind = kind_of_accelerator()
    count = 0 if kind is None else torch.accelerator.device_count()
    return ["cpu", *(f"{kind}:{number}" for number in range(count))]


@cache
def installed_version(library: str) -> str | None:
    """The version of a library; None if it is not installed, as mtsmart is not where it runs from a checkout."""
    try:
        return version(library)
    except PackageNotFoundError:
        return None
