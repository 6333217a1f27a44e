"""What an instance is given: its inputs' artifacts and its params.

Called through the scheduler by the runner, which stages inputs and computes keys from them.
"""

from __future__ import annotations

from mltui.errors import MltuiError
from mltui.pipeline.board import Board
from mltui.pipeline.layout import is_kin, path_of
from mltui.pipeline.model import Artifact, InputValue, Instance
from mltui.pipeline.units import Step, Unit
from mltui.spec.model import Input, ParamValue


class MissingInput(MltuiError):
    """A result that was kept lacks an output that is asked for now; retrying its stage helps."""


def inputs_of(board: Board, instance: Instance) -> dict[str, InputValue]:
    """Every input of an instance, by name. Its upstream must be done.

    Raises MissingInput when a kept result lacks the output; KeyError if the instance is unknown.
    """
    unit = board.units[instance]
    return {
        name: _input(board, unit, wanted)
        for name, wanted in unit.stage.inputs.items()
        if wanted.service is None
    }


def params_of(board: Board, instance: Instance) -> dict[str, ParamValue]:
    """The params that its stage names, with what `--set` and each round's `try` set."""
    return board.plan.named_params_at(instance.stage, instance.path)


def source_of(board: Board, whole: Unit) -> Artifact:
    """The output that holds the items of a `for_each`."""
    each = whole.stage.for_each
    assert each is not None and each.stage is not None and each.output is not None
    producer = _producer(board, whole, each.stage)
    return _output(producer, each.output)


def _input(board: Board, unit: Unit, wanted: Input) -> InputValue:
    if wanted.path is not None:
        return InputValue(path=wanted.path)
    assert wanted.stage is not None and wanted.output is not None
    producer = _producer(board, unit, wanted.stage)
    if not producer.is_whole:
        return InputValue(artifact=_output(producer, wanted.output))
    item = unit.instance.item
    if item is not None and is_kin(board, unit.stage.name, wanted.stage):
        if item not in producer.items:
            raise MissingInput(f"{producer.instance.label} has no item `{item}`")
        return InputValue(artifact=_output(producer.items[item], wanted.output))
    found = {name: _output(one, wanted.output) for name, one in producer.items.items()}
    return InputValue(items=found)


def _producer(board: Board, unit: Unit, name: str) -> Unit:
    path = path_of(board, unit.stage.name, unit.instance.path, name)
    return board.units[Instance(name, path)]


def _output(unit: Unit, name: str) -> Artifact:
    found = unit.row.outputs.get(name)
    if found is None or unit.step is not Step.DONE:
        label = unit.instance.label
        raise MissingInput(f"{label} has no output `{name}` (yet): retry {label} to make it")
    return found
