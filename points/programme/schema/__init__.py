"""What a programme file may say. The structs are the vocabulary; `points.programme.text` reads a file into them."""
