"""Names of the files that lie beside an exported net and describe it."""

TASK, LABELS, HALO = "task.json", "labels.json", "halo.json"
IMAGES = "images.json"  # how image files are read, where that was chosen
