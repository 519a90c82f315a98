"""The development server: TF Serving's interfaces for one folder, on this machine only.

Modules that import TensorFlow at their head are loaded when a server is made.
"""

from fcn_keras.export.serving.server.development import DevelopmentServer

__all__ = ["DevelopmentServer"]
