"""Grafana's dashboards as code, and pictures of them for the documentation."""
