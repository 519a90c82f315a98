"""Scenes of textured shapes in motion, drawn from formulas, with exact truth for every task."""

from fcn_keras.data.scenes.drawing import draw
from fcn_keras.data.scenes.layers import CLASSES, Layer, Shape, Texture
from fcn_keras.data.scenes.loading import LABELS, OPTIONS, load, splits
from fcn_keras.data.scenes.rendering import Scene, render

__all__ = [
    "CLASSES",
    "LABELS",
    "OPTIONS",
    "Layer",
    "Scene",
    "Shape",
    "Texture",
    "draw",
    "load",
    "render",
    "splits",
]
