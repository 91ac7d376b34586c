"""Array libraries and devices, and the few things that training needs and the standard leaves out."""

import sys
import types

from portnn.backends.batch_group import BatchGroup
from portnn.backends.catalogue import BackendStatus, backends
from portnn.backends.choosing import Backend, MissingBackendError, backend, backend_of
from portnn.backends.compiling import compile
from portnn.backends.host_numbers import native, on_host, real_numbers, to_host
from portnn.backends.libraries.windows import Window
from portnn.backends.namespaces import (
    Array,
    Namespace,
    detached,
    device,
    is_array,
    library_name,
    namespace,
    portable,
    without_graph,
)
from portnn.backends.padding import where_running, zero_padding
from portnn.backends.patch_gathering import add_patches, image_blocks, padded, patches, windows
from portnn.backends.random import generator, generator_from_json, keep_mask, seed_of, state_to_json
from portnn.backends.recurrent_products import gates_first, product, products, slices_are_views
from portnn.backends.row_gradient import RowGradient, SummedRows, coalesce
from portnn.backends.scanning import scan
from portnn.backends.scatter import minus_one_hot, one_hot, scatter_add
from portnn.backends.tree import tree_flatten, tree_map, tree_unflatten

__all__ = [
    "Array",
    "Backend",
    "BackendStatus",
    "BatchGroup",
    "MissingBackendError",
    "Namespace",
    "RowGradient",
    "SummedRows",
    "Window",
    "add_patches",
    "backend",
    "backend_of",
    "backends",
    "coalesce",
    "compile",
    "detached",
    "device",
    "gates_first",
    "generator",
    "generator_from_json",
    "image_blocks",
    "is_array",
    "keep_mask",
    "library_name",
    "minus_one_hot",
    "namespace",
    "native",
    "on_host",
    "one_hot",
    "padded",
    "patches",
    "portable",
    "product",
    "products",
    "real_numbers",
    "scan",
    "scatter_add",
    "seed_of",
    "slices_are_views",
    "state_to_json",
    "to_host",
    "tree_flatten",
    "tree_map",
    "tree_unflatten",
    "where_running",
    "windows",
    "without_graph",
    "zero_padding",
]


class _CallableModule(types.ModuleType):
    """Make `portnn.backends` and `portnn.backends()` both work, whichever is used first."""

    def __call__(self) -> list[BackendStatus]:
        return backends()


sys.modules[__name__].__class__ = _CallableModule
