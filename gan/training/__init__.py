"""The loop: replicas, chunks of steps, and what is due between them."""
