"""What a set of image files is made of: what lies in a folder or an archive, what is known of it, its classes."""
