"""Generators and discriminators as pure functions: layers, blocks, and the pairs that are made of them."""
