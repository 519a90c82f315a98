"""The served versions of a folder: loaded when they appear, unloaded when they are deleted.

States and their order are TF Serving's: a new version answers before the old one is unloaded.
"""

import logging
import threading
from pathlib import Path

from fcn_keras.export.saved_model.versions import versions_in
from fcn_keras.export.serving.errors import Refusal

LOG = logging.getLogger(__name__)


class Versions:
    """The served versions of one model.

    Attributes:
        name: The model's name.
        states: {version: (state, status code, message)}; the states are those of
            `ModelVersionStatus`: "START", "LOADING", "AVAILABLE", "UNLOADING", "END".
    """

    def __init__(self, directory, name, load, wanted="latest", labels=None, poll=1.0):
        self.directory, self.name = Path(directory), name
        self.states = {}
        self._load, self._wanted, self._labels, self._poll = load, wanted, labels or {}, poll
        self._loaded, self._lock = {}, threading.Lock()
        self._stopped = threading.Event()
        self._watcher = threading.Thread(target=self._watch, name="versions", daemon=True)

    def start(self):
        """Loads the versions in the folder, and starts to watch it."""
        self.refresh()
        self._watcher.start()

    def stop(self):
        """Stops watching, and unloads all versions."""
        self._stopped.set()
        if self._watcher.is_alive():
            self._watcher.join()
        with self._lock:
            self._loaded.clear()

    def refresh(self):
        """Loads new versions that are to be served, then unloads those that are not."""
        there = self._wanted_folders()
        for version, folder in there.items():
            state = self.states.get(version, ("END", "OK", ""))
            if version not in self._loaded and state[:2] == ("END", "OK"):
                self._add(version, folder)
        with self._lock:
            keep = any(version in self._loaded for version in there) or not there
            gone = [version for version in self._loaded if version not in there] if keep else []
            for version in gone:
                del self._loaded[version]
                self._set(version, "END")
                LOG.info("unloaded version %s of %s", version, self.name)
        for version in [v for v, s in self.states.items() if s[1] != "OK" and v not in there]:
            self._set(version, "END")

    def find(self, version=None, label=None):
        """Returns (version, `Loaded`) of a version, of a label, or of the highest version.

        Raises:
            Refusal: if there is no such version.
        """
        if label is not None:
            if label not in self._labels:
                raise Refusal("INVALID_ARGUMENT", f"Unrecognized servable version label: {label}")
            version = self._labels[label]
        with self._lock:
            number = max(self._loaded, default=None) if version is None else version
            loaded = self._loaded.get(number)
        if loaded is None:
            which = (
                f"Latest({self.name})" if version is None else f"Specific({self.name}, {version})"
            )
            raise Refusal("NOT_FOUND", f"Servable not found for request: {which}")
        return number, loaded

    def status(self, version=None):
        """Returns {version: (state, status code, message)} of one version or of all, highest first.

        Raises:
            Refusal: if there is none.
        """
        states = dict(sorted(self.states.items(), reverse=True))
        if version is None and states:
            return states
        if version not in states:
            what = "any versions" if version is None else f"version {version}"
            raise Refusal("NOT_FOUND", f"Could not find {what} of model {self.name}")
        return {version: states[version]}

    def _wanted_folders(self):
        there = {
            version: folder
            for version, folder in versions_in(self.directory).items()
            if (folder / "saved_model.pb").is_file()
        }
        if self._wanted == "all":
            return there
        if self._wanted == "latest":
            return dict(list(there.items())[-1:])
        return {version: there[version] for version in self._wanted if version in there}

    def _add(self, version, folder):
        self._set(version, "LOADING")
        LOG.info("loading version %s of %s from %s", version, self.name, folder)
        try:
            loaded = self._load(folder)
        except Exception as error:  # the server goes on, whatever a damaged SavedModel raises
            told = (
                error.message if isinstance(error, Refusal) else f"{type(error).__name__}: {error}"
            )
            LOG.error("version %s of %s could not be loaded: %s", version, self.name, told)
            self._set(version, "END", "UNKNOWN", told)
            return
        with self._lock:
            self._loaded[version] = loaded
            self._set(version, "AVAILABLE")

    def _set(self, version, state, code="OK", message=""):
        self.states = {**self.states, version: (state, code, message)}

    def _watch(self):
        while not self._stopped.wait(self._poll):
            try:
                self.refresh()
            except OSError as error:
                LOG.error("%s could not be read: %s", self.directory, error)
