"""The declared options of the exporters, and the exporters' arguments."""

import inspect

import pytest

from fcn_keras import export
from fcn_keras.export.options import FORMATS, SAVED_MODEL, SERVING, TFLITE, WEB

FUNCTIONS = {
    SAVED_MODEL: export.export_saved_model,
    TFLITE: export.export_tflite,
    WEB: export.export_web,
}
NOT_ON_THE_COMMAND_LINE = {"model", "directory", "path", "out", "labels", "overwrite", "warmup"}


@pytest.mark.parametrize("format", FUNCTIONS)
def test_options_are_the_arguments_with_their_defaults(format):
    arguments = inspect.signature(FUNCTIONS[format]).parameters
    assert FORMATS[format].keys() == arguments.keys() - NOT_ON_THE_COMMAND_LINE
    for name, one in FORMATS[format].items():
        assert one.default == arguments[name].default, name


def test_serving_adds_a_name():
    assert {*FORMATS[SERVING]} - {*FORMATS[SAVED_MODEL]} == {"name"}
    assert "name" in inspect.signature(export.serving.export_serving).parameters


def test_text_of_the_command_line():
    size, signatures = FORMATS[TFLITE]["size"], FORMATS[SAVED_MODEL]["signatures"]
    assert size.read("360x480") == (360, 480)
    assert signatures.read("serving_default, logits") == ("serving_default", "logits")
    for wrong in ("360", "0x480", "360x480x3"):
        with pytest.raises(ValueError, match=f"--size takes HEIGHTxWIDTH.*got '{wrong}'"):
            size.read(wrong)
