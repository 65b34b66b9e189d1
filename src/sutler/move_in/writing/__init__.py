"""What the records become here: each verb writes one batch in the caller's transaction, set-based where it is large."""
