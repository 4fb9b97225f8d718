"""Kernels: numba functions of fixed signatures, kept compiled beside their source.

numba loads, or compiles, a function with a signature where it stands, so that importing the engine
took 1.4 s for kernels of which a program calls some, and leaving it half a second more. A `Kernel`
does that when it is first called, or first met by another that is compiled; which types it takes
is fixed all the same, and `load` makes all of them ready.
"""

from collections.abc import Callable
from typing import Any

import numba as nb
from numba.core.compiler_lock import global_compiler_lock
from numba.core.registry import CPUDispatcher

Function = Callable[..., Any]

_declared: "list[Kernel]" = []


class Kernel(CPUDispatcher):  # type: ignore[misc]
    """A function that is compiled, or loaded, for its signature as it is first needed."""

    def declare(self, signature: Any) -> None:
        """Fix what it takes: a signature in numba's notation."""
        self.enable_caching()
        self.declared = signature
        _declared.append(self)

    def ready(self) -> None:
        """Load or compile, once; a call with other types is a TypeError from then on."""
        with global_compiler_lock:  # numba's own: with another, two threads could wait for ever
            if self._can_compile:
                self.compile(self.declared)
                self.disable_compile()

    def _compile_for_args(self, *args: Any, **kwargs: Any) -> Any:
        """numba asks here what to call where it holds nothing compiled for the arguments."""
        self.ready()
        return self

    def get_call_template(self, args: Any, kws: Any) -> Any:
        """numba asks here while it compiles a function that calls this one."""
        self.ready()
        return super().get_call_template(args, kws)


def kernel(signature: Any, *, lean: bool = False) -> Callable[[Function], Function]:
    """Compile with a fixed signature, cached on disk, so that no start waits for a compiler.

    lean: without the counting of who holds each array, which costs 100 ns a reading where a loop
    hands a dozen of them on; such a kernel can make no arrays.
    """

    def declared(function: Function) -> Function:
        options = {"nopython": True, "nogil": True, "boundscheck": None}
        made = Kernel(function, targetoptions=options | ({"_nrt": False} if lean else {}))
        made.declare(signature)
        return made

    return declared


def inner(function: Function) -> Function:
    """Compile into the kernels that call it, by the types they give; a start does not load it."""
    return nb.njit(function, cache=True, nogil=True)  # type: ignore[no-any-return]


def lean_inner(function: Function) -> Function:
    """As `inner`, for what a `lean` kernel does with each reading: a call would cost more."""
    more = {"_nrt": False, "forceinline": True}
    return nb.njit(function, cache=True, nogil=True, **more)  # type: ignore[no-any-return]


def load() -> None:
    """Make all kernels ready that were imported so far."""
    for each in _declared:
        each.ready()
