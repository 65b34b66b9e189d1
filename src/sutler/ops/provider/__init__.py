"""`sutler provider`: upstream panels, their accounts, catalogues, routes and words."""
