"""An ensemble against NumPy's combination of what its members say, with all that comes behind."""

import keras
import numpy as np
import pytest
from PIL import Image

import fcn_keras
from fcn_keras import crf, inference
from fcn_keras.inference.crf import CRFPredictor
from fcn_keras.inference.tiling import segment_tiled
from fcn_keras.inference.uncertainty import MCDropoutPredictor

pytestmark = pytest.mark.backend
L = keras.layers
LABELS = fcn_keras.LabelSet(("a", "b", "c"))


def net(seed, task=None, stride=1, channels=3, size=(None, None), dropout=0.0, name=None):
    """A net whose halo depends on its stride."""
    keras.utils.set_random_seed(seed)
    task = task or fcn_keras.tasks.Classes(LABELS)
    image = keras.Input((*size, channels))
    x = L.Dropout(dropout)(L.Rescaling(1 / 32)(image))
    if stride > 1:
        x = fcn_keras.layers.PadToMultiple(stride)(x)
        x = L.UpSampling2D(stride)(L.AveragePooling2D(stride)(x))
    x = L.Conv2D(task.channels, 3, padding="same")(x)
    x = fcn_keras.layers.Logits(task_config=task.to_config())([x, image])
    return keras.Model(image, x, name=name or f"net{seed}")


@pytest.fixture(scope="module")
def members():
    return net(1), net(2, stride=2)


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).integers(0, 256, (2, 19, 25, 3), "uint8")


def softmax(logits):
    exponents = np.exp(logits - logits.max(-1, keepdims=True))
    return exponents / exponents.sum(-1, keepdims=True)


def combined(how, members, images):
    """In NumPy, float64, from the members' own logits."""
    found = [
        softmax(keras.ops.convert_to_numpy(member(images.astype("float32"))).astype("float64"))
        for member in members
    ]
    joined = {"mean": np.mean, "product": np.prod, "max": np.max}[how](found, axis=0)
    return joined / joined.sum(-1, keepdims=True)


@pytest.mark.parametrize("how", ["mean", "product", "max"])
def test_probabilities_are_those_of_the_members_combined(how, members, images):
    ensemble, expected = inference.Ensemble(members, how), combined(how, members, images)
    found = ensemble.probabilities(images)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(ensemble.segment_batch(images), expected.argmax(-1))
    labels, probabilities = fcn_keras.segment(ensemble, images[1], return_probabilities=True)
    np.testing.assert_array_equal(labels, expected[1].argmax(-1))
    np.testing.assert_allclose(probabilities, expected[1], atol=1e-5)
    for member in members:  # which alone says something else
        assert (fcn_keras.segment(member, images[0]) != expected[0].argmax(-1)).any()


def test_a_product_of_what_is_all_but_excluded_stays_a_probability(members):
    ensemble = inference.Ensemble(members, "product")
    found = [np.array([[1, 0, 0]], "float32"), np.array([[0, 1, 0]], "float32")]
    np.testing.assert_allclose(ensemble.combined(found), [[0.5, 0.5, 0]], atol=1e-6)


@pytest.mark.backend("sweep")
def test_tiles_of_an_ensemble_are_the_whole(members, images):
    image = np.tile(images[0], (3, 2, 1))
    expected = combined("mean", members, image[None])[0]
    ensemble = inference.Ensemble(members)
    halo = ensemble.halo
    assert halo.stride == (2, 2) and min(halo.before + halo.after) >= 2
    tiled = inference.build_predictor(ensemble, tile=8)
    np.testing.assert_allclose(tiled.probabilities([image])[0], expected, atol=1e-5)
    np.testing.assert_array_equal(tiled.segment(image), expected.argmax(-1))
    floats = image * np.float32(0.99)  # are not rounded on the way to the members
    np.testing.assert_allclose(
        fcn_keras.segment(ensemble, floats, tile=8, return_probabilities=True)[1],
        combined("mean", members, floats[None])[0],
        atol=1e-5,
    )
    with pytest.raises(AssertionError):
        naive = segment_tiled(ensemble, image, tile=8, halo=0, progress=False)
        np.testing.assert_array_equal(naive, expected.argmax(-1))
    blended = segment_tiled(ensemble, image, tile=16, overlap=8, progress=False)
    assert (blended == expected.argmax(-1)).mean() > 0.8
    single = segment_tiled(ensemble, image, tile=8, precision="float32", progress=False)
    np.testing.assert_array_equal(single, expected.argmax(-1))
    with pytest.raises(ValueError, match="An ensemble has no logits"):
        segment_tiled(ensemble, image, tile=8, return_logits=True, progress=False)


@pytest.mark.backend("sweep")
def test_tiles_of_an_ensemble_resume_only_with_the_same_members(members, images, tmp_path):
    ensemble, out = inference.Ensemble(members), tmp_path / "labels.npy"
    options = {"tile": 8, "out": out, "progress": False}
    found = segment_tiled(ensemble, images[0], **options)
    np.testing.assert_array_equal(found, ensemble.segment(images[0]))
    segment_tiled(ensemble, images[0], **options, resume=True)
    other = inference.Ensemble(members, "max")
    with pytest.raises(ValueError, match="model"):
        segment_tiled(other, images[0], **options, resume=True)


def test_a_crf_behind_an_ensemble_refines_the_combined_probabilities(members, images):
    expected = crf.dense_crf(
        combined("mean", members, images).astype("float32"), images, from_logits=False, steps=2
    )
    ensemble = inference.Ensemble(members)
    found = CRFPredictor(ensemble, steps=2).probabilities(images)
    np.testing.assert_allclose(found, expected, atol=1e-4)
    labels = fcn_keras.segment(ensemble, images[0], crf={"steps": 2}, tile=8)
    np.testing.assert_array_equal(labels, expected[0].argmax(-1))


def test_mirror_images_are_averaged_behind_an_ensemble(members, images):
    mirrored = combined("max", members, images[:, :, ::-1])[:, :, ::-1]
    expected = (combined("max", members, images) + mirrored) / 2
    ensemble = inference.Ensemble(members, "max")
    found = fcn_keras.segment(ensemble, images[0], flip=True, return_probabilities=True)[1]
    np.testing.assert_allclose(found, expected[0], atol=1e-5)


def test_evaluate_counts_what_the_ensemble_predicts(members, images):
    expected = combined("mean", members, images).argmax(-1)
    truth = expected.copy().astype("uint8")
    truth[:, :5] = (truth[:, :5] + 1) % 3
    data = fcn_keras.data.Dataset("mine", "val", LABELS, ("x", "y"), images, truth)
    report = fcn_keras.evaluate(inference.Ensemble(members), data, progress=False)
    assert report.scores.pixel_accuracy == pytest.approx((truth == expected).mean())


@pytest.mark.backend("sweep")
def test_each_member_has_its_own_passes_with_dropout(images):
    wet = [net(seed, dropout=0.5) for seed in (1, 2)]
    sampled = inference.build_predictor(inference.Ensemble(wet), samples=3)
    found = sampled.probabilities(images)
    again = [MCDropoutPredictor(member, 3).probabilities(images) for member in wet]
    np.testing.assert_allclose(found, np.mean(again, 0), atol=1e-5)


def test_values_of_other_tasks_are_averaged(images):
    task = fcn_keras.tasks.Regression("distance", unit="px")
    pair = net(1, task), net(2, task)
    expected = np.mean([fcn_keras.segment(member, images[0]) for member in pair], axis=0)
    ensemble = inference.Ensemble(pair)
    np.testing.assert_allclose(ensemble.segment(images[0]), expected, rtol=1e-5)
    np.testing.assert_allclose(fcn_keras.segment(ensemble, images[0], tile=8), expected, rtol=1e-4)
    with pytest.raises(ValueError, match="how='max' needs class probabilities.*distance"):
        inference.Ensemble(pair, "max")


class Own:
    """An object of the user's, without class names."""

    def __init__(self, model):
        self.model = model

    def segment(self, image, *, return_logits=False):
        return fcn_keras.segment(self.model, image, return_logits=return_logits)


def test_members_may_be_of_any_kind(members, images):
    for pair in ([members[0], Own(members[1])], [Own(members[0]), members[1]]):
        ensemble = inference.Ensemble(pair)
        assert ensemble.labels == LABELS and ensemble.channels == 3 and ensemble.halo is None
        expected = combined("mean", members, images)
        np.testing.assert_allclose(ensemble.probabilities(images), expected, atol=1e-5)
    numbered = net(3, fcn_keras.tasks.Classes(num_classes=3))
    assert inference.Ensemble([numbered, members[0]]).labels == LABELS


@pytest.mark.parametrize(
    "other, words",
    [
        ({"task": fcn_keras.tasks.Classes(num_classes=4)}, "number 2, odd, has the task"),
        (
            {"task": fcn_keras.tasks.Classes(fcn_keras.LabelSet(("a", "c", "b")))},
            "odd, has the classes a, c, b, and number 1, net1, a, b, c",
        ),
        ({"task": fcn_keras.tasks.Regression("depth")}, "odd, has the task .*depth"),
        ({"size": (24, 32)}, "odd, has images of size .24, 32., and number 1, net1, any"),
        ({"channels": 4}, "odd, has images with channels 4, and number 1, net1, 3"),
    ],
)
def test_members_that_differ_are_refused_by_name(other, words, members):
    with pytest.raises(ValueError, match=words):
        inference.Ensemble([members[0], net(5, name="odd", **other)])


def test_other_refusals(members, images):
    with pytest.raises(ValueError, match="two models or more, got 1"):
        inference.Ensemble(members[:1])
    with pytest.raises(ValueError, match="`how` must be one of 'mean', 'product', 'max'"):
        inference.Ensemble(members, "median")
    with pytest.raises(ValueError, match="Ensemble has no logits"):
        inference.Ensemble(members).segment(images[0], return_logits=True)
    readers = [fcn_keras.data.ImageReader(bits=bits) for bits in (12, 16)]
    pair = [inference.Predictor(members[0], image_reader=reader) for reader in readers]
    with pytest.raises(ValueError, match="files read with .*16.* 12"):
        inference.Ensemble(pair)
    unnamed = Own(net(5, fcn_keras.tasks.Classes(num_classes=4)))
    with pytest.raises(ValueError, match="number 2, UserSegmenter, has outputs of the shape"):
        inference.Ensemble([members[0], unnamed]).segment(images[0])


def test_a_member_with_several_outputs_is_refused(members):
    keras.utils.set_random_seed(1)
    image = keras.Input((None, None, 3))
    scores = {name: L.Conv2D(3, 1, name=name)(image) for name in ("day", "night")}
    several = keras.Model(image, scores)
    with pytest.raises(ValueError, match="Ensemble takes a net of one output.*day, night"):
        inference.Ensemble([members[0], several])


def test_the_options_of_a_crf_are_searched_behind_an_ensemble(members, images):
    truth = combined("mean", members, images).argmax(-1).astype("uint8")
    data = fcn_keras.data.Dataset("mine", "val", LABELS, ("x", "y"), images, truth)
    few = {"bilateral_weight": (1, 4)}
    ensemble = inference.Ensemble(members)
    found = inference.tune_crf(ensemble, data, images=1, steps=1, candidates=few, progress=False)
    assert found.plain == pytest.approx(1)


def test_files_are_read_with_the_options_of_all_members(members):
    plain = inference.Predictor(members[0])
    page = inference.Predictor(members[1], image_reader=fcn_keras.data.ImageReader(page=1))
    assert inference.Ensemble([plain, page]).image_reader.page == 1


def test_models_on_the_command_line(members, images, tmp_path, command):
    pytest.importorskip("tensorflow")
    paths = []
    for number, member in enumerate(members):
        paths.append(tmp_path / f"m{number}.keras")
        member.save(paths[-1])
    Image.fromarray(images[0]).save(tmp_path / "street.png")
    words = (paths[0], tmp_path / "street.png", "--with", paths[1], "--out", tmp_path / "out")
    code, output, errors = command("predict", *words, "--combine", "max", "--tile", "8")
    assert code == 0, errors
    found = np.array(Image.open(tmp_path / "out" / "street_labels.png"))
    np.testing.assert_array_equal(found, combined("max", members, images[:1])[0].argmax(-1))
    for folder, array in (("images", images[0]), ("masks", found)):
        (tmp_path / "data" / folder).mkdir(parents=True)
        for name in ("street", "other"):
            Image.fromarray(array).save(tmp_path / "data" / folder / f"{name}.png")
    (tmp_path / "data" / "classes.txt").write_text("a\nb\nc\n")
    data = ("--data", f"folder:{tmp_path / 'data'}")
    for more, score in ((("--combine", "max"), "1.000"), (("--combine", "mean", "--crf"), "")):
        code, output, errors = command("evaluate", paths[0], "--with", paths[1], *data,
                                       "--split", "val", *more)  # fmt: skip
        assert code == 0 and score in output, errors
    code, output, errors = command("predict", *words[:2], "--out", "x", "--combine", "max")
    assert code == 1 and "--combine max is for several models" in errors
    code, output, errors = command("predict", *words, "--combine", "sum")
    assert code == 1 and "'mean', 'product', 'max'" in errors
    odd = tmp_path / "odd.keras"
    net(5, fcn_keras.tasks.Classes(num_classes=4)).save(odd)
    code, output, errors = command("predict", *words[:2], "--with", odd, "--out", "x")
    assert code == 1 and f"number 2, {odd}, has the task" in errors
