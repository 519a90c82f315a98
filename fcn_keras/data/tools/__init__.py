"""Annotation tools' own formats: labelme, CVAT, Label Studio and Supervisely."""
