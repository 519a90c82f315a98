"""The model card of a run: its head, its figures, and whose README.md it replaces."""

import json

import pytest
import yaml

import fcn_keras
from fcn_keras.training import Licences, RunFolder, train, write_card

pytest.importorskip("tensorflow")


@pytest.fixture(scope="module")
def run(make_net, make_shapes, tmp_path_factory):
    out = tmp_path_factory.mktemp("run") / "street"
    data = make_shapes(8)
    train(make_net(), data, data, out=out, epochs=1, batch_size=4, verbose=0, crop=(24, 32))
    return RunFolder(out)


def head(text):
    return yaml.safe_load(text.split("---\n")[1])


def test_a_training_writes_its_card(run):
    text = run.card.read_text(encoding="utf-8")
    found = head(text)
    assert (found["library_name"], found["pipeline_tag"]) == ("keras", "image-segmentation")
    scores = {m["type"]: m["value"] for m in found["model-index"][0]["results"][0]["metrics"]}
    assert scores["mean_iou"] == round(run.read_history()[-1]["val_mean_iou"], 4)
    model = fcn_keras.models.load_model(run.model_path())
    assert f"{model.count_params():,} parameters" in text
    table = fcn_keras.geometry.table(model, (24, 32))
    assert f"{table.flops / 1e9:,.1f} GFLOPs" in text


def test_figures_and_licences_come_from_the_user(run, tmp_path):
    classes = [{"name": "disc", "iou": 0.5, "accuracy": 0.75}, {"name": "square", "iou": None}]
    file = tmp_path / "val.json"
    file.write_text(json.dumps({"mean_iou": 0.51234, "classes": [classes[0]], "num_images": 7}))
    write_card(run, title="Löcher", figures=file, licences=Licences("apache-2.0", data="mine: all"))
    text = run.card.read_text(encoding="utf-8")
    assert head(text)["license"] == "apache-2.0"
    assert head(text)["model-index"][0]["name"] == "Löcher"
    assert "| disc | 0.500 | 0.750 |" in text and "mine: all" in text and "0.5123" in text


def test_wrong_figures_and_a_readme_of_someone_else_are_refused(run, tmp_path):
    with pytest.raises(ValueError, match="holds no figures"):
        write_card(run, figures={"seconds": 3})
    card = run.card.read_text(encoding="utf-8")
    run.card.write_text("# Mine\n")
    with pytest.raises(FileExistsError, match="someone else"):
        write_card(run)
    assert run.card.read_text() == "# Mine\n"
    write_card(run, overwrite=True)
    assert run.card.read_text(encoding="utf-8").startswith("---\nlibrary_name")
    assert card.startswith("---")
