"""Image sources by index, and the order in which training reads them."""
