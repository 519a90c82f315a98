"""Annotation tools' own formats: labelme, CVAT, Label Studio and Supervisely."""

# in which predictions are written as polygons; the first and the second are read too
POLYGON_FORMATS = ("labelme", "coco", "geojson")
