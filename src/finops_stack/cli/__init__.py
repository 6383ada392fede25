"""The command line: parse, call, print, set the exit code."""
