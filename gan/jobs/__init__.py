"""What each command does, as a function of a typed request: the Python interface of the engine."""
