"""The machine that computes: processor, devices, what is fastest on it, signals, versions."""
