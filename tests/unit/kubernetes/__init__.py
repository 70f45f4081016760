"""The manifests in kubernetes/."""
