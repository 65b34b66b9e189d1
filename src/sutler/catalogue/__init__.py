"""What is sold and at what price: services, categories, price lists, exchange rates, the `services` answer.

Never touches a balance or an order; who a customer is comes in as a parameter.
"""
