"""`fcn-keras serve` as a process of its own, asked by a client, ended by a signal."""

import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from fcn_keras.cli.serve import serve
from fcn_keras.export import serving

ALONE = """
import sys, typer
from fcn_keras.cli.serve import serve
app = typer.Typer()
app.command()(serve)
app(sys.argv[1:])
"""


@pytest.mark.processes
def test_it_serves_until_it_is_told_to_end(street, images, expected):
    words = [str(street), "--rest-port", "0", "--grpc-port", "0", "--label", "old=1"]
    process = subprocess.Popen(
        [sys.executable, "-c", ALONE, *words],
        cwd=Path(__file__).resolve().parents[3],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        lines = [process.stdout.readline() for _ in range(4)]
        rest, grpc = (line.split()[1] for line in lines[:2])
        assert "in production run TensorFlow Serving" in lines[3]
        with serving.Client(rest, label="old") as old, serving.Client(grpc) as new:
            np.testing.assert_array_equal(old.segment(images[0]), expected[1][0])
            np.testing.assert_array_equal(new.segment(images[0]), expected[2][0])
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
        assert "loading version 1 of street" in process.stderr.read()
    finally:
        process.kill()


@pytest.mark.parametrize(
    "options, told",
    [
        ({"versions": "newest"}, "--versions takes latest, all.*got 'newest'"),
        ({"label": ["stable"]}, "--label takes NAME=N.*got 'stable'"),
    ],
    ids=str,
)
def test_wrong_words(street, options, told):
    with pytest.raises(ValueError, match=told):
        serve(street, **options)
