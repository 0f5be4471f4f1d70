"""The export for browsers: one folder that any static server can serve, with page, model and runtime."""
