"""What operators do by hand: orders with dry run, each written down in the transaction of its effect."""
