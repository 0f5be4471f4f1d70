"""Images from NumPy archives, and what arrays of images may be."""
