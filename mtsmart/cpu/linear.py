"""Linear layers on processors where torch's matrix products are slow.

Float32 on AMD's processors with AVX-512: torch hands the products to MKL, which leaves AVX-512 unused there. oneDNN, to
which torch hands convolutions, uses it. A linear layer is a 1x1 convolution over tokens; so computed it takes less
time (benchmarks/RESULTS.md: ours beside the bare loop, and beside ours with torch's own kernels). The sums are the
same, their rounding is not.

Bfloat16 on processors without AVX-512 or such instructions: torch multiplies element by element, which takes an update
many times as long as in float32. The product of two bfloat16 numbers is exact in float32, in which the sums are taken
anyway; so operands rounded to bfloat16 and multiplied in float32 give the same results in about float32's time
(benchmarks/RESULTS.md: precision).
"""

from __future__ import annotations

import platform
from functools import cache

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mtsmart.hardware import processor_facts

_FEW = 256  # tokens for which the detour costs more than it saves


class ConvolvedLinear(nn.Linear):
    """A linear layer that computes (B, T, H) float32 inputs on a CPU as a 1x1 convolution."""

    def forward(self, input: Tensor) -> Tensor:
        """As ``nn.Linear``, contiguous output included."""
        # A compiler writes its own loops, and would write new ones for each shape that the choice depends on.
        if torch.compiler.is_compiling() or input.dim() != 3 or not _gains(input):
            return super().forward(input)
        image = input.contiguous().unsqueeze(1).permute(0, 3, 1, 2)  # (B, H, 1, T); in memory as it was
        output = F.conv2d(image, self.weight[:, :, None, None], self.bias)
        return output.permute(0, 2, 3, 1).squeeze(1).contiguous()


class WidenedLinear(nn.Linear):
    """A linear layer that multiplies in float32 what autocast rounds to bfloat16 on a CPU."""

    def forward(self, input: Tensor) -> Tensor:
        """As ``nn.Linear``: bfloat16 under autocast to it, gradients rounded where autocast rounds them."""
        if torch.compiler.is_compiling() or not _is_rounded(input):
            return super().forward(input)
        with torch.autocast("cpu", enabled=False):
            bias = None if self.bias is None else _rounded(self.bias)
            return F.linear(_rounded(input), _rounded(self.weight), bias).to(torch.bfloat16)


def speed_up_linears(model: nn.Module) -> None:
    """Give the model's linear layers the form in which this processor computes them fast. Weights and names stay."""
    kind = _fastest_kind()
    for module in model.modules():
        if type(module) is nn.Linear:
            module.__class__ = kind


def _fastest_kind() -> type[nn.Linear]:
    if convolving_is_faster():
        return ConvolvedLinear
    return WidenedLinear if widening_is_faster() else nn.Linear


@cache
def convolving_is_faster() -> bool:
    """Whether this processor is AMD's and has AVX-512."""
    vendor = processor_facts().get("vendor_id") or platform.processor()
    has_avx512 = torch.backends.cpu.get_cpu_capability() == "AVX512"
    return "AuthenticAMD" in vendor and has_avx512 and torch.backends.mkldnn.is_available()


@cache
def widening_is_faster() -> bool:
    """Whether oneDNN, which alone multiplies bfloat16 fast, does not do so on this processor."""
    return not (torch.backends.mkldnn.is_available() and torch.ops.mkldnn._is_mkldnn_bf16_supported())


def _rounded(tensor: Tensor) -> Tensor:
    return tensor.to(torch.bfloat16).float()


def _is_rounded(input: Tensor) -> bool:
    return (
        input.device.type == "cpu"
        and torch.is_autocast_enabled("cpu")
        and torch.get_autocast_dtype("cpu") == torch.bfloat16
        and input.dtype in (torch.float32, torch.bfloat16)
    )


def _gains(input: Tensor) -> bool:
    rows, tokens, _ = input.shape
    # torch leaves convolutions of fewer than 16 rows to other kernels when it has one thread.
    return bool(
        input.device.type == "cpu"
        and input.dtype == torch.float32
        and not torch.is_autocast_enabled("cpu")
        and rows * tokens >= _FEW
        and (rows >= 16 or torch.get_num_threads() > 1)
        and torch.backends.mkldnn.enabled
        and convolving_is_faster()
    )
