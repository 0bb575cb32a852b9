"""Runs as users name them: folders, and addresses on the Hub, from where they come to this machine."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from mtsmart.errors import CheckpointError, ConfigError, MtsmartError, reason_in
from mtsmart.runs.folder import RunFolder
from mtsmart.user_paths import HUB_PREFIX

RUN_FILES = (
    *("config.yaml", "results.json", "README.md", "calibration.json"),
    *("model/manifest.json", "model/heads.json", "model/decoding.json", "model/heads/*.safetensors"),
    *(f"model/encoder/*.{ending}" for ending in ("json", "safetensors", "txt", "model")),
)
"""The files of a run that go to the Hub, and that are fetched from there. No other file ever does."""

_OFFLINE = "HF_HUB_OFFLINE is set, so nothing goes over the network"
_NAME = re.compile(r"[\w][\w.-]*/[\w][\w.-]*")


@dataclass(frozen=True)
class HubAddress:
    """A repository of models.

    Attributes:
        repository: owner/name.
        revision: branch, tag or commit; None: the newest.
    """

    repository: str
    revision: str | None = None

    @classmethod
    def of(cls, text: str, argument: str | None, key: str | None = None) -> Self:
        """The address in a text such as ``hub:owner/name@revision``, with or without ``hub:``.

        Args:
            text: what the user wrote.
            argument, key: where the user wrote it, for the error; as for MtsmartError.

        Raises:
            ConfigError: it is none.
        """
        name, _, revision = text.removeprefix(HUB_PREFIX).partition("@")
        if not _NAME.fullmatch(name) or len(name) > 96 or "--" in name or ".." in name:
            hint = "Write owner/name, for example ada/tickets"
            raise ConfigError("is no name of a repository", argument=argument, key=key, value=text, hint=hint)
        return cls(name, revision or None)


def run_path(run: str | Path, key: str | None = None) -> Path:
    """The folder of a run. One on the Hub (``hub:owner/name[@revision]``) is fetched into the Hub's cache first.

    Only the files that mtsmart's own push sends are fetched, so no code and no pickles come along. What they hold is
    checked as in any folder that a stranger has made.

    Args:
        run: the folder or the address.
        key: the key of an experiment where it stands, for errors; None: it is an argument.

    Raises:
        ConfigError: the address is none.
        CheckpointError: there is no such repository, it holds no run, or it cannot be reached.
    """
    text = str(run)
    if not text.startswith(HUB_PREFIX):
        return Path(run)
    from huggingface_hub import snapshot_download  # not for runs on this machine

    address = HubAddress.of(text, "run" if key is None else None, key)
    with hub_errors(text):
        # One file at a time: where a connection fails, the client closes it for all of its threads.
        folder = snapshot_download(
            address.repository, revision=address.revision, allow_patterns=list(RUN_FILES), max_workers=1
        )
    if not (Path(folder) / "config.yaml").is_file():
        hint = "A model that `mtsmart export` has written is loaded with transformers"
        raise CheckpointError("holds no run of mtsmart (it has no config.yaml)", file=text, hint=hint)
    return Path(folder)


def named_run(run: str | Path, key: str, example: str = "FOLDER") -> RunFolder:
    """The finished or interrupted run that an experiment names.

    Args:
        run: the folder or the address.
        key: the key of the experiment where it stands.
        example: how a value of this key looks, for the hint.

    Raises:
        ConfigError: the address is none.
        CheckpointError: there is no run.
    """
    folder = RunFolder(run_path(run, key))
    if not folder.exists:
        message = "is not the folder of a run (it has no config.yaml)"
        hint = f"Train that run first, or name another: {key}={example}"
        raise CheckpointError(message, key=key, value=str(run), hint=hint)
    return folder


def refuse_address(place: str | Path, argument: str) -> None:
    """Refuse an address on the Hub where a folder on this machine is read with its curves and times.

    Args:
        place: what the user wrote.
        argument: where, for the error.

    Raises:
        ConfigError: it is an address.
    """
    if str(place).startswith(HUB_PREFIX):
        message = "is an address on the Hub, where a run has no curves and times, so only a folder can be read here"
        hint = "Name the folder that training has written; `mtsmart evaluate` gives the scores of a run on the Hub"
        raise ConfigError(message, argument=argument, value=str(place), hint=hint)


def is_fetched(run: Path) -> bool:
    """Whether a run's folder is in the Hub's cache, so that it has come from there."""
    from huggingface_hub import constants

    return run.absolute().is_relative_to(Path(constants.HF_HUB_CACHE).absolute())


@contextmanager
def hub_errors(place: str, is_cached: bool = True) -> Iterator[None]:
    """Turn what goes wrong with the Hub into one error.

    Args:
        place: the address, for the message.
        is_cached: whether the Hub's cache would do, because something is fetched and nothing is sent.

    Raises:
        CheckpointError: names the address and what to do.
    """
    from huggingface_hub import constants, errors

    login = "Log in with `hf auth login`, or set HF_TOKEN"
    try:
        yield
    except MtsmartError:
        raise
    except errors.GatedRepoError:
        raise CheckpointError("asks for consent on its page first", file=place, hint=login) from None
    except errors.RepositoryNotFoundError:
        raise CheckpointError("there is no such repository, or it is private", file=place, hint=login) from None
    except errors.RevisionNotFoundError:
        raise CheckpointError("has no such branch, tag or commit", file=place) from None
    except (errors.LocalEntryNotFoundError, errors.OfflineModeIsEnabled):
        hint = f"{_OFFLINE}: unset it" if constants.HF_HUB_OFFLINE else "Is there a network?"
        message = "cannot be reached, and is not in the cache" if is_cached else "cannot be reached"
        raise CheckpointError(message, file=place, hint=hint) from None
    except errors.HfHubHTTPError as error:
        status = error.response.status_code
        what_to_do = login if status in (401, 403) else None
        raise CheckpointError(f"was refused by the Hub: {reason_in(error)}", file=place, hint=what_to_do) from None
    except (errors.HTTPError, OSError) as error:  # a connection that fails, or a disk that is full
        message = f"{constants.ENDPOINT} cannot be reached: {reason_in(error)}"
        raise CheckpointError(message, file=place) from None


def refuse_offline(place: str) -> None:
    """Refuse what needs the Hub itself where the environment forbids it.

    Args:
        place: the address, for the message.

    Raises:
        CheckpointError: HF_HUB_OFFLINE is set.
    """
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        raise CheckpointError(_OFFLINE, file=place, hint="Unset it to send something")
