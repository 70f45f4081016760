"""What an event costs at each stage, fitted to raw results, and what that predicts."""
