"""Images from a trained generator: by seed, on walks between latents, as files."""
