"""Break on purpose: Chaos Toolkit experiments inside a burn-rate guard. The room holds nothing yet."""
