"""U-Net++: between the maps of the way down and up are others, all of a level connected.

stride 2:   tap -- 1 -- 2 -- 3 -- 4 - upsampled, two 3x3 - scores
              \   /  \ /  \ /  \ /
stride 4:     tap -- 1 -- 2 -- 3         each node: the one below it, upsampled, beside all
                \   /  \ /  \ /          earlier ones of its level; two 3x3
stride 8:       tap -- 1 -- 2
                  \   /  \ /
stride 16:        tap -- 1
                    \   /
stride 32:          tap
"""

from fcn_keras.models.decoders.unet import UNet
from fcn_keras.models.levels import with_filters


class UNetPlusPlus(UNet):
    """Nested features: each is mixed from one below it and from all earlier ones of its level.

    The last node of each level has the filters of `filters`, the others as many as the level's map.

    Args:
        channels, alignment, suffix, filters, dropout, normalization, momentum: As `UNet`.

    Source: Zhou, Siddiquee, Tajbakhsh, Liang (2018), "UNet++: A Nested U-Net Architecture for
    Medical Image Segmentation", section 3 and figure 1. There is no deep supervision.
    """

    def features(self, levels):
        """Returns the features of the image's pixels."""
        deepest, *finer, pixels = with_filters(levels, self.filters)
        coarser = [self.begin(deepest)]
        for level in finer:
            nodes = [level.tap]
            for number, below in enumerate(coarser, start=1):
                last = number == len(coarser)
                filters = level.filters if last else level.tap.tensor.shape[-1]
                name = f"{level.name}_{number}"
                nodes.append(self.node(below, nodes, level, filters, name))
            coarser = nodes
        return self.node(coarser[-1], (), pixels, pixels.filters, pixels.name)
