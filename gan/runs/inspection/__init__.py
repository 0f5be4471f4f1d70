"""What is wrong in the folder of a run: each module looks at one kind of thing there, and writes nothing."""
