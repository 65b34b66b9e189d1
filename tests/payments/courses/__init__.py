"""Random courses of payments at scripted gateways, the panel killed between any two of its steps."""
