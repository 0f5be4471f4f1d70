"""Pictures of clothing drawn by the program: a data set without files."""
