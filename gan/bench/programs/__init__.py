"""The article's training step in other frameworks, what times single operations and very many files: programs of their own."""
