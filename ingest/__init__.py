"""The shell around the engine: session, admission, archive, the one loop, sinks."""
