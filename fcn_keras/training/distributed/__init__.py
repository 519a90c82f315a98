"""One training over several processes: joining them, and what each of them does."""

from fcn_keras.training.distributed.joining import Group, ProcessLostError, group, join
from fcn_keras.training.distributed.sharing import alone, check_divided, run_folder, whole_batch

__all__ = [
    "Group",
    "ProcessLostError",
    "alone",
    "check_divided",
    "group",
    "join",
    "run_folder",
    "whole_batch",
]
