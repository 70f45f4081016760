"""How a program of ours identifies itself to servers, and makes sure that they are the right ones."""
