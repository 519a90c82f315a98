"""Writes a folder for TensorFlow Serving in Docker Compose or in Kubernetes."""

from fcn_keras.export.serving.deployment.writing import export_serving, write_deployment

__all__ = ["export_serving", "write_deployment"]
