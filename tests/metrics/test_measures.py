"""Objects and membranes in the report of classes: the figures of the metrics, in table and JSON."""

import json

import numpy as np
import pytest

from fcn_keras import LabelSet, metrics, tasks

LABELS = LabelSet(("background", "cell", "dust"))


def scene(seed=0, shape=(20, 30)):
    """A label map of squares, a prediction with one less and one more, and probabilities."""
    truth = np.zeros(shape, "uint8")
    truth[2:6, 2:6] = truth[2:6, 8:12] = truth[10:14, 2:6] = 1
    truth[10:12, 20:22] = 2
    prediction = truth.copy()
    prediction[10:14, 2:6], prediction[16:19, 24:28] = 0, 1
    rng = np.random.default_rng(seed)
    probabilities = np.eye(3)[prediction] * 0.6 + rng.dirichlet(np.ones(3), shape) * 0.4
    return truth, prediction, probabilities


def report_of(**measures):
    report = metrics.report_for(tasks.Classes(LABELS), **measures)
    more = {"probabilities": scene()[2]} if report.needs_probabilities else {}
    report.update(*scene()[:2], **more)
    return report


def test_objects_of_every_class_but_the_background():
    report = report_of(instances=True, min_area=5)
    assert report.takes_instances and not report.needs_probabilities
    rows = {line.split()[0]: line.split() for line in report.table().splitlines() if line}
    head = next(line for line in report.table().splitlines() if line.startswith("objects"))
    assert head == "objects: connected components of 4 neighbours, of 5 pixels and more"
    # 2 of 3 are exact, one of 12 pixels is extra: Dice 64 / (48 + 44), AP 2 / 4, PQ 4 / 6
    assert rows["cell"][1:6] == ["3", "3", "2", "1", "1"]
    assert rows["cell"][6:] == ["0.6957", "0.6667", "0.5000", "0.5000", "0.6667"]
    assert rows["dust"][1:6] == ["0", "0", "0", "0", "0"] and rows["dust"][6] == "absent"


def test_true_objects_from_instance_masks():
    truth, prediction, _ = scene()
    numbers = np.zeros(truth.shape, "uint16")
    numbers[2:6, 2:4], numbers[2:6, 4:12], numbers[10:14, 2:6] = 700, 2, 3
    report = metrics.report_for(tasks.Classes(LABELS), instances=True)
    report.update(truth, prediction, instances=numbers)
    expected = metrics.instance_scores(truth, prediction, 3, classes=(1, 2), true_instances=numbers)
    kept = report.to_dict()["instances"]
    assert kept["instance_masks"] and "the truth's instance masks" in report.table()
    cell, dust = kept["classes"]
    assert cell["true"] == expected.true[0] == 3 and cell["found"] == expected.found[0]
    assert cell["object_iou"] == pytest.approx(expected.object_iou[0])
    assert cell["average_precision"] == expected.average_precision[0].tolist()
    assert dust["true"] == 0 and dust["object_iou"] is None


def test_membranes_are_scored_with_and_without_thinning(tmp_path):
    truth, prediction, probabilities = scene()
    for name in ("background", 0, "0"):
        report = report_of(membranes=name)
        assert report.needs_probabilities
        kept = json.loads(report.save_json(tmp_path / "report.json").read_text())["membranes"]
        assert kept["class"] == "background" and len(kept["scores"]) == 4
        for row in kept["scores"]:
            score = {"V-Rand": metrics.rand_score, "V-Info": metrics.information_score}
            found = score[row["name"]](truth != 0, 1 - probabilities[..., 0], thin=row["thin"])
            assert row["score"] == pytest.approx(found.score)
            assert row["threshold"] == found.threshold
            assert row["per_slice"] == pytest.approx(found.per_slice.tolist())
    table = report.table()
    assert "regions between background" in table and "V-Info, borders thinned" in table


def test_void_belongs_to_no_region():
    truth, prediction, probabilities = scene()
    truth[2:6, 2:6] = 255
    report = metrics.report_for(tasks.Classes(LABELS), membranes="background")
    report.update(truth, prediction, probabilities=probabilities)
    kept = report.to_dict()["membranes"]["scores"][0]
    regions = (truth > 0) & (truth < 255)
    assert kept["score"] == metrics.rand_score(regions, 1 - probabilities[..., 0]).score


def test_nothing_more_is_measured_unasked():
    report = report_of()
    assert {"instances", "membranes", "boundary_f1"}.isdisjoint(report.to_dict())
    assert "objects" not in report.table()


@pytest.mark.parametrize(
    "measures,message",
    [
        ({"min_area": 5}, "`min_area` is for objects: it goes with instances=True"),
        ({"instances": True, "connectivity": 6}, "`connectivity` must be one of 4, 8, got 6"),
        ({"instances": True, "min_area": 0}, "`min_area` must be a whole number of at least 1"),
        ({"membranes": "wall"}, "no class 'wall'; there are background, cell, dust"),
        ({"membranes": 3}, "no class 3; there are"),
        ({"outline": True}, "'classes' has no option 'outline'; it has boundary, instances, conn"),
    ],
)
def test_wrong_measures_are_refused(measures, message):
    with pytest.raises(ValueError, match=message):
        metrics.report_for(tasks.Classes(LABELS), **measures)


def test_a_class_has_a_number():
    labels = LabelSet(("sky", "1", "road"))
    numbers = [labels.number_of(name) for name in ("sky", "1", "2", 0, "road")]
    assert numbers == [0, 1, 2, 0, 2]
    for name in ("3", "Sky", -1, 1.5):
        with pytest.raises(ValueError, match=r"There is no class .*; there are sky, 1, road\."):
            labels.number_of(name)
