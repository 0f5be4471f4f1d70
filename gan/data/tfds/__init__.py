"""Images from data sets of TensorFlow Datasets, without TensorFlow but to download them."""
