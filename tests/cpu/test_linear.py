"""Linear layers computed as convolutions, or in float32 for bfloat16, are linear layers."""

import copy

import pytest
import torch
from torch import nn

from mtsmart.cpu import linear
from mtsmart.cpu.linear import ConvolvedLinear, WidenedLinear, speed_up_linears


@pytest.fixture
def layers(monkeypatch):
    """A linear layer in float64, float32, and float32 as a convolution."""
    monkeypatch.setattr(linear, "convolving_is_faster", lambda: True)
    torch.manual_seed(0)
    plain = nn.Linear(48, 32)
    convolved = copy.deepcopy(plain)
    speed_up_linears(nn.Sequential(convolved))
    assert type(convolved) is ConvolvedLinear and type(plain) is nn.Linear
    return copy.deepcopy(plain).double(), plain, convolved


def results(layer: nn.Module, inputs: torch.Tensor) -> list[torch.Tensor]:
    """Output, and gradients of the input, weight and bias."""
    inputs = inputs.clone().requires_grad_(True)
    output = layer(inputs)
    weights = torch.linspace(-1, 1, output.numel(), dtype=output.dtype).reshape(output.shape)
    return [output, *torch.autograd.grad((output * weights).sum(), [inputs, layer.weight, layer.bias])]


@pytest.mark.parametrize("shape", [(32, 16, 48), (2, 200, 48), (17, 31, 48)])
def test_output_and_gradients_are_as_near_to_float64_as_those_of_a_linear_layer(layers, shape):
    reference, plain, convolved = layers
    inputs = torch.randn(shape)
    exact = results(reference, inputs.double())
    for ours, theirs, wanted in zip(results(convolved, inputs), results(plain, inputs), exact, strict=True):
        assert ours.shape == wanted.shape
        error, usual = ((found - wanted).abs().max() for found in (ours, theirs))
        assert error <= 4 * usual + 1e-6


def test_a_gradient_of_the_input_alone_is_the_same_and_output_is_laid_out_as_usual(layers):
    _, _, convolved = layers
    inputs = torch.randn(32, 16, 48, requires_grad=True)
    output = convolved(inputs)
    assert output.is_contiguous()
    (alone,) = torch.autograd.grad(output.sum(), inputs, retain_graph=True)
    output.sum().backward()
    assert torch.equal(alone, inputs.grad)


@pytest.mark.parametrize(
    "inputs",
    [torch.randn(64, 48), torch.randn(2, 4, 48), torch.randn(32, 16, 48).double(), torch.randn(0, 16, 48)],
    ids=["vectors", "few", "float64", "none"],
)
def test_what_a_convolution_would_not_help_stays_a_linear_layer(layers, inputs, monkeypatch):
    reference, plain, convolved = layers
    monkeypatch.setattr(linear.F, "conv2d", None)
    if inputs.dtype == torch.float64:
        plain, convolved = reference, convolved.double()
    assert torch.equal(convolved(inputs), plain(inputs))


def test_autocast_is_left_to_torch(layers, monkeypatch):
    _, plain, convolved = layers
    monkeypatch.setattr(linear.F, "conv2d", None)
    with torch.autocast("cpu", torch.bfloat16):
        inputs = torch.randn(32, 16, 48)
        assert torch.equal(convolved(inputs), plain(inputs))


def test_names_and_weights_stay_and_other_processors_are_left_alone(layers, monkeypatch):
    _, plain, convolved = layers
    assert convolved.state_dict().keys() == plain.state_dict().keys()
    monkeypatch.setattr(linear, "convolving_is_faster", lambda: False)
    monkeypatch.setattr(linear, "widening_is_faster", lambda: False)
    model = nn.Sequential(nn.Linear(4, 4))
    speed_up_linears(model)
    assert type(model[0]) is nn.Linear


@pytest.mark.parametrize("change", ["transposed", "swapped", "expanded", "without oneDNN"])
def test_output_is_laid_out_as_a_linear_layers_for_any_input(layers, change):
    _, plain, convolved = layers
    inputs = torch.randn(32, 16, 48)
    if change == "transposed":
        inputs = torch.randn(16, 32, 48).transpose(0, 1)
    elif change == "swapped":
        inputs = torch.randn(32, 48, 16).transpose(1, 2)
    elif change == "expanded":
        inputs = torch.randn(1, 16, 48).expand(32, 16, 48)
    with torch.backends.mkldnn.flags(enabled=change != "without oneDNN"):
        ours, theirs = convolved(inputs), plain(inputs)
    assert ours.stride() == theirs.stride() and ours.is_contiguous()
    torch.testing.assert_close(ours, theirs)


def test_compiled_it_is_one_graph_for_all_shapes(layers):
    from torch._dynamo.testing import CompileCounter

    _, plain, convolved = layers
    counts = []
    for layer in (plain, convolved):
        torch._dynamo.reset()
        counter = CompileCounter()
        compiled = torch.compile(layer, dynamic=True, backend=counter)
        for shape in ((2, 7, 48), (8, 64, 48), (20, 5, 48), (32, 16, 48), (16, 40, 48)):
            compiled(torch.randn(shape))
        counts.append(counter.frame_count)
    torch._dynamo.reset()
    assert counts[0] == counts[1] == 1


@pytest.fixture
def widened(monkeypatch):
    """A linear layer, and its like whose bfloat16 products are taken in float32."""
    monkeypatch.setattr(linear, "convolving_is_faster", lambda: False)
    monkeypatch.setattr(linear, "widening_is_faster", lambda: True)
    torch.manual_seed(0)
    plain = nn.Linear(48, 32)
    layer = copy.deepcopy(plain)
    speed_up_linears(nn.Sequential(layer))
    assert type(layer) is WidenedLinear
    return plain, layer


def rounded(*tensors: torch.Tensor) -> list[torch.Tensor]:
    return [tensor.detach().bfloat16().double() for tensor in tensors]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_bfloat16_output_and_gradients_are_the_exact_sums_of_rounded_operands_rounded_once(widened, dtype):
    _, layer = widened
    inputs = torch.randn(5, 7, 48, dtype=dtype)
    with torch.autocast("cpu", torch.bfloat16):
        found = results(layer, inputs)
    assert [tensor.dtype for tensor in found] == [torch.bfloat16, dtype, torch.float32, torch.float32]
    x, weight, bias = rounded(inputs, layer.weight, layer.bias)
    slope = torch.linspace(-1, 1, found[0].numel(), dtype=torch.bfloat16).reshape(found[0].shape).double()
    wanted = [x @ weight.T + bias, slope @ weight, torch.einsum("bto,bti->oi", slope, x), slope.sum((0, 1))]
    for ours, exact in zip(found, wanted, strict=True):
        # Half a unit in the last of bfloat16's 8 bits, and what float32 loses in sums that cancel.
        assert ((ours.double() - exact).abs() <= exact.abs() * 2**-8 + 1e-5).all()


def test_widened_it_is_as_torch_computes_bfloat16(widened):
    plain, layer = widened
    inputs = torch.randn(5, 7, 48)
    with torch.autocast("cpu", torch.bfloat16):
        for ours, theirs in zip(results(layer, inputs), results(plain, inputs), strict=True):
            assert ours.dtype == theirs.dtype and ours.stride() == theirs.stride()
            torch.testing.assert_close(ours, theirs, rtol=2**-7, atol=2**-7)


def test_widened_it_has_no_part_in_other_precisions(widened):
    plain, layer = widened
    inputs = torch.randn(5, 7, 48)
    assert torch.equal(layer(inputs), plain(inputs))
    with torch.autocast("cpu", torch.float16):
        assert layer(inputs).dtype == torch.float16
    assert layer.double()(inputs.double()).dtype == torch.float64


def test_a_layer_without_bias_is_widened_too(widened):
    layer = nn.Linear(8, 4, bias=False)
    speed_up_linears(nn.Sequential(layer))
    with torch.autocast("cpu", torch.bfloat16):
        assert layer(torch.ones(2, 8)).dtype == torch.bfloat16
