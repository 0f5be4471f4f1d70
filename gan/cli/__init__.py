"""The commands: each module reads its flags, builds a config and calls the layers below."""
