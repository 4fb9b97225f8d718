"""Bytes, words and lines of memory by address, below what numba has for arrays.

Single bytes and words are what the scanner's inner kernels read with.

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
_WRITE, _KEEP, _DATA = 1, 3, 1


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


@intrinsic
def prefetch(_context: Any, array: Any, row: Any, column: Any) -> Any:
    """Ask for the line where `array[row]`, or `array[row, column]`, begins; it need not exist.

    A processor finds out by itself what a loop reads next where that lies in a row. Readings of
    many series skip from line to line: each is waited for, unless it was asked for before.
    """

    def build(context: Any, builder: Any, _signature: Any, arguments: Any) -> Any:
        of = context.make_array(array)(context, builder, arguments[0])
        strides = cgutils.unpack_tuple(builder, of.strides, array.ndim)
        offset = builder.mul(arguments[1], strides[0])
        if array.ndim == 2:
            offset = builder.add(offset, builder.mul(arguments[2], strides[1]))
        byte = ir.IntType(8).as_pointer()
        number = ir.IntType(32)
        at = builder.gep(builder.bitcast(of.data, byte), [offset])
        ask = cgutils.get_or_insert_function(
            builder.module,
            ir.FunctionType(ir.VoidType(), [byte, number, number, number]), "llvm.prefetch.p0",
        )
        builder.call(ask, [at, number(_WRITE), number(_KEEP), number(_DATA)])
        return context.get_dummy_value()

    return types.void(array, types.int64, types.int64), build
