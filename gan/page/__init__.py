"""The page on which a generator is played with: its static files, the same in bin/explore and in the web export."""
