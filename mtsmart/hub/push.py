"""Sends a run, or an exported model, to a repository of the Hub."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from mtsmart.errors import CheckpointError
from mtsmart.exporting.task import export_task
from mtsmart.hub.card import CardFacts
from mtsmart.hub.content import Content, content_of
from mtsmart.runs.hub_address import HubAddress, hub_errors, refuse_offline, run_path
from mtsmart.user_paths import HUB_PREFIX

Agreed = Callable[[Mapping[str, int]], bool]
"""Name of a file in the repository -> bytes; whether the files may be sent."""


def push_model(
    source: str | Path,
    repository: str,
    *,
    public: bool = False,
    task: str | None = None,
    licence: str | None = None,
    languages: Iterable[str] = (),
    dry_run: bool = False,
    agreed: Agreed = lambda sizes: True,
) -> str | None:
    """Send a run, one task of a run, or an exported model, in one commit.

    Args:
        source: the folder of a run, or of an exported model.
        repository: owner/name. It is made if it is not there.
        public: whether everybody may see it.
        task: send this task of the run, as a Hugging Face model; None: the run, or the exported model as it is.
        licence, languages: the licence as the Hub names it, and codes of languages.
        dry_run: whether the Hub is not asked and nothing is sent; ``agreed`` gets the files nevertheless.
        agreed: is asked before anything is sent.

    Returns:
        the address of the commit; None if it was not agreed to, or in a dry run.

    Raises:
        MtsmartError: the source or licence is none, the repository is visible to more people, or the Hub refuses.
    """
    address = HubAddress.of(repository, "repository")
    facts = CardFacts(address.repository, licence, list(languages)).checked()
    _check_there(source)
    if not dry_run:
        refuse_offline(f"{HUB_PREFIX}{address.repository}")
    with tempfile.TemporaryDirectory(prefix="mtsmart-push-") as scratch:
        folder = run_path(source) if task is None else _exported(source, task, Path(scratch), address)
        content = content_of(folder, facts)
        if not agreed(content.sizes()) or dry_run:
            return None
        with hub_errors(f"{HUB_PREFIX}{address.repository}", is_cached=False):
            return _send(content, address, public)


def _check_there(source: str | Path) -> None:
    if not str(source).startswith(HUB_PREFIX) and not Path(source).is_dir():
        raise CheckpointError("there is no such folder", argument="source", value=str(source))


def _exported(source: str | Path, task: str, scratch: Path, address: HubAddress) -> Path:
    """A task of a run as a Hugging Face model, in a folder with the repository's name."""
    folder = scratch / address.repository.rpartition("/")[2]
    export_task(run_path(source), task, folder)
    return folder


def _send(content: Content, address: HubAddress, public: bool) -> str:
    """Make the repository if it is not there, and commit the files."""
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi

    api = HfApi()
    api.create_repo(address.repository, private=not public, exist_ok=True)
    info = api.model_info(address.repository, revision=address.revision)
    if not info.private and not public:
        message = "is a public repository that exists already"
        raise CheckpointError(
            message, file=f"{HUB_PREFIX}{address.repository}", hint="Name another, or use `public=True`"
        )
    there = [file.rfilename for file in info.siblings or ()]
    added = [CommitOperationAdd(name, str(file) if isinstance(file, Path) else file) for name, file in _sorted(content)]
    gone = [CommitOperationDelete(name) for name in _outdated(there, content)]
    commit = api.create_commit(
        address.repository,
        [*added, *gone],
        commit_message="Model of mtsmart",
        revision=address.revision,
        parent_commit=info.sha,
    )
    return str(commit.commit_url)


def _sorted(content: Content) -> list[tuple[str, Path | bytes]]:
    return sorted(content.files.items(), key=lambda item: item[0])


def _outdated(there: Sequence[str], content: Content) -> list[str]:
    """The files of an earlier model of a run that the new one does not have. Other files of the repository stay."""
    of_model = [name for name in there if name.startswith("model/") or name == "calibration.json"]
    return [name for name in of_model if name not in content.files]
