"""Names of the files that lie beside an exported net and describe it."""

LABELS, HALO = "labels.json", "halo.json"
