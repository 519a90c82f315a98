"""Names of the files that lie beside an exported net and describe it."""

TASK, LABELS, HALO = "task.json", "labels.json", "halo.json"
