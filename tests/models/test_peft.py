"""encoder.peft: LoRA, DoRA and IA3 against closed forms, on several architectures, by task, and in files."""

import math

import pytest
import torch
from pydantic import ValidationError
from safetensors.torch import load_file
from torch import nn
from transformers import AutoModel, BertConfig, BertModel

from mtsmart.config.sections import EncoderConfig, OptimizerConfig
from mtsmart.errors import CheckpointError
from mtsmart.models.adapters import without_adapters
from mtsmart.models.encoder import Encoder
from mtsmart.models.files import read_model, save_model
from mtsmart.models.heads import HeadSpec
from mtsmart.models.loading import load_encoder
from mtsmart.models.multitask import MultiTaskModel
from mtsmart.models.transform import apply_transforms
from mtsmart.models.transforms.peft import PeftSettings
from mtsmart.models.weights import frozen, teacher_of, tensors_for_resuming, trained
from mtsmart.training.optim import build_optimizer, set_learning_rate
from tests.models.architectures import save

METHODS = ["lora", "dora", "ia3"]
SPECS = {"a": HeadSpec("sequence_classification", 2, type="plain"), "b": HeadSpec("token_classification", 3)}
IDS = torch.arange(5, 17).view(2, 6)
INPUTS = {"attention_mask": torch.ones_like(IDS)}
FULL = {"targets": ["layer.0.intermediate.dense"], "rank": 16, "alpha": 16.0}  # of 16 inputs and 32 outputs


def encoder_of(folder, **settings):
    return load_encoder(EncoderConfig(path=str(folder), **settings))[0]


def model_of(folder, specs=SPECS, **peft):
    return MultiTaskModel(encoder_of(folder, peft=peft), specs).eval()


def outputs(encoder):
    """(B, T, H) of a fixed batch, without dropout."""
    encoder.eval()
    return encoder(encoder.embed(IDS), INPUTS).last_hidden_state


def logits(model, head):
    with torch.no_grad():
        return model(head, model.embed(IDS), INPUTS)


def shaken(model):
    """The same model, with other values in all that is trained, as if it had been trained."""
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for parameter in trained(model).values():
            parameter.add_(0.1 * torch.randn(parameter.shape, generator=generator))
    return model


@pytest.mark.parametrize("method", METHODS)
def test_before_training_the_encoder_computes_what_it_did(tiny_encoder, method):
    """The product of LoRA is zero at first, and the factors of IA3 are one: not a bit changes. DoRA rounds once."""
    before, after = outputs(encoder_of(tiny_encoder)), outputs(encoder_of(tiny_encoder, peft=method))
    if method == "dora":
        torch.testing.assert_close(before, after, atol=1e-5, rtol=1e-5)
    else:
        assert torch.equal(before, after)


ARCHITECTURES = ["BERT", "DistilBERT", "ALBERT", "ModernBERT", "T5", "DeBERTa-v2", "RoBERTa"]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_the_merged_encoder_computes_the_same(name, method, tmp_path):
    encoder = shaken(encoder_of(save(name, tmp_path), peft={"method": method, "targets": "all"}))
    base = {key for key in encoder.model.state_dict() if ".base_layer." in key}
    plain = without_adapters(encoder)
    assert base and not plain.adapters
    assert plain.model.state_dict().keys() == encoder_of(tmp_path).model.state_dict().keys()
    assert not torch.allclose(outputs(encoder), outputs(encoder_of(tmp_path)), atol=1e-3)
    torch.testing.assert_close(outputs(plain), outputs(encoder), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_only_adapters_are_trained_and_the_rest_takes_no_room(tiny_encoder, method):
    model = model_of(tiny_encoder, method=method)
    marks = ("lora_", "ia3_", "_head.")
    assert all(any(mark in name for mark in marks) for name in trained(model))
    assert all(any(mark in name for mark in marks) for name in tensors_for_resuming(model))
    teacher = dict(teacher_of(model).named_parameters())
    assert all(teacher[name] is parameter for name, parameter in frozen(model).items())
    assert not any(teacher[name] is parameter for name, parameter in trained(model).items())


def test_lora_of_full_rank_takes_the_steps_of_full_training(tiny_encoder):
    """W + B A with A = I is W + B, so the gradient of B is that of W: gradient descent on B alone takes the same steps.

    (A trained A moves too, which changes the path; the next test has both.)
    """
    target = torch.randn(2, 6, 16, generator=torch.Generator().manual_seed(0))
    adapted = encoder_of(tiny_encoder, peft=FULL, dropout=0.0)
    whole = encoder_of(tiny_encoder, dropout=0.0)
    layer = adapted.model.encoder.layer[0].intermediate.dense
    down, up = layer.lora_A["shared"].weight, layer.lora_B["shared"].weight
    with torch.no_grad():
        down.copy_(torch.eye(16))
    start = outputs(whole)
    for encoder, parameter in ((adapted, up), (whole, whole.model.encoder.layer[0].intermediate.dense.weight)):
        for _ in range(20):
            loss = (outputs(encoder) - target).square().mean()
            (gradient,) = torch.autograd.grad(loss, parameter)
            with torch.no_grad():
                parameter.sub_(0.1 * gradient)
    assert (outputs(whole) - start).abs().max() > 0.05
    torch.testing.assert_close(outputs(adapted), outputs(whole), atol=1e-4, rtol=1e-4)


def test_lora_of_full_rank_reaches_the_minimum_of_full_training(tiny_encoder):
    """Linear least squares has one minimum in W. W + B A of full rank reaches each W, so it has no other minimum."""
    layer = encoder_of(tiny_encoder, peft=FULL).model.encoder.layer[0].intermediate.dense.double()
    generator = torch.Generator().manual_seed(0)
    inputs, wanted = (torch.randn(64, width, generator=generator, dtype=torch.float64) for width in (16, 32))
    best = torch.linalg.lstsq(inputs, wanted - layer.base_layer.bias.detach()).solution
    optimizer = torch.optim.LBFGS([p for p in layer.parameters() if p.requires_grad], max_iter=500)

    def loss():
        optimizer.zero_grad()
        value = (layer(inputs) - wanted).square().sum()
        value.backward()
        return value

    optimizer.step(loss)
    merged = layer.base_layer.weight + layer.get_delta_weight("shared")
    torch.testing.assert_close(merged, best.T, atol=1e-4, rtol=1e-4)


def test_rank_eight_on_a_bert_of_twelve_layers_trains_less_than_three_percent():
    """Closed form: a layer has four square matrices in its attention, each with 8 * (768 + 768) new numbers."""
    with torch.device("meta"):
        encoder = Encoder(BertModel(BertConfig()))
        whole = sum(parameter.numel() for parameter in encoder.parameters())
        apply_transforms(encoder, {"peft": PeftSettings()})
    count = sum(parameter.numel() for parameter in trained(encoder).values())
    assert count == 12 * 4 * 8 * (768 + 768)
    assert count / whole == pytest.approx(0.0054, abs=1e-4)


def test_rank_eight_on_minilm_trains_less_than_three_percent(minilm):
    encoder = encoder_of(minilm, peft="lora")
    count = sum(parameter.numel() for parameter in trained(encoder).values())
    whole = sum(parameter.numel() for parameter in frozen(encoder).values())
    assert count == 6 * 4 * 8 * (384 + 384)
    assert count / whole == pytest.approx(0.0065, abs=1e-4)


@pytest.mark.parametrize("method", METHODS)
def test_training_one_task_changes_nothing_for_another(tiny_encoder, method):
    model = model_of(tiny_encoder, method=method, per_task=True)
    optimizer = build_optimizer(model, OptimizerConfig(weight_decay=0.5))
    before = {head: logits(model, head) for head in SPECS}
    for _ in range(3):
        set_learning_rate(optimizer, 0.1)
        model("a", model.embed(IDS), INPUTS).square().sum().backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
    assert torch.equal(logits(model, "b"), before["b"])
    assert not torch.allclose(logits(model, "a"), before["a"], atol=1e-2)


def test_an_adapter_of_each_task_is_an_adapter_of_that_task_alone(tiny_encoder):
    """The model of two tasks computes for each what a model of this task alone, with the same weights, computes."""
    both = shaken(model_of(tiny_encoder, per_task=True))
    for head, spec in SPECS.items():
        alone = model_of(tiny_encoder, {head: spec})
        found = {
            name.replace(f".{head}_head.", ".shared."): tensor for name, tensor in both.encoder.state_dict().items()
        }
        alone.encoder.load_state_dict(found, strict=False)
        alone.head(head).load_state_dict(both.head(head).state_dict())
        assert torch.equal(logits(alone, head), logits(both, head))


def test_activations_are_computed_again_with_the_adapter_of_their_batch(tiny_encoder):
    """With gradient checkpointing, a batch of another task may come in between."""
    gradients = []
    for recomputed in (False, True):
        settings = {"per_task": True, "targets": "all"}
        encoder = encoder_of(tiny_encoder, peft=settings, gradient_checkpointing=recomputed, dropout=0.0)
        model = MultiTaskModel(encoder, {"a": SPECS["a"], "b": SPECS["a"]})
        with torch.no_grad():
            for number, parameter in enumerate(trained(model).values()):
                parameter.copy_(torch.linspace(-0.1, 0.1 + 0.001 * number, parameter.numel()).view(parameter.shape))
        model.train()
        losses = [model(head, model.embed(IDS), INPUTS).square().sum() for head in ("a", "b")]
        torch.stack(losses).sum().backward()
        gradients.append({name: p.grad for name, p in trained(model).items()})
    assert all(gradient is not None for gradient in gradients[0].values())
    for name, gradient in gradients[0].items():
        torch.testing.assert_close(gradient, gradients[1][name], atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("per_task", [False, True])
@pytest.mark.parametrize("method", METHODS)
def test_a_saved_model_gives_the_same_logits_and_holds_little_more_than_the_encoder(
    tiny_encoder, tmp_path, method, per_task
):
    encoder, tokenizer = load_encoder(
        EncoderConfig(path=str(tiny_encoder), peft={"method": method, "per_task": per_task})
    )
    model = shaken(MultiTaskModel(encoder, SPECS).eval())
    before = {head: logits(model, head) for head in SPECS}
    folder = tmp_path / "model"
    save_model(folder, model, tokenizer)
    again, _ = read_model(folder)
    assert again.encoder.adapters == model.encoder.adapters
    assert trained(again).keys() == trained(model).keys()
    assert all(torch.equal(logits(again.eval(), head), before[head]) for head in SPECS)
    plain = AutoModel.from_pretrained(folder / "encoder").eval()
    expected = outputs(encoder_of(tiny_encoder)) if per_task else outputs(model.encoder)
    torch.testing.assert_close(plain(IDS).last_hidden_state, expected, atol=1e-5, rtol=1e-5)
    names = load_file(folder / "encoder" / "adapted.safetensors").keys()
    assert bool(names) != per_task
    assert all("attention" in name for name in names), "the rest is that of the plain encoder"


def test_one_head_of_a_saved_model_comes_with_its_own_adapter(tiny_encoder, tmp_path):
    encoder, tokenizer = load_encoder(EncoderConfig(path=str(tiny_encoder), peft={"per_task": True}))
    model = shaken(MultiTaskModel(encoder, SPECS).eval())
    save_model(tmp_path / "model", model, tokenizer)
    more = {"a": SPECS["a"], "c": SPECS["b"]}
    again, _ = read_model(tmp_path / "model", EncoderConfig(), more, keep=["a"])
    assert again.encoder.own_heads == ["a", "c"]
    assert torch.equal(logits(again.eval(), "a"), logits(model, "a"))
    fresh = [parameter for name, parameter in trained(again.encoder).items() if ".lora_B.c_head" in name]
    assert fresh and not any(parameter.any() for parameter in fresh)


def test_a_rate_that_falls_with_the_layers_is_that_of_their_adapters(tiny_encoder):
    encoder = encoder_of(tiny_encoder, peft="lora", layer_decay=0.5)
    factors = {encoder.rate_factors[name] for name in trained(encoder) if "layer.0" in name}
    assert factors == {0.25}


def test_layers_may_be_left_out(tiny_encoder):
    encoder = encoder_of(tiny_encoder, peft="lora", layers=1)
    assert trained(encoder) and all("layer.0" in name for name in trained(encoder))


def test_names_choose_the_layers(tiny_encoder):
    encoder = encoder_of(tiny_encoder, peft={"targets": ["query", "layer.1.output.dense"]})
    found = {name.split(".lora")[0].removeprefix("model.encoder.layer.") for name in trained(encoder)}
    assert found == {"0.attention.self.query", "1.attention.self.query", "1.output.dense"}


def test_ia3_scales_what_enters_a_layer_that_leads_back(tiny_encoder):
    """Liu et al. 2022: keys, values and the inside of the feed-forward network."""
    encoder = encoder_of(tiny_encoder, peft={"method": "ia3", "targets": "all"})
    shapes = {name.split(".layer.0.")[-1]: tuple(p.shape) for name, p in trained(encoder).items() if "layer.0" in name}
    assert shapes["output.dense.ia3_l.shared"] == (1, 32)
    assert shapes["attention.self.key.ia3_l.shared"] == (16, 1)


def test_the_factors_of_ia3_do_not_decay(tiny_encoder):
    model = model_of(tiny_encoder, method="ia3")
    groups = build_optimizer(model, OptimizerConfig(weight_decay=0.5)).param_groups
    decayed = {id(parameter) for group in groups if group["weight_decay"] for parameter in group["params"]}
    assert not any(id(parameter) in decayed for parameter in trained(model.encoder).values())


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"rank": 17}, r"encoder\.peft\.rank: is more than the layer .* has inputs or outputs \(16\), got 17"),
        ({"targets": ["quary"]}, r"encoder\.peft\.targets: .*no linear layer whose name ends so.*Did you mean 'query'"),
        ({"targets": ["pooler.dense"]}, r"encoder\.peft\.targets: .*no linear layer whose name ends so"),
    ],
)
def test_what_does_not_fit_the_encoder_is_named(tiny_encoder, settings, message):
    with pytest.raises(CheckpointError, match=message):
        encoder_of(tiny_encoder, peft=settings)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"rank": 0}, "greater than or equal to 1"),
        ({"method": "ia3", "rank": 8}, "only the methods lora and dora have it"),
        ({"method": "ia3", "dropout": 0.1}, "only the methods lora and dora have it"),
        ({"method": "lara"}, "'lora', 'dora' or 'ia3'"),
        ({"targets": []}, "at least 1 item"),
        ({"alpha": math.nan}, "finite"),
    ],
)
def test_wrong_settings_are_refused(settings, message):
    with pytest.raises(ValidationError, match=message):
        PeftSettings(**settings)


def test_an_encoder_without_such_layers_is_named(tmp_path):
    """XLNet's attention has bare matrices."""
    folder = save("XLNet", tmp_path)
    message = r"encoder\.peft\.targets: XLNetModel has no linear layers that could be adapted there.*Use targets: all"
    with pytest.raises(CheckpointError, match=message):
        encoder_of(folder, peft="lora")
    assert trained(encoder_of(folder, peft={"targets": "all"}))


def test_it_is_not_asked_for_beside_freeze(tiny_encoder):
    message = r"encoder\.freeze: has no effect beside encoder\.peft.*Leave one of them out"
    with pytest.raises(CheckpointError, match=message):
        encoder_of(tiny_encoder, peft="lora", freeze="embeddings")


def test_without_the_library_one_line_says_how_to_install_it(tiny_encoder, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "peft", None)
    with pytest.raises(CheckpointError, match=r"encoder\.peft: needs the library peft.*pip install 'mtsmart\[peft\]'"):
        encoder_of(tiny_encoder, peft="lora")


def test_layers_that_a_processor_computes_in_its_own_way_are_adapted_too(tiny_encoder, monkeypatch):
    monkeypatch.setattr("mtsmart.cpu.linear.convolving_is_faster", lambda: True)
    model = model_of(tiny_encoder)
    kinds = {type(module).__name__ for module in model.encoder.model.encoder.modules() if isinstance(module, nn.Linear)}
    assert kinds == {"ConvolvedLinear"}
