"""Training with weak labels: the methods by name, and labels that are made before a training.

Loads without Keras.
"""
