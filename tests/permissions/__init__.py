"""Least privilege, proven: each call needs a permission of its role, and each permission a call (or a reason)."""
