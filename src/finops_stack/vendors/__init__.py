"""Vendors are folders: find them, read them, say what is wrong with one."""
