"""The desk: a question that no article answered becomes a ticket, and the ticket an answer."""
