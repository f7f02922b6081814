"""Saved SciKit-Digital-Health pipelines, checked against what SKDH can do, without importing it."""
