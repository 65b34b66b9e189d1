"""BTCPay Server: the operator's own server takes bitcoin, and is asked through its Greenfield API."""
