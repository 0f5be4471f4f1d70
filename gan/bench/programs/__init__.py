"""Programs of their own: the article's training step in other frameworks, and what times operations and many files."""
