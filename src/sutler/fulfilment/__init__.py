"""Who does the work: providers, staff and the operator's own software. Eight rooms, imports pointing downwards only.

    worker                          which job runs when, and on which provider's behalf
      requests | reconciling        refills and cancels passed on | unknown outcomes settled
        catalogue | sending | polling   sync and prices | orders sent | orders asked about
          providers | desk          a provider as we keep and reach it | staff and executors
            models

What a report does to an order and its money is the business of `orders`.
"""
