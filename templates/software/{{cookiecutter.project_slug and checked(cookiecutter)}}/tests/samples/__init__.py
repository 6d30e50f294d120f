"""Requests that stand for the capabilities, declared once, a file each; one without a sample shuts gate T2.6."""
