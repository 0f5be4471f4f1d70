"""A run on the disk: its folder, its lock, its checkpoints, its logs and its sample grids."""
