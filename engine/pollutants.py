"""The pollutants of air-quality indices: their rows wherever arrays have one for each."""

PM25, PM10, O3, CO, SO2, NO2 = range(6)
"""Canonical units µg/m3, µg/m3, ppb, ppm, ppb, ppb."""
