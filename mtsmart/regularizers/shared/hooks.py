"""What a method may do around an update besides adding a term to the loss of its batches."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from mtsmart.registry import wrong_result

if TYPE_CHECKING:  # the configuration and the tables of sweeps read methods without torch
    from torch import Tensor

    from mtsmart.data.batch import Batch
    from mtsmart.models.multitask import MultiTaskModel
    from mtsmart.task_types import TaskType

T = TypeVar("T")


class UpdateHooks:
    """Hooks on the weights and gradients of an update. In none of them a method has to do anything.

    The order within an update: ``differentiating`` is entered, the gradients of all batches are computed, and it is
    left; ``before_step``; clipping and the optimizer's step; ``after_step``; ``after_update``. Where a gradient is not
    finite, the optimizer's step is left out, and the other hooks are called as ever.

    Attributes:
        changes_start: whether ``begin`` changes the weights that a new run starts with.
        takes_parts: whether the method works where each of several processes holds only a part of the weights
            (``training.shard``). A method that reads or changes weights or gradients in these hooks does not, because
            it would see parts. Nor does one that differentiates passes of its own.
        differentiates: whether the method differentiates passes of its own while it computes a term. Their gradients
            are there before those of the batch.
        whole_only: switches among the settings of a method that works with parts, with which it does not.
        probes: how many updates' gradients the method wants to see before training.
    """

    changes_start: ClassVar[bool] = False
    takes_parts: ClassVar[bool] = True
    differentiates: ClassVar[bool] = False
    whole_only: ClassVar[tuple[str, ...]] = ()

    @property
    def probes(self) -> int:
        """How many updates' gradients ``probe`` is shown before the first update of a new run."""
        return 0

    def begin(self, model: MultiTaskModel) -> None:
        """Change the weights that a new run starts with; called only if ``changes_start`` is true."""

    def probe(self, model: MultiTaskModel) -> None:
        """See the gradients of one of the first updates, at the weights with which a new run starts."""

    def differentiating(self, model: MultiTaskModel) -> AbstractContextManager[None]:
        """A context in which the gradients of an update are computed. It is entered anew for each ``again()``.

        The method may put other weights in and take them out again, and change the gradients at the end.
        """
        return nullcontext()

    def before_step(self, model: MultiTaskModel, again: Callable[[], None]) -> None:
        """Called when an update's gradients are known and before they are clipped and used.

        The method may change gradients and weights. ``again()`` computes the gradients anew with the present weights.
        """

    def after_step(self, model: MultiTaskModel) -> None:
        """Change the weights after the optimizer's step, and before any method's ``after_update`` sees them."""

    def before_evaluation(self, model: MultiTaskModel) -> None:
        """Called before an evaluation, also where no task has rows to score. ``model`` has all its weights."""

    def head_rests(self, head: Mapping[str, Tensor]) -> None:
        """Called when a task is drawn no longer, after its head has got its best weights back, and after each resume.

        From now on these weights stay as they are. A method that stores weights of the model puts these into what it
        stores, and one that moves weights without a gradient leaves these alone.

        Args:
            head: the weights of the task's head by their names in the model, with its own parts of adapters.
        """


class ChangesPasses(ABC):
    """A regulariser that changes what a training pass computes."""

    @abstractmethod
    def around(self, task: TaskType, batch: Batch) -> AbstractContextManager[Any]:
        """Entered around all passes of a batch, those of other methods included."""


@contextmanager
def changing_passes(regularizers: Iterable[object], task: TaskType, batch: Batch) -> Iterator[None]:
    """A context in which the passes of a batch are as the regularisers among these that change them want it."""
    with ExitStack() as stack:
        for regularizer in regularizers:
            if isinstance(regularizer, ChangesPasses):
                stack.enter_context(regularizer.around(task, batch))
        yield


def in_turn(methods: Iterable[T], model: MultiTaskModel, hook: str) -> Iterator[T]:
    """The methods one after another; what the caller does between two of them is the first one's turn.

    Args:
        methods: those of the run, or their classes.
        model: is trained.
        hook: the method of the class that is called in a turn.

    Raises:
        TrainingError: no parameter requires a gradient after a turn, and some did before it.
    """
    for method in methods:
        trained = _trained(model)
        yield method
        if trained is not None and not trained.requires_grad and _trained(model) is None:
            entry: Any = method if isinstance(method, type) else type(method)
            what = "switches requires_grad off for every parameter of the model, so nothing is left to train"
            raise wrong_result(entry, what, "Leave it on for the parameters that the run trains", hook=hook)


def _trained(model: MultiTaskModel) -> Tensor | None:
    """One of the parameters that require a gradient."""
    return next((parameter for parameter in model.parameters() if parameter.requires_grad), None)
