"""A smaller student: some of a pretrained encoder's layers."""

import pytest
import torch
import transformers

from mtsmart.config.sections import EncoderConfig
from mtsmart.errors import CheckpointError
from mtsmart.models.encoder import Encoder
from mtsmart.models.loading import load_encoder
from mtsmart.models.transforms.layers import KeepLayers
from tests.models.architectures import SMALL, make, save

ALIKE = ["BERT", "RoBERTa", "XLM-R", "DistilBERT", "ELECTRA", "MPNet", "DeBERTa-v2", "XLNet"]
PLACES = {"DistilBERT": "transformer.layer", "XLNet": "layer"}


def outputs(encoder):
    ids = torch.arange(5, 17).view(2, 6)
    with torch.no_grad():
        return encoder(encoder.embed(ids), {"attention_mask": torch.ones_like(ids)}).last_hidden_state


@pytest.mark.parametrize(
    ("layers", "count", "kept"),
    [(12, 6, [1, 3, 5, 7, 9, 11]), (6, 3, [1, 3, 5]), (6, 4, [1, 2, 4, 5]), (6, 1, [5]), (6, 6, list(range(6)))],
)
def test_layers_are_evenly_spaced_up_to_the_last(layers, count, kept):
    model = transformers.BertModel(transformers.BertConfig(**{**SMALL, "num_hidden_layers": layers}))
    before = list(model.encoder.layer)
    KeepLayers(count).apply(Encoder(model))
    assert [before.index(layer) for layer in model.encoder.layer] == kept
    assert model.config.num_hidden_layers == count


@pytest.mark.parametrize("name", ALIKE)
def test_the_smaller_encoder_is_the_one_made_of_those_layers_and_loads_again(name, tmp_path):
    """Its outputs are those of an encoder built from the start with one layer, given the second layer's weights."""
    encoder, tokenizer = load_encoder(EncoderConfig(path=str(save(name, tmp_path / "whole")), layers=1))
    encoder.eval()
    whole = make(name)
    place = PLACES.get(name, "encoder.layer")
    config = transformers.AutoConfig.from_pretrained(tmp_path / "whole")
    config.num_hidden_layers = 1
    small = type(whole)(config).eval()
    state = {key: value for key, value in whole.state_dict().items() if not key.startswith(f"{place}.0.")}
    small.load_state_dict({key.replace(f"{place}.1.", f"{place}.0."): value for key, value in state.items()})
    expected = outputs(type(encoder)(small))
    torch.testing.assert_close(outputs(encoder), expected)
    whole_outputs = outputs(load_encoder(EncoderConfig(path=str(tmp_path / "whole")))[0].eval())
    assert not torch.allclose(expected, whole_outputs, atol=1e-3)
    encoder.model.save_pretrained(tmp_path / "small")
    tokenizer.save_pretrained(tmp_path / "small")
    again, _ = load_encoder(EncoderConfig(path=str(tmp_path / "small")))
    torch.testing.assert_close(outputs(again.eval()), expected)
    assert again.config.num_hidden_layers == 1


@pytest.mark.parametrize("name", ["ALBERT", "ModernBERT", "T5"])
def test_architectures_whose_layers_are_not_alike_are_refused(name, tmp_path):
    with pytest.raises(CheckpointError, match=r"encoder\.layers: cannot lose layers: its architecture is not known"):
        load_encoder(EncoderConfig(path=str(save(name, tmp_path)), layers=1))


def test_more_layers_than_there_are_is_refused_with_its_place(workspace, cli):
    workspace.write_experiment(workspace.experiment.read_text().replace("encoder: {", "encoder: {layers: 3, "))
    done = cli("train", workspace.experiment, "-o", "run")
    assert done.code == 2
    assert "experiment.yaml:5: encoder.layers: the encoder has only 2 layers, got 3" in done.err


def test_a_run_keeps_its_number_of_layers(workspace, cli):
    """Train, evaluate, and fine-tune from it."""
    assert cli("train", workspace.experiment, "encoder.layers=1", "training.epochs=1", "-o", "run").code == 0
    encoder, _ = load_encoder(EncoderConfig(path=str(workspace.folder / "run" / "model" / "encoder")))
    assert encoder.config.num_hidden_layers == 1 and len(encoder.model.encoder.layer) == 1
    assert cli("evaluate", "run").code == 0
    done = cli("finetune", "run", "--task", "color", "training.epochs=1", "-o", "tuned")
    assert done.code == 0, done.err
