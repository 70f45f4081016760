"""What an operator does with dead letters: look, redrive, discard."""
