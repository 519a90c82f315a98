"""Pictures: overlays with legends, comparisons of truth and prediction, curves, confusion matrices.

They are drawn by Pillow and Matplotlib's Agg canvas, without display, pyplot state or TensorFlow.
"""

from fcn_keras.visualize.charts import confusion_matrix, curves
from fcn_keras.visualize.contact_sheet import contact_sheet
from fcn_keras.visualize.flow_colors import flow_colors
from fcn_keras.visualize.heat import save_heat_map
from fcn_keras.visualize.instances import save_instances
from fcn_keras.visualize.legends import legend
from fcn_keras.visualize.overlay import overlay, paint
from fcn_keras.visualize.painters import for_task
from fcn_keras.visualize.sheets import comparison, save_label_map, save_overlay
from fcn_keras.visualize.uncertainty import uncertainty

__all__ = [
    "comparison",
    "confusion_matrix",
    "contact_sheet",
    "curves",
    "flow_colors",
    "for_task",
    "legend",
    "overlay",
    "paint",
    "save_heat_map",
    "save_instances",
    "save_label_map",
    "save_overlay",
    "uncertainty",
]
