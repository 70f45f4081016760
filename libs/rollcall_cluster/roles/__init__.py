"""`rollcall roles`: the statements that create a deployment's database roles."""
