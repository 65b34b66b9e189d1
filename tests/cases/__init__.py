"""Inputs from real life, made small, and where they lie."""

from pathlib import Path

INPUTS = Path(__file__).parent
