"""Images and figures as files: grids, animations, curves."""
