"""The shell around the core: devices, the loop, checkpoints, the run's folder, summaries."""
