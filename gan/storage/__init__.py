"""Files that survive: written whole or not at all, verified, and one line where the storage refuses."""
