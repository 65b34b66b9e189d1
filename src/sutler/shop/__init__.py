"""The shop: the pages of customers. One view file a noun, the same verbs as programs call.

Every query and every change here is bound to `request.customer`.
"""
