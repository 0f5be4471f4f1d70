"""One step of a GAN as pure functions: objectives, penalties, optimizers, gradients; tensors in, tensors out."""
