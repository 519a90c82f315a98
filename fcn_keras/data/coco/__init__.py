"""COCO and other datasets in its format: polygons and run lengths of objects in JSON."""

from fcn_keras.data.coco.loading import OPTIONS, load, splits

__all__ = ["OPTIONS", "load", "splits"]
