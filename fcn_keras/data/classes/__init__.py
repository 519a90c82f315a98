"""Lists of classes: the notations of classes.txt and of annotation tools."""
