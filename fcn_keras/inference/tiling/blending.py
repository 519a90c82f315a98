"""Blending: the weighted sum of the outputs of overlapping windows."""


class Blender:
    """Sums the parts of blocks to which several windows contribute.

    Args:
        plan: The `Plan` whose windows come in its order.
    """

    def __init__(self, plan):
        self._plan, self._waiting = plan, {}

    def add(self, window, block, answer):
        """Adds the part of a window to a block.

        Args:
            window, block: Their numbers.
            answer: The net's output for the window, (H, W) or (H, W, channels).

        Returns:
            The block once it is complete, else None.
        """
        corner = [place.start for place in self._plan.window(window)]
        part = answer[
            tuple(
                slice(place.start - start, place.stop - start)
                for place, start in zip(self._plan.block(block), corner, strict=True)
            )
        ]
        share = self._plan.share(window, block)
        if share is None:
            return part
        if block in self._waiting:
            self._waiting[block] += share * part
        else:
            self._waiting[block] = share * part
        return self._waiting.pop(block) if self._plan.last_of(block) == window else None
