"""`rollcall reconcile`: makes a restored database agree with what Kafka holds already."""
