"""Telegram: a bot of the operator writes into a chat."""
