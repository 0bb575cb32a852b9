"""Several processes that train one model. ``accelerate launch`` and ``torchrun`` start them.

The processes share errors and signals. If one process fails, all processes end, and only its message is shown.
"""

from __future__ import annotations

import atexit
import os
import re
import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from mtsmart.errors import ConfigError, MtsmartError, OtherProcessError

if TYPE_CHECKING:  # The command line imports this module to learn its rank, and must not wait for torch.
    from torch import Tensor, device

T = TypeVar("T")
_LONGEST_SOCKET = 103  # bytes in the name of a socket; macOS allows so many, Linux four more
_NAME_OF_SOCKET = len("/pymp-12345678/listener-12345678")  # what multiprocessing adds to the temporary folder
_SAFE_PATH = "PYTHONSAFEPATH"
_LOST = re.compile(r"connection (closed|reset) by peer|broken pipe", re.IGNORECASE)


class Processes:
    """One process that trains alone.

    Attributes:
        rank: the number of this process, counted from 0. Process 0 writes files and reports.
        count: the number of processes.
    """

    rank = 0
    count = 1

    @property
    def device(self) -> device:
        """The device on which this process computes: its GPU if there is one, otherwise the CPU."""
        import torch

        from mtsmart.torch_state import kind_of_accelerator

        kind = kind_of_accelerator()
        # accelerate launch --cpu sets this variable.
        wants_cpu = os.environ.get("ACCELERATE_USE_CPU", "").lower() in ("1", "true", "yes")
        return torch.device("cpu" if kind is None or wants_cpu else kind)

    @property
    def is_main(self) -> bool:
        """Whether this process writes files and reports."""
        return self.rank == 0

    def gather(self, value: T) -> list[T]:
        """The values of all processes in the order of their ranks."""
        return [value]

    def highest(self, number: int) -> int:
        """The highest of the numbers of all processes."""
        return number

    def broadcast(self, value: T) -> T:
        """The value of process 0."""
        return value

    def total(self, tensor: Tensor) -> Tensor:
        """The sum of the tensors of all processes. They have the same shape."""
        return tensor

    def together(self, work: Callable[[], T]) -> T:
        """The result of ``work()``. If it fails in one process, it fails in all of them.

        Raises:
            MtsmartError: the error of this process. If several processes fail, only the first one raises its own.
            OtherProcessError: another process failed.
        """
        return work()

    def listening(self) -> AbstractContextManager[None]:
        """A context in which a lost connection means that another process has failed.

        Raises:
            OtherProcessError: another process has ended.
        """
        return nullcontext()

    def main_first(self, work: Callable[[], T]) -> T:
        """The result of ``work()``. Process 0 runs it first, so that the others find its results in a cache."""
        return work()

    def on_main(self, work: Callable[[], T]) -> T:
        """The result of ``work()``, which only process 0 runs. All processes get the result."""
        return work()


class _Group(Processes):
    """One of several processes. They exchange values through the CPU."""

    def __init__(self) -> None:
        import torch
        from accelerate import PartialState
        from torch import distributed

        state = PartialState(cpu=not torch.accelerator.is_available())
        # accelerate calls the CPU cpu:0. torch would copy weights that move there, to other places in memory, and the
        # last bits of matrix products depend on these places. So the device is cpu.
        self._device = torch.device("cpu") if state.device.type == "cpu" else state.device
        self._distributed = distributed
        self._tensor = torch.tensor
        self.rank = distributed.get_rank()
        self.count = distributed.get_world_size()
        # The timeout is long, because the other processes wait while process 0 prepares data and teachers' outputs.
        # If a process dies, the others notice this at once, without the timeout.
        self._group = distributed.new_group(backend="gloo", timeout=timedelta(days=7))
        atexit.register(distributed.destroy_process_group)

    @property
    def device(self) -> device:
        return self._device

    def gather(self, value: T) -> list[T]:
        values: list[Any] = [None] * self.count
        with self.listening():
            self._distributed.all_gather_object(values, value, group=self._group)
        return values

    def highest(self, number: int) -> int:
        shared = self._tensor(number)
        with self.listening():
            self._distributed.all_reduce(shared, self._distributed.ReduceOp.MAX, group=self._group)
        return int(shared)

    def broadcast(self, value: T) -> T:
        values = [value]
        with self.listening():
            self._distributed.broadcast_object_list(values, src=0, group=self._group)
        return values[0]

    def total(self, tensor: Tensor) -> Tensor:
        total = tensor.detach().cpu().clone()
        with self.listening():
            self._distributed.all_reduce(total, group=self._group)
        return total.to(tensor.device)

    def together(self, work: Callable[[], T]) -> T:
        result = None
        failure = None
        try:
            result = work()
        except MtsmartError as error:
            failure = error
        self._end_if_any(failure)
        return result  # type: ignore[return-value]

    @contextmanager
    def listening(self) -> Iterator[None]:
        try:
            yield
        except RuntimeError as error:
            if not _LOST.search(str(error)):
                raise
            raise OtherProcessError("another process has ended") from None

    def main_first(self, work: Callable[[], T]) -> T:
        result = self.together(lambda: work() if self.is_main else None)
        others = self.together(lambda: None if self.is_main else work())
        return result if self.is_main else others  # type: ignore[return-value]

    def on_main(self, work: Callable[[], T]) -> T:
        return self.broadcast(self.together(lambda: work() if self.is_main else None))  # type: ignore[return-value]

    def _end_if_any(self, failure: MtsmartError | None) -> None:
        failures = self.gather(None if failure is None else isinstance(failure, OtherProcessError))
        own = [rank for rank, of_another in enumerate(failures) if of_another is False]
        if failure is not None and self.rank in own[:1]:
            raise failure
        if any(of_another is not None for of_another in failures):
            raise OtherProcessError(f"process {own[0] if own else 0} failed")


ALONE = Processes()


def launched() -> tuple[int, int]:
    """The rank of this process and the number of processes; (0, 1) if no launcher started them."""
    if not {"RANK", "LOCAL_RANK", "WORLD_SIZE"} <= os.environ.keys():
        return 0, 1
    return int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])


@cache
def join_processes() -> Processes:
    """The processes that a launcher started together; this process alone if there was no launcher."""
    return ALONE if launched()[1] <= 1 else _Group()


@contextmanager
def children_without_working_directory() -> Iterator[None]:
    """Keep Python processes that start meanwhile from importing modules of the working directory.

    multiprocessing starts its helpers with ``python -c``, which puts the working directory first on the path.
    """
    before = os.environ.get(_SAFE_PATH)
    os.environ[_SAFE_PATH] = "1"
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(_SAFE_PATH, None)
        else:
            os.environ[_SAFE_PATH] = before


def check_temporary_folder() -> None:
    """Refuse a temporary folder in which processes cannot make sockets to talk to each other.

    Raises:
        ConfigError: its path is too long.
    """
    folder = tempfile.gettempdir()
    longest = _LONGEST_SOCKET - _NAME_OF_SOCKET
    if hasattr(socket, "AF_UNIX") and len(os.fsencode(folder)) > longest:
        message = f"is too long: at most {longest} bytes have room in the name of a socket"
        raise ConfigError(message, key="TMPDIR", value=folder, hint="Set TMPDIR to a shorter path, such as /tmp")
