"""Toy actors: one of each kind of run, on the kernel and on nothing else, in a world of small files."""
