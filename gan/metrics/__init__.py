"""How good generated images are, from arrays to numbers: distances between sets of features, and class statistics."""
