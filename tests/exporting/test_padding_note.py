"""The card says for which texts an exported model's answers may differ from mtsmart's: those with padding's token."""

import pytest
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from mtsmart.config.sections import EncoderConfig
from mtsmart.exporting.sentence_modules import export_modules
from mtsmart.models.heads import HeadSpec
from mtsmart.models.hugging_face import export_head
from mtsmart.models.loading import load_encoder
from mtsmart.models.multitask import MultiTaskModel
from tests.models.architectures import save

NOTES = [("BERT", ""), ("DistilBERT", ""), ("XLNet", ""), ("RoBERTa", "holds `<pad>`"), ("MPNet", "holds `<pad>`")]


def built(folder, architecture, **head):
    save(architecture, folder / "encoder")
    encoder, tokenizer = load_encoder(EncoderConfig(path=str(folder / "encoder")))
    torch.manual_seed(0)
    return MultiTaskModel(encoder, {"x": HeadSpec("sequence_classification", 2, **head)}).eval(), tokenizer


@pytest.mark.parametrize(("architecture", "note"), NOTES)
@torch.no_grad()
def test_the_note_names_the_tokens_in_a_text_that_change_the_answer(tmp_path, architecture, note):
    model, tokenizer = built(tmp_path, architecture)
    exported = export_head(model, "x", tokenizer, tmp_path / "out")
    again = AutoModelForSequenceClassification.from_pretrained(tmp_path / "out").eval()
    read = AutoTokenizer.from_pretrained(tmp_path / "out")
    differing = []
    for token in tokenizer.all_special_tokens:
        inputs = dict(read(f"the red {token} cat sees the dog", return_tensors="pt"))
        ours = model("x", model.embed(inputs["input_ids"]), inputs)
        if not torch.allclose(ours, again(**inputs).logits, atol=1e-5):
            differing.append(f"holds `{token}`")
    assert differing == ([note] if note else [])
    assert note in exported.note and bool(note) == bool(exported.note)


@pytest.mark.parametrize(("architecture", "note"), [("BERT", ""), ("RoBERTa", "holds `<pad>`")])
def test_modules_have_the_note_too(tmp_path, architecture, note):
    model, tokenizer = built(tmp_path, architecture, type="plain", pooling="mean")
    exported = export_modules(model, "x", tokenizer, tmp_path / "out")
    assert note in exported.note and bool(note) == bool(exported.note)
