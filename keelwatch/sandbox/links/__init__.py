"""The lines between the regions: a TCP proxy per service and direction, each with the faults of a long line.

    west-east-postgres    connections from the west to the east's PostgreSQL; the others are named alike

Whoever belongs to a region reaches the other one through its link; who belongs to none (CRM, customers,
edge, Prometheus, heartbeat) connects directly. Faults of the component `link` strike here, within 40 ms.
"""
