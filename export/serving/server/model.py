"""The model of a development server, used by its REST and gRPC interfaces."""

import threading

from fcn_keras.export.serving.errors import Refusal
from fcn_keras.export.serving.protocol import messages


class ServedModel:
    """Answers requests to a model: its versions, their states, its signatures, its predictions.

    Args:
        versions: A `Versions`.
        parallel: Number of predictions that run at once; others wait, which limits the memory.
    """

    def __init__(self, versions, parallel):
        self.versions = versions
        self._free = threading.BoundedSemaphore(parallel)

    def find(self, name, version=None, label=None):
        """Returns the pair (version, `Loaded`).

        Raises:
            Refusal: if the model or the version is not served.
        """
        if name != self.versions.name:
            which = f"Latest({name})" if version is None else f"Specific({name}, {version})"
            raise Refusal("NOT_FOUND", f"Servable not found for request: {which}")
        return self.versions.find(version, label)

    def predict(self, loaded, signature, inputs, wanted=()):
        """Runs a signature; see `Loaded.predict`."""
        with self._free:
            return loaded.predict(signature, inputs, wanted)

    def status(self, name, version=None, label=None):
        """Returns a GetModelStatusResponse."""
        if label is not None:
            version, _ = self.find(name, label=label)
        if name != self.versions.name:
            what = "any versions" if version is None else f"version {version}"
            raise Refusal("NOT_FOUND", f"Could not find {what} of model {name}")
        response = messages("get_model_status_pb2").GetModelStatusResponse()
        states = type(response.model_version_status.add()).State
        del response.model_version_status[:]
        for number, (state, code, told) in self.versions.status(version).items():
            entry = response.model_version_status.add(version=number, state=states.Value(state))
            entry.status.error_code = _error_code(entry.status, code)
            entry.status.error_message = told
        return response

    def metadata(self, name, version=None, label=None):
        """Returns a GetModelMetadataResponse with the signatures."""
        number, loaded = self.find(name, version, label)
        module = messages("get_model_metadata_pb2")
        signatures = module.SignatureDefMap()
        for key, definition in loaded.signatures.items():
            signatures.signature_def[key].CopyFrom(definition)
        response = module.GetModelMetadataResponse()
        response.model_spec.name = name
        response.model_spec.version.value = number
        response.metadata["signature_def"].Pack(signatures)
        return response


def _error_code(status, name):
    return status.DESCRIPTOR.fields_by_name["error_code"].enum_type.values_by_name[name].number
