"""The ground all pages stand on: layouts, style, signing in, doors, plots, paging, languages.

Knows who is looking, never what they look at: services and orders belong to the rooms above (shop, office, api).
"""
