"""The published CRF options: those of the page, and the way to them by name."""

import inspect
import re
from pathlib import Path

import pytest

from fcn_keras import crf
from fcn_keras.cli.postprocessing import named_presets, read_crf_options

PAGE = Path(__file__).parents[2] / "docs" / "crf.md"


def test_the_page_has_every_preset_with_its_numbers():
    row = re.compile(r"^\| `([\w-]+)` \|" + r" ([\d.]+) \|" * 5, re.MULTILINE)
    found = {name: [float(n) for n in numbers] for name, *numbers in row.findall(PAGE.read_text())}
    order = (
        "bilateral_weight",
        "bilateral_width",
        "color_width",
        "spatial_weight",
        "spatial_width",
    )
    assert found == {
        name: [options[option] for option in order] for name, options in crf.PRESETS.items()
    }


def test_a_preset_is_options_of_the_crf_and_a_copy():
    known = inspect.signature(crf.dense_crf).parameters
    for name in crf.PRESETS:
        assert set(crf.preset(name)) <= set(known)
    crf.preset("deeplab")["steps"] = 1
    assert crf.preset("deeplab")["steps"] == 10
    with pytest.raises(ValueError, match="`crf` must be one of 'deeplab', .* got 'largefov'"):
        crf.preset("largefov")


def test_a_name_behind_the_option_is_a_preset_and_nothing_else_is():
    words = ["predict", "net", "--crf", "deeplab-largefov", "--flip", "--crf", "photos"]
    assert named_presets(words) == [
        "predict", "net", "--crf-options", "deeplab-largefov", "--flip", "--crf", "photos"
    ]  # fmt: skip
    assert named_presets(["--crf=deeplab", "deeplab"]) == ["--crf-options=deeplab", "deeplab"]


def test_options_and_presets_are_joined_the_last_value_counts():
    found = read_crf_options(["deeplab-largefov,steps=5", "color_width=7"])
    assert found == {**crf.preset("deeplab-largefov"), "steps": 5, "color_width": 7}
    with pytest.raises(ValueError, match="NAME=VALUE, .*or a preset: deeplab, .*got 'largefov'"):
        read_crf_options(["largefov"])
