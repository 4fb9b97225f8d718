"""Compiles the kernels: their signatures are fixed, so importing a module compiles and caches."""

import importlib
import pkgutil

import engine
import ingest


def compile_kernels() -> list[str]:
    """Import every module that may hold kernels; returns their names."""
    names = [
        f"{room.__name__}.{found.name}"
        for room in (engine, ingest)
        for found in pkgutil.iter_modules(room.__path__)
    ]
    for name in names:
        importlib.import_module(name)
    return names
