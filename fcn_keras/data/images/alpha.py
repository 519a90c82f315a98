"""Alpha: a fourth channel that may be transparency, or a band of its own such as near infrared."""

import numpy as np
from PIL import Image

ALPHAS = ("ignore", "composite", "band")
MEANS = {
    "ignore": "leaves it out",
    "composite": "takes it as transparency and puts the image on white",
    "band": "keeps it as a channel of its own",
}
BANDED = ("TIFF", "JPEG2000")  # formats in which a fourth band is often no transparency
CHOICE = (
    "for all images give " + ", ".join(f'alpha="{name}" ({text})' for name, text in MEANS.items())
    + "; on the command line folder:DIR,alpha=ignore, or predict --image-alpha ignore"
)  # fmt: skip


def has_alpha(image):
    """Returns whether a Pillow image has an alpha channel or a transparent colour."""
    return image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info


def settled_alpha(image, choice, kind=None):
    """Returns a Pillow image with alpha as RGB, or with `choice` "band" as LA or RGBA.

    Args:
        image: An image with alpha.
        choice: One of `ALPHAS`. None: alpha that is 255 everywhere is left out, other alpha is
            taken as transparency; but not where it may well be something else.
        kind: Name of the file's format.

    Raises:
        ValueError: without `choice`, for a TIFF with pixels that are neither opaque nor
            transparent, and for an image without a visible pixel.
    """
    image = image.convert("LA" if image.mode in ("LA", "La") else "RGBA")
    if choice == "band":
        return image
    alpha = image.getchannel("A")
    lowest, highest = alpha.getextrema()
    if choice == "ignore" or choice is None and lowest == 255:
        return image.convert("RGB")
    if choice is None:
        if kind and highest == 0 and any(low != high for low, high in image.getextrema()[:-1]):
            raise ValueError(
                f"its alpha is 0 everywhere, so that all of it would be white; {CHOICE}"
            )
        if kind in BANDED and sum(alpha.histogram()[1:255]):
            raise ValueError(
                f"the last of its {len(image.getbands())} bands is called alpha and has values of "
                f"{lowest} to {highest}: it may be transparency, or a band such as near infrared; "
                f"{CHOICE}"
            )
    return on_white(image)


def on_white(image):
    """Returns a Pillow image with alpha on white, as RGB."""
    image = image.convert("RGBA")
    white = Image.new("RGBA", image.size, (255, 255, 255, 255))
    return Image.alpha_composite(white, image).convert("RGB")


def varies(image):
    """Returns whether some pixel of a loaded Pillow image is not opaque."""
    return has_alpha(image) and image.convert("RGBA").getchannel("A").getextrema()[0] < 255


def array_on_white(pixels, sure=False):
    """Returns an array (H, W, 4) of 0-255 on white, (H, W, 3).

    Args:
        pixels: uint8 or float, the fourth channel is alpha.
        sure: Whether it is known that it is.

    Raises:
        ValueError: if it is not known, and does not look like it: most pixels are neither opaque
            nor transparent.
    """
    alpha = pixels[..., 3]
    between = float(np.mean((alpha > 0) & (alpha < 255)))
    if not sure and between > 0.5:
        raise ValueError(
            "The image has four channels and the model takes three. The fourth does not look like "
            f"transparency: {between:.0%} of its values are neither 0 nor 255. Pass "
            "image[..., :3], or RGB that you made of it."
        )
    if pixels.dtype == np.uint8:
        return np.array(on_white(Image.fromarray(pixels, "RGBA")))
    alpha = pixels[..., 3:] / 255
    return pixels[..., :3] * alpha + 255 * (1 - alpha)
