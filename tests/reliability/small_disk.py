"""The real command line on a disk that is too small, in a mount namespace of its own."""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import subprocess
from dataclasses import asdict
from pathlib import Path
from typing import Any

from tests.forked import command_line
from tests.served import in_fork

LARGE = "200m"
NEW_MOUNTS = 0x00020000
NEW_USER = 0x10000000


def on_disks(folder: Path, cases: list[dict[str, Any]], answer: Path) -> None:
    """What happens to commands on disks in a folder, which becomes a tmpfs of another size for each.

    Each case names a size and a command line; after a case that failed the disk is made large and the command repeated
    with what ``again`` adds. The file ``answer`` gets the list of what happened as JSON, or null where the system lets
    this process mount nothing. The process must be one that ends with it.
    """
    possible = _own_mounts()
    answer.write_text(json.dumps([_case(folder, case) for case in cases] if possible else None), encoding="utf-8")


def _own_mounts() -> bool:
    """Whether this process has mounts of its own now."""
    user, group = os.geteuid(), os.getegid()
    if ctypes.CDLL(None).unshare(NEW_MOUNTS | (0 if user == 0 else NEW_USER)):
        return False
    if user:
        Path("/proc/self/setgroups").write_text("deny", encoding="utf-8")
        Path("/proc/self/uid_map").write_text(f"0 {user} 1", encoding="utf-8")
        Path("/proc/self/gid_map").write_text(f"0 {group} 1", encoding="utf-8")
    return subprocess.run(["mount", "--make-rprivate", "/"], capture_output=True, check=False).returncode == 0


def _case(folder: Path, case: dict[str, Any]) -> dict[str, Any]:
    os.chdir(folder.parent)
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={case['size']}", "tmpfs", folder], check=True)
    try:
        os.environ.update(case.get("environment", {}))
        first = _run(case["command"])
        left = sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))
        result = {"first": first, "left": left, "again": None}
        if first["code"]:
            subprocess.run(["mount", "-o", f"remount,size={LARGE}", folder], check=True)
            result["again"] = _run([*case["command"], *case.get("again", [])])
        shutil.copytree(folder, case["keep"])
        return result
    finally:
        subprocess.run(["umount", folder], check=True)


def _run(command: list[str]) -> dict[str, Any]:
    """The command line in a fork: exit code, standard output and error."""
    return asdict(in_fork(lambda: command_line(*command)))
