"""Single bytes and words by address: what the scanner's inner kernels read with.

Handing an array to a small kernel costs more than what most of them do (it is counted as in use
and released again, and cannot be inlined), so these take the address of the first byte and
indices. Nothing checks an index here: each kernel compares it with its `last` before it reads, and
the fuzzer runs them on buffers that end at a page that cannot be read.
"""

from typing import Any

import numba as nb
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

ADDRESS = nb.int64
"""Type of an address in the signatures of kernels."""


@intrinsic
def octet(_context: Any, address: Any) -> Any:
    """The byte at an address."""

    def build(_ctx: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        pointer = builder.inttoptr(arguments[0], cgutils.voidptr_t)
        return builder.load(builder.bitcast(pointer, ir.IntType(8).as_pointer()), align=1)

    return types.uint8(types.int64), build


@intrinsic
def octets(_context: Any, address: Any) -> Any:
    """The 8 bytes at an address, the first one lowest (this machine is little-endian)."""

    def build(_ctx: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        pointer = builder.inttoptr(arguments[0], ir.IntType(64).as_pointer())
        return builder.load(pointer, align=1)

    return types.uint64(types.int64), build
