"""Push: what can the platform bear? Locust runs inside a burn-rate guard. The room holds nothing yet."""
