"""A real Kubernetes of one node on this machine: built once, up in ten seconds, gone without a trace."""
