"""Linear layers on processors where torch's matrix products are slow.

torch hands float32 products to MKL, which leaves AVX-512 unused on AMD's processors. oneDNN, to which torch hands
convolutions, uses it. A linear layer is a 1x1 convolution over tokens; so computed it takes much less time there
(benchmarks/RESULTS.md: ours beside the bare loop, and beside ours with torch's own kernels). The sums are the same,
their rounding is not.
"""

from __future__ import annotations

import platform
from functools import cache
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

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


def convolve_linears(model: nn.Module) -> None:
    """Make the model's linear layers convolutions, where this processor gains by it. Weights and names stay."""
    if not convolving_is_faster():
        return
    for module in model.modules():
        if type(module) is nn.Linear:
            module.__class__ = ConvolvedLinear


@cache
def convolving_is_faster() -> bool:
    """Whether this processor is AMD's and has AVX-512."""
    info = Path("/proc/cpuinfo")
    vendor = info.read_text(encoding="utf-8", errors="replace") if info.exists() else platform.processor()
    has_avx512 = torch.backends.cpu.get_cpu_capability() == "AVX512"
    return "AuthenticAMD" in vendor and has_avx512 and torch.backends.mkldnn.is_available()


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
