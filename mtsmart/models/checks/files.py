"""Checks of the files of an encoder's folder, before transformers opens any of them.

transformers reads most files whole, and follows names that stand in them. A folder may come from anywhere, so its files
have a largest size, and none of them may name a file outside the folder.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterator
from pathlib import Path

from mtsmart.models.checks.parsing import MOST_PARTS, MOST_PARTS_OF_VOCABULARY, count_parts, read_settings

_MB = 2**20
_MOST_FILES = 10_000
_WEIGHTS = ".safetensors"
_INDEX = ".safetensors.index.json"
_LIMITS = (
    (re.compile(r"tokenizer\.json"), 64),  # a million tokens fit
    (re.compile(r".*\.(model|spm)"), 24),
    (re.compile(r"(vocab|merges).*\.(json|txt)|dict\.txt|.*_vocab\.json|.*\.(bpe|vocab|codes|tokenizer)"), 24),
    (re.compile(r".*config\.json|config\..*\.json|tokenizer.+\.json|.*tokens.*\.json|.*\.index\.json"), 16),
    (re.compile(r"byte_maps\.json|emoji\.json|normalizer\.json|word_.*\.json|adapters\.json"), 16),
    (re.compile(r".*\.jinja"), 1),
)
"""The files that transformers and tokenizers read beside the weights, and how many MB one of them may have; the first
that fits a name counts. All others are never opened: they may be of any kind and size."""
_HAS_VOCABULARY = re.compile(r"tokenizer(?!_config).*\.json|.*vocab.*\.json")
_WEIGHTS_READ = re.compile(r"model\.safetensors|adapted\.safetensors")
_MOST_OF_ALL = 256  # MB of all files that are read in one folder, without the weights
_TEKKEN = re.compile(r".*tekken.*\.json")
_SHARD = re.compile(r"shard-\d{5}-model-\d{5}-of-\d{5}\.safetensors")  # another reader of transformers takes these
_MOST_TENSORS = 100_000


def check_files(folder: Path) -> None:
    """Refuse a local folder with files that are far too large to be an encoder's, that are no files, or name others.

    Raises:
        ValueError: names the file.
    """
    sizes = dict[Path, int]()
    for count, file in enumerate(_files(folder)):
        if count == _MOST_FILES:
            raise ValueError(f"its folder has more than {_MOST_FILES:,} files, so it is no folder of an encoder alone")
        size = _check_file(file, file.relative_to(folder).as_posix())
        sizes[file.parent] = sizes.get(file.parent, 0) + size
        if size and file.parent == folder and file.suffix == ".json":
            count_parts(file.name, file.read_bytes(), _most_parts(file.name))
    # transformers reads one folder, and some of its subfolders. Other subfolders may hold any number of checkpoints.
    if max(sizes.values(), default=0) > _MOST_OF_ALL * _MB:
        raise ValueError(f"its configuration, tokenizer and templates are larger than {_MOST_OF_ALL} MB together")
    for file in sorted(folder.glob(f"*{_INDEX}")):
        _check_index(file)


def weight_files(folder: Path) -> list[Path]:
    """The files with the weights, as transformers chooses them; empty if there are none that it reads.

    Raises:
        ValueError: the index of the weights is damaged, or names other files than those of the folder.
    """
    single = folder / f"model{_WEIGHTS}"
    index = folder / f"model{_INDEX}"
    if single.is_file() or not index.is_file():
        return [single] if single.is_file() else []
    return [folder / name for name in sorted(_check_index(index))]


def size_without_holes(file: Path) -> int:
    """Bytes that a file really has: one with holes takes nothing of the disk for them, and much memory once loaded."""
    size = file.stat().st_size
    if not hasattr(os, "SEEK_DATA"):  # Windows
        return size
    stored = 0
    end = 0
    with file.open("rb") as stream:
        while end < size:
            try:
                start = os.lseek(stream.fileno(), end, os.SEEK_DATA)
            except OSError as error:
                # ENXIO says that no data follows. Any other error comes from a disk that does not tell its holes.
                return stored if error.errno == errno.ENXIO else size
            end = os.lseek(stream.fileno(), start, os.SEEK_HOLE)
            stored += end - start
    return stored


def _files(folder: Path) -> Iterator[Path]:
    """All files below ``folder``, except in hidden folders (``.git``, ``.cache``), which transformers never reads."""
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in folders:
            if (Path(place) / name).is_symlink():
                inner = (Path(place) / name).relative_to(folder).as_posix()
                raise ValueError(f"{inner} is a link to another folder, which is not read")
        yield from (Path(place) / name for name in sorted(names))


def _limit(name: str) -> int | None:
    """The MB that a file of this name may have; None: it is never opened, or has weights."""
    name = name.lower()  # Some disks open a file under names in capital letters too.
    return next((most for kind, most in _LIMITS if kind.fullmatch(name)), None)


def _most_parts(name: str) -> int:
    return MOST_PARTS_OF_VOCABULARY if _HAS_VOCABULARY.fullmatch(name) else MOST_PARTS


def _check_file(file: Path, name: str) -> int:
    """The bytes that are read of a file: none of those that are weights, or that are never read."""
    if _SHARD.fullmatch(file.name):
        raise ValueError(f"{name} is a part of a distributed checkpoint, which is not read")
    if _TEKKEN.fullmatch(file.name):
        raise ValueError(f"{name} is a tokenizer in a form of Mistral's own, which is not read; tokenizer.json is")
    limit = _limit(file.name)
    if limit is None and not _WEIGHTS_READ.fullmatch(file.name):
        return 0
    if not file.is_file():
        raise ValueError(f"{name} is no regular file")
    if limit is None:
        return 0
    size = file.stat().st_size
    if size > limit * _MB:
        raise ValueError(f"{name} is larger than {limit} MB")
    return size


def _check_index(file: Path) -> set[str]:
    """The files that an index of weights names: they lie beside it."""
    names = read_settings(file).get("weight_map")
    if not isinstance(names, dict):
        raise ValueError(f"{file.name} has no weight_map from tensors to files")
    if len(names) > _MOST_TENSORS:
        raise ValueError(f"{file.name} has a weight_map of {len(names):,} tensors, {_MOST_TENSORS:,} are the most")
    for name in names.values():
        if not isinstance(name, str) or not _is_plain(name) or not name.endswith(_WEIGHTS):
            message = f"{file.name} has {name!r} in its weight_map, where only names of *{_WEIGHTS} files can stand"
            raise ValueError(message)
    for name in sorted(set(names.values())):
        if not (file.parent / name).is_file():
            raise ValueError(f"{file.name} names {name}, which is not in the folder")
    return set(names.values())


def _is_plain(name: str) -> bool:
    """Whether it is the name of a file, and no path."""
    return not any(sign in name for sign in "/\\:\0") and not name.startswith(".")
