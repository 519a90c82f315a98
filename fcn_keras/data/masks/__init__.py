"""Masks: how they are stored, and the label maps that they stand for."""
