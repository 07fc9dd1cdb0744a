"""What a stack can outgrow: database, objects, key-value store and executor, each a Protocol and its adapters."""
