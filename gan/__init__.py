"""GAN training in low-level TensorFlow: pure networks and steps, with devices, disks and clocks in a thin shell."""
