"""The pure middle: arrays in, arrays out. No socket, no clock, no logging."""
