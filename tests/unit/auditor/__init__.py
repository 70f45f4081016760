"""The auditor, on a small world built by hand."""
