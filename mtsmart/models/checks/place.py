"""A check of whether a folder is an encoder's, which names the right folder where it is not."""

from __future__ import annotations

import re
from itertools import islice
from pathlib import Path

from mtsmart.models.checks.files import weight_files
from mtsmart.models.checks.parsing import read_settings

_CONFIG = "config.json"
_PEFT = "adapter_config.json"  # makes transformers load another model, which the file names
_RUN = "config.yaml"
_ENCODER_OF_RUN = Path("model") / "encoder"
_CONVERTED = "pytorch_model*.bin"  # what transformers can still read, and write as safetensors
_NEVER_READ = ("*.h5", "*.msgpack", "*.ckpt", "*.gguf", "*.onnx", "onnx/*.onnx")
_PART = re.compile(r"model-\d+-of-\d+\.safetensors")
_TOKENIZER = re.compile(r"tokenizer\.json|tokenizer\..+\.json|(.*[-_.])?vocab.*|.*\.(model|spm|tiktoken|bpe)|merges.*")
_POINTER = b"version https://git-lfs"
_MAY_BE_POINTER = re.compile(r"model.*\.safetensors|.*\.(json|txt|model|spm)")
_DEPTH = 3
_MOST = 1000  # files that are looked at
_LARGEST = 2**20  # bytes of a configuration that is looked at


def check_place(folder: Path) -> None:
    """Refuse a local folder that is not an encoder's, but a run's, an adapter's, a parent of encoders, or pointers.

    Raises:
        ValueError: says what the folder is, and what to do.
    """
    _check_adapter(folder)
    _check_pointers(folder)
    if (folder / _RUN).is_file() and (folder / _ENCODER_OF_RUN).is_dir():
        encoder = folder / _ENCODER_OF_RUN
        raise ValueError(
            f"it is a run's folder; use encoder.path={encoder}, or go on from the run with init.run={folder}"
        )
    if not (folder / _CONFIG).exists():
        raise ValueError(f"its folder has no {_CONFIG}, so it is not an encoder's{_advice(folder)}")
    if not _is_encoder(folder) and (advice := _advice(folder)):
        raise ValueError(f"its {_CONFIG} has no model_type, so it is not an encoder's{advice}")


def check_parts(folder: Path) -> None:
    """Refuse a local folder without weights that are read, or without a tokenizer.

    Raises:
        ValueError: says what to do.
    """
    if not weight_files(folder):
        _refuse_weights(folder)
    if not any(_TOKENIZER.fullmatch(file.name) for file in folder.iterdir()):
        message = "its folder has no tokenizer; copy the right tokenizer's files, such as tokenizer.json, into it"
        raise ValueError(message)


def _refuse_weights(folder: Path) -> None:
    converted = sorted(folder.glob(_CONVERTED))
    named = sorted(folder.glob("*.safetensors"))
    others = [file for pattern in _NEVER_READ for file in sorted(folder.glob(pattern))]
    advice = _advice(folder)
    if converted:
        how = "AutoModel.from_pretrained(FOLDER).save_pretrained(NEW_FOLDER)"
        advice = f"; convert {converted[0].name} with transformers first, if you trust it: {how}"
    elif named:
        advice = _advice_on(named[0].name)
    elif others:
        advice = f" ({others[0].name}); copy the model's model.safetensors into it"
    raise ValueError(f"its folder has no model.safetensors, and weights in other formats are not read{advice}")


def _advice_on(name: str) -> str:
    """What to say about weights in safetensors under a name that is not looked for."""
    if _PART.fullmatch(name):
        return f"; {name} is a part of the weights: copy model.safetensors.index.json, which names all parts, into it"
    return f"; if {name} has all weights of the model, rename it model.safetensors"


def _check_pointers(folder: Path) -> None:
    """Git without its extension LFS leaves small files that say where the real ones are."""
    for file in sorted(folder.iterdir()):
        if not _MAY_BE_POINTER.fullmatch(file.name) or not file.is_file():
            continue
        with file.open("rb") as stream:
            is_pointer = stream.read(len(_POINTER)) == _POINTER
        if is_pointer:
            raise ValueError(f"{file.name} is a pointer of Git LFS, not the file itself; fetch it with 'git lfs pull'")


def _check_adapter(folder: Path) -> None:
    if not (folder / _PEFT).exists():
        return
    message = f"its folder has {_PEFT} of the library peft, which is not read"
    how = "model.merge_and_unload().save_pretrained(FOLDER), and use that folder"
    raise ValueError(f"{message}; merge the adapter into its model with peft first: {how}")


def _advice(folder: Path) -> str:
    """What to say about the encoder that lies nearest to the folder; nothing if there is none."""
    found = _nearest(folder)
    return f"; use encoder.path={found}" if found else ""


def _nearest(folder: Path) -> Path | None:
    """The encoder below the folder that is nearest, the one with the largest number of several; or that above it."""
    for depth in range(1, _DEPTH + 1):
        files = islice(folder.glob("/".join(["*"] * depth + [_CONFIG])), _MOST)
        found = sorted((file.parent for file in files if _is_encoder(file.parent)), key=_numbers)
        if found:
            return found[-1]
    return next((above for above in folder.absolute().parents[:_DEPTH] if _is_encoder(above)), None)


def _is_encoder(folder: Path) -> bool:
    """Whether the configuration in a folder is that of a model of transformers."""
    file = folder / _CONFIG
    try:
        return file.is_file() and file.stat().st_size < _LARGEST and "model_type" in read_settings(file)
    except (OSError, ValueError):
        return False


def _numbers(folder: Path) -> tuple[list[int], str]:
    """Orders checkpoint-1000 after checkpoint-500."""
    return [int(number) for number in re.findall(r"\d+", folder.name)], str(folder)
