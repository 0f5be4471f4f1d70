"""A run's generator behind a local page: what draws, what follows the newest checkpoint, what answers a browser."""
