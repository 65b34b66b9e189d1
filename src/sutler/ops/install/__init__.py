"""`sutler install`, `uninstall` and `upgrade`: a panel as a service of a machine with systemd and Caddy."""
