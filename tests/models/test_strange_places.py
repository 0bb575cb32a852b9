"""A path that is not an encoder's folder is refused in one line, which names the right path or says what to do."""

import json
import shutil

import pytest
import torch
from transformers import AutoTokenizer

from mtsmart.config.sections import EncoderConfig
from mtsmart.errors import CheckpointError
from mtsmart.models.loading import load_encoder
from tests.models.architectures import make


def message_of(path):
    with pytest.raises(CheckpointError) as caught:
        load_encoder(EncoderConfig(path=str(path)))
    text = str(caught.value)
    assert "\n" not in text
    return text


@pytest.fixture
def copied(tiny_encoder, tmp_path):
    """Where -> a copy of the tiny encoder there."""
    return lambda *parts: shutil.copytree(tiny_encoder, tmp_path.joinpath(*parts))


@pytest.mark.parametrize(
    ("places", "nearest"),
    [
        (["checkpoint-500"], "checkpoint-500"),
        (["checkpoint-500", "checkpoint-1000"], "checkpoint-1000"),
        (["0_Transformer"], "0_Transformer"),
        (["snapshots/0a1b"], "snapshots/0a1b"),
    ],
)
def test_a_parent_of_encoders_names_the_nearest(places, nearest, copied, tmp_path):
    for place in places:
        copied(place)
    assert f"has no config.json, so it is not an encoder's; use encoder.path={tmp_path / nearest}" in message_of(
        tmp_path
    )
    load_encoder(EncoderConfig(path=str(tmp_path / nearest)))


def test_a_bare_name_that_is_no_folder_here_may_be_one_beside_the_file(monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert message_of("base").endswith("A folder beside the file is written ./base")
    assert "./" not in message_of("owner/base")


def test_a_part_of_an_encoder_names_the_whole(copied, tmp_path):
    folder = copied("whole")
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text('{"word_embedding_dimension": 16}')
    assert f"has no model_type, so it is not an encoder's; use encoder.path={folder}" in message_of(
        folder / "1_Pooling"
    )


def test_a_folder_with_a_configuration_of_nothing_and_an_encoder_below(copied, tmp_path):
    (tmp_path / "config.json").write_text("{}")
    assert f"use encoder.path={copied('best')}" in message_of(tmp_path)


def test_an_empty_folder_says_what_it_lacks(tmp_path):
    assert "its folder has no config.json, so it is not an encoder's, got" in message_of(tmp_path)


def test_a_file_names_its_folder(copied):
    folder = copied("encoder")
    assert "is a file, and an encoder is a folder, got '" in message_of(folder / "config.json")
    assert message_of(folder / "model.safetensors").endswith(f"Use encoder.path={folder}")
    archive = shutil.make_archive(str(folder.parent / "encoder"), "zip", folder)
    assert message_of(archive).endswith("Unpack it if it is an archive, and use that folder")


def test_a_run_names_its_encoder(trained_run):
    run = trained_run()
    encoder = run / "model" / "encoder"
    assert f"it is a run's folder; use encoder.path={encoder}, or go on from the run with init.run={run}" in message_of(
        run
    )
    assert f"use encoder.path={encoder}" in message_of(run / "model")
    load_encoder(EncoderConfig(path=str(encoder)))


def test_an_adapter_of_another_library_says_to_merge_it(copied, tmp_path):
    (tmp_path / "adapter_config.json").write_text(json.dumps({"peft_type": "LORA"}))
    assert "merge the adapter into its model with peft first: model.merge_and_unload()" in message_of(tmp_path)


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("pytorch_model.bin", "; convert pytorch_model.bin with transformers first, if you trust it: AutoModel.from_"),
        ("pytorch_model-00001-of-00002.bin", "; convert pytorch_model-00001-of-00002.bin with transformers first"),
        # transformers 5 reads neither, so it cannot convert them.
        ("tf_model.h5", " (tf_model.h5); copy the model's model.safetensors into it"),
        ("onnx/model.onnx", " (model.onnx); copy the model's model.safetensors into it"),
        ("small-q4.gguf", " (small-q4.gguf); copy the model's model.safetensors into it"),
        (
            "model.fp16.safetensors",
            "; if model.fp16.safetensors has all weights of the model, rename it model.safetens",
        ),
        (
            "model-00001-of-00002.safetensors",
            "; model-00001-of-00002.safetensors is a part of the weights: copy model.safetensors.index.json, which",
        ),
    ],
)
def test_weights_of_another_form_say_what_to_do(name, advice, copied):
    folder = copied("encoder")
    (folder / "model.safetensors").unlink()
    for file in (folder / "training_args.bin", folder / name):  # the first holds no weights
        file.parent.mkdir(exist_ok=True)
        torch.save({}, file)
    assert f"weights in other formats are not read{advice}" in message_of(folder)


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json"])
def test_a_pointer_of_git_is_no_file_of_an_encoder(name, copied):
    folder = copied("encoder")
    (folder / "pytorch_model.bin").write_text("version https://git-lfs.github.com/spec/v1\n")  # is never read
    load_encoder(EncoderConfig(path=str(folder)))
    (folder / name).write_text("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 99\n")
    assert f"{name} is a pointer of Git LFS, not the file itself; fetch it with 'git lfs pull'" in message_of(folder)


@pytest.mark.parametrize("name", ["BERT", "RoBERTa", "T5", "XLNet", "ModernBERT", "DeBERTa-v2"])
@pytest.mark.parametrize("settings", [None, {}, {"model_max_length": 64}])
def test_a_folder_without_a_tokenizer_is_refused(name, settings, tmp_path):
    """transformers makes an empty one, and every text would be unknown."""
    make(name).save_pretrained(tmp_path)
    if settings is not None:
        (tmp_path / "tokenizer_config.json").write_text(json.dumps(settings))
    assert "its folder has no tokenizer; copy the right tokenizer's files, such as tokenizer.json" in message_of(
        tmp_path
    )


@pytest.mark.parametrize("name", ["BERT", "T5"])
def test_a_tokenizer_without_words_is_refused(name, tmp_path):
    make(name).save_pretrained(tmp_path)
    type(AutoTokenizer.from_pretrained(tmp_path))().save_pretrained(tmp_path)
    text = message_of(tmp_path)
    assert "its tokenizer has special tokens and no words" in text
    assert "copy the right tokenizer's files, such as tokenizer.json, into the folder" in text


def test_a_tokenizer_of_a_vocabulary_file_alone_loads(tmp_path):
    make("BERT").save_pretrained(tmp_path)
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "cat", "dog"]
    (tmp_path / "vocab.txt").write_text("".join(f"{word}\n" for word in words))
    _, tokenizer = load_encoder(EncoderConfig(path=str(tmp_path)))
    assert tokenizer("a cat")["input_ids"] == [2, 1, 5, 3]


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("$HOME/models/bert", "environment variables are not expanded here"),
        ("${X}", "environment variables are not expanded here"),
        ("%USERPROFILE%/m", "environment variables are not expanded here"),
        ("C:\\models\\bert", "is a path of Windows, and this is another system"),
        ("models\\bert", "is a path of Windows, and this is another system"),
        ("https://huggingface.co/owner/name/tree/main", "Write its Hub id: owner/name"),
        ("https://example.org/x", "Write the Hub id, as owner/name, or a folder"),
        ("models/bert/x", "is neither a folder nor the name of a model on the Hub"),
        ("a model", "A folder beside the file is written ./a model, and a Hub id owner/name"),
        ("no/model", "cannot be loaded: "),
        ("./gone", "there is no such folder"),
    ],
)
def test_what_cannot_be_a_model_is_told_with_its_line(workspace, cli, path, told):
    lines = [line for line in workspace.experiment.read_text().splitlines() if not line.startswith("encoder")]
    workspace.write_experiment(f"encoder:\n  path: '{path}'\n" + "\n".join(lines))
    result = cli("train", workspace.experiment)
    assert result.code == 2 and not (workspace.folder / "runs").exists()
    (line,) = result.err.splitlines()
    assert line.startswith(f"mtsmart: {workspace.experiment}:2: encoder.path: ") and told in line
    assert "repo" not in line.casefold() and ".," not in line
