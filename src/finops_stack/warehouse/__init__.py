"""The lake: connect, attach, snapshots, published pointer, run lock."""
