"""Predictions as polygons, in the formats that annotation tools open."""

from fcn_keras.inference.polygons.tracing import Region, regions_of

__all__ = ["Region", "regions_of"]
