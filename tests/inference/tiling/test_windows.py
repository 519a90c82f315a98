"""Tilings: blocks partition the image, windows keep their halo, shares add up to one."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fcn_keras.geometry import Halo
from fcn_keras.inference import memory
from fcn_keras.inference.tiling.windows import Plan, blended_axis, exact_axis

pytestmark = pytest.mark.backend

STRIDES = st.sampled_from([1, 8, 32])


def covered(axis):
    """How often each pixel of an axis is written."""
    counts = np.zeros(axis.length, int)
    for start, stop in axis.blocks:
        assert start < stop
        counts[start:stop] += 1
    return counts


@settings(deadline=None)
@given(st.integers(1, 1500), st.integers(1, 20), st.integers(0, 9), st.integers(0, 9), STRIDES)
def test_exact_windows(length, tile, before, after, stride):
    tile, before, after = tile * stride, before * stride, after * stride
    axis = exact_axis(length, tile, before, after, stride)
    assert (covered(axis) == 1).all()
    assert len({stop - start for start, stop in axis.windows[:-1]}) <= 1  # one compiled graph
    for (first, last), (start, stop), numbers in zip(
        axis.windows, axis.blocks, axis.contributors, strict=True
    ):
        assert first % stride == 0 and len(numbers) == 1
        assert first == 0 or start - first >= before
        assert last == length or last - stop >= after
    for start, stop in axis.blocks[1:-1]:
        assert stop - start <= tile


@settings(deadline=None)
@given(st.integers(1, 1500), st.integers(1, 20), st.integers(0, 100), STRIDES)
def test_blended_windows(length, window, percent, stride):
    window *= stride
    axis = blended_axis(length, window, (window - stride) * percent // 100, stride)
    assert (covered(axis) == 1).all()
    for start, stop in axis.windows:
        assert start % stride == 0 and 0 <= start < stop <= length and stop - start <= window
    shares = np.zeros(length)
    for number, block in enumerate(axis.blocks):
        for window in axis.contributors[number]:
            share = axis.weights(window, number)
            assert (share > 0).all()
            shares[slice(*block)] += share
    np.testing.assert_allclose(shares, 1, atol=1e-6)


def test_a_share_falls_to_the_windows_edge():
    """Two windows of 100 that share 50: the nearer edge counts by its square."""
    axis = blended_axis(150, 100, 50, 50)
    assert axis.windows == ((0, 100), (50, 150)) and axis.blocks == ((0, 50), (50, 100), (100, 150))
    first, second = np.arange(50, 0, -1) ** 2, np.arange(1, 51) ** 2
    np.testing.assert_allclose(axis.weights(0, 1), first / (first + second), rtol=1e-6)


def test_work_approaches_the_formula():
    """(1 + halo / tile)^2, of both sides' halo, for many tiles."""
    axis = exact_axis(100_000, 512, 224, 224, 32)
    plan = Plan(axis, axis, (512, 512))
    assert plan.work == pytest.approx((1 + 448 / 512) ** 2, rel=0.02)
    assert "960x960" in plan.described() and f"{plan.work:.2f} times" in plan.described()


HALO = Halo((224, 224), (224, 224), (32, 32))


@pytest.mark.parametrize("free", [2**28, 2**31, 2**34])
@pytest.mark.parametrize("size", [(20_000, 20_000), (500, 90_000)])
def test_the_largest_tile_that_memory_allows(free, size, monkeypatch):
    monkeypatch.setattr(memory, "available", lambda: free)
    tile = memory.largest_tile(size, HALO, 400)
    plan = Plan(*(exact_axis(n, t, 224, 224, 32) for n, t in zip(size, tile, strict=True)), tile)
    used, allowed = 400 * np.prod(plan.largest), min(free / 2, memory.MOST)
    if min(tile) > 32:
        assert used <= allowed * 1.05
    larger = 400 * np.prod([t + 448 + 64 for t in tile])
    assert larger > min(allowed, 400 * np.prod(size)) * 0.9


def test_a_wide_halo_may_take_more_of_what_is_free(monkeypatch):
    monkeypatch.setattr(memory, "available", lambda: 2**35)
    wide = Halo((1056, 1056), (1056, 1056), (32, 32))
    tile = memory.largest_tile((20_000, 20_000), wide, 500)
    assert min(tile) > 0.9 * 2112  # else the halo would be most of the work
    assert (min(tile) + 2112) ** 2 * 500 <= 2**34
