"""What runs inside Locust's own processes, and nowhere else: Locust patches the standard library.

Promises: nothing is asked but the hosts of the environment, every request says that it is load, and a process
whose run is gone ends at once.
"""
