"""Groups: processes that train together, on one machine or several, and what they exchange."""

from portnn.groups.agreement import check_agreement
from portnn.groups.group import ALONE, Group, from_first, machine_by_machine
from portnn.groups.launcher import Launched, launched
from portnn.groups.local import GoneError, LocalGroup, WorkerError
from portnn.groups.local_start import local_group
from portnn.groups.mpi import (
    MPIGroup,
    StalledError,
    abort,
    find_mpi,
    in_turn,
    library_of,
    load_mpi,
    mpi_group,
    takes_gpu_buffers,
)
from portnn.groups.shared_arrays import CommonArray, common_array
from portnn.groups.way import Place, way_of

__all__ = [
    "ALONE",
    "CommonArray",
    "GoneError",
    "Group",
    "Launched",
    "LocalGroup",
    "MPIGroup",
    "Place",
    "StalledError",
    "WorkerError",
    "abort",
    "check_agreement",
    "common_array",
    "find_mpi",
    "from_first",
    "in_turn",
    "launched",
    "library_of",
    "load_mpi",
    "local_group",
    "machine_by_machine",
    "mpi_group",
    "takes_gpu_buffers",
    "way_of",
]
