"""Connected components of label maps, and how the regions of two maps overlap."""

import numpy as np

from fcn_keras.checks import one_of

STRUCTURES = {4: ((0, 1, 0), (1, 1, 1), (0, 1, 0)), 8: ((1, 1, 1), (1, 1, 1), (1, 1, 1))}


def components(mask, connectivity=4):
    """Returns the connected components of a mask.

    Args:
        mask: bool (H, W).
        connectivity: 4, where only pixels that share an edge belong together, or 8, where those
            that share a corner do too.

    Returns:
        int32 (H, W): 0 outside the mask, 1, 2, ... for the components.

    Raises:
        ValueError: for another connectivity.

    Example:

    >>> int(components(np.array([[1, 0], [0, 1]], bool), connectivity=4).max())
    2
    """
    from scipy import ndimage

    structure = STRUCTURES[one_of("connectivity", connectivity, tuple(STRUCTURES))]
    return ndimage.label(mask, structure)[0]


def numbered_regions(regions, connectivity=4):
    """Returns the regions of one map numbered from 1; 0 is what lies between them.

    Args:
        regions: whole numbers (H, W). A map of two values, one of them 0 (bool, 0 and 1, 0 and
            255), is a mask, whose connected components are the regions; a map of more values has
            a number for each region.
        connectivity: As for `components`.

    Returns:
        int32 (H, W).

    Raises:
        ValueError: for numbers that are negative or not whole.
    """
    regions = np.asarray(regions)
    if regions.dtype == bool:
        return components(regions, connectivity)
    if regions.size and (regions.min() < 0 or (regions != np.trunc(regions)).any()):
        wrong = regions[(regions < 0) | (regions != np.trunc(regions))][0]
        raise ValueError(f"The regions of a map are whole numbers of at least 0, got {wrong}.")
    highest = regions.max(initial=0)
    if ((regions == 0) | (regions == highest)).all():
        return components(regions != 0, connectivity)
    return small_numbers(regions)


def small_numbers(regions):
    """Returns the numbers of regions, made consecutive where they exceed the number of pixels.

    Args:
        regions: whole numbers of at least 0 (H, W); 0 stays 0.

    Returns:
        int32 (H, W), in the same order.
    """
    if regions.max(initial=0) <= regions.size:
        return regions.astype(np.int32)
    numbers = np.unique(regions, return_inverse=True)[1].reshape(regions.shape)
    return (numbers + (regions.min() > 0)).astype(np.int32)


def overlaps(truth, prediction):
    """Returns how many pixels each pair of regions has in common, as a sparse matrix.

    Args:
        truth: whole numbers of at least 0, of any shape.
        prediction: The same of the other map.

    Returns:
        A `scipy.sparse.csr_array` (largest true number + 1, largest predicted number + 1), int64.

    Example:

    >>> overlaps(np.array([0, 1, 1]), np.array([2, 2, 2])).toarray()
    array([[0, 0, 1],
           [0, 0, 2]])
    """
    from scipy import sparse

    truth, prediction = np.ravel(truth), np.ravel(prediction)
    shape = truth.max(initial=0) + 1, prediction.max(initial=0) + 1
    ones = np.ones(truth.size, np.int64)
    return sparse.coo_array((ones, (truth, prediction)), shape).tocsr()
