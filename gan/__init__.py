"""GAN training in low-level TensorFlow: pure networks and steps, a thin shell of devices, disks and clocks around them."""
