"""`rollcall doctor`: looks at a deployment's servers, settings and replicas before they bite."""
