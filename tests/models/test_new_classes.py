"""`init_from` with other classes: the score layers begin anew, everything else is kept."""

import numpy as np
import pytest

from fcn_keras import LabelSet, fcn8s, fcn16s

FRESH = ("score_fr", "score_pool4")
OPTIONS = {"weights": None, "score_initializer": "he_normal"}

pytestmark = pytest.mark.usefixtures("tiny_vgg")


@pytest.fixture(scope="module")
def old(register_tiny_vgg):
    with pytest.MonkeyPatch.context() as patch:
        register_tiny_vgg(patch)
        return fcn16s(3, "tiny_vgg", labels=LabelSet(("belt", "nut", "bolt")), **OPTIONS)


def weights_by_layer(model):
    return {layer.name: layer.get_weights() for layer in model.layers if layer.weights}


def same(one, other):
    return all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("count", [3, 5])
def test_all_but_the_scores_is_kept(old, count, capsys):
    """Also where the number of classes stays: the filters of other classes are of no use."""
    new = fcn16s(count, "tiny_vgg", init_from=old, new_classes=True, weights=None)
    before, after = weights_by_layer(old), weights_by_layer(new)
    assert {*FRESH} < {*before} == {*after}
    for name, weights in after.items():
        if name in FRESH:
            assert weights[0].shape[-1] == count
            assert not any(part.any() for part in weights), name  # zeros, the builder's own
        else:
            assert same(weights, before[name]), name
    assert "new: score_fr, score_pool4." in capsys.readouterr().out


def test_learned_upsamplings_of_scores_begin_anew(old):
    options = {**OPTIONS, "learn_upsampling": True}
    learned = fcn16s(3, "tiny_vgg", **options)
    (name,) = [one.name for one in learned.layers if one.name.startswith("upscore") and one.weights]
    own = learned.get_layer(name).get_weights()
    learned.get_layer(name).set_weights([part + 1 for part in own])
    new = fcn16s(3, "tiny_vgg", init_from=learned, new_classes=True, **options)
    assert same(new.get_layer(name).get_weights(), own)


def test_upsamplings_of_features_are_kept():
    options = {**OPTIONS, "learn_upsampling": True, "decoder_filters": 4}
    old = fcn16s(4, "tiny_vgg", **options)
    new = fcn16s(4, "tiny_vgg", init_from=old, new_classes=True, **options)
    before, after = weights_by_layer(old), weights_by_layer(new)
    assert [name for name in after if not same(after[name], before[name])] == ["score_fused"]


def test_a_finer_net_of_other_classes(old):
    new = fcn8s(7, "tiny_vgg", init_from=old, new_classes=True, weights=None)
    assert same(new.get_layer("fc6").get_weights(), old.get_layer("fc6").get_weights())
    assert new.output_shape[-1] == 7


def test_other_classes_without_the_option_are_refused_with_it(old):
    with pytest.raises(ValueError) as refused:
        fcn16s(5, "tiny_vgg", init_from=old, weights=None)
    assert "scores 3 classes in 'score_" in str(refused.value)
    assert "the new net 5" in str(refused.value)
    assert "new_classes=True (--new-classes)" in str(refused.value)


def test_other_misfits_are_still_refused(old):
    with pytest.raises(ValueError, match="`init_from`: .*head_filters or classifier.$"):
        fcn16s(5, "tiny_vgg", init_from=old, new_classes=True, weights=None, head_filters=9)


def test_classes_of_other_names_are_told(old, capsys):
    names = LabelSet(("belt", "bolt", "nut"))
    new = fcn16s(3, "tiny_vgg", labels=names, init_from=old, weights=None)
    told = capsys.readouterr().out
    assert "note: the scores of belt, nut, bolt become those of belt, bolt, nut" in told
    assert same(new.get_layer("score_fr").get_weights(), old.get_layer("score_fr").get_weights())
    fcn16s(3, "tiny_vgg", labels=LabelSet(("belt", "nut", "bolt")), init_from=old, weights=None)
    assert "note" not in capsys.readouterr().out


def test_the_option_needs_a_net_to_begin_from():
    with pytest.raises(ValueError, match="`new_classes` goes with `init_from`"):
        fcn16s(5, "tiny_vgg", weights=None, new_classes=True)
    with pytest.raises(ValueError, match="`new_classes` must be one of False, True, got 5"):
        fcn16s(5, "tiny_vgg", weights=None, new_classes=5)
