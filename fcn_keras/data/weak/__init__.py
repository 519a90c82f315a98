"""Weak labels: tags, sizes, boxes, points and scribbles in place of masks."""
