"""The libraries of the desk: which they are, whether they are those that are pinned, and what is known of them."""
