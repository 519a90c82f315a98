"""Exports from JAX or PyTorch: saves the model, and exports it in a process on TensorFlow."""

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

import keras

from fcn_keras.keras_internals import all_layers

_PACKAGES_LOADED = ("keras", "fcn_keras", "builtins")


def write_elsewhere(model, folder, options):
    """Does what `archive.write` does, in a process with Keras on TensorFlow, without a GPU.

    Raises:
        RuntimeError: if that process fails; the message has its last line.
    """
    file, request = folder.with_suffix(".keras"), folder.with_suffix(".json")
    model.save(file)
    modules = sorted({type(layer).__module__ for layer in all_layers(model)})
    request.write_text(
        json.dumps(
            {
                "model": str(file),
                "folder": str(folder),
                "options": dataclasses.asdict(options),
                "modules": [m for m in modules if m.partition(".")[0] not in _PACKAGES_LOADED],
            }
        )
    )
    done = subprocess.run(
        [sys.executable, "-m", __name__, str(request)],
        env={
            **os.environ,
            "KERAS_BACKEND": "tensorflow",
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            "CUDA_VISIBLE_DEVICES": "",
        },
        capture_output=True,
        text=True,
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise RuntimeError(
            f"Keras runs on {keras.backend.backend()!r}, so the model was saved to be exported by "
            f"a process on TensorFlow, which failed: {last}"
        )


def _export(request):
    import importlib

    import fcn_keras
    from fcn_keras.export.saved_model.archive import write
    from fcn_keras.export.saved_model.options import Options

    fcn_keras.register()
    for module in request["modules"]:
        importlib.import_module(module)
    model = keras.models.load_model(request["model"], compile=False)
    write(model, Path(request["folder"]), Options(**request["options"]))


if __name__ == "__main__":
    _export(json.loads(Path(sys.argv[1]).read_text()))
