"""One file per page: each makes the context of its page from the stack."""
