"""Notices in the office: what somebody hears of, channels besides e-mail, what was delivered."""
