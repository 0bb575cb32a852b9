"""Readers of whole folders that a stranger may have made, for the fuzz test: one file in each is damaged.

Each takes the damaged file, puts it into a folder that is otherwise whole, and reads the folder as mtsmart does.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import datasets
import pyarrow as pa
import pyarrow.parquet as pq

from mtsmart.config.sections import DataConfig, EncoderConfig
from mtsmart.data.encoding import encode_split
from mtsmart.data.sources import load_split
from mtsmart.models.export_folder import exporting_to
from mtsmart.models.loading import load_encoder
from mtsmart.runs.checkpoints import checkpoint_path, read_state, read_tensors, resuming
from mtsmart.storage.owned import MARKER
from mtsmart.tasks import TaskDefinition
from mtsmart.training.resume import ResumeState

CARD = b"""---
license: mit
configs:
- config_name: default
  data_files: [{split: train, path: 'data/train-*'}, {split: test, path: [t.csv]}]
dataset_info:
  features: [{name: text, dtype: string}, {name: label, dtype: {class_label: {names: {'0': no, '1': yes}}}}]
  splits: [{name: train, num_examples: 2}]
---
# Rows
"""
INFOS = b'{"default": {"features": {"label": {"names": ["no", "yes"], "_type": "ClassLabel"}}, "splits": {}}}'
MARKERS = [
    b"""{"format": 1, "kind": "export", "token": "0123456789ab", "files": {"config.json":
"44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a", "x": null}}"""
]
MARKERS.append(MARKERS[0].replace(b'"x"', b'"x/../../others/thesis.txt"'))
STATE = b"""{"update": 1, "epoch": 0, "batch": 1, "selection": {}, "meter": [["loss", 1.0]], "skipped": 0, "watch": {},
 "metrics_bytes": 10, "rows": {}, "regularizers": {"smart": {"ema": 1}}, "frozen": null}"""


def parquet() -> bytes:
    stream = io.BytesIO()
    about = json.dumps({"info": {"features": {"label": {"names": ["no", "yes"], "_type": "ClassLabel"}}}})
    table = pa.table({"text": ["a", "b"], "label": [0, 1]})
    pq.write_table(table.replace_schema_metadata({"huggingface": about}), stream)
    return stream.getvalue()


def packed() -> bytes:
    return gzip.compress(b'{"text": "a red house", "label": "yes"}\n' * 20, mtime=0)


def read_clone(place: str) -> Callable[[Path], None]:
    """A reader of a clone in which the file at ``place`` is damaged."""

    def read(file: Path) -> None:
        clone = file.parent / "hub" / "me" / "rows"
        shutil.rmtree(clone, ignore_errors=True)
        (clone / "data").mkdir(parents=True)
        if place == "README.md":
            (clone / "data" / "train-0.jsonl").write_text('{"text": "a", "label": "yes"}\n')
        file.replace(clone / place)
        config = DataConfig(hub_dir=str(file.parent / "hub"), cache_dir=str(file.parent / "cache"))
        task = TaskDefinition(
            task_type="classification", text=["text"], labels=["no", "yes"], dataset={"path": "me/rows"}
        )
        load_split("t", task, "train", ["text"], config)[:]

    return read


def encoder() -> Path:
    """The encoder of the suite, which the test's fixture names."""
    return Path(os.environ["MTSMART_FUZZ_ENCODER"])


def sample_of(name: str) -> Callable[[], bytes]:
    def sample() -> bytes:
        return (encoder() / name).read_bytes()

    return sample


def read_encoder(file: Path) -> None:
    """An encoder's folder in which the file of this name is damaged."""
    folder = file.parent / "encoder"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(encoder(), folder)
    file.replace(folder / file.name)
    load_encoder(EncoderConfig(path=str(folder)))


def _encoded(folder: Path) -> datasets.Dataset:
    source = datasets.Dataset.from_dict({"text": ["a", "bb"] * 20, "row": list(range(40))})

    def encode(rows):
        return {"input_ids": [[1] * len(text) for text in rows["text"]], "row": rows["row"]}

    return encode_split(source, encode, {}, DataConfig(cache_dir=str(folder))).rows


def cached(ending: str) -> Callable[[], bytes]:
    """The content of a file of the cache."""

    def sample() -> bytes:
        with tempfile.TemporaryDirectory() as folder:
            _encoded(Path(folder))
            (file,) = Path(folder).rglob(f"*{ending}")
            return file.read_bytes()

    return sample


def read_cache(file: Path) -> None:
    """A cache in which the file with the ending of ``file`` was replaced."""
    folder = file.parent / "cache"
    _encoded(folder)
    (known,) = folder.rglob(f"*{''.join(file.suffixes)}")
    file.replace(known)
    _encoded(folder)[:]


def read_resume_point(file: Path) -> None:
    point = checkpoint_path(file.parent, 1)
    point.mkdir(parents=True, exist_ok=True)
    file.replace(point / file.name)
    with resuming(point):
        if file.suffix == ".json":
            ResumeState.from_json(read_state(point))
        else:
            read_tensors(point, file.stem)


def read_marker(file: Path) -> None:
    """An export's folder with this marker, which is exported again over what is there. Files of others stay."""
    other = file.parent / "others" / "thesis.txt"
    other.parent.mkdir(exist_ok=True)
    other.write_text("mine")
    folder = file.parent / "exported"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    file.replace(folder / MARKER)
    try:
        with exporting_to(folder, overwrite=True) as aside:
            (aside / "config.json").write_text("{}")
    finally:
        assert other.read_text() == "mine"


def tensors() -> bytes:
    import torch
    from safetensors.torch import save

    return save({"a": torch.zeros(2, 3), "b": torch.ones(1)})


FOLDERS: dict[str, tuple[str, list[bytes] | Callable[[], bytes], Callable[[Path], object]]] = {
    "card of a clone": ("README.md", [CARD], read_clone("README.md")),
    "statements of a clone": ("dataset_infos.json", [INFOS], read_clone("dataset_infos.json")),
    "parquet of a clone": ("p", parquet, read_clone("data/train-0.parquet")),
    "compressed rows of a clone": ("g", packed, read_clone("data/train-0.jsonl.gz")),
    "json of a clone": ("j", [b'[{"text": "a", "label": "yes"}, {"text": "", "label": "no"}]'],
                        read_clone("data/train-0.json")),
    "an encoder's configuration": ("config.json", sample_of("config.json"), read_encoder),
    "an encoder's weights": ("model.safetensors", sample_of("model.safetensors"), read_encoder),
    "tokenizer": ("tokenizer.json", sample_of("tokenizer.json"), read_encoder),
    "a tokenizer's configuration": ("tokenizer_config.json", sample_of("tokenizer_config.json"), read_encoder),
    "cache": ("x.arrow", cached(".arrow"), read_cache),
    "seal of the cache": ("x.seal.json", cached(".seal.json"), read_cache),
    "marker of an export": (".mtsmart.json", MARKERS, read_marker),
    "state of a resume point": ("state.json", [STATE], read_resume_point),
    "tensors of a resume point": ("optimizer.safetensors", tensors, read_resume_point),
}  # fmt: skip
