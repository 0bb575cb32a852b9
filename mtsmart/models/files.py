"""A trained model as a folder: the encoder once, in Hugging Face form, and a small file a head.

::

    encoder/                config.json, model.safetensors, tokenizer files (AutoModel loads it); adapters, if any
    heads/<task>.safetensors     the head; under "adapters:", its own parts of the encoder's adapters, if it has any
    heads.json              how each head is built
    decoding.json           numbers for decoding by task: thresholds fitted on validation, the unit of a regression head
    manifest.json           sizes and SHA-256 hashes of the files above
"""

from __future__ import annotations

import copy
import json
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import FiniteFloat, TypeAdapter, ValidationError
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import PreTrainedTokenizerBase

from mtsmart.config.sections import EncoderConfig
from mtsmart.errors import CheckpointError, MtsmartError
from mtsmart.models.adapters import save_encoder
from mtsmart.models.encoder import Encoder
from mtsmart.models.heads import HEADS, KINDS, HeadSpec
from mtsmart.models.heads.windows import POOLINGS, WINDOWS
from mtsmart.models.loading import load_encoder
from mtsmart.models.multitask import MultiTaskModel
from mtsmart.models.transform import tensors_of_head
from mtsmart.models.weights import check_finite, load_state, shared_tensors, state_of
from mtsmart.storage.durable import MANIFEST, check_manifest, read_json, replacing_folder, require_file, unique
from mtsmart.storage.failures import reason_of
from mtsmart.text.names import Kind, clash_with, problem_of, same_for_files

_SPECS = TypeAdapter(dict[str, HeadSpec])
_DECODING = TypeAdapter(dict[str, dict[str, FiniteFloat]])
# A head of ours is never larger; one that is would fill the memory.
_MAX_WIDTH = 10_000_000
_MAX_LAYERS = 64
_ADAPTERS = "adapters:"  # no module's name begins so
_MUCH = 2**28  # bytes; heads that are larger must have weights to show for it
_LABEL = 250  # bytes; transformers makes a name for each output of a native head


def save_model(
    folder: Path,
    model: MultiTaskModel,
    tokenizer: PreTrainedTokenizerBase,
    decoding: Mapping[str, Mapping[str, Any]] | None = None,
    scratch: Path | None = None,
) -> None:
    """Write the model; a model that is already there is replaced only once the new one is complete.

    Args:
        folder: the model's folder.
        model, tokenizer: what is written.
        decoding: the numbers that each task's decoding needs.
        scratch: the folder for unfinished writes; None: a new one beside ``folder``.
    """
    with replacing_folder(folder, scratch or folder.with_name(f".{folder.name}.{unique()}")) as aside:
        save_encoder(model.encoder, aside / "encoder")
        settled(tokenizer).save_pretrained(aside / "encoder")
        (aside / "heads").mkdir()
        for name in model.specs:
            save_file(_tensors_of(model, name), aside / "heads" / f"{name}.safetensors")
        specs = {name: spec.to_json() for name, spec in model.specs.items()}
        (aside / "heads.json").write_text(json.dumps(specs, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        (aside / "decoding.json").write_text(json.dumps(decoding or {}, indent=2) + "\n", encoding="utf-8")


def _tensors_of(model: MultiTaskModel, name: str) -> dict[str, Tensor]:
    """What a head's file holds."""
    own = state_of(model.head(name), shared_tensors(model.encoder))
    adapters = tensors_of_head(model.encoder, name)
    parts = {f"{_ADAPTERS}{key}": tensor.detach().cpu().contiguous() for key, tensor in adapters.items()}
    return {**own, **parts}


def settled(tokenizer: PreTrainedTokenizerBase) -> PreTrainedTokenizerBase:
    """A copy without the truncation and padding that its last call, or its author, has set."""
    saved = copy.deepcopy(tokenizer)
    saved.backend_tokenizer.no_truncation()
    saved.backend_tokenizer.no_padding()
    return saved


def no_model(folder: Path) -> CheckpointError:
    """The error of a folder that should hold a model and does not."""
    hint = "A run has one from its first evaluation on"
    return CheckpointError("holds no trained model", file=folder, hint=hint)


def read_head_specs(folder: Path) -> dict[str, HeadSpec]:
    """How the heads of a saved model are built.

    Raises:
        CheckpointError: the folder holds no model.
    """
    file = folder / "heads.json"
    try:
        specs = _SPECS.validate_python(read_json(file))
    except FileNotFoundError:
        raise no_model(folder) from None
    except ValidationError as error:
        first = error.errors()[0]
        raise CheckpointError(f"is damaged: {'.'.join(map(str, first['loc']))}: {first['msg']}", file=file) from None
    except (OSError, ValueError) as error:
        raise CheckpointError(f"is damaged: {reason_of(error)}", file=file) from None
    if (pair := same_for_files(specs)) is not None:
        raise CheckpointError(f"is damaged: the head '{pair[1]}' {clash_with(pair[0])}", file=file)
    for name, spec in specs.items():
        for what, value, is_known in (
            ("name", name, problem_of(name, Kind.WORD) is None),  # It is a part of a path.
            ("dropout", spec.dropout, spec.dropout is None or 0 <= spec.dropout < 1),
            ("width", spec.num_labels, 0 <= spec.num_labels <= _MAX_WIDTH),
            ("number of layers", spec.layers, spec.layers is None or 0 <= spec.layers <= _MAX_LAYERS),
            ("kind", spec.kind, spec.kind in KINDS),
            ("type", spec.type, spec.type in HEADS),
            ("pooling of windows", spec.windows, spec.windows in (None, *POOLINGS)),
        ):
            if not is_known:
                raise CheckpointError(f"is damaged: this is no {what} of a head", file=file, value=value)
        if spec.labels is not None and len(spec.labels) != spec.num_labels:
            message = f"is damaged: the head has {spec.num_labels} outputs and names for {len(spec.labels)}"
            raise CheckpointError(message, file=file, key=name, value=spec.labels)
    return specs


def read_decoding(folder: Path) -> dict[str, dict[str, Any]]:
    """The numbers that each task's decoding needs.

    Raises:
        CheckpointError: the file is damaged.
    """
    file = folder / "decoding.json"
    try:
        decoding: dict[str, dict[str, Any]] = _DECODING.validate_python(read_json(file))
    except FileNotFoundError:
        return {}
    except ValidationError as error:
        first = error.errors()[0]
        message = "is damaged: it does not map tasks to numbers"
        raise CheckpointError(message, file=file, value=first["input"]) from None
    except (OSError, ValueError) as error:
        raise CheckpointError(f"is damaged: {reason_of(error)}", file=file) from None
    return decoding


def read_model(
    folder: Path,
    encoder: EncoderConfig | None = None,
    heads: Mapping[str, HeadSpec] | None = None,
    keep: Collection[str] | None = None,
) -> tuple[MultiTaskModel, PreTrainedTokenizerBase]:
    """Read a saved model. If another process may replace it meanwhile, call this through ``read_consistently``.

    Args:
        folder: what ``save_model`` wrote.
        encoder: settings other than the path (dropout, checkpointing ...).
        heads: the heads to have; None: those that the folder holds.
        keep: which of them get the folder's weights, the others start fresh; None: all.

    Raises:
        CheckpointError: the folder holds no model, or a damaged one.
    """
    stored = read_head_specs(folder)
    if (folder / MANIFEST).exists():
        check_manifest(folder, hint=f"If the change is yours, delete {MANIFEST}")
    settings = (encoder or EncoderConfig()).model_copy(update={"path": str(folder.absolute() / "encoder")})
    shared, tokenizer = load_encoder(settings)
    wanted = stored if heads is None else heads
    kept = list(wanted if keep is None else keep)
    _check_room(folder, {name: wanted[name] for name in kept}, shared.hidden_size)
    model = _built(shared, wanted, folder)
    for name in kept:
        alike = stored[name].windows == wanted[name].windows
        load_head(folder, name, model.head(name), model.encoder, pools_as_stored=alike)
        _load_adapters(folder, name, model.encoder)
    return model, tokenizer


def _built(encoder: Encoder, specs: Mapping[str, HeadSpec], folder: Path) -> MultiTaskModel:
    """The model with new heads. The stored encoder's configuration also decides how the heads are built."""
    try:
        return MultiTaskModel(encoder, specs)
    except MtsmartError:
        raise
    except Exception as error:  # of any kind, because transformers does not check its configuration
        file = folder / "encoder" / "config.json"
        raise CheckpointError(f"the heads cannot be built: {reason_of(error)}", file=file) from None


def _check_room(folder: Path, specs: Mapping[str, HeadSpec], width: int) -> None:
    """Refuse heads that ask for far more memory than their files fill, because all are built before one is read."""
    stored = 0
    for name in specs:
        with _loading(file := _head_file(folder, name)):
            require_file(file)
            stored += file.stat().st_size
    asked = {name: _size(spec, width) for name, spec in specs.items()}
    if (total := sum(asked.values())) > max(_MUCH, 2 * stored):
        name = max(asked, key=lambda name: asked[name])
        key = "layers" if _hidden(specs[name], width) > specs[name].num_labels else "num_labels"
        message = f"is damaged: the heads ask for {total / 2**20:,.0f} MB, and their weights are far smaller"
        value = getattr(specs[name], key)
        raise CheckpointError(message, file=folder / "heads.json", key=f"{name}.{key}", value=value)


def _size(spec: HeadSpec, width: int) -> int:
    """Bytes of a head that is built."""
    names = spec.num_labels * _LABEL if spec.type == "native" else 0
    return (spec.num_labels + _hidden(spec, width)) * width * 4 + names


def _hidden(spec: HeadSpec, width: int) -> int:
    """Rows of the hidden layers of a plain head; the size of other heads does not depend on their layers."""
    return (spec.layers or 0) * width if spec.type == "plain" else 0


@contextmanager
def _loading(file: Path) -> Iterator[None]:
    try:
        yield
    except (OSError, ValueError, SafetensorError, RuntimeError) as error:
        raise CheckpointError(f"cannot be loaded: {reason_of(error)}", file=file) from None


def _head_file(folder: Path, name: str) -> Path:
    return folder / "heads" / f"{name}.safetensors"


def fits(stored: HeadSpec, wanted: HeadSpec) -> bool:
    """Whether weights of one head can serve another: all but the dropout must agree."""
    return replace(stored, dropout=None) == replace(wanted, dropout=None)


def can_start(stored: HeadSpec, wanted: HeadSpec) -> bool:
    """Whether training can go on from the weights of a head: windows of long texts may be pooled in another way."""
    return fits(replace(stored, windows=None), replace(wanted, windows=None))


def load_head(folder: Path, name: str, head: nn.Module, encoder: nn.Module, *, pools_as_stored: bool = True) -> None:
    """Load one head's weights into ``head``; those that it shares with ``encoder`` came with that one.

    Args:
        folder, name: the model's folder, and the head in it.
        head, encoder: what the weights are for.
        pools_as_stored: whether ``head`` pools windows as the stored head; if not, its pooling stays as it is.

    Raises:
        CheckpointError: the file is missing, damaged, or another head's.
    """
    file = _head_file(folder, name)
    with _loading(file):
        require_file(file)
        own = {key: tensor for key, tensor in load_file(file).items() if not key.startswith(_ADAPTERS)}
        if not pools_as_stored:
            own = {key: tensor for key, tensor in own.items() if not _is_of_windows(key)}
            own |= {key: tensor for key, tensor in head.state_dict().items() if _is_of_windows(key)}
        load_state(head, own, shared_tensors(encoder))
        check_finite(head)


def _is_of_windows(key: str) -> bool:
    return key.startswith(f"{WINDOWS}.")


def _load_adapters(folder: Path, name: str, encoder: Encoder) -> None:
    """Load what belongs to a head in the adapters of the encoder of the same folder."""
    own = tensors_of_head(encoder, name)
    if not own:
        return
    file = _head_file(folder, name)
    with _loading(file):
        stored = {key.removeprefix(_ADAPTERS): one for key, one in load_file(file).items() if key.startswith(_ADAPTERS)}
        others = [tensor for key, tensor in encoder.model.state_dict(keep_vars=True).items() if key not in own]
        load_state(encoder.model, stored, others)
        check_finite(encoder)
