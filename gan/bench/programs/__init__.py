"""The article's training step in other frameworks, and what times single operations: programs of their own."""
