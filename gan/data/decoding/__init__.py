"""From an encoded image of any common format to uint8 pixels of the wanted form."""
