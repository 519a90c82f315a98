"""The files of a dataset: folders, lists of names, and pairs of image and mask."""
