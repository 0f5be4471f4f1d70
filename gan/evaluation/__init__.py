"""How good the images of a run are: features of images, what is compared, and what was measured so far."""
