"""The three kinds of picture that are taken: read by their headers, and cut down to what makes the picture."""
