"""How fast a training step is, what its parts cost, and how far it is from the limit of the machine and from others."""
