"""The pure core: networks, losses, optimizers and the training step; tensors in, tensors out."""
