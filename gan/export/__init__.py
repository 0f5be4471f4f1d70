"""Trained networks in the formats of other programs; the only package that may import Keras."""
