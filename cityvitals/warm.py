"""Compiles the kernels: their signatures are fixed, so each can be made ready without a reading."""

import importlib
import pkgutil

import engine
import ingest
from engine.kernel import load


def compile_kernels() -> list[str]:
    """Import every module that may hold kernels, and make them ready; returns their names."""
    names = [
        f"{room.__name__}.{found.name}"
        for room in (engine, ingest)
        for found in pkgutil.iter_modules(room.__path__)
    ]
    for name in names:
        importlib.import_module(name)
    load()
    return names
