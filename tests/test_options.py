"""Declarations of options: what the commands, the docs and the checks are made from."""

import subprocess
import sys
from dataclasses import dataclass
from typing import Annotated, NotRequired, TypedDict

import pytest

from fcn_keras.options import Option, declared, markdown_table, option


def pair(text):
    low, high = text.split(":")
    return float(low), float(high)


@dataclass(frozen=True)
class Choices:
    epochs: int = option(60, "Number of epochs.", least=1)
    rate: float | None = option(None, "Learning rate.", flag="learning-rate", shown="1e-3")
    loss: str = option("mean", "Reduction.", choices=("mean", "sum"))
    scale: tuple | None = option(None, "Scale.", parse=pair, takes="LOW:HIGH", metavar="LOW:HIGH")
    flip: bool = option(True, "Mirrors.")
    plain: int = 3


class Words(TypedDict):
    filters: Annotated[int | None, Option("Number of filters.", least=1)]
    learned: NotRequired[Annotated[bool, Option("Learns it.", default=False)]]


def test_of_a_dataclass():
    found = declared(Choices)
    assert list(found) == ["epochs", "rate", "loss", "scale", "flip"]
    assert [one.kind for one in found.values()] == [int, float, str, str, bool]
    assert found["epochs"].default == 60 and found["epochs"].flag == "epochs"
    assert found["rate"].flag == "learning-rate"
    assert found["flip"].off and found["loss"].value_name == "mean|sum"


def test_of_a_typed_dict():
    found = declared(Words)
    assert found["filters"].kind is int and found["filters"].default is None
    assert found["learned"].kind is bool and not found["learned"].off


@pytest.mark.parametrize(
    "name, value",
    [("epochs", 0), ("epochs", 1.5), ("rate", -1), ("rate", float("nan")), ("loss", "max")],
)
def test_impossible_values_are_refused(name, value):
    with pytest.raises(ValueError, match=f"`{name}` must be .*got {value!r}"):
        declared(Choices)[name].checked(name, value)


def test_possible_values_are_returned():
    found = declared(Choices)
    assert found["epochs"].checked("epochs", 2) == 2
    assert found["rate"].checked("rate", None) is None
    assert found["loss"].checked("loss", "sum") == "sum"


def test_words_are_read():
    scale = declared(Choices)["scale"]
    assert scale.read("0.5:2") == (0.5, 2.0)
    with pytest.raises(ValueError, match="--scale takes LOW:HIGH; got '3'"):
        scale.read("3")


def test_table():
    lines = markdown_table(declared(Choices)).splitlines()
    assert lines[2] == "| `--epochs N` | `epochs` | 60 | Number of epochs. |"
    assert lines[3] == "| `--learning-rate NUMBER` | `rate` | 1e-3 | Learning rate. |"
    assert lines[4] == "| `--loss mean\\|sum` | `loss` | mean | Reduction. |"
    assert lines[6] == "| `--flip` | `flip` | yes | Mirrors. |"


def test_needs_neither_keras_nor_typer():
    code = (
        "import sys; sys.argv = ['fcn-keras']; import fcn_keras.options; "
        "assert not {'keras', 'typer', 'tensorflow'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
