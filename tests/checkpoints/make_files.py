"""Writes the torch checkpoints in files/; it needs torch, which the tests do not.

    python make_files.py [FOLDER]

tensors.pth (zip) and tensors_legacy.pth hold TENSORS; the others are small variants. The tests
compute the expected arrays by NumPy.
"""

import sys
from collections import OrderedDict
from pathlib import Path

import torch

folder = Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent / "files")
base = torch.arange(24, dtype=torch.float32).reshape(2, 3, 4)
TENSORS = OrderedDict(
    {
        "base": base,
        "transposed": base.permute(2, 0, 1),  # these four have the storage of `base`
        "row": base[1, :, 1:3],
        "column": base[:, 1, ::2],
        "expanded": base[0, 0, :1].expand(5),
        "parameter": torch.nn.Parameter(torch.full((2, 2), 0.5)),
        "scalar": torch.tensor(7),
        "empty": torch.zeros(0, 3),
        "double": torch.tensor([1e300, -1.0], dtype=torch.float64),
        "half": torch.tensor([0.1, -2.0, 65504.0], dtype=torch.float16),
        "bfloat16": torch.tensor([0.1, -2.0, 3e38], dtype=torch.bfloat16),
        "bytes": torch.tensor([0, 255], dtype=torch.uint8),
        "chars": torch.tensor([-128, 127], dtype=torch.int8),
        "shorts": torch.tensor([-32768], dtype=torch.int16),
        "ints": torch.tensor([-5], dtype=torch.int32),
        "flags": torch.tensor([True, False]),
    }
)
for name, zipped in (("tensors", True), ("tensors_legacy", False)):
    torch.save(TENSORS, folder / f"{name}.pth", _use_new_zipfile_serialization=zipped)

torch.manual_seed(0)
module = torch.nn.Sequential(torch.nn.Conv2d(3, 2, 3), torch.nn.BatchNorm2d(2))
state = module.state_dict()  # with torch's `_metadata`
torch.save(state, folder / "module.pth")
torch.save(state, folder / "module_legacy.pth", _use_new_zipfile_serialization=False)
torch.save(state, folder / "module_protocol4.pth", pickle_protocol=4)
torch.save({f"module.{name}": value for name, value in state.items()}, folder / "parallel.pth")
optimizer = torch.optim.SGD(module.parameters(), 0.0, momentum=0.9)  # changes nothing
module.eval()(torch.zeros(2, 3, 4, 4)).sum().backward()
optimizer.step()
torch.save(
    {
        "epoch": 3,
        "best": 0.5,
        "optim_state_dict": optimizer.state_dict(),
        "model_state_dict": state,
    },
    folder / "training.pth",
)
torch.save({"student": state, "teacher": state}, folder / "two.pth")
torch.save(module, folder / "whole.pth")
torch.jit.script(module).save(folder / "script.pth")
