"""Which versions are served, with a loader that only reads a number."""

import pytest

from fcn_keras.export import serving
from fcn_keras.export.serving.errors import Refusal
from fcn_keras.export.serving.server.versions import Versions


def put(folder, version, text="fine"):
    (folder / str(version)).mkdir(parents=True)
    (folder / str(version) / "saved_model.pb").write_text(text)


def load(folder):
    text = (folder / "saved_model.pb").read_text()
    if text != "fine":
        raise ValueError("the file is " + text)
    return int(folder.name)


def available(versions):
    return {v for v, (state, _, _) in versions.states.items() if state == "AVAILABLE"}


def test_the_latest_takes_over_and_goes(tmp_path):
    versions = Versions(tmp_path, "m", load)
    put(tmp_path, 1)
    put(tmp_path, 2)
    (tmp_path / "3").mkdir()  # nothing in it yet
    versions.refresh()
    assert available(versions) == {2} and versions.find() == (2, 2)
    put(tmp_path, 10)
    versions.refresh()
    assert available(versions) == {10} and versions.states[2] == ("END", "OK", "")
    (tmp_path / "10/saved_model.pb").unlink()
    versions.refresh()
    assert versions.find() == (2, 2)  # back to what is there


def test_a_broken_version_leaves_the_old_one(tmp_path, caplog):
    versions = Versions(tmp_path, "m", load)
    put(tmp_path, 1)
    versions.refresh()
    put(tmp_path, 2, "broken")
    versions.refresh()
    versions.refresh()
    assert versions.find() == (1, 1)
    assert versions.states[2] == ("END", "UNKNOWN", "ValueError: the file is broken")
    assert caplog.text.count("could not be loaded") == 1  # it is not tried again and again
    put(tmp_path, 3)
    versions.refresh()
    assert available(versions) == {3}


def test_all_or_some_and_labels(tmp_path):
    for version in (1, 2, 4):
        put(tmp_path, version)
    versions = Versions(tmp_path, "m", load, "all", {"stable": 2, "next": 9})
    versions.refresh()
    assert available(versions) == {1, 2, 4}
    assert versions.find(label="stable") == (2, 2) and versions.find() == (4, 4)
    assert list(versions.status()) == [4, 2, 1] and list(versions.status(2)) == [2]
    for wanted, code in (({"label": "next"}, "NOT_FOUND"), ({"label": "x"}, "INVALID_ARGUMENT"),
                         ({"version": 3}, "NOT_FOUND")):  # fmt: skip
        with pytest.raises(Refusal) as raised:
            versions.find(**wanted)
        assert raised.value.code == code
    some = Versions(tmp_path, "m", load, [1, 2])
    some.refresh()
    assert available(some) == {1, 2}


def test_what_cannot_be_served_is_refused(street, tmp_path):
    with pytest.raises(ValueError, match="is not a SavedModel"):
        serving.DevelopmentServer(tmp_path)
    for options, told in (
        ({"versions": "newest"}, "got 'newest'"),
        ({"poll": 0}, "above 0, got 0"),
    ):
        with pytest.raises(ValueError, match=told):
            serving.DevelopmentServer(street, **options)
    put(tmp_path / "m", 1, "no SavedModel")
    with pytest.raises(RuntimeError, match="nothing to serve. version 1: .*damaged"):
        serving.DevelopmentServer(tmp_path / "m", rest_port=0, grpc_port=0).start()
    (tmp_path / "m/1").rename(tmp_path / "m/final")
    with pytest.raises(ValueError, match="without a version"):
        serving.DevelopmentServer(tmp_path / "m/final")


def test_one_versions_folder(street):
    server = serving.DevelopmentServer(street / "1")
    assert server.model.versions.directory == street and server.model.versions.name == "street"


def test_ports_that_are_taken(street, served):
    if not hasattr(served, "model"):
        pytest.skip("one server is enough")
    rest, rpc = (
        int(a.split(":")[2].split("/")[0]) for a in (served.rest_address, served.grpc_address)
    )
    for ports in ({"rest_port": rest, "grpc_port": 0}, {"rest_port": 0, "grpc_port": rpc}):
        with pytest.raises(OSError, match="cannot listen on 127.0.0.1"):
            serving.DevelopmentServer(street, **ports).start()
