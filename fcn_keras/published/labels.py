"""Names of the classes of the published nets, in the order of their outputs."""

from fcn_keras.data import voc
from fcn_keras.labels import LabelSet

VOC = voc.LABELS

CONTEXT = LabelSet(
    (
        *VOC.names, "bag", "bed", "bench", "book", "building", "cabinet", "ceiling", "clothes",
        "computer", "cup", "door", "fence", "floor", "flower", "food", "grass", "ground",
        "keyboard", "light", "mountain", "mouse", "curtain", "platform", "sign", "plate", "road",
        "rock", "shelves", "sidewalk", "sky", "snow", "bedcloth", "track", "tree", "truck", "wall",
        "water", "window", "wood",
    )
)  # fmt: skip

NYUD = LabelSet(
    (
        "wall", "floor", "cabinet", "bed", "chair", "sofa", "table", "door", "window", "bookshelf",
        "picture", "counter", "blinds", "desk", "shelves", "curtain", "dresser", "pillow",
        "mirror", "floor mat", "clothes", "ceiling", "books", "refrigerator", "television",
        "paper", "towel", "shower curtain", "box", "whiteboard", "person", "night stand", "toilet",
        "sink", "lamp", "bathtub", "bag", "other structure", "other furniture", "other prop",
    )
)  # fmt: skip

SIFT_FLOW = {
    "semantic": LabelSet(
        (
            "awning", "balcony", "bird", "boat", "bridge", "building", "bus", "car", "cow",
            "crosswalk", "desert", "door", "fence", "field", "grass", "moon", "mountain", "person",
            "plant", "pole", "river", "road", "rock", "sand", "sea", "sidewalk", "sign", "sky",
            "staircase", "streetlight", "sun", "tree", "window",
        )
    ),
    "geometric": LabelSet(("sky", "horizontal", "vertical")),
}  # fmt: skip
